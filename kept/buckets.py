"""Time buckets (start, end], aligned to a service's local time. All bucket ends are whole seconds since 1970 UTC.

Sizes: 0 = 5 minutes, 1 = an hour, 2 = a local day (23 to 25 hours long). Hours and days are those of the wall clock,
so a day with a clock change is one bucket.
"""

from __future__ import annotations

import datetime
from typing import Final
from zoneinfo import ZoneInfo

FIVE_MINUTES: Final = 0
HOUR: Final = 1
DAY: Final = 2
STEP_SECONDS: Final = 300
STEP_MS: Final = 300_000
HOUR_SECONDS: Final = 3600
DAY_SECONDS: Final = 86400
WEEK_SECONDS: Final = 7 * DAY_SECONDS
LONGEST_DAY_SECONDS: Final = 26 * 3600
"""No local day is longer, changes of the clock included."""

FINE_SECONDS: Final = 48 * HOUR_SECONDS
"""Age up to which a bucket keeps its finest size."""
HOURLY_SECONDS: Final = 90 * DAY_SECONDS
"""Age up to which a bucket of the whole service is an hour at most."""
SKEW_SECONDS: Final = 24 * HOUR_SECONDS
"""How far the watermarks of partitions may be apart for values to be published. A partition keeps its buckets so much
longer by its own watermark, so that the common moment, which is the least, still finds them at their size."""

MEMORY: Final = 200_000
"""Answers remembered of one time zone at most."""


class LocalTime:
    """Bucket edges in one time zone; answers are remembered."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._ends: dict[int, tuple[int, int]] = {}
        self._steady: dict[int, int | None] = {}

    def ends(self, end: int) -> tuple[int, int]:
        """(end of the hour, end of the day), in s, that hold the 5-minute bucket ending at `end` (s)."""
        known = self._ends.get(end)
        if known is None:
            if len(self._ends) > MEMORY:
                self._ends.clear()
                self._steady.clear()
            known = self._ends[end] = self._find(end)
        return known

    def hour_start(self, time: int) -> int:
        """The last local full hour at or before `time` (s)."""
        offset = self._offset(time)
        start = time - (time + offset) % HOUR_SECONDS
        return start

    def day_start(self, time: int) -> int:
        """The last local midnight at or before `time` (s)."""
        local = datetime.datetime.fromtimestamp(time, self._zone)
        return self._midnight(local.date())

    def week_start(self, time: int) -> int:
        """The last local Monday 00:00 strictly before `time` (s)."""
        local = datetime.datetime.fromtimestamp(time - 1, self._zone).date()
        return self._midnight(local - datetime.timedelta(days=local.weekday()))

    def start_of(self, size: int, end: int) -> int:
        """Start (s) of the bucket of `size` that ends at `end` (s)."""
        if size == FIVE_MINUTES:
            return end - STEP_SECONDS
        if size == HOUR:
            return end - HOUR_SECONDS
        return self.day_start(end - 1)

    def _find(self, end: int) -> tuple[int, int]:
        offset = self._steady_offset((end - 1) // DAY_SECONDS)
        if offset is not None:
            local_time = end + offset
            return end + -local_time % HOUR_SECONDS, end + -local_time % DAY_SECONDS
        hour = end + -(end + self._offset(end - 1)) % HOUR_SECONDS
        local = datetime.datetime.fromtimestamp(end - 1, self._zone).date()
        return hour, self._midnight(local + datetime.timedelta(days=1))

    def _steady_offset(self, day: int) -> int | None:
        """The offset (s) that holds from the day before to the day after a UTC day; None when it changes."""
        if day not in self._steady:
            hours = range((day - 1) * DAY_SECONDS, (day + 2) * DAY_SECONDS + 1, HOUR_SECONDS)
            offsets = {self._offset(time) for time in hours}
            self._steady[day] = offsets.pop() if len(offsets) == 1 else None
        return self._steady[day]

    def _offset(self, time: int) -> int:
        offset = datetime.datetime.fromtimestamp(time, self._zone).utcoffset()
        assert offset is not None
        return int(offset.total_seconds())

    def _midnight(self, day: datetime.date) -> int:
        local = datetime.datetime(day.year, day.month, day.day, tzinfo=self._zone)
        return int(local.timestamp())
