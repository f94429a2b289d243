"""The history in one SQLite file: for one machine, the demo, analysts and tests. Readers never wait for the writer.

A call is one transaction: all of it or nothing.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from history import sqlite_tables as tables
from history.sqlite_tables import APPLICATION, FORMAT, NO_REASON, point_of, row_of, row_of_signal, signal_of, slice_text
from history.storable import refuse_unstorable, refuse_unstorable_amendment, refuse_unstorable_week, storable_signal
from history.store import Refusal
from kept.decisions import DecisionEntry
from kept.deliveries import Delivery
from kept.errors import Retry, Stop
from kept.indicators.point import Amendment, Point, Slice
from kept.registered_changes import RegisteredChange
from kept.signals.chart_amendments import ChartAmendment
from kept.signals.chart_weeks import ChartWeek
from kept.signals.raised import Raised, Response

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
EARLIEST, LATEST_MOMENT = -(2**63), 2**63 - 1


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
            refuse_unstorable(point)
        with self._transaction() as connection:
            connection.executemany(tables.UPSERT, [self._row(connection, point) for point in points])

    def amend(self, amendments: Sequence[Amendment]) -> None:
        """Store each `new` in place of `old` and remember `old` under `known_at`: all of them or none."""
        for amendment in amendments:
            refuse_unstorable(amendment.old)
            refuse_unstorable(amendment.new)
        with self._transaction() as connection:
            for amendment in amendments:
                old, new = self._row(connection, amendment.old), self._row(connection, amendment.new)
                connection.execute(tables.REMEMBER_OLD, (*old, amendment.known_at))
                connection.execute(tables.REMEMBER_NEW, (*new, amendment.known_at))
                connection.execute(tables.UPSERT, new)

    def amendments(self, service: str, *, since: int | None = None, until: int | None = None) -> list[Amendment]:
        """Amendments of points with since <= window_end <= until, ordered by `Amendment.key()`; None means any."""
        if self._lacks_format(2):
            return []
        rows = self._query(tables.AMENDMENTS, service, *_times(since, until))
        found = sorted(
            ((point_of(row[2:]), row[0], row[1]) for row in rows), key=lambda side: (side[0].key(), side[1:])
        )
        return [
            Amendment(known_at, old, new)
            for (old, known_at, _), (new, _, _) in zip(found[::2], found[1::2], strict=True)
        ]

    def publish(self, services: Iterable[str], window_end: int) -> None:
        """Record that all points of `services` up to `window_end` (epoch seconds) are written. Never moves back."""
        with self._transaction() as connection:
            connection.executemany(tables.PUBLISH, [(service, window_end) for service in services])

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
        text = None if slice is None else slice_text(slice)
        wanted = {
            "s.service = ?": service,
            "s.slice = ?": text,
            "s.indicator = ?": indicator,
            "s.window = ?": window,
            "p.window_end >= ?": since,
            "p.window_end <= ?": until,
        }
        conditions = {condition: value for condition, value in wanted.items() if value is not None}
        rows = self._query(f"{tables.SELECT} WHERE {' AND '.join(conditions)}", *conditions.values())
        return sorted(map(point_of, rows), key=Point.key)

    def latest(self, service: str, *, slice: Slice | None = None, at: int | None = None) -> list[Point]:
        """For each series (slice, indicator, window) its newest point with window_end <= `at` (None: newest of all)."""
        text = None if slice is None else slice_text(slice)
        rows = self._query(tables.LATEST, service, text, LATEST_MOMENT if at is None else at)
        return sorted(map(point_of, rows), key=Point.key)

    def services(self) -> list[str]:
        """Services with at least one point, sorted."""
        return [service for (service,) in self._query(tables.SERVICES)]

    def refused(self) -> Mapping[Refusal, int]:
        """Nothing ever: a file takes every point."""
        return {}

    def record(self, signals: Sequence[Raised]) -> None:
        """Store all `signals` or none of them, each in place of what is there of the same key."""
        rows = [row_of_signal(storable_signal(raised)) for raised in signals]
        with self._transaction() as connection:
            connection.executemany(tables.RECORD, rows)

    def signals(
        self, service: str | None = None, *, since: int | None = None, until: int | None = None
    ) -> list[Raised]:
        """Signals with since <= raised_at <= until, ordered by `Raised.key()`; None means any."""
        return self._signals(tables.SIGNALS, service, *_times(since, until))

    def open_signals(self, service: str | None = None) -> list[Raised]:
        """Of each (service, signal, about) the one raised last, when it has not ended, ordered by `Raised.key()`."""
        return self._signals(tables.OPEN_SIGNALS, service)

    def respond(self, response: Response) -> None:
        """Store what someone said to a signal; saying the same at the same second again changes nothing."""
        with self._transaction() as connection:
            connection.execute(tables.RESPOND, (response.at, response.id, response.says))

    def responses(self) -> list[Response]:
        """Everything that was said, ordered by (at, id, says)."""
        if self._lacks_format(3):
            return []
        return [Response(id=name, says=says, at=at) for name, says, at in self._query(tables.RESPONSES)]

    def write_charts(self, weeks: Sequence[ChartWeek]) -> None:
        """Store all `weeks` or none of them, each in place of what is there of the same key."""
        for week in weeks:
            refuse_unstorable_week(week)
        with self._transaction() as connection:
            connection.executemany(tables.CHART, map(row_of, weeks))

    def charts(
        self, service: str, *, indicator: str | None = None, since: int | None = None, until: int | None = None
    ) -> list[ChartWeek]:
        """Weeks with since <= week_end <= until, ordered by `ChartWeek.key()`; None means any."""
        if self._lacks_format(4):
            return []
        rows = self._query(tables.CHARTS, service, indicator, *_times(since, until))
        return [msgspec.json.decode(text, type=ChartWeek) for (text,) in rows]

    def amend_charts(self, amendments: Sequence[ChartAmendment]) -> None:
        """Store each `new` in place of `old` and remember `old` under `known_at`: all of them or none."""
        for amendment in amendments:
            refuse_unstorable_amendment(amendment)
        with self._transaction() as connection:
            connection.executemany(tables.AMEND_CHART, map(tables.row_of_amendment, amendments))
            connection.executemany(tables.CHART, [row_of(amendment.new) for amendment in amendments])

    def chart_amendments(
        self, service: str, *, indicator: str | None = None, since: int | None = None, until: int | None = None
    ) -> list[ChartAmendment]:
        """Amendments of weeks with since <= week_end <= until, ordered by `ChartAmendment.key()`; None means any."""
        if self._lacks_format(5):
            return []
        rows = self._query(tables.CHART_AMENDMENTS, service, indicator, *_times(since, until))
        return list(map(tables.amendment_of, rows))

    def write_changes(self, changes: Sequence[RegisteredChange]) -> None:
        """Store all `changes` or none of them, each in place of what is there of the same key."""
        with self._transaction() as connection:
            connection.executemany(tables.CHANGE, map(row_of, changes))

    def changes(
        self, service: str | None = None, *, since: int | None = None, until: int | None = None
    ) -> list[RegisteredChange]:
        """Registered changes with since <= at <= until, ordered by `RegisteredChange.key()`; None means any."""
        if self._lacks_format(4):
            return []
        rows = self._query(tables.CHANGES, service, *_times(since, until))
        return [msgspec.json.decode(text, type=RegisteredChange) for (text,) in rows]

    def decide(self, entry: DecisionEntry) -> None:
        """Add `entry` to the record of decisions; the same one again changes nothing."""
        with self._transaction() as connection:
            connection.execute(tables.DECIDE, row_of(entry))

    def decision_entries(self, *, since: int | None = None, until: int | None = None) -> list[DecisionEntry]:
        """Entries with since <= at <= until (wall clock, s), ordered by `DecisionEntry.key()`; None means any."""
        if self._lacks_format(5):
            return []
        rows = self._query(tables.DECISION_ENTRIES, *_times(since, until))
        return [msgspec.json.decode(text, type=DecisionEntry) for (text,) in rows]

    def deliver(self, delivery: Delivery) -> None:
        """Remember that a weekly summary was delivered; the same delivery again changes nothing."""
        with self._transaction() as connection:
            connection.execute(tables.DELIVER, row_of(delivery))

    def deliveries(self) -> list[Delivery]:
        """All that was delivered, ordered by `Delivery.key()`."""
        if self._lacks_format(5):
            return []
        return [msgspec.json.decode(text, type=Delivery) for (text,) in self._query(tables.DELIVERIES)]

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
            tables.bring_up_to_date(connection)

    def _recognise(self, connection: sqlite3.Connection) -> None:
        # One read transaction: another process may be making the tables at this moment.
        connection.execute("BEGIN")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        made = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        connection.execute("COMMIT")
        if application != APPLICATION and (made or version):
            raise Stop(f"history {self._path}: a database of another program; set KEPT_HISTORY_PATH to another file")
        if version > FORMAT:
            raise Stop(
                f"history {self._path}: its format is {version}, this version of Kept knows formats up to {FORMAT}; "
                "use the newer Kept that wrote it, or another file"
            )
        if not made and self._read_only and self._path != ":memory:":
            raise Retry(f"history {self._path}: still empty; a worker fills it when it publishes its first value")

    def _row(self, connection: sqlite3.Connection, point: Point) -> tuple[Any, ...]:
        key = (point.service, slice_text(point.slice), point.indicator, point.window)
        series = self._series.get(key)
        if series is None:
            series = self._series[key] = tables.identify(connection, "series (service, slice, indicator, window)", key)
        words = (point.unit, point.definition, point.state, point.reason or NO_REASON)
        meaning = self._meanings.get(words)
        if meaning is None:
            meaning = self._meanings[words] = tables.identify(
                connection, "meaning (unit, definition, state, reason)", words
            )
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

    def _signals(self, statement: str, *parameters: object) -> list[Raised]:
        if self._lacks_format(3):
            return []
        if self._lacks_format(5):
            statement = statement.replace(*tables.BEFORE_COURSES)
        return list(map(signal_of, self._query(statement, *parameters)))

    def _lacks_format(self, number: int) -> bool:
        """Whether the file was opened for reading before a worker has brought it up to this format."""
        return bool(self._query("PRAGMA user_version")[0][0] < number)

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


def _times(since: int | None, until: int | None) -> tuple[int, int]:
    """From and to which time (s) is asked for."""
    return EARLIEST if since is None else since, LATEST_MOMENT if until is None else until
