"""Counters of a whole service between any two full hours, at the cost of two look-ups.

The same sums as the views of `SeriesReader`, for the many windows that a budget asks for, also of spans that ended
earlier and of promises that fall due later. Behind 90 days buckets are whole days, which count at their end.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from typing import NamedTuple

from kept import counters as c
from kept.buckets import FIVE_MINUTES
from kept.signals.situation import Situation
from kept.tallies import Day


class _Hours(NamedTuple):
    """Ends of the hours of a day with anything in them, and by counter the sums up to each, 0 first."""

    ends: list[int]
    sums: dict[int, list[int]]


class HourlyCounts:
    """Sums of some counters in (start, end], both full hours (s), past or to come."""

    def __init__(self, situation: Situation, counters: tuple[int, ...]) -> None:
        self._local = situation.rules.local_time
        self._counters = counters
        days = situation.tallies.days((situation.service.id, "", ""))
        self._day_ends = sorted(end for end, day in days.items() if any(n in day.total for n in counters))
        self._days = [days[end] for end in self._day_ends]
        self._sums = {n: [0, *accumulate(day.total.get(n, 0) for day in self._days)] for n in counters}
        self._hours: dict[int, _Hours] = {}

    def count(self, counter: int, start: int, end: int) -> int:
        """Sum of a counter in (start, end]."""
        return self._until(counter, end) - self._until(counter, start)

    def hours(self, start: int, end: int) -> list[int]:
        """Ends (s) of the hours in (start, end] in which anything was counted, in order."""
        first, last = bisect_right(self._day_ends, start), bisect_right(self._day_ends, end)
        days = range(first, min(last + 1, len(self._days)))
        return [hour for place in days for hour in self._hours_of(place).ends if start < hour <= end]

    def _until(self, counter: int, time: int) -> int:
        place = bisect_right(self._day_ends, time)
        whole = self._sums[counter][place]
        if place == len(self._days):
            return whole
        hours = self._hours_of(place)
        return whole + hours.sums[counter][bisect_right(hours.ends, time)]

    def _hours_of(self, place: int) -> _Hours:
        if place not in self._hours:
            self._hours[place] = self._read(self._days[place])
        return self._hours[place]

    def _read(self, day: Day) -> _Hours:
        by_hour: dict[int, list[int]] = {}
        for bucket, tally in day.buckets.items():
            row = [tally.get(counter, 0) for counter in self._counters]
            if any(row):
                end = self._local.ends(bucket.end)[0] if bucket.size == FIVE_MINUTES else bucket.end
                known = by_hour.get(end)
                by_hour[end] = row if known is None else [a + b for a, b in zip(known, row, strict=True)]
        ends = sorted(by_hour)
        sums = {n: [0, *accumulate(by_hour[end][place] for end in ends)] for place, n in enumerate(self._counters)}
        return _Hours(ends, sums)


def first_due_day(situation: Situation) -> int | None:
    """Start (s) of the first local day on which a case of the service fell due; None when none ever did until now."""
    days = situation.tallies.days((situation.service.id, "", ""))
    first = min((end for end, day in days.items() if day.total.get(c.DUE, 0) > 0), default=None)
    if first is None:
        return None
    start = situation.rules.local_time.day_start(first - 1)
    return start if start < situation.at else None
