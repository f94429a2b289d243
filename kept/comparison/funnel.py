"""The funnel: shares against volumes, with the limits between which chance alone keeps them.

After D. J. Spiegelhalter, "Funnel plots for comparing institutional performance", Statistics in Medicine 24 (2005).
Limits are exact binomial ones with his interpolation (appendix A.1.1): a share lies beyond the smooth line just when
the exact tail probability is below half the level, so that the picture and the verdict never disagree.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable
from typing import Final, Literal, NamedTuple

from scipy.special import betainc

from kept.comparison.dispersion import Dispersion, dispersion
from kept.comparison.members import Member, together
from kept.signals.gaps import Cohort

INNER: Final = 0.05
"""Level of the inner limits: by chance alone 1 in 20 lies beyond."""
OUTER: Final = 0.002
"""Level of the outer limits: by chance alone 1 in 500 lies beyond."""
Place = Literal["within", "below_95", "below_998", "above_95", "above_998"]
"""Where a share lies: `_95` beyond the inner limits, `_998` beyond the outer ones. On a limit is within it."""
_ROUNDING: Final = 1e-12


class Limits(NamedTuple):
    """Shares from `lower` to `upper`."""

    lower: float
    upper: float

    def widened(self, centre: float, factor: float) -> Limits:
        """`factor` times as far from the centre, within 0 and 1."""
        lower, upper = (centre + factor * (edge - centre) for edge in self)
        return Limits(max(0.0, lower), min(1.0, upper))


class Unit(NamedTuple):
    """One member in the funnel, its limits, and where it lies. The limits allow for over-dispersion where the funnel's
    `is_adjusted`."""

    name: str
    cohort: Cohort
    inner: Limits
    outer: Limits
    place: Place


class Funnel(NamedTuple):
    """`units` by name. `centre_is` says whether the centre is the share of all of them together or the target.

    Around the target limits are those of chance alone: whether the units differ from each other is another question.
    """

    centre: float
    centre_is: Literal["overall", "target"]
    units: tuple[Unit, ...]
    dispersion: Dispersion

    @property
    def is_adjusted(self) -> bool:
        """Whether limits allow for units that differ by more than chance in general."""
        return self.centre_is == "overall" and self.dispersion.is_adjusted_for

    def limits(self, n: int, level: float) -> Limits:
        """The limits by which a unit of `n` cases is judged."""
        exact = limits(n, self.centre, level)
        return exact.widened(self.centre, self.dispersion.widening(n)) if self.is_adjusted else exact

    @property
    def chance_beyond(self) -> float:
        """Units beyond the inner limits when only chance is at work: at most this many on average."""
        return INNER * len(self.units)


def funnel(members: Iterable[Member], target: float | None = None) -> Funnel | None:
    """The funnel around the target, or around the share of all together without one; None without members."""
    found = sorted(members, key=lambda member: member.name)
    if not found:
        return None
    centre = together(found).share if target is None else target
    empty = Funnel(centre, "overall" if target is None else "target", (), dispersion([one.cohort for one in found]))
    return empty._replace(units=tuple(_unit(member, empty) for member in found))


def limits(n: int, centre: float, level: float) -> Limits:
    """Limits of the share of `n` cases, 1 or more, of which each is kept with probability `centre`."""
    return Limits(_lower(n, centre, level / 2), 1.0 - _lower(n, 1.0 - centre, level / 2))


def place_of(share: float, inner: Limits, outer: Limits) -> Place:
    """Where the share lies."""
    if share < outer.lower - _ROUNDING:
        return "below_998"
    if share > outer.upper + _ROUNDING:
        return "above_998"
    if share < inner.lower - _ROUNDING:
        return "below_95"
    return "above_95" if share > inner.upper + _ROUNDING else "within"


def volumes(units: Iterable[Unit], steps: int = 120) -> list[int]:
    """Whole volumes at which to draw the limits: from the smallest to the largest unit, evenly by their logarithm."""
    sizes = [unit.cohort.due for unit in units]
    if not sizes:
        return []
    first, last = math.log(max(1, min(sizes) * 0.8)), math.log(max(sizes) * 1.25)
    return sorted({round(math.exp(first + (last - first) * step / steps)) for step in range(steps + 1)})


def _unit(member: Member, of: Funnel) -> Unit:
    inner, outer = (of.limits(member.cohort.due, level) for level in (INNER, OUTER))
    return Unit(member.name, member.cohort, inner, outer, place_of(member.cohort.share, inner, outer))


def _lower(n: int, share: float, tail: float) -> float:
    """The interpolated share below which lie just the counts k with P(X <= k) < `tail`, X binomial."""
    if share <= 0.0:
        return 0.0
    if share >= 1.0:
        return 1.0
    first = bisect_left(range(n + 1), tail, key=lambda count: _at_most(count, n, share))
    reached = _at_most(first, n, share)
    before = _at_most(first - 1, n, share)
    over = (reached - tail) / (reached - before) if reached > before else 0.0
    return max(0.0, (first - over) / n)


def _at_most(count: int, n: int, share: float) -> float:
    """P(X <= count), X binomial, by the incomplete beta function: `bdtr` of SciPy has no answer beyond 2^31 cases."""
    if count < 0:
        return 0.0
    return 1.0 if count >= n else float(betainc(n - count, count + 1, 1.0 - share))
