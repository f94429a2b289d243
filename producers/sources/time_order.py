"""Events of a file, told in any order -> the same events in the order in which they happened, in bounded memory.

The first events are kept in memory; when there are more, all go to a temporary database on disk, which sorts them as it
is read. What is already in order is not sorted.
"""

from __future__ import annotations

import sqlite3
import weakref
from collections.abc import Iterator
from typing import Protocol

from kept import events as e
from kept.errors import Stop

IN_MEMORY = 50_000
"""Events held in memory, about 1 KB each; with more, what is in memory is a small part of the cache below."""
_CACHE_KIB = 16 * 1024
_WRITTEN_AT_ONCE = 1_000
_RANK = {kind: rank for rank, kind in enumerate(e.PUBLIC_EVENTS)}

Timed = tuple[int, e.Event]
"""Event time in ms since 1970-01-01 UTC, and the event."""
_Key = tuple[int, int, str]


class TimedEvents(Protocol):
    """Events in time order; may be gone through more than once."""

    def __len__(self) -> int:
        """How many."""

    def __iter__(self) -> Iterator[Timed]:
        """The events in order."""


class TimeOrder:
    """Takes events in any order; those of one moment go by type, then id. `as_told` leaves all as they came."""

    def __init__(self, until_ms: int | None = None, *, as_told: bool = False, in_memory: int = IN_MEMORY) -> None:
        """Events after `until_ms` are left out."""
        self._until_ms = until_ms
        self._as_told = as_told
        self._in_memory = in_memory
        self._held: list[tuple[_Key, e.Event]] = []
        self._disk: _Disk | None = None
        self._last: _Key | None = None
        self._ordered = True

    def add(self, time_ms: int, event: e.Event) -> None:
        """Take in one event; raises `Stop` when the disk is full."""
        if self._until_ms is not None and time_ms > self._until_ms:
            return
        key = (time_ms, _RANK[type(event)], event.id)
        if not self._as_told and self._last is not None and key < self._last:
            self._ordered = False
        self._last = key
        self._held.append((key, event))
        if len(self._held) >= (self._in_memory if self._disk is None else _WRITTEN_AT_ONCE):
            self._write()

    def events(self) -> TimedEvents:
        """All that were taken in, in order; ends the taking in."""
        if self._disk is None:
            if not self._ordered:
                self._held.sort(key=lambda held: held[0])
            return [(key[0], event) for key, event in self._held]
        self._write()
        self._disk.ordered = self._ordered
        return self._disk

    def _write(self) -> None:
        if self._disk is None:
            self._disk = _Disk()
        self._disk.write(self._held)
        self._held = []


class _Disk:
    """Events in a temporary database, which is gone with this object."""

    ordered = True

    def __init__(self) -> None:
        # An empty name is a database of its own in a temporary file, which SQLite removes when it is closed.
        self._database = sqlite3.connect("", isolation_level=None)
        self._size = 0
        weakref.finalize(self, self._database.close)
        for statement in (
            f"PRAGMA cache_size = -{_CACHE_KIB}",
            "PRAGMA temp_store = FILE",
            "PRAGMA journal_mode = OFF",
            "CREATE TABLE told (time INTEGER, rank INTEGER, id BLOB, event BLOB)",
        ):
            self._database.execute(statement)

    def write(self, held: list[tuple[_Key, e.Event]]) -> None:
        """Append events."""
        rows = ((time_ms, rank, name.encode(), e.encode(event)) for (time_ms, rank, name), event in held)
        try:
            self._database.execute("BEGIN")
            self._database.executemany("INSERT INTO told VALUES (?, ?, ?, ?)", rows)
            self._database.execute("COMMIT")
        except sqlite3.Error as error:
            raise _no_room(error) from error
        self._size += len(held)

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[Timed]:
        order = "rowid" if self.ordered else "time, rank, id, rowid"
        try:
            for time_ms, event in self._database.execute(f"SELECT time, event FROM told ORDER BY {order}"):  # noqa: S608
                yield time_ms, e.decode(event)
        except sqlite3.Error as error:
            raise _no_room(error) from error


def _no_room(error: sqlite3.Error) -> Stop:
    return Stop(
        f"the events cannot be put in order on disk: {error}; make room in the folder for temporary files (TMPDIR)"
    )
