"""Did a weekly figure move from one stretch of weeks to another by more than chance? Pure.

The difference of the two means with Welch's interval (Welch, 1947). Weeks that resemble their neighbours tell less than
as many independent ones: the number of weeks is reduced by the autocorrelation r at one week, (1 - r) / (1 + r)
(Bartlett, 1935), with r corrected for its bias in short series (Marriott and Pope, 1954) and never taken for negative.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Final, Literal

from msgspec import Struct
from scipy.special import stdtrit

LEAST_WEEKS: Final = 8
"""Fewer weeks on either side tell nothing that is worth a sentence."""
CONFIDENCE: Final = 0.99
"""Of the interval: several figures of several services are looked at, and each has its chance to err."""
MOST_ALIKE: Final = 0.9
"""An autocorrelation beyond this is taken to be this."""


class Move(Struct, frozen=True):
    """Means of a weekly figure `before` and `after`, and the interval `low` to `high` of after - before."""

    before: float
    after: float
    low: float
    high: float
    weeks_before: int
    weeks_after: int

    @property
    def difference(self) -> float:
        """after - before."""
        return self.after - self.before

    @property
    def direction(self) -> Literal["up", "down"] | None:
        """Where it really moved; None when chance alone may have done it."""
        if self.low > 0:
            return "up"
        return "down" if self.high < 0 else None


def move(before: Sequence[float], after: Sequence[float]) -> Move | None:
    """From `before` to `after`, each by time; None for fewer than `LEAST_WEEKS` in either."""
    if min(len(before), len(after)) < LEAST_WEEKS:
        return None
    share = independent_share(before, after)
    parts = [(variance(values) / (len(values) * share), len(values) * share) for values in (before, after)]
    squared = sum(part for part, _ in parts)
    difference = mean(after) - mean(before)
    half = 0.0
    if squared > 0:
        # As shares of the whole: squares of very small variances would vanish.
        freedom = 1 / sum((part / squared) ** 2 / max(1.0, weeks - 1) for part, weeks in parts)
        half = float(stdtrit(freedom, (1 + CONFIDENCE) / 2)) * math.sqrt(squared)
    rounding = 1e-12 * max(abs(mean(before)), abs(mean(after)))
    return Move(
        before=mean(before),
        after=mean(after),
        low=difference - half - rounding,
        high=difference + half + rounding,
        weeks_before=len(before),
        weeks_after=len(after),
    )


def independent_share(*stretches: Sequence[float]) -> float:
    """How many independent weeks a week is worth, from 1 down to 1/19."""
    products = squares = 0.0
    weeks = 0
    for values in stretches:
        middle = mean(values)
        products += math.fsum((a - middle) * (b - middle) for a, b in pairwise(values))
        squares += math.fsum((value - middle) ** 2 for value in values)
        weeks += len(values)
    if squares <= 0:
        return 1.0
    seen = products / squares
    alike = min(MOST_ALIKE, max(0.0, seen + (1 + 3 * seen) * len(stretches) / weeks))
    return (1 - alike) / (1 + alike)


def mean(values: Sequence[float]) -> float:
    """The arithmetic mean of at least one value."""
    return math.fsum(values) / len(values)


def variance(values: Sequence[float]) -> float:
    """The variance of at least two values, over n - 1."""
    middle = mean(values)
    return math.fsum((value - middle) ** 2 for value in values) / (len(values) - 1)
