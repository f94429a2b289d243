"""The history in InfluxDB 2: for a deployment with boards and retention. What is written twice is there once.

A write is clean only when the server has said so. What it will never take is left out, counted and logged without its
slice or its numbers, and the rest is stored. It has no transactions: see the port for what that means.
"""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import unquote

import msgspec

from history import flux
from history.chart_lines import (
    change_line,
    change_of,
    chart_amendment_line,
    chart_amendment_of,
    chart_line,
    chart_week_of,
)
from history.decision_lines import decision_entry_of, decision_line, delivery_line, delivery_of
from history.influxdb_connection import InfluxConnection, Precision, Refused
from history.line_protocol import Lines, amendment_of, point_of, series_of_line, slice_tag, tag_value
from history.signal_lines import response_line, response_of, signal_line, signal_of
from history.store import Refusal
from kept.decisions import DecisionEntry
from kept.deliveries import Delivery
from kept.errors import Stop
from kept.indicators.point import Amendment, Point, Slice
from kept.registered_changes import RegisteredChange
from kept.signals.chart_amendments import ChartAmendment
from kept.signals.chart_weeks import ChartWeek
from kept.signals.raised import Raised, Response

log = logging.getLogger("kept.history")
BATCH_LINES = 5_000
BATCH_BYTES = 1_000_000
"""Most of a request: enough that its overhead does not count, little enough that it takes a fraction of a second."""
MOST_BAD_LINES = 50
"""When a call has more lines that the server refuses one by one, the cause is not in the lines: a person must look."""
DROPPED_BY_RETENTION = re.compile(r"dropped (\d+) points outside retention")


