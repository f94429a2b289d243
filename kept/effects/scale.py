"""On which scale a figure is compared, and how much of a move is worth while."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final, NamedTuple

from kept.signals.spc import Direction

WORTHWHILE_RATIO: Final = 0.1
"""A time, an amount of money or a backlog must get better by a tenth."""
WORTHWHILE_SHARE: Final = 0.03
"""A share must get better by three points of a hundred, ..."""
WORTHWHILE_POINTS: Final = 3.0
"""... and a score of 0 to 100 by three, ..."""
WORTHWHILE_OF_ROOM: Final = 0.25
"""... or by a quarter of what there is to gain, where that is less."""
_CEILINGS: Final = {"share": 1.0, "points": 100.0}


class Scale(NamedTuple):
    """`relative`: logarithms are compared, so that an effect is a share of the level; else the plain values."""

    unit: str
    relative: bool

    def of(self, value: float) -> float:
        """A value on the scale."""
        return math.log(value) if self.relative else float(value)

    def value(self, scaled: float) -> float:
        """The value of a place on the scale."""
        return math.exp(scaled) if self.relative else scaled

    def size(self, effect: float) -> float:
        """A difference on the scale as people read it: a share of the level, or a difference in the unit."""
        return math.expm1(effect) if self.relative else effect

    def variance(self, value: float, low: float | None, high: float | None) -> float | None:
        """What chance alone does to the value, as a variance on the scale, from its 95 % interval; None without one."""
        if low is None or high is None or high <= low:
            return None
        half = (high - low) / 2 / 1.96
        return (half / value) ** 2 if self.relative else half**2

    def worthwhile(self, level: float, way: Direction) -> float:
        """The least change from `level` that is worth while, on the scale, as a positive number."""
        if self.relative:
            return abs(math.log1p(WORTHWHILE_RATIO if way == "up" else -WORTHWHILE_RATIO))
        ceiling = _CEILINGS.get(self.unit)
        if ceiling is None:
            return WORTHWHILE_RATIO * abs(level) or 1.0
        room = max(0.0, ceiling - level if way == "up" else level)
        return min(WORTHWHILE_SHARE if self.unit == "share" else WORTHWHILE_POINTS, WORTHWHILE_OF_ROOM * room)


def scale_of(unit: str, values: Iterable[float]) -> Scale:
    """The scale of figures in `unit`: relative for what has no ceiling and is never 0."""
    return Scale(unit, unit not in _CEILINGS and all(value > 0 for value in values))
