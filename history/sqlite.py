"""The history in one SQLite file: for one machine, the demo, analysts and tests. Readers never wait for the writer.

What a point shares with many others (its series; its unit, definition and state) is stored once, so that a point is
one row of about 60 bytes and millions of them stay small. A batch is one transaction: all of it or nothing.
"""

from __future__ import annotations

import json
import math
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kept.errors import Retry, Stop
from kept.indicators.point import Point, Slice

FORMAT = 1
"""Version of the file's layout, kept in its `user_version`. A change comes with the step that upgrades older files."""
APPLICATION = 0x4B455054
"""`application_id` of the file ("KEPT"), so that another program's database is never written into."""

SCHEMA = """
CREATE TABLE series (
    id INTEGER PRIMARY KEY, service TEXT NOT NULL, slice TEXT NOT NULL, indicator TEXT NOT NULL, window TEXT NOT NULL,
    UNIQUE (service, slice, indicator, window));
CREATE TABLE meaning (
    id INTEGER PRIMARY KEY, unit TEXT NOT NULL, definition TEXT NOT NULL, state TEXT NOT NULL, reason TEXT NOT NULL,
    UNIQUE (unit, definition, state, reason));
CREATE TABLE point (
    series INTEGER NOT NULL REFERENCES series, window_end INTEGER NOT NULL, window_start INTEGER NOT NULL,
    meaning INTEGER NOT NULL REFERENCES meaning, value, numerator, denominator, n INTEGER, low, high,
    PRIMARY KEY (series, window_end)) WITHOUT ROWID;
CREATE TABLE published (service TEXT PRIMARY KEY, window_end INTEGER NOT NULL) WITHOUT ROWID;
"""
# Numbers have no declared type: a whole number comes back whole and a decimal number comes back decimal.

UPSERT = """
INSERT INTO point (series, window_end, window_start, meaning, value, numerator, denominator, n, low, high)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (series, window_end) DO UPDATE SET
    window_start = excluded.window_start, meaning = excluded.meaning, value = excluded.value,
    numerator = excluded.numerator, denominator = excluded.denominator, n = excluded.n,
    low = excluded.low, high = excluded.high
"""
SELECT = """
SELECT s.service, s.slice, s.indicator, s.window, p.window_start, p.window_end, p.value, m.unit, p.numerator,
       p.denominator, p.n, p.low, p.high, m.definition, m.state, m.reason
FROM series s JOIN point p ON p.series = s.id JOIN meaning m ON m.id = p.meaning
"""
LATEST = (
    SELECT + "WHERE s.service = ?1 AND (?2 IS NULL OR s.slice = ?2) AND p.window_end = "  # noqa: S608 - constants only
    "(SELECT max(window_end) FROM point WHERE series = s.id AND window_end <= ?3)"
)
NO_REASON = ""

RETRY_CODES: frozenset[int] = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_PROTOCOL,  # lost a race for the write-ahead log
        sqlite3.SQLITE_SCHEMA,
        sqlite3.SQLITE_INTERRUPT,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_FULL,  # points wait in memory until a person has made room
    }
)
"""Primary result codes after which the same call may succeed; all others need a person."""


