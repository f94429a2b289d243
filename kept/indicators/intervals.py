"""Closed-form intervals from counts alone, so that every path gives the same digits; 95 % unless asked otherwise."""

from __future__ import annotations

import math

Z = 1.959963984540054
"""The 97.5 % quantile of the standard normal distribution."""


def wilson(successes: float, n: int, z: float = Z) -> tuple[float, float]:
    """The Wilson score interval (1927) of a share of `n` > 0, at the normal quantile `z`; also bounds the mean of n
    values within [0, 1]."""
    share = successes / n
    centre = share + z * z / (2 * n)
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    return max(0.0, (centre - half) / scale), min(1.0, (centre + half) / scale)


def quantile_ranks(n: int, share: float) -> tuple[int | None, int | None]:
    """1-based ranks that bound the `share` quantile of `n` values (normal approximation); None beyond the sample."""
    half = Z * math.sqrt(n * share * (1 - share))
    low, high = math.floor(n * share - half), math.ceil(n * share + half) + 1
    return (low if low >= 1 else None), (high if high <= n else None)


def log_log_bounds(survival: float, greenwood: float) -> tuple[float, float]:
    """Interval of a Kaplan-Meier S(t) by the log(-log) transform, with Greenwood's sum of d / (n (n - d))."""
    if survival >= 1.0:
        return 1.0, 1.0
    if survival <= 0.0:
        return 0.0, 0.0
    spread = math.exp(Z * math.sqrt(greenwood) / math.log(survival))
    return survival ** (1 / spread), survival**spread
