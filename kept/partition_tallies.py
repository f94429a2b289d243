"""The tallies of one source partition in memory: contributions in, changed absolute tallies out, old buckets compacted.

The whole service is counted in 5-minute buckets (histograms by the hour), each slice by the hour. Behind the watermark
buckets become coarser; the coarser one supersedes those beneath it in the same transaction. Published windows have
their far edge on a bucket edge of that age, so compaction changes no published value.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from kept.buckets import DAY, FINE_SECONDS, FIVE_MINUTES, HOUR, HOURLY_SECONDS, LocalTime, step_end
from kept.cases import Contribution, Entry, SliceOf
from kept.counters import FAMILY_SIZE
from kept.durations import DAY_MS
from kept.tallies import Series, Tally, add_into


class _Cell:
    """A tally and whether it changed since the last batch. May hold zeros until the batch is taken."""

    __slots__ = ("changed", "tally")

    def __init__(self, tally: Tally) -> None:
        self.tally = tally
        self.changed = False


_Place = tuple[Series, int, int]


class _SeriesCells:
    """The buckets of one series, by size and end."""

    __slots__ = ("_owner", "by_size", "series")

    def __init__(self, owner: PartitionTallies, series: Series) -> None:
        self._owner = owner
        self.series = series
        self.by_size: tuple[dict[int, _Cell], dict[int, _Cell], dict[int, _Cell]] = ({}, {}, {})

    def tally(self, size: int, end: int) -> Tally:
        """The tally that stands for (size, end), to be changed by the caller."""
        cell = self.by_size[size].get(end)
        if cell is None:
            size, end = self._owner.size_now(self.series, size, end)
            cell = self.by_size[size].get(end)
            if cell is None:
                cell = self.by_size[size][end] = _Cell({})
        if not cell.changed:
            cell.changed = True
            self._owner.changed.append((self.series, size, end, cell))
        return cell.tally


class PartitionTallies:
    """Signed counters by series and bucket."""

    def __init__(self, local_times: Mapping[str, LocalTime]) -> None:
        self.compacted_ms: int | None = None
        self._local = local_times
        self._cells: dict[Series, _SeriesCells] = {}
        self.changed: list[tuple[Series, int, int, _Cell]] = []
        self._superseded: set[_Place] = set()
        self._fine_until = self._hourly_until = -(2**62)

    def __len__(self) -> int:
        return sum(len(cells) for series in self._cells.values() for cells in series.by_size)

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
        """Count `entries` in the whole service and in each slice."""
        ends = self._local[service].ends
        whole = self._sizes((service, "", ""))
        parts = [self._sizes((service, dimension, value)) for dimension, value in slices]
        plain: dict[int, list[Tally]] = {}
        binned: dict[int, list[Tally]] = {}
        for time_ms, counter, amount in entries:
            known = plain if counter < FAMILY_SIZE else binned
            tallies = known.get(time_ms)
            if tallies is None:
                step = step_end(time_ms)
                hour = ends(step)[0]
                first = whole.tally(FIVE_MINUTES, step) if counter < FAMILY_SIZE else whole.tally(HOUR, hour)
                tallies = known[time_ms] = [first, *[part.tally(HOUR, hour) for part in parts]]
            for tally in tallies:
                tally[counter] = tally.get(counter, 0) + amount

    def put(self, series: Series, size: int, end: int, tally: Tally | None) -> None:
        """Set a tally while restoring."""
        cells = self._sizes(series).by_size[size]
        if tally is None:
            cells.pop(end, None)
        else:
            cells[end] = _Cell(tally)

    def resume(self, compacted_ms: int | None) -> None:
        """Continue with the compaction that the restored tallies have seen."""
        if compacted_ms is not None:
            self._set_edges(compacted_ms)

    def compact(self, watermark_ms: int) -> None:
        """Join buckets that have become too old for their size; at most once a day of event time."""
        if self.compacted_ms is not None and watermark_ms // DAY_MS <= self.compacted_ms // DAY_MS:
            return
        self._set_edges(watermark_ms)
        for series, cells in self._cells.items():
            if series[0] not in self._local:
                continue
            fine, hourly, _ = cells.by_size
            ends = self._local[series[0]].ends
            until = self._hourly_until if series[1] == "" else self._fine_until
            for end in [end for end in fine if ends(end)[0] <= self._fine_until]:
                self._join(series, FIVE_MINUTES, end, HOUR, ends(end)[0])
            for end in [end for end in hourly if ends(end)[1] <= until]:
                self._join(series, HOUR, end, DAY, ends(end)[1])

    def take_changed(self) -> Iterator[tuple[Series, int, int, Tally | None]]:
        """Each bucket changed since the last call, with its absolute tally; None for a superseded one."""
        changed, superseded = self.changed, self._superseded
        self.changed, self._superseded = [], set()
        for series, size, end, cell in changed:
            cell.changed = False
            if self._cells[series].by_size[size].get(end) is cell:
                if 0 in cell.tally.values():
                    cell.tally = {counter: amount for counter, amount in cell.tally.items() if amount}
                yield series, size, end, cell.tally
        for series, size, end in superseded:
            if end not in self._cells[series].by_size[size]:
                yield series, size, end, None

    def items(self) -> Iterator[tuple[Series, int, int, Tally]]:
        """Every tally."""
        for series, by_size in ((series, cells.by_size) for series, cells in self._cells.items()):
            for size, cells in enumerate(by_size):
                for end, cell in cells.items():
                    yield series, size, end, cell.tally

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
            tally = self._sizes((service, "step", step)).tally(HOUR, ends(step_end(time_ms))[0])
            tally[counter] = tally.get(counter, 0) + sign * amount

    def _sizes(self, series: Series) -> _SeriesCells:
        cells = self._cells.get(series)
        if cells is None:
            cells = self._cells[series] = _SeriesCells(self, series)
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

    def _join(self, series: Series, size: int, end: int, into: int, into_end: int) -> None:
        cells = self._cells[series]
        part = cells.by_size[size].pop(end)
        self._superseded.add((series, size, end))
        add_into(cells.tally(into, into_end), part.tally)

    def _set_edges(self, watermark_ms: int) -> None:
        self.compacted_ms = watermark_ms
        self._fine_until = watermark_ms // 1000 - FINE_SECONDS
        self._hourly_until = watermark_ms // 1000 - HOURLY_SECONDS


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
