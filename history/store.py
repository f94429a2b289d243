"""The history port: what any store of indicators and raised signals must do.

The contract suite in tests/history holds each to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, Protocol, get_args

from kept.decisions import DecisionEntry
from kept.deliveries import Delivery
from kept.indicators.point import Amendment, Point, Slice
from kept.registered_changes import RegisteredChange
from kept.signals.chart_amendments import ChartAmendment
from kept.signals.chart_weeks import ChartWeek
from kept.signals.raised import Raised, Response

Refusal = Literal["outside_retention", "type_conflict", "unreadable"]
"""Why a store will never take a point that is well-formed: too old for what it keeps, a field it has with another type
already, a line it cannot read. A closed set, also the label of a counter."""
REFUSALS: tuple[Refusal, ...] = get_args(Refusal)


class HistoryStore(Protocol):
    """Keeps points by `Point.key()`; writing a point again overwrites it, so that a replay is free.

    Every method raises `kept.errors.Retry` when the store is away for now (repeat the call: nothing of it is lost, and
    what a store has taken of it already is overwritten by itself) and `kept.errors.Stop` when a person must act (wrong
    path, no permission, a newer format). Calls block; an event loop runs them in a thread. One instance may be used
    from any one thread at a time.

    SQLite takes a call wholly or not at all. InfluxDB has no transactions: after `Retry` or `Stop`, and to a reader
    during the call, some of its points may be there and others not; `publish` tells readers what is complete.
    """

    def write(self, points: Sequence[Point]) -> None:
        """Store all `points`; durable when it returns. Of points with one key the last one stays.

        What a store will never take is left out and counted (`refused`). Raises `Stop`, and stores nothing, when a
        number is not finite or a whole number has more than 64 bits.
        """

    def amend(self, amendments: Sequence[Amendment]) -> None:
        """Store each `new` in place of `old` and remember `old` under `known_at`; repeating it is free.

        Two amendments of one point with one `known_at` are one: from the `old` of the first to the `new` of the last.
        """

    def amendments(self, service: str, *, since: int | None = None, until: int | None = None) -> list[Amendment]:
        """Amendments of points with since <= window_end <= until, ordered by `Amendment.key()`; None means any."""

    def publish(self, services: Iterable[str], window_end: int) -> None:
        """Record that all points of `services` up to `window_end` (epoch seconds) are written. Never moves back.

        While event time runs ahead of the clock, slices of its last hour may follow within half a minute.
        """

    def published(self) -> dict[str, int]:
        """For each service the last `window_end` recorded by `publish`."""

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

    def latest(self, service: str, *, slice: Slice | None = None, at: int | None = None) -> list[Point]:
        """For each series (slice, indicator, window) its newest point with window_end <= `at` (None: newest of all)."""

    def services(self) -> list[str]:
        """Services with at least one point, sorted."""

    def refused(self) -> Mapping[Refusal, int]:
        """How many points this instance was given that the store will never take, by reason."""

    def record(self, signals: Sequence[Raised]) -> None:
        """Store `signals` by `Raised.key()`, in place of what is there of the same key; of one key the last stays.

        Evidence comes back as JSON gives it, tuples as lists; more than 32,000 bytes of it are left out. Raises `Stop`,
        and stores nothing, when a number is not finite or a whole number has more than 64 bits. A signal older than
        all that a store keeps is left out, and logged.
        """

    def signals(
        self, service: str | None = None, *, since: int | None = None, until: int | None = None
    ) -> list[Raised]:
        """Signals with since <= raised_at <= until, ordered by `Raised.key()`; None means any."""

    def open_signals(self, service: str | None = None) -> list[Raised]:
        """Of each (service, signal, about) the one raised last, when it has not ended, ordered by `Raised.key()`.

        However old, it is found without reading what has ended.
        """

    def respond(self, response: Response) -> None:
        """Store what someone said to a signal; saying the same at the same second again changes nothing."""

    def responses(self) -> list[Response]:
        """Everything that was said, ordered by (at, id, says)."""

    def write_charts(self, weeks: Sequence[ChartWeek]) -> None:
        """Store `weeks` by `ChartWeek.key()`, in place of what is there of the same key; of one key the last stays.

        Raises `Stop`, and stores nothing, when a number is not finite or a whole number has more than 64 bits. A week
        older than all that a store keeps is left out, and logged.
        """

    def charts(
        self, service: str, *, indicator: str | None = None, since: int | None = None, until: int | None = None
    ) -> list[ChartWeek]:
        """Weeks of a service's control charts with since <= week_end <= until, ordered by `ChartWeek.key()`; None means
        any."""

    def amend_charts(self, amendments: Sequence[ChartAmendment]) -> None:
        """Store each `new` in place of `old` and remember `old` under `known_at`; repeating it is free.

        Two amendments of one week with one `known_at` are one: from the `old` of the first to the `new` of the last.
        Raises `Stop` as `write_charts` does.
        """

    def chart_amendments(
        self, service: str, *, indicator: str | None = None, since: int | None = None, until: int | None = None
    ) -> list[ChartAmendment]:
        """Amendments of weeks with since <= week_end <= until, ordered by `ChartAmendment.key()`; None means any."""

    def write_changes(self, changes: Sequence[RegisteredChange]) -> None:
        """Store registered `changes` by `RegisteredChange.key()`, in place of what is there of the same key.

        One older than all that a store keeps is left out, and logged.
        """

    def changes(
        self, service: str | None = None, *, since: int | None = None, until: int | None = None
    ) -> list[RegisteredChange]:
        """Registered changes with since <= at <= until, ordered by `RegisteredChange.key()`; None means any."""

    def decide(self, entry: DecisionEntry) -> None:
        """Add `entry` to the record of decisions; the same one again changes nothing, and none is ever taken away.

        Whether it contradicts others is asked before: `kept.decisions.checked`.
        """

    def decision_entries(self, *, since: int | None = None, until: int | None = None) -> list[DecisionEntry]:
        """Entries with since <= at <= until (wall clock, s), ordered by `DecisionEntry.key()`; None means any."""

    def deliver(self, delivery: Delivery) -> None:
        """Remember that a weekly summary was delivered; the same delivery again changes nothing."""

    def deliveries(self) -> list[Delivery]:
        """All that was delivered, ordered by `Delivery.key()`."""

    def close(self) -> None:
        """Release the store; idempotent."""
