"""Tallies: signed integer counters per service, slice and time bucket. They add up, in any order, over any partition.

A series is (service, dimension, value), with ("", "") for the whole service. A bucket is (size, end). What crosses
from one processor to the next is always the absolute tally of one source partition, never a change, so that delivering
it twice changes nothing.
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import msgspec

from kept.buckets import DAY, LocalTime
from kept.counters import FAMILY_SIZE

Tally = dict[int, int]
"""Counter number -> amount; zero is absent."""
Series = tuple[str, str, str]
"""(service, dimension, value)."""


class Bucket(NamedTuple):
    """A bucket of a series: `size` 0, 1 or 2 and its `end` in seconds since 1970 UTC."""

    size: int
    end: int


class PartitionTally(NamedTuple):
    """The absolute tally of one source partition in one bucket of one series; None when it is superseded."""

    series: Series
    bucket: Bucket
    partition: int
    tally: Tally | None


_pack = msgspec.msgpack.Encoder().encode
pack_tally = _pack
"""The message value of a tally."""
_unpack_series = msgspec.msgpack.Decoder(tuple[str, str, str]).decode
_unpack_tally = msgspec.msgpack.Decoder(dict[int, int]).decode
_PLACE = struct.Struct(">BqI")
"""Size and end of the bucket, source partition: the end of a key, behind its series."""
_place = _PLACE.pack
_SERIES_MEMORY = 100_000


@functools.lru_cache(_SERIES_MEMORY)
def _series_key(series: Series) -> bytes:
    return _pack(series)


@functools.lru_cache(_SERIES_MEMORY)
def _series_of(key: bytes) -> Series:
    return _unpack_series(key)


def pack_key(series: Series, size: int, end: int, partition: int) -> bytes:
    """The message key of a tally."""
    return _series_key(series) + _place(size, end, partition)


def unpack(key: bytes, value: bytes | None) -> PartitionTally:
    """A tally from its message; no value means superseded."""
    size, end, partition = _PLACE.unpack(key[-_PLACE.size :])
    tally = None if value is None else _unpack_tally(value)
    return PartitionTally(_series_of(key[: -_PLACE.size]), Bucket(size, end), partition, tally)


def add_into(total: Tally, more: Tally) -> None:
    """total += more."""
    for counter, amount in more.items():
        summed = total.get(counter, 0) + amount
        if summed:
            total[counter] = summed
        else:
            total.pop(counter, None)


def difference(after: Tally, before: Tally) -> Tally:
    """after - before; what is the same in both is absent."""
    change: Tally = {}
    for counter, amount in after.items():
        grown = amount - before.get(counter, 0)
        if grown:
            change[counter] = grown
    for counter, amount in before.items():
        if counter not in after:
            change[counter] = -amount
    return change


def merged(*tallies: Tally) -> Tally:
    """The sum of tallies: associative and commutative, with {} as its zero."""
    total: Tally = {}
    for tally in tallies:
        add_into(total, tally)
    return total


def bins(tally: Tally, family: int) -> Tally:
    """Bin index -> count of one histogram family of a tally."""
    return {counter - family: amount for counter, amount in tally.items() if family <= counter < family + FAMILY_SIZE}


class Day:
    """The merged tallies of one local day of a series, and their sum."""

    __slots__ = ("buckets", "opens", "total")

    def __init__(self) -> None:
        self.buckets: dict[Bucket, Tally] = {}
        self.total: Tally = {}
        self.opens: dict[int, int] | None = None
        """End of hour -> cases opened in it and still open; filled by readers, emptied by changes."""


class MergedTallies:
    """The sum over source partitions, kept up to date as absolute tallies arrive, by local day."""

    def __init__(self, local_times: Mapping[str, LocalTime]) -> None:
        self._local = local_times
        self._parts: dict[tuple[Series, Bucket], dict[int, Tally]] = {}
        self._days: dict[str, dict[Series, dict[int, Day]]] = {}

    def apply(self, item: PartitionTally) -> None:
        """Put one partition's absolute tally in the place of its former one. Unknown services are left out."""
        series, bucket, partition, tally = item
        local = self._local.get(series[0])
        if local is None:
            return
        parts = self._parts.setdefault((series, bucket), {})
        before = parts.get(partition)
        if tally is None:
            parts.pop(partition, None)
        else:
            parts[partition] = tally
        change = tally or {} if before is None else difference(tally or {}, before)
        days = self._days.setdefault(series[0], {}).setdefault(series, {})
        day_end = bucket.end if bucket.size == DAY else local.ends(bucket.end)[1]
        day = days.get(day_end)
        if day is None:
            day = days[day_end] = Day()
        day.opens = None
        add_into(day.total, change)
        known = day.buckets.get(bucket)
        if known is None:
            known = day.buckets[bucket] = {}
        add_into(known, change)
        if not parts:
            del self._parts[(series, bucket)], day.buckets[bucket]

    def services(self) -> list[str]:
        """Services with any tally, sorted."""
        return sorted(self._days)

    def series_of(self, service: str) -> list[Series]:
        """Series of a service that hold anything, sorted, the whole service first."""
        held = self._days.get(service, {}).items()
        return sorted(series for series, days in held if any(day.total for day in days.values()))

    def days(self, series: Series) -> dict[int, Day]:
        """Tallies by end of local day; not to be changed by readers."""
        return self._days.get(series[0], {}).get(series, {})

    def forget(self, service: str) -> None:
        """Drop a service (another worker has taken it over)."""
        self._days.pop(service, None)
        for key in [key for key in self._parts if key[0][0] == service]:
            del self._parts[key]

    def items(self) -> Iterator[tuple[Series, Bucket, Tally]]:
        """Every merged tally that is not empty, sorted."""
        for service in self.services():
            for series in self.series_of(service):
                days = self.days(series).values()
                for bucket, tally in sorted((b, t) for day in days for b, t in day.buckets.items() if t):
                    yield series, bucket, tally
