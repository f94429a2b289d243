"""From tallies to verdicts: is this service in trouble, since when, how sure is that, and by how many cases."""
