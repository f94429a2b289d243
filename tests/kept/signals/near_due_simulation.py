"""Simulated services near their due: honest ones of many habits, and made-up ones that reach their target by the clock.

Cases are drawn one by one, by the day; the counts are those of the pipeline, and the checks are Kept's own, looked at
once a day over both windows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal, NamedTuple

import numpy as np

from kept import target_margins as m
from kept.indicators.near_due import NearDue
from kept.signals import integrity
from kept.signals.integrity import ABOUT, About

Floats = np.ndarray
Effort = Literal["none", "even", "rising", "last tenth", "last twentieth"]
YEAR_DAYS: Final = 365
OFFICE: Final = (9 / 24, 17 / 24)
REOPENED_SHARE: Final = 0.03
"""Of honest closings, so many are reopened soon."""
MOVED_SHARE: Final = 0.05
"""Of honest cases, so many are promised a later date, and so many are paused, at any moment while they are open."""


@dataclass(frozen=True)
class Habit:
    """How a service works: promised days, cases a day, and what shapes its closings."""

    name: str
    promised: float = 10
    a_day: float = 20
    median: float = 0.55
    """Of the promised time, without any effort."""
    spread: float = 0.7
    office: bool = False
    """Opened and closed on weekdays from nine to five only."""
    due_at_five: bool = False
    """Due at 17:00 of the last day, not at the hour of the opening."""
    effort: Effort = "none"


@dataclass(frozen=True)
class Gaming:
    """What is done to so many (0 to 1) of the cases that would be late, by kind; of those closed in time by the clock
    `reopened` come back."""

    closed: float = 0.0
    reopened: float = 0.0
    moved: float = 0.0
    paused: float = 0.0
    reset: float = 0.0


HONEST: Final = (
    Habit("closes at any hour"),
    Habit("closes at any hour, most are late", median=0.95),
    Habit("office hours, promises two days", promised=2, office=True),
    Habit("office hours, promises five days", promised=5, office=True),
    Habit("office hours, promises four weeks", promised=28, office=True),
    Habit("due at 17:00, office hours, promises four days", promised=4, office=True, due_at_five=True),
    Habit("due at 17:00, office hours, promises ten days", promised=10, office=True, due_at_five=True),
    Habit("does more in the last quarter", effort="even"),
    Habit("does more and more in the last quarter", effort="rising"),
    Habit("does more in the last quarter, office hours, five days", promised=5, office=True, effort="rising"),
    Habit("leaves what it can to the last tenth", effort="last tenth"),
)
LAST_MOMENT: Final = Habit("leaves what it can to the last twentieth", effort="last twentieth")
"""Honest or not: no count of closings can tell."""
_REACH: Final[Mapping[Effort, float]] = {"even": 0.25, "rising": 0.25, "last tenth": 0.10, "last twentieth": 0.05}
_EFFORT_SHARE: Final = 0.6
"""Of the cases that would be late by half the promised time at most, so many are done before their due after all."""


class Counts(NamedTuple):
    """By day: closings by band, and the other counts in the order of the fields of `NearDue`."""

    closings: np.ndarray
    others: np.ndarray


def counts(habit: Habit, days: int, generator: np.random.Generator, gaming: Gaming | None = None) -> Counts:
    """The counts of so many days, after a beginning in which the office fills up; `gaming` all the time."""
    gaming = gaming or Gaming()
    before = 3 * int(habit.promised) + 7
    total = generator.poisson(habit.a_day * (days + before))
    opened = generator.uniform(0, days + before, total)
    if habit.office:
        opened = _in_office(opened, generator)
    due = opened + habit.promised
    if habit.due_at_five:
        due = np.floor(due) + OFFICE[1]
    promised = due - opened
    closed = opened + promised * habit.median * np.exp(habit.spread * generator.standard_normal(total))
    if habit.office:
        closed = _in_office(closed, generator)
    if habit.effort != "none":
        late = closed - due
        pulled = (late > 0) & (late < promised / 2) & (generator.random(total) < _EFFORT_SHARE)
        place = generator.random(total)
        spare = place if habit.effort != "rising" else 1 - np.sqrt(place)
        earlier = due - spare * promised * _REACH[habit.effort]
        closed = np.where(pulled, _back_in_office(earlier) if habit.office else earlier, closed)
    late = closed > due
    gamed = late & (generator.random(total) < gaming.closed)
    closed = np.where(gamed, due - generator.random(total) * 0.03 * promised, closed)
    comes_back = generator.random(total) < np.where(gamed, gaming.reopened, REOPENED_SHARE)
    moved_at, paused_at = (_honestly(opened, closed, generator) for _ in range(2))
    near_due = due - generator.random(total) * 0.1 * promised
    moved_at = np.where(late & (generator.random(total) < gaming.moved), near_due, moved_at)
    paused_at = np.where(late & (generator.random(total) < gaming.paused), near_due, paused_at)
    moved, paused = (_fifths(at, due, promised) for at in (moved_at, paused_at))
    band = bands(closed, due, promised)
    by_band = np.zeros((days, len(m.BANDS)), dtype=int)
    _add(by_band, closed - before, band)
    others = np.zeros((days, 8), dtype=int)
    for column, (when, which) in enumerate([
        (closed, comes_back & (band == m.JUST_BEFORE)),
        (closed, comes_back & np.isin(band, m.BESIDE)),
        (moved_at, moved == m.LAST_FIFTH),
        (moved_at, moved == m.FIFTH_BEFORE),
        (due + 0.1 * promised, late & (generator.random(total) < gaming.reset)),
        (paused_at, paused == m.LAST_FIFTH),
        (paused_at, paused == m.FIFTH_BEFORE),
        (due, closed > due),
    ]):  # fmt: skip
        _add(others, when[which] - before, np.full(int(which.sum()), column))
    return Counts(by_band, others)


def bands(closed: Floats, due: Floats, promised: Floats) -> np.ndarray:
    """The number of the band of each closing, as `kept.target_margins.band` gives it."""
    inside = m.JUST_BEFORE - np.floor((due - closed) * m.BANDS_IN_PROMISE / promised)
    outside = m.JUST_AFTER + np.floor((closed - due) * m.BANDS_IN_PROMISE / promised)
    return np.clip(np.where(closed <= due, inside, outside), 0, len(m.BANDS) - 1).astype(int)


def findings(of: Counts, first: int = 27) -> dict[About, list[int]]:
    """The days from the `first` on (0 is the first of all) on which a check finds something in one of the windows."""
    found: dict[About, set[int]] = {about: set() for about in ABOUT}
    both = np.hstack([of.closings, of.others]).astype(np.int64)
    sums = np.vstack([np.zeros((1, both.shape[1]), dtype=np.int64), both.cumsum(0)])
    ends = np.arange(first, len(both)) + 1
    for days in integrity.WINDOWS_DAYS.values():
        rows = sums[ends] - sums[np.maximum(0, ends - days)]
        for about, is_possible in _possible(rows).items():
            for place in np.flatnonzero(is_possible):
                if integrity.CHECKS[about](_near_due(rows[place]), days).is_found:
                    found[about].add(first + int(place))
    return {about: sorted(on) for about, on in found.items()}


def false_findings_a_year(habit: Habit, *, years: int, seed: int) -> float:
    """Findings of any check per service-year; days in a row are one finding."""
    told = findings(counts(habit, years * YEAR_DAYS, np.random.default_rng(seed)))
    begun = sum(1 for days in told.values() for place, day in enumerate(days) if not place or days[place - 1] < day - 7)
    return begun / years


def hit_rate(habit: Habit, gaming: Gaming, about: About, *, services: int, seed: int, days: int = 91) -> float:
    """The share of so many services whose `about` is found within the first `days` of their gaming."""
    generator = np.random.default_rng(seed)
    hits = 0
    for _ in range(services):
        honest = counts(habit, 90, generator)
        gamed = counts(habit, days, generator, gaming)
        both = Counts(np.vstack([honest.closings, gamed.closings]), np.vstack([honest.others, gamed.others]))
        hits += bool(findings(both, first=90)[about])
    return hits / services


def of_volume(habit: Habit, a_year: int) -> Habit:
    """The same habit with so many cases a year."""
    return replace(habit, a_day=a_year / YEAR_DAYS)


def _near_due(row: np.ndarray) -> NearDue:
    closings, others = row[: len(m.BANDS)], [int(value) for value in row[len(m.BANDS) :]]
    return NearDue(
        closings=tuple(int(value) for value in closings),
        reopened_just_before=others[0],
        reopened_beside=others[1],
        moved_last_fifth=others[2],
        moved_fifth_before=others[3],
        moved_after_due=others[4],
        paused_last_fifth=others[5],
        paused_fifth_before=others[6],
        overdue=others[7],
    )


def _possible(rows: np.ndarray) -> dict[About, np.ndarray]:
    """Whether the least counts of each check are there, by row: spares the tests where nothing can be found."""
    beside = rows[:, [*m.BESIDE, m.JUST_AFTER]].max(1)
    others = rows[:, len(m.BANDS) :]
    return {
        "bunching": rows[:, m.JUST_BEFORE] - beside >= integrity.LEAST_EXCESS,
        "reopened": others[:, 0] >= integrity.LEAST_REOPENED,
        "moved": others[:, 2] - others[:, 3] >= integrity.LEAST_MOVED,
        "reset": others[:, 4] >= integrity.LEAST_RESET,
        "paused": others[:, 5] - others[:, 6] >= integrity.LEAST_MOVED,
    }


def _in_office(moments: Floats, generator: np.random.Generator) -> Floats:
    """What falls outside office hours happens at some moment of the next working day."""
    day, hour = np.floor(moments), moments % 1
    after = hour >= OFFICE[1]
    day = np.where(after, day + 1, day)
    inside = ~after & (hour >= OFFICE[0]) & (day % 7 < 5)
    day = np.where(day % 7 == 5, day + 2, np.where(day % 7 == 6, day + 1, day))
    later = day + OFFICE[0] + generator.random(len(moments)) * (OFFICE[1] - OFFICE[0])
    return np.asarray(np.where(inside, moments, later))


def _back_in_office(moments: Floats) -> Floats:
    """What was to be done outside office hours is done at the end of the last working day."""
    day, hour = np.floor(moments), moments % 1
    day = np.where(hour < OFFICE[0], day - 1, day)
    outside = (hour < OFFICE[0]) | (hour > OFFICE[1]) | (day % 7 >= 5)
    day = np.where(day % 7 == 5, day - 1, np.where(day % 7 == 6, day - 2, day))
    return np.asarray(np.where(outside, day + OFFICE[1] - hour * 0.04, moments))


def _honestly(opened: Floats, closed: Floats, generator: np.random.Generator) -> Floats:
    """A moment while it was open, of a few; infinitely late of the others."""
    chosen = generator.random(len(opened)) < MOVED_SHARE
    return np.asarray(np.where(chosen, opened + generator.random(len(opened)) * (closed - opened), np.inf))


def _fifths(at: Floats, due: Floats, promised: Floats) -> np.ndarray:
    left = np.where(np.isfinite(at), due - at, np.inf)
    fifth = np.where(left < 0, m.AFTER_DUE, np.floor(np.minimum(left * m.FIFTHS / promised, 9)))
    return np.where(np.isfinite(at), fifth, 9).astype(int)


def _add(into: np.ndarray, when: Floats, column: np.ndarray) -> None:
    day = np.floor(np.where(np.isfinite(when), when, -1)).astype(int)
    known = (day >= 0) & (day < len(into))
    np.add.at(into, (day[known], column[known]), 1)
