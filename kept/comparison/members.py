"""Who is compared: the slices of a service, or services, each with its cases due and kept, and who must stay hidden."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from kept.indicators.point import WHOLE, Point
from kept.signals.gaps import Cohort

INDICATOR = "promise_kept"
"""What is compared: the due cohort, where what is late and still open counts."""


class Member(NamedTuple):
    """One of those that are compared; `cohort.due` is 1 or more."""

    name: str
    cohort: Cohort


class Members(NamedTuple):
    """The members of one dimension by name, and the names of those that have no number here.

    `few`: 1 to `suppress_below` - 1 people. `guards`: hidden so that those of `few` cannot be found by subtraction.
    `without`: nothing of theirs fell due, or the figure is not known. `total` is the whole, its slices' cases and
    those of no slice; None where it is not known, or its window is not the slices', which reach back to midnight.
    """

    shown: tuple[Member, ...]
    few: tuple[str, ...] = ()
    guards: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    total: Cohort | None = None

    @property
    def together(self) -> Cohort:
        """All that are shown, together."""
        return together(self.shown)


def together(members: Iterable[Member]) -> Cohort:
    """The cases of all members."""
    cohorts = [member.cohort for member in members]
    return Cohort(sum(one.due for one in cohorts), sum(one.kept for one in cohorts))


def slices_of(points: Iterable[Point], dimension: str, below: int) -> Members:
    """The slices of a `dimension` from points of one service, window and moment; others are left out.

    `below` is the service's `suppress_below`; points that are suppressed already are known as such.
    """
    cohorts: dict[str, Cohort] = {}
    few: dict[str, int] = {}
    without: set[str] = set()
    whole: Point | None = None
    starts: set[int] = set()
    for point in points:
        if point.indicator != INDICATOR:
            continue
        if point.slice == WHOLE:
            whole = point
        elif len(point.slice) == 1 and point.slice[0][0] == dimension:
            name = point.slice[0][1]
            cohort = _cohort(point)
            starts.add(point.window_start)
            if point.reason == "few_people" or (cohort is not None and 0 < cohort.due < below):
                few[name] = 1 if cohort is None else cohort.due
            elif cohort is None or cohort.due == 0:
                without.add(name)
            else:
                cohorts[name] = cohort
    total = None if whole is None or not _is_of_window(whole, starts) else _cohort(whole)
    dues = {name: one.due for name, one in cohorts.items()}
    people = sum(dues.values()) + sum(few.values()) if total is None else total.due
    guards = guards_of(dues, few, people, below)
    shown = tuple(Member(name, cohorts[name]) for name in sorted(cohorts) if name not in guards)
    return Members(shown, tuple(sorted(few)), tuple(sorted(guards)), tuple(sorted(without)), total)


def guards_of(shown: Mapping[str, int], hidden: Iterable[str], total: int, below: int) -> frozenset[str]:
    """Which of `shown` (name -> people, 1 or more) must be hidden as well, so that no hidden number can be subtracted.

    A single hidden slice is the total less the others: the next smallest goes with it. So it is while all hidden
    together are fewer than `below`; `total` is all people, or how many they are at least. Nobody hidden needs no guard.
    """
    alone = len(set(hidden))
    if not alone:
        return frozenset()
    waiting = sorted(shown, key=lambda name: (shown[name], name))
    guards: list[str] = []
    while waiting and (alone + len(guards) < 2 or _left(shown, guards, total) < below):
        guards.append(waiting.pop(0))
    return frozenset(guards)


def _left(shown: Mapping[str, int], guards: Iterable[str], total: int) -> int:
    """How many people a reader finds in all hidden slices together."""
    return total - sum(shown.values()) + sum(shown[name] for name in guards)


def _is_of_window(whole: Point, starts: set[int]) -> bool:
    """Whether slices with these starts are of the time of the whole; since the first event all are."""
    return whole.window == "all" or starts <= {whole.window_start}


def _cohort(point: Point) -> Cohort | None:
    if point.value is None or point.numerator is None or point.denominator is None:
        return None
    return Cohort(round(point.denominator), round(point.numerator))
