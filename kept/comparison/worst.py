"""The gap between each member and the rest, with its interval, and the worst member beside a total.

A gap is the share of the others together less that of the member: positive where the member is served worse.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Literal, NamedTuple

from scipy.special import ndtri

from kept.comparison.funnel import INNER, OUTER
from kept.comparison.members import Member, together
from kept.indicators.intervals import wilson
from kept.signals.gaps import Cohort, fisher

Surety = Literal["chance", "perhaps", "certain"]
"""What to make of a gap: it is as chance allows; chance may explain it; it is more than chance explains."""


class GapToRest(NamedTuple):
    """A member against the others together. `low` and `high` bound the gap so that with 95 % probability all intervals
    of the dimension hold at once. `chance`: of a gap so large anywhere in the dimension when all are served alike."""

    name: str
    cohort: Cohort
    rest: Cohort
    low: float
    high: float
    chance: float

    @property
    def gap(self) -> float:
        """How much less is kept here than in the rest, as a share."""
        return self.rest.share - self.cohort.share

    @property
    def surety(self) -> Surety:
        """The levels are those of a funnel's limits. An interval that leaves out 0 never says that it is chance: exact
        test and interval need not agree about few cases."""
        leaves_out_0 = self.low > 0 or self.high < 0
        return "certain" if self.chance < OUTER else "perhaps" if self.chance < INNER or leaves_out_0 else "chance"


def gaps_to_rest(members: Iterable[Member]) -> tuple[GapToRest, ...]:
    """Each member against the others, by name; nothing for fewer than two members with cases.

    Intervals: R. G. Newcombe, Statistics in Medicine 17 (1998), method 10, each at a level shared by all members
    (Bonferroni). Chance: Fisher's exact test, the smaller tail doubled, times the number of members. Two members have
    one gap between them.
    """
    found = sorted(members, key=lambda member: member.name)
    if len(found) < 2:
        return ()
    looks = 1 if len(found) == 2 else len(found)
    z = float(ndtri(1 - INNER / (2 * looks)))
    total = together(found)
    return tuple(_gap(member, total - member.cohort, z, looks) for member in found)


def worst_member(members: Iterable[Member]) -> GapToRest | None:
    """The member to name beside a total: of those served worse than chance explains the one with the largest gap.

    Where there is none, of those that may be, then of all; so that a place with a handful of cases does not hide one
    where hundreds are let down. None for fewer than two members.
    """
    gaps = [one for one in gaps_to_rest(members) if one.gap > 0]
    for surety in ("certain", "perhaps", "chance"):
        alike = [one for one in gaps if one.surety == surety]
        if alike:
            return max(alike, key=lambda one: (one.gap, one.cohort.due, one.name))
    return None


def newcombe(rest: Cohort, member: Cohort, z: float) -> tuple[float, float]:
    """The interval of `rest.share - member.share` from both Wilson intervals at the normal quantile `z`."""
    rest_low, rest_high = wilson(rest.kept, rest.due, z)
    low, high = wilson(member.kept, member.due, z)
    gap = rest.share - member.share
    down = math.hypot(rest.share - rest_low, high - member.share)
    up = math.hypot(rest_high - rest.share, member.share - low)
    return max(-1.0, gap - down), min(1.0, gap + up)


def _gap(member: Member, rest: Cohort, z: float, looks: int) -> GapToRest:
    low, high = newcombe(rest, member.cohort, z)
    tail = min(fisher(member.cohort, rest), fisher(rest, member.cohort))
    return GapToRest(member.name, member.cohort, rest, low, high, min(1.0, 2 * looks * tail))
