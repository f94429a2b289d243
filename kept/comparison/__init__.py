"""Fair comparison: funnels in the place of league tables, gaps with intervals, and no number of a few people.

Pure. Nothing here is ordered by how well it does; docs/fair-comparison.md says how to read it and what it refuses.
"""
