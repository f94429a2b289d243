"""The published rules once more, written from their text and not from Kept's code: slow, in exact fractions.

Limits and rules as the R package NHSRplotthedots has them: a point that is part of a pattern is flagged, wherever in
the pattern it stands. Baselines of 12; what is close to a limit is not outside of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

BASELINE = 12


def limits(values: Sequence[float]) -> tuple[Fraction, Fraction]:
    """(mean, half the distance between the limits) from the first 12 of `values`, ranges screened once."""
    base = [Fraction(value) for value in values[:BASELINE]]
    ranges = [abs(b - a) for a, b in pairwise(base)]
    average = sum(ranges) / len(ranges)
    kept = [r for r in ranges if not r >= Fraction("3.267") * average]
    return sum(base) / len(base), Fraction("2.66") * (sum(kept) / len(kept) if kept else 0)


def flagged(values: Sequence[float]) -> dict[int, list[int]]:
    """Rule -> indices of the points that are part of it."""
    n = len(values)
    mean, half = limits(values)
    x = [Fraction(value) for value in values]
    outside = [value > mean + half or value < mean - half for value in x]
    side = [(value > mean) - (value < mean) for value in x]
    close = [
        not out and (value > mean + half * 2 / 3 or value < mean - half * 2 / 3)
        for value, out in zip(x, outside, strict=True)
    ]
    parts: dict[int, set[int]] = {1: {i for i in range(n) if outside[i]}, 2: set(), 3: set(), 4: set()}
    for start in range(n - 6):
        seven = range(start, start + 7)
        if abs(sum(side[i] for i in seven)) == 7:
            parts[2].update(seven)
        if all(x[i] < x[i + 1] for i in seven[:-1]) or all(x[i] > x[i + 1] for i in seven[:-1]):
            parts[3].update(seven)
    for start in range(n - 2):
        three = range(start, start + 3)
        if abs(sum(side[i] for i in three)) == 3 and sum(close[i] for i in three) >= 2:
            parts[4].update(i for i in three if close[i])
    return {rule: sorted(part) for rule, part in parts.items()}
