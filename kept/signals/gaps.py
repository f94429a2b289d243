"""In one area the promise is kept much less often than in the rest.

Of the cases that fell due, an area's share kept is held against that of the other areas together, by Fisher's exact
test, one-sided: given how many of both were kept, the kept of the area are hypergeometric when all areas are served
alike. It needs no share that is taken for known, as a binomial test against the rest's share does, and holds for any
number of cases. Only a gap of ten points or more is told. Areas with few cases due take no part and enter no number.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

import numpy as np
from scipy.special import betaln

from kept import counters as c
from kept.buckets import DAY_SECONDS, LONGEST_DAY_SECONDS
from kept.signals.situation import Situation
from kept.signals.verdict import Verdict
from kept.tallies import Day

WINDOWS_DAYS: Final = (28, 7)
"""The last four weeks tell a small gap, the last week a sudden one."""
ALPHA: Final = 0.001
"""Probability of a false gap in any area of a service in four weeks, shared by areas, windows and looks."""
LOOKS: Final = 50
"""The windows move on every hour. By simulation the looks of four weeks pass a level of 0.05 as often as 5 to 9
separate looks would, and one of 0.001 as often as 5 to 23: the smaller the level, the more."""
LEAST_GAP: Final = 0.10
ROUNDING: Final = 1e-9
"""A gap of just ten points has no exact binary form."""
MOST_AREAS: Final = 50
"""Names of areas come from events: only so many, those with most cases due, are judged and named."""


class Cohort(NamedTuple):
    """Cases due in a window, and how many of them were kept."""

    due: int
    kept: int

    @property
    def share(self) -> float:
        """The share kept; there are cases due."""
        return self.kept / self.due

    def __sub__(self, other: Cohort) -> Cohort:
        """What is left without `other`."""
        return Cohort(self.due - other.due, self.kept - other.kept)


class Gap(NamedTuple):
    """An area against the rest over the last `days`."""

    days: int
    area: Cohort
    rest: Cohort
    chance: float
    alpha: float

    @property
    def is_active(self) -> bool:
        """Whether the gap is both too large for chance and large enough to matter."""
        return self.chance < self.alpha and self.rest.share - self.area.share >= LEAST_GAP - ROUNDING


def fisher(area: Cohort, rest: Cohort) -> float:
    """P(no more than `area.kept` of its cases kept), given all margins, if both had the same share (Fisher, 1934)."""
    kept, due = area.kept + rest.kept, area.due + rest.due
    possible = np.arange(max(0, kept - rest.due), area.kept + 1)
    if not len(possible):
        return 0.0

    def log_choose(n: int, k: np.ndarray | int) -> np.ndarray:
        return np.asarray(-np.log(n + 1.0) - betaln(np.subtract(n, k) + 1.0, np.add(k, 1.0)))

    logs = log_choose(area.due, possible) + log_choose(rest.due, kept - possible) - log_choose(due, kept)
    return float(min(1.0, np.exp(logs).sum()))


def judge(situation: Situation) -> Iterator[Verdict]:
    """`area_gap` of each area with enough cases due, when there are at least two; `about` is `area=NAME`."""
    by_window = {days: _cohorts(situation, days) for days in WINDOWS_DAYS}
    gaps: dict[str, list[Gap]] = {}
    for days, cohorts in by_window.items():
        total = Cohort(sum(one.due for one in cohorts.values()), sum(one.kept for one in cohorts.values()))
        for name, area in cohorts.items():
            rest = total - area
            if rest.due:
                alpha = ALPHA / (len(cohorts) * len(WINDOWS_DAYS) * LOOKS)
                gaps.setdefault(name, []).append(Gap(days, area, rest, fisher(area, rest), alpha))
    for name, found in sorted(gaps.items()):
        yield _verdict(name, next((gap for gap in found if gap.is_active), found[0]), situation)


def _cohorts(situation: Situation, days: int) -> Mapping[str, Cohort]:
    """Due cohorts of the areas over the last `days`, widened to a whole local day, of those with enough cases due."""
    start = _start(situation, days)
    least = max(1, situation.service.suppress_below)
    found: dict[str, Cohort] = {}
    for series in situation.slices("area"):
        cohort = _cohort(situation.tallies.days(series), start, situation.at)
        if cohort.due >= least:
            found[series[2]] = cohort
    largest = sorted(found, key=lambda name: (-found[name].due, name))[:MOST_AREAS]
    return {name: found[name] for name in largest}


def _start(situation: Situation, days: int) -> int:
    return situation.rules.local_time.day_start(situation.at - days * DAY_SECONDS)


def _cohort(days: Mapping[int, Day], start: int, at: int) -> Cohort:
    due = kept = 0
    for day_end, day in days.items():
        if day_end <= start or day_end - LONGEST_DAY_SECONDS >= at:
            continue
        tallies = [day.total] if day_end <= at else [tally for bucket, tally in day.buckets.items() if bucket.end <= at]
        due += sum(tally.get(c.DUE, 0) for tally in tallies)
        kept += sum(tally.get(c.DUE_KEPT, 0) for tally in tallies)
    return Cohort(due, kept)


def _verdict(name: str, gap: Gap, situation: Situation) -> Verdict:
    start = _start(situation, gap.days)
    return Verdict(
        service=situation.service.id,
        signal="area_gap",
        about=f"area={name}",
        at=situation.at,
        active=gap.is_active,
        since=start if gap.is_active else None,
        value=gap.area.share,
        expected=gap.rest.share,
        cases=gap.area.due,
        chance=gap.chance,
        words=(
            f"Of {gap.area.due:,} cases due here in {gap.days} days {gap.area.share:.1%} were kept, "
            f"of {gap.rest.due:,} in the other areas {gap.rest.share:.1%}"
        ),
        test=(
            f"Fisher's exact test, one-sided, {gap.days} d, alpha {gap.alpha:.2g} "
            f"({ALPHA} over areas, windows and {LOOKS} looks), at least {LEAST_GAP:.0%} lower"
        ),
        evidence={
            "window_days": gap.days,
            "window_start": start,
            "area": gap.area._asdict(),
            "rest": gap.rest._asdict(),
            "alpha": gap.alpha,
        },
    )
