"""Did it work? What became of a registered change: an estimate, its uncertainty, and a verdict in one plain sentence.

Pure. It loads statsmodels (a second, 170 MB), so nothing that a worker imports may import it.
"""