class InfluxHistory:
    """A `HistoryStore` in a bucket. Opening it makes no contact: a worker may start while the server is away.

    Times before 1970 and empty names cannot be stored here.
    """

    def __init__(self, connection: InfluxConnection, bucket: str, *, read_only: bool = False) -> None:
        """Takes `connection` over, and closes it."""
        self._connection = connection
        self._bucket = bucket
        self._read_only = read_only
        self._lines = Lines()
        self._refused: Counter[Refusal] = Counter()

    def write(self, points: Sequence[Point]) -> None:
        """Store all `points` but those that the server will never take; on its disk when it returns."""
        lines = {point.key(): self._lines.point(point) for point in points}
        self._refused = self._refused + self._send(
            list(lines.values()), "s"
        )  # rebound: another thread may be reading it

    def amend(self, amendments: Sequence[Amendment]) -> None:
        """Store each `new` in place of `old` and remember `old` under `known_at`; repeating it is free.

        What is remembered is written first: cut off in the middle, a point is what it was, and the call is repeated.
        """
        merged: dict[tuple[object, ...], Amendment] = {each.key(): each for each in self._standing(amendments)}
        for amendment in amendments:
            first = merged.get(amendment.key(), amendment)
            merged[amendment.key()] = msgspec.structs.replace(amendment, old=first.old)
        given = dict.fromkeys(amendment.key() for amendment in amendments)
        self._send([self._lines.amendment(merged[key]) for key in given], "ns")
        self.write([amendment.new for amendment in amendments])

    def amendments(self, service: str, *, since: int | None = None, until: int | None = None) -> list[Amendment]:
        """Amendments of points with since <= window_end <= until, ordered by `Amendment.key()`; None means any."""
        if _is_empty(since, until):
            return []
        rows = self._ask(flux.amendments({"service": tag_value(service)}, since, until))
        return sorted(map(amendment_of, rows), key=Amendment.key)

    def publish(self, services: Iterable[str], window_end: int) -> None:
        """Record that all points of `services` up to `window_end` (epoch seconds) are written. Never moves back."""
        self._send([self._lines.published(service, window_end) for service in services], "s")

    def published(self) -> dict[str, int]:
        """For each service the last `window_end` recorded by `publish`."""
        found = {unquote(row["service"]): row["_value"] for row in self._ask(flux.published())}
        return dict(sorted(found.items()))

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
        if _is_empty(since, until):
            return []
        tags = {
            "service": tag_value(service),
            "slice": None if slice is None else slice_tag(slice),
            "indicator": None if indicator is None else tag_value(indicator),
            "window": None if window is None else tag_value(window),
        }
        return self._points(flux.points(tags, since, until))

    def latest(self, service: str, *, slice: Slice | None = None, at: int | None = None) -> list[Point]:
        """For each series (slice, indicator, window) its newest point with window_end <= `at` (None: newest of all)."""
        if _is_empty(None, at):
            return []
        tags = {"service": tag_value(service), "slice": None if slice is None else slice_tag(slice)}
        return self._points(flux.latest(tags, at))

    def services(self) -> list[str]:
        """Services with at least one point, sorted."""
        return sorted(unquote(row["_value"]) for row in self._ask(flux.services()))

    def refused(self) -> Mapping[Refusal, int]:
        """How many points the server would not take, by reason; a point given twice is counted twice."""
        return dict(self._refused)

    def record(self, signals: Sequence[Raised]) -> None:
        """Store all `signals` but those older than what the bucket keeps, each in place of what is there of its key."""
        self._send([signal_line(raised) for raised in {raised.key(): raised for raised in signals}.values()], "s")

    def signals(
        self, service: str | None = None, *, since: int | None = None, until: int | None = None
    ) -> list[Raised]:
        """Signals with since <= raised_at <= until, ordered by `Raised.key()`; None means any."""
        if _is_empty(since, until):
            return []
        rows = self._ask(flux.signals(_of_service(service), since, until))
        return sorted(map(signal_of, rows), key=Raised.key)

    def open_signals(self, service: str | None = None) -> list[Raised]:
        """Of each (service, signal, about) the one raised last, when it has not ended, ordered by `Raised.key()`."""
        newest = map(signal_of, self._ask(flux.newest_signals(_of_service(service))))
        return sorted((raised for raised in newest if raised.ended_at is None), key=Raised.key)

    def respond(self, response: Response) -> None:
        """Store what someone said to a signal; saying the same at the same second again changes nothing."""
        self._send([response_line(response)], "ns")

    def responses(self) -> list[Response]:
        """Everything that was said, ordered by (at, id, says)."""
        found = map(response_of, self._ask(flux.responses()))
        return sorted(found, key=lambda response: (response.at, response.id, response.says))

    def write_charts(self, weeks: Sequence[ChartWeek]) -> None:
        """Store all `weeks` but those older than what the bucket keeps, each in place of what is there of its key."""
        self._send([chart_line(week) for week in {week.key(): week for week in weeks}.values()], "s")

    def charts(
        self, service: str, *, indicator: str | None = None, since: int | None = None, until: int | None = None
    ) -> list[ChartWeek]:
        """Weeks with since <= week_end <= until, ordered by `ChartWeek.key()`; None means any."""
        if _is_empty(since, until):
            return []
        tags = {"service": tag_value(service), "indicator": None if indicator is None else tag_value(indicator)}
        return sorted(map(chart_week_of, self._ask(flux.charts(tags, since, until))), key=ChartWeek.key)

    def amend_charts(self, amendments: Sequence[ChartAmendment]) -> None:
        """Store each `new` in place of `old` and remember `old` under `known_at`; repeating it is free.

        What is remembered is written first: cut off in the middle, a week is what it was, and the call is repeated.
        """
        standing = {each.key(): each for each in self._standing_of_charts(amendments)}
        merged: dict[tuple[object, ...], ChartAmendment] = {}
        for amendment in amendments:
            first = merged.get(amendment.key()) or standing.get(amendment.key(), amendment)
            merged[amendment.key()] = ChartAmendment(amendment.known_at, first.old, amendment.new)
        self._send(list(map(chart_amendment_line, merged.values())), "ns")
        self.write_charts([amendment.new for amendment in amendments])

    def chart_amendments(
        self, service: str, *, indicator: str | None = None, since: int | None = None, until: int | None = None
    ) -> list[ChartAmendment]:
        """Amendments of weeks with since <= week_end <= until, ordered by `ChartAmendment.key()`; None means any."""
        if _is_empty(since, until):
            return []
        tags = {"service": tag_value(service), "indicator": None if indicator is None else tag_value(indicator)}
        rows = self._ask(flux.chart_amendments(tags, since, until))
        return sorted(map(chart_amendment_of, rows), key=ChartAmendment.key)

    def write_changes(self, changes: Sequence[RegisteredChange]) -> None:
        """Store all `changes` but those older than what the bucket keeps, each in place of what is there of its
        key."""
        self._send([change_line(change) for change in {change.key(): change for change in changes}.values()], "ns")

    def changes(
        self, service: str | None = None, *, since: int | None = None, until: int | None = None
    ) -> list[RegisteredChange]:
        """Registered changes with since <= at <= until, ordered by `RegisteredChange.key()`; None means any."""
        if _is_empty(since, until):
            return []
        rows = self._ask(flux.changes(_of_service(service), since, until))
        return sorted(map(change_of, rows), key=RegisteredChange.key)

    def decide(self, entry: DecisionEntry) -> None:
        """Add `entry` to the record of decisions, which no retention shortens; the same one again changes nothing."""
        self._send([decision_line(entry)], "ns")

    def decision_entries(self, *, since: int | None = None, until: int | None = None) -> list[DecisionEntry]:
        """Entries with since <= at <= until (wall clock, s), ordered by `DecisionEntry.key()`; None means any."""
        if _is_empty(since, until):
            return []
        found = map(decision_entry_of, self._ask(flux.decision_entries(since, until)))
        return sorted(found, key=DecisionEntry.key)

    def deliver(self, delivery: Delivery) -> None:
        """Remember that a weekly summary was delivered; the same delivery again changes nothing."""
        self._send([delivery_line(delivery)], "ns")

    def deliveries(self) -> list[Delivery]:
        """All that was delivered and the bucket keeps, ordered by `Delivery.key()`."""
        return sorted(map(delivery_of, self._ask(flux.deliveries())), key=Delivery.key)

    def close(self) -> None:
        """End the connection; idempotent."""
        self._connection.close()

    def _points(self, query: flux.Query) -> list[Point]:
        return sorted(map(point_of, self._ask(query)), key=Point.key)

    def _ask(self, query: flux.Query) -> list[dict[str, Any]]:
        text, values = query
        return self._connection.query(text, {"bucket": self._bucket, **values})

    def _standing(self, amendments: Sequence[Amendment]) -> list[Amendment]:
        """What is remembered already of the amended points: of two amendments at one moment the first `old` counts."""
        ends: dict[str, list[int]] = {}
        for amendment in amendments:
            ends.setdefault(amendment.new.service, []).append(amendment.new.window_end)
        return [
            standing
            for service, moments in ends.items()
            for standing in self.amendments(service, since=min(moments), until=max(moments))
        ]

    def _standing_of_charts(self, amendments: Sequence[ChartAmendment]) -> list[ChartAmendment]:
        """What is remembered already of the amended weeks."""
        ends: dict[str, list[int]] = {}
        for amendment in amendments:
            ends.setdefault(amendment.new.service, []).append(amendment.new.week_end)
        return [
            standing
            for service, weeks in ends.items()
            for standing in self.chart_amendments(service, since=min(weeks), until=max(weeks))
        ]

    def _send(self, lines: list[str], precision: Precision) -> Counter[Refusal]:
        """Store lines in batches; how many the server will never take. Raises `Retry` or `Stop`: then repeat all."""
        if self._read_only:
            raise Stop(f"{self._connection.name}: opened for reading only")
        refused: Counter[Refusal] = Counter()
        bad: list[str] = []
        for batch in _batches([line.encode() for line in lines]):
            refused += self._send_batch(batch, precision, bad)
        if refused:
            said = ", ".join(f"{count} {reason}" for reason, count in sorted(refused.items()))
            log.warning("%s: lines that were refused for good: %s", self._connection.name, said)
        return refused

    def _send_batch(self, lines: list[bytes], precision: Precision, bad: list[str]) -> Counter[Refusal]:
        """One request; when the server refuses some lines, as many as it takes to know which."""
        try:
            self._connection.write(self._bucket, b"\n".join(lines), precision)
        except Refused as refusal:
            dropped = DROPPED_BY_RETENTION.search(refusal.message)
            if dropped is not None:  # said only after all other lines were stored
                return Counter({"outside_retention": int(dropped[1])})
            if len(lines) > 1:
                half = len(lines) // 2
                first = self._send_batch(lines[:half], precision, bad)
                return first + self._send_batch(lines[half:], precision, bad)
            return self._put_aside(lines[0].decode(), refusal, bad)
        return Counter()

    def _put_aside(self, line: str, refusal: Refused, bad: list[str]) -> Counter[Refusal]:
        """A line that the server refuses by itself. Its message may quote the line, so it is not repeated."""
        reason: Refusal = "type_conflict" if "type conflict" in refusal.message else "unreadable"
        bad.append(series_of_line(line))
        log.warning("%s: a line of %s was refused (%s, %s)", self._connection.name, bad[-1], refusal.status, reason)
        if len(bad) > MOST_BAD_LINES:
            raise Stop(
                f"{self._connection.name}: more than {MOST_BAD_LINES} lines of one call were refused ({reason}), the "
                f"last one of {bad[-1]}; is bucket {self._bucket} used by something else? Give Kept one of its own"
            )
        return Counter({reason: 1})


def _batches(lines: Iterable[bytes]) -> Iterator[list[bytes]]:
    batch: list[bytes] = []
    size = 0
    for line in lines:
        if batch and (len(batch) == BATCH_LINES or size + len(line) + 1 > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(line)
        size += len(line) + 1
    if batch:
        yield batch


def _of_service(service: str | None) -> dict[str, str | None]:
    return {"service": None if service is None else tag_value(service)}


def _is_empty(since: int | None, until: int | None) -> bool:
    return until is not None and until < max(since or 0, 0)
