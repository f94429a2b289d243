"""Cost booked in stretches of about a week, from the published totals since the first event. Pure.

`cost_per_outcome` is never published for a week, because fixed cost makes short windows jump. Its window `all` holds
everything booked and every intended outcome so far; what lies between two moments is the difference.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final

from msgspec import Struct

from kept.buckets import DAY_SECONDS, WEEK_SECONDS
from kept.indicators.point import Point
from kept.signals.chart_weeks import ChartWeek

TOLERANCE_SECONDS: Final = DAY_SECONDS * 3 // 2
"""A total stands for a week's end when it was published at most so long before it; its own moment is kept and used."""


class Total(Struct, frozen=True):
    """All cost booked (minor units) and all intended outcomes of (`since`, `at`] (s)."""

    since: int
    at: int
    minor_units: int
    outcomes: int


class Booked(Struct, frozen=True):
    """Cost booked (minor units) and intended outcomes in (start, end] (s), which stands for the week that ends at
    `week_end`. Later news may make either negative."""

    week_end: int
    start: int
    end: int
    minor_units: int
    outcomes: int

    @property
    def weeks(self) -> float:
        """Length in weeks of 168 hours."""
        return (self.end - self.start) / WEEK_SECONDS

    @property
    def per_outcome(self) -> float | None:
        """Minor units per intended outcome; None without one."""
        return self.minor_units / self.outcomes if self.outcomes > 0 else None


def totals(points: Iterable[Point], minor_digits: int) -> list[Total]:
    """The totals told by points of `cost_per_outcome` over `all`, by time; points that tell no cost are left out."""
    found = {
        point.window_end: Total(
            point.window_start, point.window_end, round(point.numerator * 10**minor_digits), round(point.denominator)
        )
        for point in points
        if point.window == "all" and point.numerator is not None and point.denominator is not None
    }
    return [found[at] for at in sorted(found)]


def total_at(known: Sequence[Total], moment: int) -> Total | None:
    """The last of `known` (by time) at `moment` or up to `TOLERANCE_SECONDS` before it."""
    place = bisect_right(known, moment, key=lambda total: total.at)
    if place == 0 or moment - known[place - 1].at > TOLERANCE_SECONDS:
        return None
    return known[place - 1]


def stretches(known: Sequence[Total], edges: Sequence[int]) -> list[Booked]:
    """What was booked between each two neighbouring `edges` (s, ascending) of which both totals are known."""
    ends = [total_at(known, edge) for edge in edges]
    return [
        Booked(edge, a.at, b.at, b.minor_units - a.minor_units, b.outcomes - a.outcomes)
        for edge, (a, b) in zip(edges[1:], pairwise(ends), strict=True)
        if a is not None and b is not None and b.at > a.at
    ]


def charted(weeks: Iterable[ChartWeek], minor_digits: int) -> list[Booked]:
    """The same from the chart of `cost_per_outcome`, for a service whose catalogue entry has it drawn."""
    return [
        Booked(
            week.week_end,
            week.week_start,
            week.week_end,
            round(week.numerator * 10**minor_digits),
            round(week.denominator),
        )
        for week in weeks
        if week.value is not None and week.numerator is not None and week.denominator is not None
    ]
