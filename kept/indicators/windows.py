"""Windows (start, end], and what the tallies say of a series in one of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from kept import counters as c
from kept.buckets import (
    DAY_SECONDS,
    FINE_SECONDS,
    HOUR_SECONDS,
    HOURLY_SECONDS,
    LONGEST_DAY_SECONDS,
    STEP_SECONDS,
    LocalTime,
)
from kept.counters import FAMILY_SIZE, is_told_by_the_work
from kept.durations import parse_duration
from kept.tallies import Day, MergedTallies, Series, Tally, add_into

ROLLING: Final = {
    "1h": HOUR_SECONDS,
    "24h": DAY_SECONDS,
    "7d": 7 * DAY_SECONDS,
    "28d": 28 * DAY_SECONDS,
    "90d": 90 * DAY_SECONDS,
    "365d": 365 * DAY_SECONDS,
}
"""Lengths (s) of the rolling windows; beside them `week` (since Monday 00:00) and `all` (since the first event)."""
WINDOWS: Final = (*ROLLING, "week", "all")
SHORTEST_SECONDS: Final = HOUR_SECONDS
STEPS: Final = {"1h": STEP_SECONDS, "24h": STEP_SECONDS, "365d": DAY_SECONDS}
"""How often (s) a rolling window is published; the others by the hour, and slices never more often than that."""


def length_seconds(window: str) -> int:
    """Length of a rolling window: `28d`, or any other such as `36h`; raises `ValueError` that says what is valid."""
    if window in ROLLING:
        return ROLLING[window]
    try:
        seconds = parse_duration(window) // 1000
    except ValueError:
        seconds = 0
    if seconds < SHORTEST_SECONDS or seconds % HOUR_SECONDS:
        raise ValueError(f"{', '.join(WINDOWS)}, or whole hours, days or weeks such as 36h, 14d or 6w")
    return seconds


def is_long_enough(window: str, windows: tuple[str, ...]) -> bool:
    """Whether an indicator that is published for `windows` may be told of `window`, also one of another length."""
    if window in WINDOWS:
        return window in windows
    return length_seconds(window) >= min(ROLLING[name] for name in windows if name in ROLLING)


class OpenCohort(NamedTuple):
    """`cases` opened in (start, end] (s) that are still open."""

    start: int
    end: int
    cases: int


class View(NamedTuple):
    """Everything an indicator may ask of one series in one window.

    `counters` and `binned` are sums over (start, end] and (binned_start, end]: histograms have hourly buckets, so their
    far edge may lie a little earlier. `stocks` is summed from the beginning. `ever` tells what is provided at all.
    """

    series: Series
    window: str
    start: int
    binned_start: int
    end: int
    counters: Tally
    binned: Tally
    stocks: Tally
    ever: Tally
    open_in_window: list[OpenCohort]
    open_ever: list[OpenCohort]
    first: int = 0
    """Where the first bucket of the series begins: nothing is known of the time before it."""

    def count(self, *numbers: int) -> int:
        """Sum of counters in the window."""
        return sum(self.counters.get(number, 0) for number in numbers)

    def stock(self, entered: int, left: int) -> int:
        """How many had entered and not left at the end of the window."""
        return self.stocks.get(entered, 0) - self.stocks.get(left, 0)

    def provided(self, *numbers: int) -> bool:
        """Whether any of the counters was ever counted."""
        return any(self.ever.get(number, 0) for number in numbers)

    def histogram(self, family: int) -> dict[int, int]:
        """Bin index -> count."""
        return {n - family: amount for n, amount in self.binned.items() if family <= n < family + FAMILY_SIZE}

    @property
    def known_days(self) -> float:
        """Length in days of 24 hours of the window since the first event: of the time before nothing is known."""
        return (self.end - max(self.start, self.first)) / DAY_SECONDS


class Exactness(NamedTuple):
    """Whether no bucket lies across an edge of a window: of those with plain counters, and of any."""

    counted: bool
    binned: bool


class SeriesReader:
    """Views of one series as of one moment; sums shared by its windows are made once."""

    def __init__(self, tallies: MergedTallies, series: Series, local: LocalTime, at: int) -> None:
        self.series = series
        self.at = at
        self._days = tallies.days(series)
        self._local = local
        self._is_slice = series[1] != ""
        self._stocks = self._sum(None, at)
        self._ever = {number: amount for number, amount in self._stocks.items() if number < FAMILY_SIZE}
        # A promise that falls due later is a promise already.
        self._ever[c.DUE] = sum(day.total.get(c.DUE, 0) for day in self._days.values())
        self._open = list(self._open_cohorts())
        self._first = self._first_event()
        self._views: dict[str, View] = {}

    def view(self, window: str) -> View:
        """What is known of the series in `window`: a name in `WINDOWS`, or any other length such as `14d`."""
        if window not in self._views:
            self._views[window] = self._make_view(window)
        return self._views[window]

    def _make_view(self, window: str) -> View:
        start, binned_start = self.edges(window)
        if window == "all":
            binned = counters = self._stocks
        else:
            counters = self._sum(start, self.at)
            binned = counters if binned_start == start else self._sum(binned_start, self.at)
        return View(
            series=self.series,
            window=window,
            start=start,
            binned_start=binned_start,
            end=self.at,
            counters=counters,
            binned=binned,
            stocks=self._stocks,
            ever=self._ever,
            open_in_window=[cohort for cohort in self._open if cohort.end > binned_start],
            open_ever=self._open,
            first=self._first,
        )

    def is_exact(self, view: View) -> Exactness:
        """Whether the buckets, as coarse as they are by now, still tell what lies in the window and what does not."""
        counted = binned = True
        for edge in {self.at, *(() if view.window == "all" else (view.start, view.binned_start))}:
            for tally in self._across(edge):
                has_bins = any(number >= FAMILY_SIZE for number in tally)
                has_counters = any(number < FAMILY_SIZE for number in tally)
                binned = binned and not has_bins and not has_counters
                counted = counted and not has_counters
        return Exactness(counted, binned)

    def sum_of_whole_buckets(self, start: int, end: int) -> Tally:
        """Counters of the buckets that lie wholly in (start, end] (s); an hour still running is left out."""
        total: Tally = {}
        for day_end, day in self._days.items():
            if start < day_end and day_end - LONGEST_DAY_SECONDS < end:
                for bucket, tally in day.buckets.items():
                    if start < bucket.end <= end:
                        add_into(total, tally)
        return total

    def edges(self, window: str) -> tuple[int, int]:
        """(start for counters, start for histograms) in s: the last bucket edge at or before the window's far end."""
        if window == "all":
            return self._first, self._first
        if window == "week":
            far = self._local.week_start(self.at)
        else:
            far = self.at - length_seconds(window)
        age = self.at - far
        if age > HOURLY_SECONDS or (self._is_slice and age > FINE_SECONDS):
            day = self._local.day_start(far)
            return day, day
        hour = self._local.hour_start(far)
        if self._is_slice or age > FINE_SECONDS:
            return hour, hour
        return far, hour

    def _across(self, edge: int) -> Iterator[Tally]:
        for day_end, day in self._days.items():
            if edge < day_end and day_end - LONGEST_DAY_SECONDS < edge:
                for bucket, tally in day.buckets.items():
                    if tally and self._local.start_of(bucket.size, bucket.end) < edge < bucket.end:
                        yield tally

    def _first_event(self) -> int:
        """Local midnight before the first thing that happened, else the moment itself."""
        for day_end in sorted(self._days):
            if day_end - DAY_SECONDS * 2 >= self.at:
                break
            if any(map(is_told_by_the_work, self._days[day_end].total)):
                return self._local.day_start(day_end - 1)
        return self._local.day_start(self.at)

    def _sum(self, start: int | None, end: int) -> Tally:
        """Counters and bins in (start, end]; an hour that is still running counts as far as it is known."""
        total: Tally = {}
        for day_end, day in self._days.items():
            if start is not None and day_end <= start:
                continue
            if day_end <= end and (start is None or self._local.day_start(day_end - 1) >= start):
                add_into(total, day.total)
            elif day_end - LONGEST_DAY_SECONDS < end:
                self._add_part(total, day, start, end)
        return total

    def _add_part(self, total: Tally, day: Day, start: int | None, end: int) -> None:
        for bucket, tally in day.buckets.items():
            if start is not None and bucket.end <= start:
                continue
            if bucket.end <= end or (bucket.size == 1 and bucket.end - HOUR_SECONDS < end):
                add_into(total, tally)

    def _open_cohorts(self) -> Iterable[OpenCohort]:
        """Open cases by opening: by the hour while that is how buckets of the age are kept, then by the day."""
        limit = FINE_SECONDS if self._is_slice else HOURLY_SECONDS
        for day_end in sorted(self._days):
            day = self._days[day_end]
            if c.OPENED not in day.total or day_end - LONGEST_DAY_SECONDS >= self.at:
                continue
            if self.at - day_end >= limit:  # from this age on the day may have been compacted
                count = _still_open(day.total)
                if count > 0:
                    yield OpenCohort(self._local.day_start(day_end - 1), day_end, count)
                continue
            if day.opens is None:
                day.opens = self._opens_by_hour(day)
            for hour in sorted(day.opens):
                if hour - HOUR_SECONDS < self.at and day.opens[hour] > 0:
                    yield OpenCohort(hour - HOUR_SECONDS, min(hour, self.at), day.opens[hour])

    def _opens_by_hour(self, day: Day) -> dict[int, int]:
        by_hour: dict[int, Tally] = {}
        for bucket, tally in day.buckets.items():
            hour = bucket.end if bucket.size else self._local.ends(bucket.end)[0]
            add_into(by_hour.setdefault(hour, {}), tally)
        return {hour: _still_open(tally) for hour, tally in by_hour.items()}


def _still_open(tally: Tally) -> int:
    ended = sum(n for number, n in tally.items() if c.COMPLETION_TIME <= number < c.WITHDRAWAL_TIME + FAMILY_SIZE)
    return tally.get(c.OPENED, 0) - ended
