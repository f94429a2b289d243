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
    those of no slice.
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
    few: set[str] = set()
    without: set[str] = set()
    total: Cohort | None = None
    for point in points:
        if point.indicator != INDICATOR:
            continue
        if point.slice == WHOLE:
            total = _cohort(point)
        elif len(point.slice) == 1 and point.slice[0][0] == dimension:
            name = point.slice[0][1]
            cohort = _cohort(point)
            if point.reason == "few_people" or (cohort is not None and 0 < cohort.due < below):
                few.add(name)
            elif cohort is None or cohort.due == 0:
                without.add(name)
            else:
                cohorts[name] = cohort
    guards = guards_of({name: one.due for name, one in cohorts.items()}, few, total and total.due, below)
    shown = tuple(Member(name, cohorts[name]) for name in sorted(cohorts) if name not in guards)
    return Members(shown, tuple(sorted(few)), tuple(sorted(guards)), tuple(sorted(without)), total)


def guards_of(shown: Mapping[str, int], hidden: Iterable[str], total: int | None, below: int) -> frozenset[str]:
    """Which of `shown` (name -> people, 1 or more) must be hidden as well, so that no hidden number can be subtracted.

    A single hidden slice is the total less the others: the next smallest goes with it. So it is while all hidden
    together are fewer than `below`, as far as `total` tells. Nobody hidden needs no guard.
    """
    alone = len(set(hidden))
    if not alone:
        return frozenset()
    waiting = sorted(shown, key=lambda name: (shown[name], name))
    guards: list[str] = []
    while waiting and (alone + len(guards) < 2 or _left(shown, guards, total, below) < below):
        guards.append(waiting.pop(0))
    return frozenset(guards)


def _left(shown: Mapping[str, int], guards: Iterable[str], total: int | None, below: int) -> int:
    """How many people a reader finds in all hidden slices together."""
    if total is None:
        return below
    return total - sum(shown.values()) + sum(shown[name] for name in guards)


def _cohort(point: Point) -> Cohort | None:
    if point.value is None or point.numerator is None or point.denominator is None:
        return None
    return Cohort(round(point.denominator), round(point.numerator))
