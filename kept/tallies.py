"""Tallies: signed integer counters per service, slice and time bucket. They add up, in any order, over any partition.

A series is (service, dimension, value), with ("", "") for the whole service. A bucket is (size, end). What crosses
from one processor to the next is always the absolute tally of one source partition, never a change, so that delivering
it twice changes nothing.
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import msgspec

from kept.buckets import DAY, LocalTime
from kept.slice_values import FOLDED, OTHER

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
unpack_tally = msgspec.msgpack.Decoder(dict[int, int]).decode
"""The tally that `pack_tally` has packed."""
_PLACE = struct.Struct(">BqI")
"""Size and end of the bucket, source partition: the end of a key, behind its series."""
pack_place = _PLACE.pack
"""Size, end of the bucket and source partition: the end of a message's key."""
pack_series = _pack
"""A series: the beginning of a message's key."""
_SERIES_MEMORY = 100_000
MOST_WAITING = 200_000
"""So many tallies wait at most until somebody reads: of those that are superseded meanwhile some 50 MB."""


LEAST_TALLY_BYTE = 0x80
"""The key of a tally begins with no ASCII character, that of every other kind of record with a word."""


def is_tally_key(key: bytes) -> bool:
    """Whether a message of topic `tallies` is a tally: no mark, no change, nothing that only later releases write."""
    return key[0] >= LEAST_TALLY_BYTE


@functools.lru_cache(_SERIES_MEMORY)
def _series_of(key: bytes) -> Series:
    return _unpack_series(key)


unpack_series = _series_of
"""The series that `pack_series` has packed."""


def split_key(key: bytes) -> tuple[bytes, tuple[int, int, int]]:
    """The packed series of a message's key, and its place: size and end of the bucket, source partition."""
    at = len(key) - _PLACE.size
    return key[:at], _PLACE.unpack_from(key, at)


def unpack(key: bytes, value: bytes | None) -> PartitionTally:
    """A tally from its message; no value means superseded."""
    series, (size, end, partition) = split_key(key)
    tally = None if value is None else unpack_tally(value)
    return PartitionTally(_series_of(series), Bucket(size, end), partition, tally)


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


class Day:
    """The merged tallies of one local day of a series, and their sum."""

    __slots__ = ("buckets", "opens", "total")

    def __init__(self) -> None:
        self.buckets: dict[Bucket, Tally] = {}
        self.total: Tally = {}
        self.opens: dict[int, int] | None = None
        """End of hour -> cases opened in it and still open; filled by readers, emptied by changes."""


class MergedTallies:
    """The sum over source partitions of absolute tallies as they arrive, by local day.

    They are added up when somebody reads: of a bucket that is told ten times in between, only the last is.

    A value that a partition may have folded (it has folded some, and does not hold this one) is not told from the
    others here either: it is part of `OTHER`. So whatever slice is shown has all its events.
    """

    def __init__(self, local_times: Mapping[str, LocalTime]) -> None:
        self._local = local_times
        self._waiting: dict[bytes, bytes | None] = {}
        """Messages since the last reading, the last of each key."""
        self._parts: dict[tuple[Series, Bucket], dict[int, bytes]] = {}
        """What each source partition has told, packed: it is asked for only when that partition tells another."""
        self._days: dict[str, dict[Series, dict[int, Day]]] = {}
        self._folding: dict[str, set[str]] = {}
        """Dimensions of a service of which some partition has folded values."""
        self._shown: dict[str, dict[Series, dict[int, Day]]] = {}
        """Of services in `_folding`: what readers are given, made when they ask."""

    def apply(self, key: bytes, value: bytes | None) -> None:
        """Put one partition's absolute tally, a message of topic `tallies`, in the place of its former one. Unknown
        services are left out."""
        self._waiting[key] = value
        if len(self._waiting) >= MOST_WAITING:
            self._add_up()

    def _add_up(self) -> None:
        waiting, self._waiting = self._waiting, {}
        for key, value in waiting.items():
            packed_series, (size, end, partition) = split_key(key)
            series = unpack_series(packed_series)
            if series[0] in self._local:
                self._put(series, Bucket(size, end), partition, value)

    def _put(self, series: Series, bucket: Bucket, partition: int, packed: bytes | None) -> None:
        parts = self._parts.setdefault((series, bucket), {})
        before = parts.get(partition)
        if packed is None:
            parts.pop(partition, None)
        else:
            parts[partition] = packed
        change = {} if packed is None else unpack_tally(packed)
        if before is not None:
            change = difference(change, unpack_tally(before))
        days = self._days.setdefault(series[0], {}).get(series)
        if days is None:
            days = self._days[series[0]][series] = {}
            if series[1] and series[2] == FOLDED:
                self._folding.setdefault(series[0], set()).add(series[1])
        self._shown.pop(series[0], None)
        day_end = bucket.end if bucket.size == DAY else self._local[series[0]].ends(bucket.end)[1]
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
        self._add_up()
        return sorted(self._days)

    def series_of(self, service: str) -> list[Series]:
        """Series of a service that hold anything, sorted, the whole service first."""
        held = self._of(service).items()
        return sorted(series for series, days in held if any(day.total for day in days.values()))

    def days(self, series: Series) -> dict[int, Day]:
        """Tallies by end of local day; not to be changed by readers."""
        return self._of(series[0]).get(series, {})

    def hides(self, series: Series) -> bool:
        """Whether it is part of `OTHER` by now, so that its own tallies tell nothing."""
        self._add_up()
        service = series[0]
        return service in self._folding and series in self._days[service] and series not in self._of(service)

    def items(self) -> Iterator[tuple[Series, Bucket, Tally]]:
        """Every merged tally that is not empty, sorted."""
        for service in self.services():
            for series in self.series_of(service):
                days = self.days(series).values()
                for bucket, tally in sorted((b, t) for day in days for b, t in day.buckets.items() if t):
                    yield series, bucket, tally

    def _of(self, service: str) -> dict[Series, dict[int, Day]]:
        """The series that may be told apart; the others are joined to `OTHER`."""
        self._add_up()
        held = self._days.get(service, {})
        if service not in self._folding:
            return held
        shown = self._shown.get(service)
        if shown is None:
            shown = self._shown[service] = self._fold(service, held)
        return shown

    def _fold(self, service: str, held: Mapping[Series, dict[int, Day]]) -> dict[Series, dict[int, Day]]:
        partitions: dict[Series, set[int]] = {}
        for (series, _), parts in self._parts.items():
            if series[0] == service:
                partitions.setdefault(series, set()).update(parts)
        shown: dict[Series, dict[int, Day]] = {}
        joined: dict[str, list[dict[int, Day]]] = {}
        for series, days in held.items():
            _, dimension, value = series
            folded_by = partitions.get((service, dimension, FOLDED), set()) if dimension else set()
            if folded_by and (value in (FOLDED, OTHER) or not folded_by <= partitions.get(series, set())):
                joined.setdefault(dimension, []).append(days)
            else:
                shown[series] = days
        for dimension, parts_of in joined.items():
            shown[service, dimension, OTHER] = _joined(parts_of)
        return shown


def _joined(parts: Iterable[Mapping[int, Day]]) -> dict[int, Day]:
    """The sum of several series, by end of day."""
    total: dict[int, Day] = {}
    for days in parts:
        for end, day in days.items():
            into = total.setdefault(end, Day())
            add_into(into.total, day.total)
            for bucket, tally in day.buckets.items():
                add_into(into.buckets.setdefault(bucket, {}), tally)
    return total
