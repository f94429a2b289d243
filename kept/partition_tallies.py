"""The tallies of one source partition in memory: contributions in, changed absolute tallies out, old buckets compacted.

The whole service is counted in 5-minute buckets (histograms by the hour), each slice by the hour. Behind the watermark
buckets become coarser; the coarser one supersedes those beneath it in the same transaction. Published windows have
their far edge on a bucket edge of that age, so compaction changes no published value.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from kept.buckets import (
    DAY,
    FINE_SECONDS,
    FIVE_MINUTES,
    HOUR,
    HOURLY_SECONDS,
    SKEW_SECONDS,
    STEP_MS,
    STEP_SECONDS,
    LocalTime,
    step_end,
)
from kept.cases import Contribution, Entry, SliceOf
from kept.counters import FAMILY_SIZE, WHOLE_ONLY
from kept.durations import DAY_MS
from kept.tallies import Series, Tally, add_into

WHOLE: SliceOf = ("", "")
"""The slice of a whole service."""


class _SeriesCells:
    """The buckets of one series, by size and end. `touched`: those changed since the last batch, the same objects."""

    __slots__ = ("_owner", "by_size", "series", "touched", "touched_hours")

    def __init__(self, owner: PartitionTallies, series: Series) -> None:
        self._owner = owner
        self.series = series
        self.by_size: tuple[dict[int, Tally], dict[int, Tally], dict[int, Tally]] = ({}, {}, {})
        self.touched: tuple[dict[int, Tally], dict[int, Tally], dict[int, Tally]] = ({}, {}, {})
        self.touched_hours = self.touched[HOUR]

    def touch(self, size: int, end: int) -> Tally:
        """The tally that stands for (size, end), to be changed by the caller."""
        size, end = self._owner.size_now(self.series, size, end)
        tally = self.by_size[size].get(end)
        if tally is None:
            tally = self.by_size[size][end] = {}
        self.touched[size][end] = tally
        self._owner.touched[self] = None
        return tally


class PartitionTallies:
    """Signed counters by series and bucket."""

    def __init__(self, local_times: Mapping[str, LocalTime]) -> None:
        self.compacted_ms: int | None = None
        self._local = local_times
        self._cells: dict[str, dict[SliceOf, _SeriesCells]] = {}
        """By service, then by slice."""
        self.touched: dict[_SeriesCells, None] = {}
        """Those with a bucket that changed since the last batch, in order."""
        self._superseded: list[tuple[Series, int, int]] = []
        self._fine_until = self._hourly_until = -(2**62)

    def __len__(self) -> int:
        return sum(len(tallies) for cells in self._all() for tallies in cells.by_size)

    def change(self, service: str, before: Contribution | None, after: Contribution) -> None:
        """Put a case's new contribution in the place of its former one."""
        if before is None:
            self._add_contribution(service, after, 1)
        elif before.slices != after.slices:
            self._add_contribution(service, before, -1)
            self._add_contribution(service, after, 1)
        else:
            self.add(service, after.slices, _difference(before.entries, after.entries))
            if after.step_entries:
                self._add_steps(service, after.step_entries, 1)
            if before.step_entries:
                self._add_steps(service, before.step_entries, -1)

    def add(self, service: str, slices: tuple[SliceOf, ...], entries: Iterable[Entry]) -> None:
        """Count `entries` in the whole service and, below `WHOLE_ONLY`, in each slice. The hottest loop: entries of one
        time side by side share the search for their buckets, and a bucket already touched in this batch is found
        without a call.
        """
        local = self._local[service]
        hours = local.hours
        known = self._cells.setdefault(service, {})
        whole = known.get(WHOLE) or self._new(service, WHOLE)
        fine_tallies, hourly_tallies = whole.touched[FIVE_MINUTES], whole.touched_hours
        parts = [known.get(slice_of) or self._new(service, slice_of) for slice_of in slices]
        last_ms = hour = step = None
        fine: Tally | None = None
        binned: Tally | None = None
        sliced: list[Tally] = []
        for time_ms, counter, amount in entries:
            if time_ms != last_ms:
                last_ms = time_ms
                step = -(-time_ms // STEP_MS) * STEP_SECONDS
                hour = hours.get(step)
                if hour is None:
                    hour = local.ends(step)[0]
                fine = binned = None
                sliced = []
                for part in parts:
                    tally = part.touched_hours.get(hour)
                    sliced.append(part.touch(HOUR, hour) if tally is None else tally)
            if counter < FAMILY_SIZE:
                if fine is None:
                    fine = fine_tallies.get(step)  # type: ignore[arg-type]
                    if fine is None:
                        fine = whole.touch(FIVE_MINUTES, step)  # type: ignore[arg-type]
                tally = fine
            else:
                if binned is None:
                    binned = hourly_tallies.get(hour)  # type: ignore[arg-type]
                    if binned is None:
                        binned = whole.touch(HOUR, hour)  # type: ignore[arg-type]
                tally = binned
            total = tally.get(counter, 0) + amount
            if total:
                tally[counter] = total
            else:
                tally.pop(counter, None)
            if counter >= WHOLE_ONLY:
                continue
            for tally in sliced:
                total = tally.get(counter, 0) + amount
                if total:
                    tally[counter] = total
                else:
                    tally.pop(counter, None)

    def put(self, series: Series, size: int, end: int, tally: Tally | None) -> None:
        """Set a tally while restoring."""
        tallies = self._of(series).by_size[size]
        if tally is None:
            tallies.pop(end, None)
        else:
            tallies[end] = tally

    def resume(self, compacted_ms: int | None) -> None:
        """Continue with the compaction that the restored tallies have seen."""
        if compacted_ms is not None:
            self._set_edges(compacted_ms)

    def compact(self, watermark_ms: int) -> None:
        """Join buckets that have become too old for their size; at most once a day of event time."""
        if self.compacted_ms is not None and watermark_ms // DAY_MS <= self.compacted_ms // DAY_MS:
            return
        self._set_edges(watermark_ms)
        for cells in list(self._all()):
            series = cells.series
            if series[0] not in self._local:
                continue
            fine, hourly, _ = cells.by_size
            ends = self._local[series[0]].ends
            fine_until, until = self._fine_until, self._hourly_until if series[1] == "" else self._fine_until
            for end in [end for end in fine if end <= fine_until and ends(end)[0] <= fine_until]:
                self._join(cells, FIVE_MINUTES, end, HOUR, ends(end)[0])
            for end in [end for end in hourly if end <= until and ends(end)[1] <= until]:
                self._join(cells, HOUR, end, DAY, ends(end)[1])

    def take_changed(self) -> Iterator[tuple[Series, int, int, Tally | None]]:
        """Each bucket changed since the last call, with its absolute tally; None for one that is gone."""
        touched, superseded = self.touched, self._superseded
        self.touched, self._superseded = {}, []
        for cells in touched:
            series = cells.series
            for size, tallies in enumerate(cells.touched):
                for end, tally in tallies.items():
                    if tally:
                        yield series, size, end, tally
                    else:
                        del cells.by_size[size][end]
                        yield series, size, end, None
                tallies.clear()
        for series, size, end in superseded:
            if end not in self._of(series).by_size[size]:
                yield series, size, end, None

    def items(self) -> Iterator[tuple[Series, int, int, Tally]]:
        """Every tally."""
        for cells in self._all():
            for size, tallies in enumerate(cells.by_size):
                for end, tally in tallies.items():
                    yield cells.series, size, end, tally

    def _add_contribution(self, service: str, counted: Contribution, sign: int) -> None:
        entries: list[Entry] = counted.entries
        if sign < 0:
            entries = [(time_ms, counter, -amount) for time_ms, counter, amount in entries]
        self.add(service, counted.slices, entries)
        if counted.step_entries:
            self._add_steps(service, counted.step_entries, sign)

    def _add_steps(self, service: str, entries: list[tuple[str, int, int, int]], sign: int) -> None:
        ends = self._local[service].ends
        for step, time_ms, counter, amount in entries:
            tally = self._of((service, "step", step)).touch(HOUR, ends(step_end(time_ms))[0])
            add_into(tally, {counter: sign * amount})

    def _all(self) -> Iterator[_SeriesCells]:
        for by_slice in self._cells.values():
            yield from by_slice.values()

    def _of(self, series: Series) -> _SeriesCells:
        service, dimension, value = series
        slice_of = (dimension, value)
        return self._cells.setdefault(service, {}).get(slice_of) or self._new(service, slice_of)

    def _new(self, service: str, slice_of: SliceOf) -> _SeriesCells:
        cells = self._cells[service][slice_of] = _SeriesCells(self, (service, *slice_of))
        return cells

    def size_now(self, series: Series, size: int, end: int) -> tuple[int, int]:
        """The bucket that stands for (size, end) since the last compaction."""
        if end > self._fine_until:
            return size, end
        hour, day = self._local[series[0]].ends(end)
        until = self._hourly_until if series[1] == "" else self._fine_until
        if size == FIVE_MINUTES and hour <= self._fine_until:
            size, end = HOUR, hour
        if size == HOUR and day <= until:
            size, end = DAY, day
        return size, end

    def _join(self, cells: _SeriesCells, size: int, end: int, into: int, into_end: int) -> None:
        part = cells.by_size[size].pop(end)
        cells.touched[size].pop(end, None)
        self._superseded.append((cells.series, size, end))
        add_into(cells.touch(into, into_end), part)

    def _set_edges(self, watermark_ms: int) -> None:
        self.compacted_ms = watermark_ms
        self._fine_until = watermark_ms // 1000 - SKEW_SECONDS - FINE_SECONDS
        self._hourly_until = watermark_ms // 1000 - SKEW_SECONDS - HOURLY_SECONDS


def _difference(before: list[Entry], after: list[Entry]) -> list[Entry]:
    """after - before, without what is the same in both."""
    change: dict[tuple[int, int], int] = {}
    for time_ms, counter, amount in after:
        key = (time_ms, counter)
        change[key] = change.get(key, 0) + amount
    for time_ms, counter, amount in before:
        key = (time_ms, counter)
        change[key] = change.get(key, 0) - amount
    return [(time_ms, counter, amount) for (time_ms, counter), amount in change.items() if amount]
