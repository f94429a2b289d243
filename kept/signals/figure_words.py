"""An indicator's value as people read it in a sentence."""

from __future__ import annotations

from typing import Final

from kept.buckets import DAY_SECONDS, HOUR_SECONDS

_DIGITS: Final = 3


def figure_words(value: float, unit: str) -> str:
    """Three digits that matter, with the unit unless it is a share or points; seconds as hours or days."""
    if unit == "seconds":
        if abs(value) >= 2 * DAY_SECONDS:
            return f"{_short(value / DAY_SECONDS)} d"
        return f"{_short(value / HOUR_SECONDS)} h"
    if unit in ("share", "points"):
        return _short(value)
    return f"{_short(value)} {unit}"


def _short(value: float) -> str:
    whole = abs(value) >= 10 ** (_DIGITS - 1)
    return f"{value:,.0f}" if whole else f"{value:.{_DIGITS}g}"
