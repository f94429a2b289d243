"""The queries of the InfluxDB store. Values are bound by the server: no text of a caller becomes part of a query.

Each filter stands directly behind `from` and `range`, so that the server's storage does it.
"""

from __future__ import annotations

from typing import Any

from history.chart_lines import CHANGES, CHART_AMENDMENTS, CHARTS
from history.decision_lines import DECISIONS, DELIVERIES, LATER_SECONDS
from history.line_protocol import AMENDMENTS, NANOSECONDS, POINTS, PUBLISHED, TRUTH
from history.signal_lines import RESPONSES, SIGNALS

FIRST, LAST = 0, 2**63 // NANOSECONDS - 2
"""Earliest and latest time (s) that is asked for. That a range is not empty is made sure by the caller."""
_FROM = "from(bucket: bucket) |> range(start: time(v: start), stop: time(v: stop))"
_ROWS = '|> group() |> keep(columns: ["service", "slice", "indicator", "window", "_time", "_value"])'
"""One table: tens of thousands of small ones take an answer ten times as long."""
_ONE_TABLE = '|> group() |> keep(columns: ["_value"])'
_WIDE = (
    '|> pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value") '
    '|> drop(columns: ["_start", "_stop", "_measurement"])'
)
Query = tuple[str, dict[str, Any]]
"""The text, and the values of its free names."""


def points(tags: dict[str, str | None], since: int | None, until: int | None) -> Query:
    """Points with these tags (None: any), since <= time <= until (s); one row a point."""
    where, values = _where(POINTS, tags, TRUTH)
    return f"{_FROM} {where} {_ROWS}", values | _range(since, until)


def latest(tags: dict[str, str | None], at: int | None) -> Query:
    """The newest point of each series up to `at`; one row each.

    The storage reads each series from its end and stops at the first value, however long the history is.
    """
    where, values = _where(POINTS, tags, TRUTH)
    return f"{_FROM} {where} |> last() {_ROWS}", values | _range(None, at)


def amendments(tags: dict[str, str | None], since: int | None, until: int | None) -> Query:
    """Amendments of points with these tags, since <= window_end <= until; one row each."""
    where, values = _where(AMENDMENTS, tags)
    return f"{_FROM} {where} {_WIDE}", values | _range(since, until)


def published() -> Query:
    """The newest published moment of each service, in `_value`."""
    where, values = _where(PUBLISHED, {})
    return f"{_FROM} {where} |> last()", values | _range(None, None)


def signals(tags: dict[str, str | None], since: int | None, until: int | None) -> Query:
    """Raised signals with these tags, since <= raised_at <= until; one row each, in `_value`."""
    where, values = _where(SIGNALS, tags, TRUTH)
    return f"{_FROM} {where} {_ONE_TABLE}", values | _range(since, until)


def charts(tags: dict[str, str | None], since: int | None, until: int | None) -> Query:
    """Weeks of charts with these tags, since <= week_end <= until; one row each, in `_value`."""
    where, values = _where(CHARTS, tags, TRUTH)
    return f"{_FROM} {where} {_ONE_TABLE}", values | _range(since, until)


def chart_amendments(tags: dict[str, str | None], since: int | None, until: int | None) -> Query:
    """Amendments of weeks of charts with these tags, since <= week_end <= until; one row each."""
    where, values = _where(CHART_AMENDMENTS, tags)
    return f"{_FROM} {where} {_WIDE}", values | _range(since, until)


def changes(tags: dict[str, str | None], since: int | None, until: int | None) -> Query:
    """Registered changes with these tags, since <= at <= until; one row each, in `_value`."""
    where, values = _where(CHANGES, tags, TRUTH)
    return f"{_FROM} {where} {_ONE_TABLE}", values | _range(since, until)


def newest_signals(tags: dict[str, str | None]) -> Query:
    """Of each series the signal raised last, however old: the storage reads each series from its end."""
    where, values = _where(SIGNALS, tags, TRUTH)
    return f"{_FROM} {where} |> last() {_ONE_TABLE}", values | _range(None, None)


def responses() -> Query:
    """Everything that was said to signals; one row each, in `_value`."""
    where, values = _where(RESPONSES, {}, TRUTH)
    return f"{_FROM} {where} {_ONE_TABLE}", values | _range(None, None)


def decision_entries(since: int | None, until: int | None) -> Query:
    """What was said of decisions, since <= at <= until; one row each, in `_value`."""
    where, values = _where(DECISIONS, {}, TRUTH)
    later = [None if moment is None else max(moment, FIRST) + LATER_SECONDS for moment in (since, until)]
    return f"{_FROM} {where} {_ONE_TABLE}", values | _range(*later)


def deliveries() -> Query:
    """All summaries that were delivered; one row each, in `_value`."""
    where, values = _where(DELIVERIES, {}, TRUTH)
    return f"{_FROM} {where} {_ONE_TABLE}", values | _range(None, None)


def services() -> Query:
    """Services with a point, in `_value`: read from the index alone."""
    text = (
        'import "influxdata/influxdb/schema" '
        'schema.tagValues(bucket: bucket, tag: "service", predicate: (r) => r._measurement == measurement, '
        "start: time(v: start), stop: time(v: stop))"
    )
    return text, {"measurement": POINTS} | _range(None, None)


def _where(measurement: str, tags: dict[str, str | None], field: str | None = None) -> Query:
    tags = tags if field is None else {**tags, "_field": field}
    wanted = {name: value for name, value in tags.items() if value is not None}
    conditions = ["r._measurement == measurement", *(f'r["{name}"] == wanted_{name}' for name in wanted)]
    values = {"measurement": measurement, **{f"wanted_{name}": value for name, value in wanted.items()}}
    return f"|> filter(fn: (r) => {' and '.join(conditions)})", values


def _range(since: int | None, until: int | None) -> dict[str, int]:
    start = FIRST if since is None else min(max(since, FIRST), LAST)
    stop = LAST if until is None else min(max(until, FIRST), LAST)
    return {"start": start * NANOSECONDS, "stop": (stop + 1) * NANOSECONDS}
