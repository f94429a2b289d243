"""Counters of a whole service by full hour, so that any span between two hours costs two look-ups.

The same sums as the views of `SeriesReader`, for the many windows that a budget asks for, also of spans that ended earlier
and of promises that fall due later. Behind 90 days buckets are whole days, which count at their end.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from typing import Final

from kept import counters as c
from kept.buckets import DAY_SECONDS, FIVE_MINUTES
from kept.signals.situation import Situation

HISTORY_DAYS: Final = 93
"""How far back counts are made: a quarter, and what its edges need."""


class HourlyCounts:
    """Sums of some counters in (start, end], both full hours (s) of the last 93 days or later."""

    def __init__(self, situation: Situation, counters: tuple[int, ...]) -> None:
        local = situation.rules.local_time
        days = situation.tallies.days((situation.service.id, "", ""))
        far = situation.at - HISTORY_DAYS * DAY_SECONDS
        by_hour: dict[int, list[int]] = {}
        for day_end, day in days.items():
            if day_end <= far or not any(counter in day.total for counter in counters):
                continue
            for bucket, tally in day.buckets.items():
                if not tally:
                    continue
                end = local.ends(bucket.end)[0] if bucket.size == FIVE_MINUTES else bucket.end
                row = by_hour.setdefault(end, [0] * len(counters))
                for place, counter in enumerate(counters):
                    row[place] += tally.get(counter, 0)
        self._ends = sorted(by_hour)
        self._sums = {
            counter: [0, *accumulate(by_hour[end][place] for end in self._ends)]
            for place, counter in enumerate(counters)
        }

    def count(self, counter: int, start: int, end: int) -> int:
        """Sum of a counter in (start, end]."""
        sums = self._sums[counter]
        return sums[bisect_right(self._ends, end)] - sums[bisect_right(self._ends, start)]

    def hours(self, start: int, end: int) -> list[int]:
        """Ends (s) of the hours in (start, end] in which anything was counted, in order."""
        return self._ends[bisect_right(self._ends, start) : bisect_right(self._ends, end)]


def first_due_day(situation: Situation) -> int | None:
    """Start (s) of the first local day on which a case of the service fell due; None when none ever did until now."""
    days = situation.tallies.days((situation.service.id, "", ""))
    ends = [end for end, day in days.items() if day.total.get(c.DUE, 0) > 0]
    if not ends:
        return None
    start = situation.rules.local_time.day_start(min(ends) - 1)
    return start if start < situation.at else None
