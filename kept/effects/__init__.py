"""Did it work? What became of a registered change: an estimate, its uncertainty, and a verdict in one plain sentence.

Pure. statsmodels (a second, 90 MB) is loaded when the first change is judged, and never by a worker.
"""
