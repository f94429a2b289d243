"""Durations in logarithmic bins of 1 % width, so that counts add up and quantiles are good to half a per cent.

Bin 0 holds durations of 0 and below; bin i >= 1 holds [1.01^(i-1), 1.01^i) milliseconds.
"""

from __future__ import annotations

import math

GROWTH = 1.01
_BINS_PER_E_FOLD = 1.0 / math.log(GROWTH)


def bin_of(duration_ms: int) -> int:
    """The bin of a duration in milliseconds."""
    return 1 + int(math.log(duration_ms) * _BINS_PER_E_FOLD) if duration_ms > 0 else 0


def midpoint_ms(bin_index: int) -> float:
    """The geometric midpoint of a bin in milliseconds; 0 for the zero bin."""
    return math.exp((bin_index - 0.5) / _BINS_PER_E_FOLD) if bin_index else 0.0


def nearest_rank(bins: dict[int, int], rank: int) -> int:
    """The bin that holds the `rank`-th smallest duration (1-based); raises `ValueError` beyond the count."""
    seen = 0
    for index in sorted(bins):
        seen += bins[index]
        if seen >= rank:
            return index
    raise ValueError(f"rank {rank} of {seen}")
