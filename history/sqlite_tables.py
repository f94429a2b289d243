"""The tables of a history file, the step from each older format to the newest, and how a row becomes a point.

What a point shares with many others (its series; its unit, definition and state) is stored once, so that a point is
one row of about 60 bytes and millions of them stay small.
"""

from __future__ import annotations

import json
import sqlite3
from typing import Any

import msgspec

from kept.decisions import DecisionEntry
from kept.deliveries import Delivery
from kept.indicators.point import Point, Slice
from kept.registered_changes import RegisteredChange
from kept.signals.chart_amendments import ChartAmendment
from kept.signals.chart_weeks import ChartWeek
from kept.signals.raised import Raised
from kept.signals.verdict import Verdict

FORMAT = 5
"""Version of the file's layout, kept in its `user_version`. A change comes with the step that upgrades older files."""
APPLICATION = 0x4B455054
"""`application_id` of the file ("KEPT"), so that another program's database is never written into."""

# Numbers have no declared type: a whole number comes back whole and a decimal number comes back decimal.
_MEASURED = (
    "window_start INTEGER NOT NULL, meaning INTEGER NOT NULL REFERENCES meaning, "
    "value, numerator, denominator, n INTEGER, low, high"
)
STEPS = (
    f"""
CREATE TABLE series (
    id INTEGER PRIMARY KEY, service TEXT NOT NULL, slice TEXT NOT NULL, indicator TEXT NOT NULL, window TEXT NOT NULL,
    UNIQUE (service, slice, indicator, window));
CREATE TABLE meaning (
    id INTEGER PRIMARY KEY, unit TEXT NOT NULL, definition TEXT NOT NULL, state TEXT NOT NULL, reason TEXT NOT NULL,
    UNIQUE (unit, definition, state, reason));
CREATE TABLE point (
    series INTEGER NOT NULL REFERENCES series, window_end INTEGER NOT NULL, {_MEASURED},
    PRIMARY KEY (series, window_end)) WITHOUT ROWID;
CREATE TABLE published (service TEXT PRIMARY KEY, window_end INTEGER NOT NULL) WITHOUT ROWID;
""",
    f"""
CREATE TABLE amendment (
    series INTEGER NOT NULL REFERENCES series, window_end INTEGER NOT NULL, known_at INTEGER NOT NULL,
    is_new INTEGER NOT NULL, {_MEASURED},
    PRIMARY KEY (series, window_end, known_at, is_new)) WITHOUT ROWID;
""",
    """
CREATE TABLE signal (
    service TEXT NOT NULL, signal TEXT NOT NULL, about TEXT NOT NULL, raised_at INTEGER NOT NULL,
    told_at INTEGER NOT NULL, quiet_since INTEGER, ended_at INTEGER, verdict TEXT NOT NULL,
    UNIQUE (service, signal, about, raised_at));
CREATE INDEX signal_open ON signal (service) WHERE ended_at IS NULL;
CREATE TABLE signal_response (
    at INTEGER NOT NULL, id TEXT NOT NULL, says TEXT NOT NULL, PRIMARY KEY (at, id, says)) WITHOUT ROWID;
""",
    """
CREATE TABLE chart (
    service TEXT NOT NULL, indicator TEXT NOT NULL, week_end INTEGER NOT NULL, week TEXT NOT NULL,
    PRIMARY KEY (service, indicator, week_end)) WITHOUT ROWID;
CREATE TABLE change (
    service TEXT NOT NULL, at INTEGER NOT NULL, id TEXT NOT NULL, change TEXT NOT NULL,
    PRIMARY KEY (service, at, id)) WITHOUT ROWID;
""",
    """
CREATE TABLE decision (
    at INTEGER NOT NULL, decision TEXT NOT NULL, says INTEGER NOT NULL, digest TEXT NOT NULL, entry TEXT NOT NULL,
    PRIMARY KEY (at, decision, says, digest)) WITHOUT ROWID;
CREATE TABLE delivery (
    week TEXT NOT NULL, at INTEGER NOT NULL, sha256 TEXT NOT NULL, delivery TEXT NOT NULL,
    PRIMARY KEY (week, at, sha256)) WITHOUT ROWID;
CREATE TABLE chart_amendment (
    service TEXT NOT NULL, indicator TEXT NOT NULL, week_end INTEGER NOT NULL, known_at INTEGER NOT NULL,
    old TEXT NOT NULL, new TEXT NOT NULL,
    PRIMARY KEY (service, indicator, week_end, known_at)) WITHOUT ROWID;
ALTER TABLE signal ADD COLUMN course TEXT NOT NULL DEFAULT '[]';
""",
)
"""The statements that lead from each format to the next, beginning with an empty file."""

