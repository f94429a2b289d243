"""Placebo dates: the same estimate at every earlier date, when nothing was changed. A real effect stands out.

Where the figure moved as much at many dates without a change, the change explains nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from kept.effects.regression import Numbers, plain_step

LEAST_WEEKS: Final = 4
"""Weeks on either side of a placebo date."""
MOST_AS_LARGE: Final = 0.1
"""A real effect may be matched at one in so many of the dates, at most."""


class Placebo(NamedTuple):
    """The step on the scale of the values after each of the first `weeks` ... weeks of the stretch before."""

    weeks: Sequence[int]
    effects: Sequence[float]
    as_large: int
    """At how many dates the figure moved at least as much, either way."""

    @property
    def p(self) -> float:
        """How often a move so large comes about by itself: (as large + 1) / (dates + 1)."""
        return (self.as_large + 1) / (len(self.effects) + 1)

    @property
    def stands_out(self) -> bool:
        """Whether at most one date in ten has a move so large."""
        return bool(self.effects) and self.as_large <= MOST_AS_LARGE * len(self.effects)


def placebo(values: Numbers, times: Numbers, before: int, weights: Numbers, effect: float, *, trend: bool) -> Placebo:
    """The step at each date in the first `before` weeks: as many weeks after it as the real one has, if there are."""
    after = len(values) - before
    dates = range(LEAST_WEEKS, before - LEAST_WEEKS + 1)
    effects = []
    for date in dates:
        part = slice(0, min(before, date + after))
        effects.append(plain_step(values[part], times[part], date, weights[part], trend=trend))
    large = int(np.sum(np.abs(effects) >= abs(effect))) if effects else 0
    return Placebo(tuple(dates), tuple(effects), large)
