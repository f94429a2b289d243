"""The tallies of one source partition in memory: contributions in, changed absolute tallies out, old buckets compacted.

The whole service is counted in 5-minute buckets (histograms by the hour), each slice by the hour. Behind the watermark
buckets become coarser; the coarser one supersedes those beneath it in the same transaction. Published windows have
their far edge on a bucket edge of that age, so compaction changes no published value. The past is kept packed: it
is large and seldom asked for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from kept.buckets import (
    DAY,
    FINE_SECONDS,
    FIVE_MINUTES,
    HOUR,
    HOURLY_SECONDS,
    SKEW_SECONDS,
    LocalTime,
)
from kept.cases import Clock, Contribution, Entry, SliceOf, contribution, slices_of
from kept.durations import DAY_MS
from kept.facts import Facts, Opened
from kept.plain_cases import is_plain
from kept.slice_values import COUNTED_ONCE, FOLDED, MOST_SLICE_VALUES
from kept.tallies import (
    Series,
    Tally,
    add_into,
    pack_place,
    pack_series,
    pack_tally,
    split_key,
    unpack_series,
    unpack_tally,
)
from kept.tally_batch import MOST_SERIES, NO_SERIES, TallyBatch

PACKED_SECONDS = 86_400
"""So long after its end a bucket is still changed often enough to be kept as it is."""
Kept = Tally | bytes
"""A tally, or the same packed."""
_REST = tuple((NO_SERIES,) * (MOST_SERIES - given) for given in range(MOST_SERIES + 1))
"""What fills up so many series to `MOST_SERIES`."""


class _SeriesCells:
    """The buckets of one series, by size and end, packed while nothing touches them. `touched`: those changed since the
    last batch, the same objects."""

    __slots__ = ("_owner", "by_size", "key", "number", "series", "touched")

    def __init__(self, owner: PartitionTallies, series: Series, number: int) -> None:
        self._owner = owner
        self.series = series
        self.number = number
        self.key = pack_series(series)
        self.by_size: tuple[dict[int, Kept], dict[int, Kept], dict[int, Kept]] = ({}, {}, {})
        self.touched: tuple[dict[int, Tally], dict[int, Tally], dict[int, Tally]] = ({}, {}, {})

    def touch(self, size: int, end: int) -> Tally:
        """The tally that stands for (size, end), to be changed by the caller."""
        owner = self._owner
        if end <= owner.fine_until:
            size, end = owner.size_now(self.series, size, end)
        tally = self.by_size[size].get(end)
        if tally is None:
            tally = self.by_size[size][end] = {}
        elif isinstance(tally, bytes):
            tally = self.by_size[size][end] = unpack_tally(tally)
        self.touched[size][end] = tally
        owner.touched[self] = None
        return tally

    def pack_until(self, until: int) -> None:
        """Pack what ends before `until` (s) and was not changed since the last batch."""
        for kept, touched in zip(self.by_size, self.touched, strict=True):
            for end, tally in kept.items():
                if end < until and not isinstance(tally, bytes) and end not in touched:
                    kept[end] = pack_tally(tally)


class PartitionTallies:
    """Signed counters by series and bucket."""

    def __init__(self, local_times: Mapping[str, LocalTime], most_values: Mapping[str, int]) -> None:
        """`most_values`: of each dimension of a service."""
        self.compacted_ms: int | None = None
        self._local = local_times
        self._most_values = most_values
        self._emptied: list[Series] = []
        self._new_values: list[_SeriesCells] = []
        batches = {local: TallyBatch(local) for local in local_times.values()}
        self._gathered = {service: batches[local] for service, local in local_times.items()}
        """By service; services of one time zone share theirs."""
        self.batches = list(batches.values())
        """What was gathered since it was last counted, by time zone."""
        self._cells: dict[str, dict[str, dict[str, _SeriesCells]]] = defaultdict(lambda: defaultdict(dict))
        """By service, dimension and value."""
        self._numbered: list[_SeriesCells] = []
        self._seats: dict[bytes, _SeriesCells] = {}
        """By packed series, while restoring."""
        self.touched: dict[_SeriesCells, None] = {}
        """Those with a bucket that changed since the last batch, in order."""
        self._superseded: list[tuple[_SeriesCells, int, int]] = []
        self.fine_until = self._hourly_until = -(2**62)
        """Ends (s) up to which buckets were joined into hours, and hours into days."""

    def __len__(self) -> int:
        self._count_gathered()
        return sum(len(tallies) for cells in self._all() for tallies in cells.by_size)

    def change(self, service: str, before: Facts | None, after: Facts, clock: Clock) -> None:
        """Count a case by what is known of it now, instead of by what was known before."""
        opened = after[0]
        if isinstance(opened, Opened) and is_plain(before, after, clock):
            self._gathered[service].plain.add(self._numbers(service, slices_of(opened)), after)
            return
        if before is not None:
            self._add_contribution(service, contribution(before, clock), -1)
        self._add_contribution(service, contribution(after, clock), 1)

    def add(self, service: str, slices: tuple[SliceOf, ...], entries: Sequence[Entry], sign: int = 1) -> None:
        """Count `entries`, times `sign`, in the whole service and, below `WHOLE_ONLY`, in each slice: together with the
        rest of the batch, once it is asked for."""
        self._gathered[service].add(self._numbers(service, slices), entries, sign)

    def put(self, key: bytes, packed: bytes | None) -> None:
        """Take in the message of a tally while restoring. Then call `restored`."""
        series, (size, end, _) = split_key(key)
        tallies = (self._seats.get(series) or self.seat(series)).by_size[size]
        if packed is None:
            tallies.pop(end, None)
        else:
            tallies[end] = packed

    def seat(self, packed_series: bytes) -> _SeriesCells:
        """The cells of a series that was there before, while restoring: whether it may be is not asked again."""
        series = unpack_series(packed_series)
        service, dimension, value = series
        cells = self._cells[service][dimension].get(value) or self._make(series)
        self._seats[packed_series] = cells
        return cells

    def restored(self, compacted_ms: int | None) -> None:
        """The last message was taken in: see that each that is left can be read, and continue with the compaction that
        they have seen."""
        self._seats.clear()
        for cells in self._all():
            for by_end in cells.by_size:
                for kept in by_end.values():
                    _plain(kept)
        if compacted_ms is not None:
            self._set_edges(compacted_ms)

    def take_emptied(self) -> list[Series]:
        """Series that have no bucket (any more) since the last call, after `take_changed`. They keep their place among
        the values."""
        never_counted = (cells.series for cells in self._new_values if not any(cells.by_size))
        emptied = list(dict.fromkeys((*self._emptied, *never_counted)))
        self._emptied, self._new_values = [], []
        return emptied

    def folded(self) -> Iterator[tuple[str, str, int]]:
        """(service, dimension, cases and other events) of what is counted under `FOLDED`."""
        self._count_gathered()
        for service, by_dimension in self._cells.items():
            for dimension, by_value in by_dimension.items():
                cells = by_value.get(FOLDED)
                if dimension and cells is not None:
                    buckets = (_plain(kept) for by_end in cells.by_size for kept in by_end.values())
                    yield service, dimension, sum(tally.get(n, 0) for tally in buckets for n in COUNTED_ONCE)

    def compact(self, watermark_ms: int) -> None:
        """Join buckets that have become too old for their size; at most once a day of event time."""
        if self.compacted_ms is not None and watermark_ms // DAY_MS <= self.compacted_ms // DAY_MS:
            return
        self._count_gathered()
        self._set_edges(watermark_ms)
        for cells in list(self._all()):
            series = cells.series
            if series[0] not in self._local:
                continue
            fine, hourly, _ = cells.by_size
            ends = self._local[series[0]].ends
            fine_until, until = self.fine_until, self._hourly_until if series[1] == "" else self.fine_until
            for end in [end for end in fine if end <= fine_until and ends(end)[0] <= fine_until]:
                self._join(cells, FIVE_MINUTES, end, HOUR, ends(end)[0])
            for end in [end for end in hourly if end <= until and ends(end)[1] <= until]:
                self._join(cells, HOUR, end, DAY, ends(end)[1])
            cells.pack_until(watermark_ms // 1000 - PACKED_SECONDS)

    def take_changed(self, partition: int) -> Iterator[tuple[str, bytes, bytes | None]]:
        """(service, key, value) of each bucket changed since the last call: its absolute tally, or None when it is
        gone."""
        self._count_gathered()
        touched, superseded = self.touched, self._superseded
        self.touched, self._superseded = {}, []
        for cells in touched:
            service, series = cells.series[0], cells.key
            for size, tallies in enumerate(cells.touched):
                for end, tally in tallies.items():
                    key = series + pack_place(size, end, partition)
                    if tally:
                        yield service, key, pack_tally(tally)
                    else:
                        del cells.by_size[size][end]
                        if not any(cells.by_size):
                            self._emptied.append(cells.series)
                        yield service, key, None
                tallies.clear()
        for cells, size, end in superseded:
            if end not in cells.by_size[size]:
                yield cells.series[0], cells.key + pack_place(size, end, partition), None

    def items(self) -> Iterator[tuple[Series, int, int, Tally]]:
        """Every tally."""
        self._count_gathered()
        for cells in self._all():
            for size, by_end in enumerate(cells.by_size):
                for end, kept in by_end.items():
                    yield cells.series, size, end, _plain(kept)

    def _numbers(self, service: str, slices: tuple[SliceOf, ...]) -> list[int]:
        """The series of the whole service and of `slices`, `MOST_SERIES` in all."""
        known = self._cells[service]
        numbers = [(known[""].get("") or self._new((service, "", ""))).number]
        for dimension, value in slices:
            numbers.append((known[dimension].get(value) or self._new((service, dimension, value))).number)
        numbers += _REST[len(numbers)]
        return numbers

    def _add_contribution(self, service: str, counted: Contribution, sign: int) -> None:
        self.add(service, counted.slices, counted.entries, sign)
        for step, time_ms, counter, amount in counted.step_entries:
            number = (self._cells[service]["step"].get(step) or self._new((service, "step", step))).number
            self._gathered[service].add((NO_SERIES, number, *_REST[2]), ((time_ms, counter, amount),), sign)

    def _count_gathered(self) -> None:
        for batch in self.batches:
            for number, size, end, counters, amounts in batch.take():
                cells = self._numbered[number]
                tally = cells.touch(size, end)
                if not tally:
                    tally.update(zip(counters, amounts, strict=True))
                    continue
                for counter, amount in zip(counters, amounts, strict=True):
                    total = tally.get(counter, 0) + amount
                    if total:
                        tally[counter] = total
                    else:
                        del tally[counter]

    def _all(self) -> Iterator[_SeriesCells]:
        for by_dimension in self._cells.values():
            for by_value in by_dimension.values():
                yield from by_value.values()

    def _new(self, series: Series) -> _SeriesCells:
        """The cells of a value that has none: its own, or those of `FOLDED` when the dimension has enough values."""
        service, dimension, _ = series
        if dimension:
            by_value = self._cells[service][dimension]
            folded = by_value.get(FOLDED)
            if folded is not None:
                return folded
            if len(by_value) >= self._most_values.get(service, MOST_SLICE_VALUES):
                series = (service, dimension, FOLDED)
        cells = self._make(series)
        self._new_values.append(cells)
        return cells

    def _make(self, series: Series) -> _SeriesCells:
        service, dimension, value = series
        cells = self._cells[service][dimension][value] = _SeriesCells(self, series, len(self._numbered))
        self._numbered.append(cells)
        return cells

    def size_now(self, series: Series, size: int, end: int) -> tuple[int, int]:
        """The bucket that stands for (size, end) since the last compaction."""
        hour, day = self._local[series[0]].ends(end)
        until = self._hourly_until if series[1] == "" else self.fine_until
        if size == FIVE_MINUTES and hour <= self.fine_until:
            size, end = HOUR, hour
        if size == HOUR and day <= until:
            size, end = DAY, day
        return size, end

    def _join(self, cells: _SeriesCells, size: int, end: int, into: int, into_end: int) -> None:
        part = cells.by_size[size].pop(end)
        cells.touched[size].pop(end, None)
        self._superseded.append((cells, size, end))
        add_into(cells.touch(into, into_end), _plain(part))

    def _set_edges(self, watermark_ms: int) -> None:
        self.compacted_ms = watermark_ms
        self.fine_until = watermark_ms // 1000 - SKEW_SECONDS - FINE_SECONDS
        self._hourly_until = watermark_ms // 1000 - SKEW_SECONDS - HOURLY_SECONDS


def _plain(kept: Kept) -> Tally:
    return unpack_tally(kept) if isinstance(kept, bytes) else kept