_COLUMNS = "series, window_end, window_start, meaning, value, numerator, denominator, n, low, high"
_REPLACED = (
    "window_start = excluded.window_start, meaning = excluded.meaning, value = excluded.value, "
    "numerator = excluded.numerator, denominator = excluded.denominator, n = excluded.n, "
    "low = excluded.low, high = excluded.high"
)
UPSERT = (
    f"INSERT INTO point ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "  # noqa: S608 - constants only
    f"ON CONFLICT (series, window_end) DO UPDATE SET {_REPLACED}"
)
_AMEND = f"INSERT INTO amendment ({_COLUMNS}, known_at, is_new) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, {{}}) "  # noqa: S608
REMEMBER_OLD = f"{_AMEND.format(0)} ON CONFLICT DO NOTHING"
"""The first `old` stays: what came between was known at no other moment."""
REMEMBER_NEW = f"{_AMEND.format(1)} ON CONFLICT (series, window_end, known_at, is_new) DO UPDATE SET {_REPLACED}"
_POINT = (
    "s.service, s.slice, s.indicator, s.window, p.window_start, p.window_end, p.value, m.unit, p.numerator, "
    "p.denominator, p.n, p.low, p.high, m.definition, m.state, m.reason"
)
SELECT = (
    f"SELECT {_POINT} FROM series s JOIN point p ON p.series = s.id "  # noqa: S608 - constants only
    "JOIN meaning m ON m.id = p.meaning "
)
LATEST = (
    SELECT + "WHERE s.service = ?1 AND (?2 IS NULL OR s.slice = ?2) AND p.window_end = "  # noqa: S608 - constants only
    "(SELECT max(window_end) FROM point WHERE series = s.id AND window_end <= ?3)"
)
AMENDMENTS = (
    f"SELECT p.known_at, p.is_new, {_POINT} FROM series s JOIN amendment p ON p.series = s.id "  # noqa: S608
    "JOIN meaning m ON m.id = p.meaning WHERE s.service = ? AND p.window_end BETWEEN ? AND ?"
)
SERVICES = (
    "SELECT DISTINCT service FROM series s WHERE EXISTS (SELECT 1 FROM point WHERE series = s.id) ORDER BY service"
)
PUBLISH = (
    "INSERT INTO published VALUES (?, ?) "
    "ON CONFLICT (service) DO UPDATE SET window_end = max(window_end, excluded.window_end)"
)
NO_REASON = ""
RECORD = (
    "INSERT INTO signal (service, signal, about, raised_at, told_at, quiet_since, ended_at, verdict, course) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (service, signal, about, raised_at) DO UPDATE SET "
    "told_at = excluded.told_at, quiet_since = excluded.quiet_since, ended_at = excluded.ended_at, "
    "verdict = excluded.verdict, course = excluded.course"
)
_SIGNAL = "SELECT verdict, raised_at, told_at, quiet_since, ended_at, course FROM signal s "
BEFORE_COURSES = ("course FROM", "'[]' FROM")
"""What of a statement on signals is put in which other place to read a file of a format below 5."""
_IN_ORDER = " ORDER BY service, signal, about, raised_at"
SIGNALS = _SIGNAL + "WHERE (?1 IS NULL OR service = ?1) AND raised_at BETWEEN ?2 AND ?3" + _IN_ORDER
OPEN_SIGNALS = (
    _SIGNAL + "INDEXED BY signal_open WHERE ended_at IS NULL AND (?1 IS NULL OR service = ?1) AND NOT EXISTS "  # noqa: S608
    "(SELECT 1 FROM signal later WHERE later.service = s.service AND later.signal = s.signal AND "
    "later.about = s.about AND later.raised_at > s.raised_at)" + _IN_ORDER
)
RESPOND = "INSERT OR IGNORE INTO signal_response VALUES (?, ?, ?)"
RESPONSES = "SELECT id, says, at FROM signal_response ORDER BY at, id, says"

