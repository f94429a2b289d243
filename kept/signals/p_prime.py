"""The p-prime chart: limits for shares whose denominators differ from week to week.

After D. B. Laney, "Improved control charts for attributes", Quality Engineering 14 (2002). Plain binomial limits cry
all the time where there are many cases, plain XmR limits are the same for a week of 20 cases and one of 2,000; these
have the width of the binomial at each denominator, times how much more than binomial the shares go up and down.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from kept.signals.spc import LIMIT_FACTOR, Limits, mean_moving_range


class PPrime(NamedTuple):
    """The mean share, all cases together, and the mean moving range of the standardised shares, screened once."""

    share: float
    spread: float

    def limits(self, n: int) -> Limits:
        """Limits of a share of `n` > 0 cases, clipped to [0, 1]: mean +- 2.66 x mean moving range of z x sigma(n)."""
        return Limits(self.share, LIMIT_FACTOR * self.spread * _sigma(self.share, n), 0.0, 1.0)


def p_prime(baseline: Sequence[tuple[int, int]]) -> PPrime | None:
    """The p-prime chart of a baseline of (numerator, denominator); None for fewer than two.

    z = (share - mean share) / sigma(n) with sigma(n) = sqrt(mean share x (1 - mean share) / n). Where all cases are
    alike (a mean of 0 or 1) there is no spread. Raises `ValueError` for a numerator outside 0 to its denominator, or
    no cases.
    """
    for numerator, n in baseline:
        if not 0 <= numerator <= n or n == 0:
            raise ValueError(f"a share of {numerator} in {n}; valid: 0 to the denominator, which is 1 or more")
    if len(baseline) < 2:
        return None
    share = sum(numerator for numerator, _ in baseline) / sum(n for _, n in baseline)
    if share in (0.0, 1.0):
        return PPrime(share, 0.0)
    standardised = [(numerator / n - share) / _sigma(share, n) for numerator, n in baseline]
    ranges = [abs(later - earlier) for earlier, later in pairwise(standardised)]
    return PPrime(share, mean_moving_range(ranges))


def _sigma(share: float, n: int) -> float:
    return math.sqrt(share * (1 - share) / n)