class SQLiteHistory:
    """A `HistoryStore` in the file `path` (or `:memory:`), made when absent; `read_only` neither makes nor writes it.

    `busy_seconds`: how long a call waits for another writer before it raises `Retry`.
    """

    def __init__(self, path: str | Path, *, read_only: bool = False, busy_seconds: float = 5.0) -> None:
        """Open the file; raises `Retry` or `Stop` as every other method does."""
        self._path = str(path)
        self._read_only = read_only
        self._series: dict[tuple[str, str, str, str], int] = {}
        self._meanings: dict[tuple[str, str, str, str], int] = {}
        self._connection: sqlite3.Connection | None = None
        deadline = time.monotonic() + busy_seconds
        while True:
            try:
                self._open(busy_seconds)
                return
            except Retry:
                self.close()
                # Turning the write-ahead log on is not covered by SQLite's own waiting.
                if read_only or time.monotonic() >= deadline:
                    raise
                time.sleep(0.02)
            except BaseException:
                self.close()
                raise

    def write(self, points: Sequence[Point]) -> None:
        """Store all `points` or none of them; on disk when it returns. Of points with one key the last one stays."""
        for point in points:
            _refuse_unstorable(point)
        with self._transaction() as connection:
            connection.executemany(UPSERT, [self._row(connection, point) for point in points])

    def publish(self, services: Iterable[str], window_end: int) -> None:
        """Record that all points of `services` up to `window_end` (epoch seconds) are written. Never moves back."""
        with self._transaction() as connection:
            connection.executemany(
                "INSERT INTO published VALUES (?, ?) "
                "ON CONFLICT (service) DO UPDATE SET window_end = max(window_end, excluded.window_end)",
                [(service, window_end) for service in services],
            )

    def published(self) -> dict[str, int]:
        """For each service the last `window_end` recorded by `publish`."""
        return dict(self._query("SELECT service, window_end FROM published ORDER BY service"))

    def read(
        self,
        service: str,
        *,
        slice: Slice | None = None,
        indicator: str | None = None,
        window: str | None = None,
        since: int | None = None,
        until: int | None = None,
    ) -> list[Point]:
        """Points of a service with since <= window_end <= until, ordered by `Point.key()`; None means any."""
        text = None if slice is None else _slice_text(slice)
        wanted = {
            "s.service = ?": service,
            "s.slice = ?": text,
            "s.indicator = ?": indicator,
            "s.window = ?": window,
            "p.window_end >= ?": since,
            "p.window_end <= ?": until,
        }
        conditions = {condition: value for condition, value in wanted.items() if value is not None}
        rows = self._query(f"{SELECT} WHERE {' AND '.join(conditions)}", *conditions.values())
        return sorted(map(_point, rows), key=Point.key)

    def latest(self, service: str, *, slice: Slice | None = None, at: int | None = None) -> list[Point]:
        """For each series (slice, indicator, window) its newest point with window_end <= `at` (None: newest of all)."""
        text = None if slice is None else _slice_text(slice)
        rows = self._query(
            LATEST,
            service,
            text,
            2**63 - 1 if at is None else at,
        )
        return sorted(map(_point, rows), key=Point.key)

    def services(self) -> list[str]:
        """Services with at least one point, sorted."""
        rows = self._query(
            "SELECT DISTINCT service FROM series s WHERE EXISTS (SELECT 1 FROM point WHERE series = s.id) "
            "ORDER BY service"
        )
        return [service for (service,) in rows]

    def close(self) -> None:
        """Release the file; idempotent."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _open(self, busy_seconds: float) -> None:
        file = Path(self._path)
        in_memory = self._path == ":memory:"
        if not in_memory and not file.parent.is_dir():
            raise Stop(f"history {self._path}: no folder {file.parent}; make it or set KEPT_HISTORY_PATH elsewhere")
        if self._read_only and not in_memory and not file.exists():
            raise Retry(f"history {self._path}: not there yet; a worker makes it when it publishes its first value")
        with self._mapped():
            mode = "ro" if self._read_only else "rwc"
            target = self._path if in_memory else f"{file.absolute().as_uri()}?mode={mode}"
            connection = sqlite3.connect(
                target, timeout=busy_seconds, isolation_level=None, check_same_thread=False, uri=not in_memory
            )
            self._connection = connection
            self._recognise(connection)
            if self._read_only and not in_memory:
                connection.execute("PRAGMA query_only = ON")
                return
            connection.execute("PRAGMA journal_mode = WAL")
            # FULL, not NORMAL: with NORMAL a power cut may take back commits that a caller has already acknowledged
            # to Kafka, and those points would be missing for ever. It costs one fsync a batch, not one a point.
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute(f"PRAGMA journal_size_limit = {64 * 1024 * 1024}")
            self._make_tables(connection)

    def _recognise(self, connection: sqlite3.Connection) -> None:
        # One read transaction: another process may be making the tables at this moment.
        connection.execute("BEGIN")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        connection.execute("COMMIT")
        if application != APPLICATION and (tables or version):
            raise Stop(f"history {self._path}: a database of another program; set KEPT_HISTORY_PATH to another file")
        if version > FORMAT:
            raise Stop(
                f"history {self._path}: its format is {version}, this version of Kept knows formats up to {FORMAT}; "
                "use the newer Kept that wrote it, or another file"
            )
        if not tables and self._read_only and self._path != ":memory:":
            raise Retry(f"history {self._path}: still empty; a worker fills it when it publishes its first value")

    def _make_tables(self, connection: sqlite3.Connection) -> None:
        connection.execute("BEGIN IMMEDIATE")
        try:
            if connection.execute("PRAGMA user_version").fetchone()[0] == 0:
                for statement in filter(str.strip, SCHEMA.split(";")):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {FORMAT}")
                connection.execute(f"PRAGMA application_id = {APPLICATION}")
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def _row(self, connection: sqlite3.Connection, point: Point) -> tuple[Any, ...]:
        key = (point.service, _slice_text(point.slice), point.indicator, point.window)
        series = self._series.get(key)
        if series is None:
            series = self._series[key] = _identify(connection, "series (service, slice, indicator, window)", key)
        words = (point.unit, point.definition, point.state, point.reason or NO_REASON)
        meaning = self._meanings.get(words)
        if meaning is None:
            meaning = self._meanings[words] = _identify(connection, "meaning (unit, definition, state, reason)", words)
        return (
            series, point.window_end, point.window_start, meaning, point.value, point.numerator, point.denominator,
            point.n, point.low, point.high,
        )  # fmt: skip

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        if self._read_only:
            raise Stop(f"history {self._path}: opened for reading only")
        with self._mapped():
            connection = self._require()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                # Numbers given out in a transaction that never was would point at other series later.
                self._series.clear()
                self._meanings.clear()
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def _query(self, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        with self._mapped():
            return self._require().execute(statement, parameters).fetchall()

    def _require(self) -> sqlite3.Connection:
        if self._connection is None:
            raise Stop(f"history {self._path}: used after it was closed")
        return self._connection

    @contextmanager
    def _mapped(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            code = getattr(error, "sqlite_errorcode", None)
            if code is not None and code & 0xFF in RETRY_CODES:
                raise Retry(f"history {self._path}: {error}; nothing was written, try again") from error
            raise Stop(f"history {self._path}: {error}; check the file, its permissions and its disk") from error
        except (OverflowError, UnicodeEncodeError) as error:
            raise Stop(f"history {self._path}: a point cannot be stored: {error}") from error


def _identify(connection: sqlite3.Connection, table: str, key: tuple[str, str, str, str]) -> int:
    """The number of `key` in `table (columns)`, given out when it has none yet."""
    name, _, columns = table.rstrip(")").partition(" (")
    connection.execute(f"INSERT OR IGNORE INTO {table} VALUES (?, ?, ?, ?)", key)  # noqa: S608 - constants only
    where = " AND ".join(f"{column} = ?" for column in columns.split(", "))
    row = connection.execute(f"SELECT id FROM {name} WHERE {where}", key).fetchone()  # noqa: S608 - constants only
    return int(row[0])


def _slice_text(slice: Slice) -> str:
    return json.dumps(slice, ensure_ascii=False, separators=(",", ":"))


def _point(row: tuple[Any, ...]) -> Point:
    (service, text, indicator, window, start, end, value, unit, numerator, denominator, n, low, high,
     definition, state, reason) = row  # fmt: skip
    return Point(
        service=service,
        slice=tuple((dimension, name) for dimension, name in json.loads(text)),
        indicator=indicator,
        window=window,
        window_start=start,
        window_end=end,
        value=value,
        unit=unit,
        numerator=numerator,
        denominator=denominator,
        n=n,
        low=low,
        high=high,
        definition=definition,
        state=state,
        reason=reason or None,
    )


def _refuse_unstorable(point: Point) -> None:
    """Raise `Stop` for a number that is none: SQLite would store it as missing, and missing has a meaning here."""
    for name in ("value", "numerator", "denominator", "low", "high"):
        number = getattr(point, name)
        if number is not None and not math.isfinite(number):
            raise Stop(f"{point.service} {point.indicator} {point.window}: {name} is {number}, not a finite number")