CHART = (
    "INSERT INTO chart VALUES (?, ?, ?, ?) "
    "ON CONFLICT (service, indicator, week_end) DO UPDATE SET week = excluded.week"
)
CHARTS = (
    "SELECT week FROM chart WHERE service = ?1 AND (?2 IS NULL OR indicator = ?2) AND week_end BETWEEN ?3 AND ?4 "
    "ORDER BY service, indicator, week_end"
)
AMEND_CHART = (
    "INSERT INTO chart_amendment VALUES (?, ?, ?, ?, ?, ?) "
    "ON CONFLICT (service, indicator, week_end, known_at) DO UPDATE SET new = excluded.new"
)
"""The first `old` stays: what came between was known at no other moment."""
CHART_AMENDMENTS = (
    "SELECT known_at, old, new FROM chart_amendment WHERE service = ?1 AND (?2 IS NULL OR indicator = ?2) "
    "AND week_end BETWEEN ?3 AND ?4 ORDER BY service, indicator, week_end, known_at"
)
CHANGE = "INSERT INTO change VALUES (?, ?, ?, ?) ON CONFLICT (service, at, id) DO UPDATE SET change = excluded.change"
CHANGES = (
    "SELECT change FROM change WHERE (?1 IS NULL OR service = ?1) AND at BETWEEN ?2 AND ?3 ORDER BY service, at, id"
)
DECIDE = "INSERT OR IGNORE INTO decision VALUES (?, ?, ?, ?, ?)"
DECISION_ENTRIES = "SELECT entry FROM decision WHERE at BETWEEN ? AND ? ORDER BY at, decision, says, digest"
DELIVER = "INSERT OR IGNORE INTO delivery VALUES (?, ?, ?, ?)"
DELIVERIES = "SELECT delivery FROM delivery ORDER BY week, at, sha256"


def bring_up_to_date(connection: sqlite3.Connection) -> None:
    """Make the tables, or those that an older format lacks; all or nothing. Nobody waits when nothing is lacking."""
    if connection.execute("PRAGMA user_version").fetchone()[0] == FORMAT:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        for step in STEPS[version:]:
            for statement in filter(str.strip, step.split(";")):
                connection.execute(statement)
        if version < FORMAT:
            connection.execute(f"PRAGMA user_version = {FORMAT}")
            connection.execute(f"PRAGMA application_id = {APPLICATION}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def identify(connection: sqlite3.Connection, table: str, key: tuple[str, str, str, str]) -> int:
    """The number of `key` in `table (columns)`, given out when it has none yet."""
    name, _, columns = table.rstrip(")").partition(" (")
    connection.execute(f"INSERT OR IGNORE INTO {table} VALUES (?, ?, ?, ?)", key)  # noqa: S608 - constants only
    where = " AND ".join(f"{column} = ?" for column in columns.split(", "))
    row = connection.execute(f"SELECT id FROM {name} WHERE {where}", key).fetchone()  # noqa: S608 - constants only
    return int(row[0])


def slice_text(slice: Slice) -> str:
    """A slice as it is stored."""
    return json.dumps(slice, ensure_ascii=False, separators=(",", ":"))


def point_of(row: tuple[Any, ...]) -> Point:
    """The point of a row of `SELECT`."""
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


def row_of(record: ChartWeek | RegisteredChange | DecisionEntry | Delivery) -> tuple[Any, ...]:
    """The row of a record, as `CHART`, `CHANGE`, `DECIDE` or `DELIVER` takes it: its key, and all of it as JSON."""
    return (*record.key(), msgspec.json.encode(record).decode())


def row_of_signal(raised: Raised) -> tuple[Any, ...]:
    """The row of a raised signal, as `RECORD` takes it; its verdict as JSON text."""
    verdict = msgspec.json.encode(raised.verdict).decode()
    course = msgspec.json.encode(raised.course).decode()
    return (*raised.key(), raised.told_at, raised.quiet_since, raised.ended_at, verdict, course)


def row_of_amendment(amendment: ChartAmendment) -> tuple[Any, ...]:
    """The row of an amendment of a week of a chart, as `AMEND_CHART` takes it; `old` is `null` when there was none."""
    return (*amendment.key(), *(msgspec.json.encode(side).decode() for side in (amendment.old, amendment.new)))


def amendment_of(row: tuple[Any, ...]) -> ChartAmendment:
    """The amendment of a row of `CHART_AMENDMENTS`."""
    known_at, old, new = row
    return ChartAmendment(
        known_at, msgspec.json.decode(old, type=ChartWeek | None), msgspec.json.decode(new, type=ChartWeek)
    )


def signal_of(row: tuple[Any, ...]) -> Raised:
    """The raised signal of a row of `SIGNALS` or `OPEN_SIGNALS`."""
    verdict, raised_at, told_at, quiet_since, ended_at, course = row
    return Raised(
        verdict=msgspec.json.decode(verdict, type=Verdict),
        raised_at=raised_at,
        told_at=told_at,
        quiet_since=quiet_since,
        ended_at=ended_at,
        course=msgspec.json.decode(course, type=tuple[int, ...]),
    )
