"""The gap between one area or channel and the rest has changed: it was another one in the months before.

Judged from whole weeks: the gap of the last four against that of up to half a year before them. What the shares of a
service and of its parts do together from week to week cancels out in a gap; what is left beyond the binomial is
measured by its moving ranges, as on a p-prime chart. An area that has always been served
worse is told by `area_gap` alone.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from scipy.special import stdtr

from kept import counters as c
from kept.signals.gaps import MOST_AREAS, Cohort
from kept.signals.situation import Situation
from kept.signals.spc import mean_moving_range
from kept.signals.verdict import Verdict
from kept.signals.weekly import weeks

DIMENSIONS: Final = ("area", "channel")
RECENT_WEEKS: Final = 4
LEAST_RECENT: Final = 2
"""Comparable weeks among the last four, at least."""
BEFORE_WEEKS: Final = 26
LEAST_BEFORE: Final = 12
"""Comparable weeks before, at least, each with enough cases: as many as the baseline of a control chart has."""
LEAST_CASES: Final = 30
"""Cases due in the recent weeks, at least, of the one and of the rest."""
ALPHA: Final = 0.05
"""Probability of a false change in a year of a service, shared by areas, channels and looks."""
LOOKS: Final = 52
"""A week completes once a week. The windows overlap, so that this pays for more than it must."""
LEAST_CHANGE: Final = 0.05
ROUNDING: Final = 1e-9
_SIGMA_OF_RANGE: Final = 1.128
"""Mean moving range of a normal series, in standard deviations."""


class Series(NamedTuple):
    """The cases of one area or channel by week, in step with those of all."""

    name: str
    weeks: tuple[Cohort, ...]


class Change(NamedTuple):
    """The gap (share of the rest less that of the member) of the recent weeks against the one before.

    `chance`: of a change so large, either way, if the gap were what it was. `dispersion` is the standard deviation of
    the weekly gaps before beside the binomial one, 1 or more; `before_weeks` are the weeks that tell it.
    """

    name: str
    member: Cohort
    rest: Cohort
    member_before: Cohort
    rest_before: Cohort
    before_weeks: int
    dispersion: float
    chance: float

    @property
    def gap(self) -> float:
        """The gap of the recent weeks."""
        return self.rest.share - self.member.share

    @property
    def gap_before(self) -> float:
        """The gap before them."""
        return self.rest_before.share - self.member_before.share

    def is_active(self, alpha: float) -> bool:
        """Whether the change is both too large for chance and large enough to matter."""
        return self.chance < alpha and abs(self.gap - self.gap_before) >= LEAST_CHANGE - ROUNDING


class Found(NamedTuple):
    """A change, whether it is told, and the level it was held against."""

    change: Change
    is_active: bool
    alpha: float


def judge(situation: Situation) -> Iterator[Verdict]:
    """`gap_changed` of each area and channel with enough cases and weeks; `about` is `area=NAME` or `channel=NAME`."""
    if len(situation.slices("area")) < 2 and len(situation.slices("channel")) < 2:
        return
    edges = [(week.start, week.end, week.gap is None) for week in situation.once(weeks)]
    recent = [edge[:2] for edge in edges[-RECENT_WEEKS:] if edge[2]]
    before = [edge[:2] for edge in edges[-RECENT_WEEKS - BEFORE_WEEKS : -RECENT_WEEKS] if edge[2]]
    if len(recent) < LEAST_RECENT or len(before) < LEAST_BEFORE:
        return
    by_dimension = {dimension: _series(situation, dimension, before + recent) for dimension in DIMENSIONS}
    judged = sum(len(series) for series in by_dimension.values())
    for dimension, series in by_dimension.items():
        least = max(LEAST_CASES, situation.service.suppress_below)
        for found in changes(series, len(before), ALPHA / (max(1, judged) * LOOKS), least):
            yield _verdict(situation, dimension, found, recent, before)


def changes(series: Sequence[Series], before: int, alpha: float, least: int = LEAST_CASES) -> list[Found]:
    """The changes of one dimension: the first `before` weeks of each series against those after them.

    The most certain change is told first, and its area is left out of the rest of the others: one area that falls back
    does not make all others seem to gain. Of two, the one first by name stands for both.
    """
    left = sorted(series, key=lambda one: one.name)
    found: list[Found] = []
    while len(left) > 1:
        totals = [_sum(column) for column in zip(*(one.weeks for one in left), strict=True)]
        now = [change for one in left if (change := _change(one, totals, before, least)) is not None]
        active = [change for change in now if change.is_active(alpha)]
        if not active:
            shown = now[:1] if len(left) == 2 else now
            return found + [Found(change, False, alpha) for change in shown]
        clearest = min(active, key=lambda change: (change.chance, change.name))
        found.append(Found(clearest, True, alpha))
        left = [one for one in left if one.name != clearest.name]
    return found


def _change(one: Series, totals: Sequence[Cohort], before: int, least: int) -> Change | None:
    rests = [total - week for total, week in zip(totals, one.weeks, strict=True)]
    member, rest = _sum(one.weeks[before:]), _sum(rests[before:])
    member_before, rest_before = _sum(one.weeks[:before]), _sum(rests[:before])
    if min(member.due, rest.due, member_before.due, rest_before.due) < least:
        return None
    gap_before = rest_before.share - member_before.share
    own, others = _chance_of(member_before), _chance_of(rest_before)
    distances = [
        (theirs.share - its.share - gap_before) / math.sqrt(own / its.due + others / theirs.due)
        for its, theirs in zip(one.weeks[:before], rests[:before], strict=True)
        if its.due and theirs.due
    ]
    if len(distances) < LEAST_BEFORE:
        return None
    ranges = [abs(later - earlier) for earlier, later in pairwise(distances)]
    spread = max(1.0, mean_moving_range(ranges) / _SIGMA_OF_RANGE)
    variance = sum(_chance_of(cohort) / (cohort.due + 2) for cohort in (member, rest, member_before, rest_before))
    t = abs(rest.share - member.share - gap_before) / (spread * math.sqrt(variance))
    chance = 2 * float(stdtr(len(distances) - 1, -t))
    return Change(one.name, member, rest, member_before, rest_before, len(distances), spread, chance)


def _chance_of(cohort: Cohort) -> float:
    """Variance of one case of a share, never 0: with one case kept and one missed added (Agresti and Caffo, 2000)."""
    share = (cohort.kept + 1) / (cohort.due + 2)
    return share * (1 - share)


def _series(situation: Situation, dimension: str, spans: Sequence[tuple[int, int]]) -> list[Series]:
    """The areas or channels that are large enough in all, the largest ones; days lie within weeks."""
    least = max(LEAST_CASES, situation.service.suppress_below)
    found: list[Series] = []
    for series in situation.slices(dimension):
        cohorts = _by_span(situation, series, spans)
        if sum(one.due for one in cohorts) >= least:
            found.append(Series(series[2], cohorts))
    return sorted(found, key=lambda one: (-sum(week.due for week in one.weeks), one.name))[:MOST_AREAS]


def _by_span(
    situation: Situation, series: tuple[str, str, str], spans: Sequence[tuple[int, int]]
) -> tuple[Cohort, ...]:
    ends = [end for _, end in spans]
    due, kept = [0] * len(spans), [0] * len(spans)
    for day_end, day in situation.tallies.days(series).items():
        place = bisect_left(ends, day_end)
        if place < len(spans) and spans[place][0] < day_end:
            due[place] += day.total.get(c.DUE, 0)
            kept[place] += day.total.get(c.DUE_KEPT, 0)
    return tuple(map(Cohort, due, kept))


def _sum(cohorts: Sequence[Cohort]) -> Cohort:
    return Cohort(sum(one.due for one in cohorts), sum(one.kept for one in cohorts))


def _verdict(
    situation: Situation,
    dimension: str,
    found: Found,
    recent: Sequence[tuple[int, int]],
    before: Sequence[tuple[int, int]],
) -> Verdict:
    change = found.change
    cohorts: Mapping[str, Cohort] = {
        "recent": change.member,
        "recent_rest": change.rest,
        "before": change.member_before,
        "before_rest": change.rest_before,
    }
    return Verdict(
        service=situation.service.id,
        signal="gap_changed",
        about=f"{dimension}={change.name}",
        at=situation.at,
        active=found.is_active,
        since=recent[0][0] if found.is_active else None,
        value=change.gap,
        expected=change.gap_before,
        cases=change.member.due,
        chance=change.chance,
        words=(
            f"Of {change.member.due:,} cases due here in the last {len(recent)} whole weeks {change.member.share:.1%} "
            f"were kept, of {change.rest.due:,} elsewhere {change.rest.share:.1%}; in the {len(before)} weeks before "
            f"it was {change.member_before.share:.1%} here and {change.rest_before.share:.1%} elsewhere"
        ),
        test=(
            f"Gap of {len(recent)} weeks against {len(before)} before, t with {change.before_weeks - 1} degrees of "
            f"freedom, dispersion {change.dispersion:.2f}, alpha {found.alpha:.2g} ({ALPHA} over areas, channels "
            f"and {LOOKS} looks), at least {100 * LEAST_CHANGE:.0f} points"
        ),
        evidence={
            "recent_start": recent[0][0],
            "recent_end": recent[-1][1],
            "before_start": before[0][0],
            "before_end": before[-1][1],
            "dispersion": change.dispersion,
            "alpha": found.alpha,
            **{name: cohort._asdict() for name, cohort in cohorts.items()},
        },
    )
