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
    """A tally and whether it changed since the last batch."""

    __slots__ = ("changed", "tally")

    def __init__(self, tally: Tally) -> None:
        self.tally = tally
        self.changed = False


Counted = list[tuple[int, int]]
"""(counter, amount) pairs."""
_Place = tuple[Series, int, int]


class PartitionTallies:
    """Signed counters by series and bucket."""

    def __init__(self, local_times: Mapping[str, LocalTime]) -> None:
        self.compacted_ms: int | None = None
        self._local = local_times
        self._cells: dict[Series, tuple[dict[int, _Cell], dict[int, _Cell], dict[int, _Cell]]] = {}
        self._changed: list[tuple[Series, int, int, _Cell]] = []
        self._superseded: set[_Place] = set()
        self._fine_until = self._hourly_until = -(2**62)

    def __len__(self) -> int:
        return sum(len(cells) for sizes in self._cells.values() for cells in sizes)

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
        fine: dict[int, Counted] = {}
        hourly: dict[int, Counted] = {}
        binned: dict[int, Counted] = {}
        for time_ms, counter, amount in entries:
            step = step_end(time_ms)
            hour = ends(step)[0]
            pair = (counter, amount)
            if hour in hourly:
                hourly[hour].append(pair)
            else:
                hourly[hour] = [pair]
            if counter < FAMILY_SIZE:
                if step in fine:
                    fine[step].append(pair)
                else:
                    fine[step] = [pair]
            elif hour in binned:
                binned[hour].append(pair)
            else:
                binned[hour] = [pair]
        whole = (service, "", "")
        for end, counted in fine.items():
            self._count(whole, FIVE_MINUTES, end, counted)
        for end, counted in binned.items():
            self._count(whole, HOUR, end, counted)
        for dimension, value in slices:
            series = (service, dimension, value)
            for end, counted in hourly.items():
                self._count(series, HOUR, end, counted)

    def put(self, series: Series, size: int, end: int, tally: Tally | None) -> None:
        """Set a tally while restoring."""
        sizes = self._cells.setdefault(series, ({}, {}, {}))
        if tally is None:
            sizes[size].pop(end, None)
        else:
            sizes[size][end] = _Cell(tally)

    def resume(self, compacted_ms: int | None) -> None:
        """Continue with the compaction that the restored tallies have seen."""
        if compacted_ms is not None:
            self._set_edges(compacted_ms)

    def compact(self, watermark_ms: int) -> None:
        """Join buckets that have become too old for their size; at most once a day of event time."""
        if self.compacted_ms is not None and watermark_ms // DAY_MS <= self.compacted_ms // DAY_MS:
            return
        self._set_edges(watermark_ms)
        for series, (fine, hourly, _) in self._cells.items():
            if series[0] not in self._local:
                continue
            ends = self._local[series[0]].ends
            until = self._hourly_until if series[1] == "" else self._fine_until
            for end in [end for end in fine if ends(end)[0] <= self._fine_until]:
                self._join(series, FIVE_MINUTES, end, HOUR, ends(end)[0])
            for end in [end for end in hourly if ends(end)[1] <= until]:
                self._join(series, HOUR, end, DAY, ends(end)[1])

    def take_changed(self) -> Iterator[tuple[Series, int, int, Tally | None]]:
        """Each bucket changed since the last call, with its absolute tally; None for a superseded one."""
        changed, superseded = self._changed, self._superseded
        self._changed, self._superseded = [], set()
        for series, size, end, cell in changed:
            cell.changed = False
            if self._cells[series][size].get(end) is cell:
                yield series, size, end, cell.tally
        for series, size, end in superseded:
            if end not in self._cells[series][size]:
                yield series, size, end, None

    def items(self) -> Iterator[tuple[Series, int, int, Tally]]:
        """Every tally."""
        for series, sizes in self._cells.items():
            for size, cells in enumerate(sizes):
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
            self._count((service, "step", step), HOUR, ends(step_end(time_ms))[0], [(counter, sign * amount)])

    def _count(self, series: Series, size: int, end: int, counted: Counted) -> None:
        sizes = self._cells.get(series)
        if sizes is None:
            sizes = self._cells[series] = ({}, {}, {})
        cell = sizes[size].get(end)
        if cell is None:
            size, end = self._size_now(series, size, end)
            cell = sizes[size].get(end)
            if cell is None:
                cell = sizes[size][end] = _Cell({})
        if not cell.changed:
            cell.changed = True
            self._changed.append((series, size, end, cell))
        tally = cell.tally
        for counter, amount in counted:
            total = tally.get(counter, 0) + amount
            if total:
                tally[counter] = total
            else:
                tally.pop(counter, None)

    def _size_now(self, series: Series, size: int, end: int) -> tuple[int, int]:
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
        sizes = self._cells[series]
        part = sizes[size].pop(end)
        self._superseded.add((series, size, end))
        whole = sizes[into].get(into_end)
        if whole is None:
            whole = sizes[into][into_end] = _Cell({})
        add_into(whole.tally, part.tally)
        if not whole.changed:
            whole.changed = True
            self._changed.append((series, into, into_end, whole))

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
