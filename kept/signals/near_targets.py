"""Of many promises, how many were kept just often enough? Counts just below and just above their targets.

Where nobody steers to a target, as many shares lie a little above it as a little below (the density has no jump there:
J. McCrary, Journal of Econometrics 142, 2008). More above is a reason to check how they are counted, and no more than
that: a target may have been set at what is reached anyway, and people do stop at a target honestly.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Final, NamedTuple

from scipy.special import bdtrc

POINT: Final = Fraction(1, 100)
ALPHA: Final = 0.01


class NearTargets(NamedTuple):
    """Promises within some points of their target, of `known` with a target and a volume.

    `below` < target <= `above`; `at` of those above are exactly at it. Left out, and counted: `no_room`, whose target
    is nearer to 0 or 100 % than the points, and `few`, with so few cases that their shares step over the points.
    """

    points: Fraction
    known: int
    below: int
    above: int
    at: int
    no_room: int
    few: int
    chance: float
    """P(as many or more above, if above and below were equally likely): exact binomial, one-sided."""

    @property
    def is_to_check(self) -> bool:
        """Whether there are more just above than chance explains, also when those exactly at it are left out."""
        return self.chance < ALPHA and _chance(self.above - self.at, self.below) < ALPHA

    @property
    def words(self) -> str:
        """One sentence with the counts."""
        points = float(self.points * 100)
        within = "within a point" if points == 1 else f"within {points:g} points"
        return (
            f"Of {self.below + self.above:,} promises {within} of their target, {self.above:,} lie at or just above it "
            f"({self.at:,} exactly at it) and {self.below:,} just below"
        )


def near_targets(promises: Iterable[tuple[int, int, float | Fraction]], points: float = 1) -> NearTargets:
    """Counts within so many `points` (per cent points) of the target, of promises (kept, n, target as a share).

    Shares are compared as fractions, so that 4 of 5 is exactly 80 %. Raises `ValueError` when `points` is not more
    than 0, a target not in (0, 1], or kept not in [0, n]; a promise without volume is not known, and left out.
    """
    width = Fraction(str(points)) * POINT
    if width <= 0:
        raise ValueError(f"points: {points} is not valid; valid: more than 0")
    known = below = above = at = no_room = few = 0
    for kept, n, target in promises:
        aim = target if isinstance(target, Fraction) else Fraction(str(target))
        if not 0 < aim <= 1 or not 0 <= kept <= n:
            raise ValueError(f"({kept}, {n}, {target}) is no promise; valid: 0 <= kept <= n, a target in (0, 1]")
        if n == 0:
            continue
        known += 1
        if aim + width > 1 or aim - width < 0:
            no_room += 1
        elif n * width < 1:
            few += 1
        else:
            distance = Fraction(kept, n) - aim
            below += -width <= distance < 0
            above += 0 <= distance <= width
            at += distance == 0
    return NearTargets(width, known, below, above, at, no_room, few, _chance(above, below))


def _chance(above: int, below: int) -> float:
    return float(bdtrc(above - 1, above + below, 0.5)) if above else 1.0
