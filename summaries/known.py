"""Everything that a page may show, as it was known at a moment: published, amended back, small numbers suppressed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from history.store import HistoryStore
from kept.catalogue import Catalogue
from kept.decisions import Decision, DecisionEntry, decisions
from kept.errors import KeptError
from kept.indicators.known_at import as_known_at
from kept.indicators.point import WHOLE, Amendment, Point, Slice
from kept.indicators.small_numbers import DEFAULT_BELOW, suppressed
from kept.registered_changes import RegisteredChange, changes_known_at
from kept.signals.chart_amendments import ChartAmendment
from kept.signals.chart_weeks import ChartWeek
from kept.signals.known_at import charts_known_at, signals_known_at
from kept.signals.raised import Raised, Response

OpenHistory = Callable[[], HistoryStore]
T = TypeVar("T")


class HistoryReader:
    """A history for readers in many threads: opened when it is there, and again after an error."""

    def __init__(self, open_history: OpenHistory) -> None:
        """Nothing is opened before the first read."""
        self._open = open_history
        self._store: HistoryStore | None = None
        self._lock = threading.Lock()

    def read(self, ask: Callable[[HistoryStore], T]) -> T:
        """What `ask` finds; raises `Retry` while the history cannot be read, `Stop` when a person must act."""
        with self._lock:
            try:
                if self._store is None:
                    self._store = self._open()
                return ask(self._store)
            except KeptError:
                self._close()
                raise

    def close(self) -> None:
        """Release the history."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        if self._store is not None:
            self._store.close()
            self._store = None


class BorrowedHistory(HistoryReader):
    """A store that somebody else opened, and closes, for readers in one thread."""

    def __init__(self, store: HistoryStore) -> None:
        super().__init__(lambda: store)
        self._borrowed = store

    def read(self, ask: Callable[[HistoryStore], T]) -> T:
        """What `ask` finds; raises `Retry` while the history cannot be read, `Stop` when a person must act."""
        return ask(self._borrowed)


