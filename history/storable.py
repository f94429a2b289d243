"""What no store takes: numbers that are none, and whole numbers that come back as others."""

from __future__ import annotations

import math

from kept.errors import Stop
from kept.indicators.point import Point

NUMBERS = ("value", "numerator", "denominator", "low", "high")
"""Fields of a point that hold a whole or a decimal number, or nothing."""
WHOLE_LIMIT = 2**63
"""Whole numbers are kept exactly within ± this limit."""


def refuse_unstorable(point: Point) -> None:
    """Raise `Stop` for a number that no store could give back: missing has a meaning here, and so has each digit."""
    for name in (*NUMBERS, "n"):
        number = getattr(point, name)
        if number is None:
            continue
        # isfinite() would turn a large whole number into a float first.
        if isinstance(number, int):
            if not -WHOLE_LIMIT <= number < WHOLE_LIMIT:
                raise Stop(f"{_named(point)}: {name} cannot be stored, it has more than 64 bits")
        elif not math.isfinite(number):
            raise Stop(f"{_named(point)}: {name} is {number}, not a finite number")


def _named(point: Point) -> str:
    return f"{point.service} {point.indicator} {point.window}"
