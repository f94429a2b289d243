"""What a batch of events adds to the tallies, gathered first and summed at once.

An event counts some twenty entries in four series each, and most of a batch's entries share their bucket with others.
Here they are summed over the whole batch by numpy, so that each counter of each bucket is touched once a batch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Final

import numpy as np

from kept.buckets import FIVE_MINUTES, HOUR, STEP_MS, STEP_SECONDS, LocalTime
from kept.cases import Entry
from kept.counters import FAMILY_SIZE, WHOLE_ONLY
from kept.plain_cases import Numbers, PlainCases, Rows

MOST_SERIES: Final = 4
"""Series that one contribution counts in at most: the whole service, its area, its category and its channel."""
NO_SERIES: Final = -1
_COUNTERS: Final = 2**17
"""More than there are counters."""

BucketSum = tuple[int, int, int, list[int], list[int]]
"""What a batch adds to one bucket: the number of its series, its size and end (s), counters and amounts, none 0."""


class TallyBatch:
    """Contributions to series of one time zone. Amounts and their sums stay below 2^63."""

    def __init__(self, local_time: LocalTime) -> None:
        self._local_time = local_time
        self.plain = PlainCases(MOST_SERIES)
        """Cases that are counted many at once."""
        self._entries: list[Entry] = []
        self._lengths: list[int] = []
        self._signs: list[int] = []
        self._series: list[int] = []

    def add(self, series: Sequence[int], entries: Sequence[Entry], sign: int = 1) -> None:
        """Count `entries`, times `sign`, in the whole service, which is the first of the `MOST_SERIES` numbers, and,
        below `WHOLE_ONLY`, in its slices by the hour, which are the others. `NO_SERIES` stands for none."""
        self._series.extend(series)
        self._entries.extend(entries)
        self._lengths.append(len(entries))
        self._signs.append(sign)

    def take(self) -> Iterator[BucketSum]:
        """The sums of what was added since the last call, ordered by series; buckets whose sums are all 0 are left
        out."""
        rows = [*self.plain.take(), *self._rows()]
        if not rows:
            return iter(())
        times, counters, amounts, series = map(np.concatenate, zip(*rows, strict=True))
        # A bucket's place: the number of its 5 minutes, or behind those of its hour, among the batch's.
        steps, step_of = np.unique(-(-times // STEP_MS), return_inverse=True)
        step_ends = steps * STEP_SECONDS
        ends = self._local_time.ends
        hour_ends, hour_of = np.unique([ends(end)[0] for end in step_ends.tolist()], return_inverse=True)
        hourly = len(steps) + hour_of[step_of]
        places = len(steps) + len(hour_ends)
        whole = np.where(counters < FAMILY_SIZE, step_of, hourly)
        keys, weights = [], []
        for column, place in enumerate((whole, *(hourly,) * (MOST_SERIES - 1))):
            chosen = series[:, column] != NO_SERIES
            if column > 0:
                chosen &= counters < WHOLE_ONLY
            keys.append((series[chosen, column] * places + place[chosen]) * _COUNTERS + counters[chosen])
            weights.append(amounts[chosen])
        bucket_ends = [*step_ends.tolist(), *hour_ends.tolist()]
        return _buckets(np.concatenate(keys), np.concatenate(weights), bucket_ends, len(steps))

    def _rows(self) -> list[Rows]:
        """What was gathered one by one; empties it."""
        if not self._entries:
            return []
        count = len(self._entries)
        flat = np.fromiter(chain.from_iterable(self._entries), np.int64, 3 * count).reshape(count, 3)
        of = np.repeat(np.arange(len(self._lengths)), self._lengths)
        series = np.array(self._series, np.int64).reshape(-1, MOST_SERIES)[of]
        amounts = flat[:, 2] * np.array(self._signs, np.int64)[of]
        self._entries, self._lengths, self._signs, self._series = [], [], [], []
        return [Rows(flat[:, 0], flat[:, 1], amounts, series)]


def _buckets(keys: Numbers, amounts: Numbers, ends: list[int], steps: int) -> Iterator[BucketSum]:
    order = np.argsort(keys)
    keys = keys[order]
    starts = np.flatnonzero(np.concatenate(([True], keys[1:] != keys[:-1])))
    sums = np.add.reduceat(amounts[order], starts)
    keys, sums = keys[starts][sums != 0], sums[sums != 0]
    if not len(keys):
        return
    cells, counters = np.divmod(keys, _COUNTERS)
    begins = np.flatnonzero(np.concatenate(([True], cells[1:] != cells[:-1])))
    series, places = np.divmod(cells[begins], len(ends))
    all_counters, all_amounts = counters.tolist(), sums.tolist()
    bounds = [*begins.tolist(), len(keys)]
    for index, (number, place) in enumerate(zip(series.tolist(), places.tolist(), strict=True)):
        begin, stop = bounds[index], bounds[index + 1]
        size = FIVE_MINUTES if place < steps else HOUR
        yield number, size, ends[place], all_counters[begin:stop], all_amounts[begin:stop]
