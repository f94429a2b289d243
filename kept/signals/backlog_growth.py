"""From daily counts to growth with its uncertainty, and to the time at which a limit is passed. Pure.

Arrivals and departures of whole weeks are compared, so that weekends cancel. Both are taken for counts whose variance
is their mean times a dispersion, which is estimated from the same weekdays of successive weeks: 1 for a Poisson
process, more where days bring bursts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

from scipy.special import betainc

from kept.indicators.intervals import Z

WEEK = 7
MEDIAN_OF_SQUARE = 0.4549364231195728
"""The median of a squared standard normal variable (chi-squared, one degree of freedom)."""


class Growth(NamedTuple):
    """What came in and went out in `days` days, and the dispersion of both."""

    days: int
    entered: int
    left: int
    dispersion: float

    @property
    def per_day(self) -> float:
        """Net growth in cases a day."""
        return (self.entered - self.left) / self.days

    @property
    def variance_per_day(self) -> float:
        """Variance of a day's net growth."""
        return self.dispersion * (self.entered + self.left) / self.days

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the growth a day (normal approximation)."""
        half = Z * math.sqrt(self.variance_per_day / self.days)
        return self.per_day - half, self.per_day + half

    @property
    def chance(self) -> float:
        """Probability that so much more would come in than go out, or more, if both rates were the same.

        The conditional test of two Poisson counts (Przyborowski and Wilenski, 1940): given their sum, one of them is
        binomial with share 1/2; counts are divided by the dispersion.
        """
        if self.entered <= 0:
            return 1.0
        return float(betainc(self.entered / self.dispersion, self.left / self.dispersion + 1, 0.5))


class Passing(NamedTuple):
    """Days until a limit is passed: the central value and the 95 % prediction interval; None is never."""

    earliest: float | None
    central: float | None
    latest: float | None


def growth(entered: Sequence[int], left: Sequence[int], days: int) -> Growth:
    """Growth over the last `days` (whole weeks) of daily counts, the newest last, of the same length."""
    return Growth(days, sum(entered[-days:]), sum(left[-days:]), dispersion(entered, left))


def dispersion(*series: Sequence[int]) -> float:
    """Variance over mean of daily counts, at least 1, from differences of the same weekday in successive weeks.

    The median of their squares tells, so that a change of level, which is what is looked for, does not count as noise.
    """
    squares = [
        (later - earlier) ** 2 / (later + earlier)
        for counts in series
        for earlier, later in zip(counts, counts[WEEK:], strict=False)
        if later + earlier > 0
    ]
    return max(1.0, median(squares) / MEDIAN_OF_SQUARE) if squares else 1.0


def passing(gap: float, seen: Growth) -> Passing:
    """When a stock that is `gap` cases below its limit passes it, if it goes on growing as it was `seen` to.

    After t days the stock has grown by N(g t, v (t + t^2/T)): v t is what the days ahead will bring by chance, v t^2/T
    what is not known of the rate g from T days. The interval ends where the limit is Z standard deviations away.
    """
    rate, variance = seen.per_day, seen.variance_per_day
    if gap <= 0:
        return Passing(0.0, 0.0, 0.0)
    noise = Z * Z * variance
    squared = rate * rate - noise / seen.days
    half = gap * rate + noise / 2
    root = half * half - squared * gap * gap
    central = gap / rate if rate > 0 else None
    if root < 0 or half <= 0:
        return Passing(None, central, None)
    earliest = gap * gap / (half + math.sqrt(root))
    return Passing(earliest, central, (half + math.sqrt(root)) / squared if squared > 0 and rate > 0 else None)


def chance_of_stock(stock: int, left: int, share: float, dispersion: float) -> float:
    """Probability of such a stock, or a greater one, if all of it could be worked off in time on average.

    `left` is what was worked off in the window, and `share` the promised time as a part of window and promised time
    together. When the stock is what is worked off in the promised time, then given `left + stock` it is binomial with
    that share (the conditional test again); counts are divided by the dispersion.
    """
    if stock <= 0:
        return 1.0
    return float(betainc(stock / dispersion, left / dispersion + 1, share))