class Known:
    """What was known at `as_of` (event time, s); None: all that is published by now.

    Every method raises `Retry` while the history cannot be read. What is told of a slice with a few people has no
    numbers.
    """

    def __init__(self, history: HistoryReader, catalogue: Catalogue, as_of: int | None = None) -> None:
        """Published moments are read at once per page, so that all its figures are of one moment."""
        self._history = history
        self.catalogue = catalogue
        self.as_of = as_of
        self._published: dict[str, int] | None = None

    def published(self, service: str) -> int | None:
        """The last moment (s) of which the service's figures were known; None when there is none."""
        if self._published is None:
            self._published = self._history.read(lambda store: store.published())
        newest = self._published.get(service)
        return newest if newest is None or self.as_of is None else min(newest, self.as_of)

    def latest(self, service: str, slice: Slice | None = WHOLE) -> list[Point]:
        """The newest point of each series (slice, indicator, window); `slice` None means the whole and every slice."""
        at = self.published(service)
        if at is None:
            return []
        return self._known(service, self._history.read(lambda store: store.latest(service, slice=slice, at=at)))

    def series(
        self,
        service: str,
        indicator: str | None,
        window: str,
        *,
        slice: Slice | None = WHOLE,
        since: int | None = None,
        until: int | None = None,
    ) -> list[Point]:
        """Points of one indicator (None: of all) with since <= window_end <= until, ordered by `Point.key()`."""
        at = self.published(service)
        if at is None:
            return []
        last = at if until is None else min(at, until)
        points = self._history.read(
            lambda store: store.read(service, slice=slice, indicator=indicator, window=window, since=since, until=last)
        )
        return self._known(service, points)

    def at_moments(self, service: str, window: str, moments: Iterable[int], slice: Slice = WHOLE) -> list[Point]:
        """Every indicator's point of one window at just these window ends (s), ordered by `Point.key()`."""
        at = self.published(service)
        found: list[Point] = []
        for moment in sorted({moment for moment in moments if at is not None and moment <= at}):
            points = self._history.read(
                lambda store, moment=moment: store.read(  # type: ignore[misc]
                    service, slice=slice, window=window, since=moment, until=moment
                )
            )
            found += self._known(service, points)
        return sorted(found, key=Point.key)

    def charts(self, service: str, indicator: str | None = None) -> list[ChartWeek]:
        """Weeks of control charts as they stood, ordered by `ChartWeek.key()`."""
        at = self.published(service)
        if at is None:
            return []
        weeks = self._history.read(lambda store: store.charts(service, indicator=indicator, until=at))
        if self.as_of is None:
            return weeks
        later = self._history.read(lambda store: store.chart_amendments(service, indicator=indicator, until=at))
        return charts_known_at(weeks, later, self.as_of)

    def chart_amendments(self, service: str, indicator: str | None = None) -> list[ChartAmendment]:
        """What became known later of the weeks that had ended by the moment; nothing without `as_of`."""
        as_of = self.as_of
        if as_of is None:
            return []
        found = self._history.read(lambda store: store.chart_amendments(service, indicator=indicator, until=as_of))
        return [one for one in found if one.known_at > as_of]

    def weeks_added_later(self, service: str, week_end: int) -> list[ChartAmendment]:
        """The weeks of charts that end at `week_end` (s) and came into the history after that, as far as was known."""
        found = self._history.read(lambda store: store.chart_amendments(service, since=week_end, until=week_end))
        return [one for one in found if one.old is None and (self.as_of is None or one.known_at <= self.as_of)]

    def changes(self, service: str | None = None) -> list[RegisteredChange]:
        """Registered changes that were known, ordered by `RegisteredChange.key()`."""
        found = self._history.read(lambda store: store.changes(service, until=self.as_of))
        known = found if self.as_of is None else changes_known_at(found, self.as_of)
        return [change for change in known if self._is_known(change.service, change.at)]

    def changes_known_later(self, service: str) -> list[RegisteredChange]:
        """Changes in force by the moment that nobody had registered by then; nothing without `as_of`."""
        if self.as_of is None:
            return []
        then = {change.key() for change in self.changes(service)}
        found = self._history.read(lambda store: store.changes(service, until=self.as_of))
        return [one for one in found if one.key() not in then and self._is_known(one.service, one.at)]

    def signals(self, service: str | None = None, *, since: int | None = None) -> list[Raised]:
        """Signals raised since `since` (s), as they stood then: one that ended later is open."""
        found = self._history.read(lambda store: store.signals(service, since=since, until=self.as_of))
        then = found if self.as_of is None else signals_known_at(found, self.as_of)
        return [one for one in then if self._is_known(one.verdict.service, one.raised_at)]

    def open_signals(self, service: str | None = None) -> list[Raised]:
        """Signals that had not ended, ordered by `Raised.key()`."""
        if self.as_of is None:
            return self._history.read(lambda store: store.open_signals(service))
        return [one for one in self.signals(service) if one.ended_at is None]

    def responses(self) -> list[Response]:
        """What people had said to signals by the wall clock `as_of`, ordered by (at, id, says)."""
        found = self._history.read(lambda store: store.responses())
        return [one for one in found if self.as_of is None or one.at <= self.as_of]

    def decisions(self, service: str | None = None) -> list[Decision]:
        """Decisions as they stood at the wall clock `as_of`, ordered by when they were decided."""
        return [one for one in decisions(self.decision_entries()) if service in (None, one.service)]

    def decision_entries(self) -> list[DecisionEntry]:
        """Everything that was said of decisions by the wall clock `as_of`, ordered by `DecisionEntry.key()`."""
        return self._history.read(lambda store: store.decision_entries(until=self.as_of))

    def amended(self, service: str, *, since: int | None = None, until: int | None = None) -> list[Amendment]:
        """What became known after the moment of points with since <= window_end <= until; nothing without `as_of`."""
        as_of = self.as_of
        if as_of is None:
            return []
        last = as_of if until is None else min(until, as_of)
        found = self._history.read(lambda store: store.amendments(service, since=since, until=last))
        return [one for one in self._suppress_amendments(service, found) if one.known_at > as_of]

    def amendments_at(self, service: str, moments: Iterable[int]) -> tuple[list[Amendment], list[Amendment]]:
        """(what had become known, what became known only after the moment) of points with just these window ends (s).

        Without `as_of` all of it had. Each moment is read by itself: between them may lie very many.
        """
        at = self.published(service)
        known: list[Amendment] = []
        later: list[Amendment] = []
        for moment in sorted({moment for moment in moments if at is not None and moment <= at}):
            found = self._history.read(
                lambda store, moment=moment: store.amendments(service, since=moment, until=moment)  # type: ignore[misc]
            )
            for one in self._suppress_amendments(service, found):
                (known if self.as_of is None or one.known_at <= self.as_of else later).append(one)
        return known, later

    def _known(self, service: str, points: Sequence[Point]) -> list[Point]:
        """The points as they stood at the moment, and as they may be shown."""
        then: Iterable[Point] = points
        if self.as_of is not None and points:
            first = min(point.window_end for point in points)
            last = max(point.window_end for point in points)
            changed = self._history.read(lambda store: store.amendments(service, since=first, until=last))
            then = as_known_at(points, changed, self.as_of)
        below = self._below(service)
        return [suppressed(point, below) for point in then]

    def _suppress_amendments(self, service: str, found: Iterable[Amendment]) -> Iterable[Amendment]:
        below = self._below(service)
        return (Amendment(one.known_at, suppressed(one.old, below), suppressed(one.new, below)) for one in found)

    def _below(self, service: str) -> int:
        return self.catalogue[service].suppress_below if service in self.catalogue else DEFAULT_BELOW

    def _is_known(self, service: str, at: int) -> bool:
        published = self.published(service)
        return published is None or at <= published
