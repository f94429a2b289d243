"""A history of a replay: what workers would have published and raised on the way to a moment, in one process.

For analysts: `kept summary --history` and the pages read it as they read that of workers. Signals are judged at each
local midnight, not by the hour; points of the window `week` are written at each week's end, those of every window at
the last moment. Applying and judging go on in event time alone: the same file gives the same history.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from history.store import HistoryStore
from kept.buckets import DAY_SECONDS, LocalTime
from kept.catalogue import Catalogue
from kept.events import Event
from kept.indicators.windows import WINDOWS
from kept.intake import rules_by_service
from kept.signals.raised import Raised, SignalKey, advance
from kept.signals.verdict import Verdict
from stream_processors.embedded import EmbeddedPipeline


class ReplayedHistory:
    """Applies events by event time to `pipeline`, and writes to `store` what is known as time passes."""

    def __init__(self, pipeline: EmbeddedPipeline, catalogue: Catalogue, store: HistoryStore) -> None:
        self._pipeline = pipeline
        self._store = store
        self._zones: dict[str, LocalTime] = {
            rules.service.time_zone: rules.local_time for rules in rules_by_service(catalogue).values()
        }
        self._open: dict[str, dict[SignalKey, Raised]] = {}

    def fill(self, events: Iterable[tuple[int, Event]], until_ms: int) -> None:
        """Apply (event time in ms, event) pairs in the order of their times, up to `until_ms`, and write on the way.

        Raises what the pipeline and the store raise.
        """
        last_ms: int | None = None
        waiting: list[Event] = []
        midnights: Iterator[int] = iter(())
        following: int | None = None
        for time_ms, event in events:
            if last_ms is None:
                midnights = self._midnights(time_ms // 1000, until_ms // 1000)
                following = next(midnights, None)
            while following is not None and time_ms > following * 1000:
                self._pipeline.apply(waiting)
                waiting.clear()
                self._midnight(following)
                following = next(midnights, None)
            waiting.append(event)
            last_ms = time_ms
        self._pipeline.apply(waiting)
        while following is not None:
            self._midnight(following)
            following = next(midnights, None)
        self._pipeline.tick(until_ms)
        self._write(until_ms // 1000, WINDOWS)

    def _midnights(self, first: int, last: int) -> Iterator[int]:
        """Each midnight of any of the zones after `first` and up to `last` (s), by time."""
        moments = {
            local.day_start(day)
            for local in self._zones.values()
            for day in range(first, last + DAY_SECONDS, DAY_SECONDS // 2)
        }
        yield from sorted(moment for moment in moments if first < moment <= last)

    def _midnight(self, at: int) -> None:
        self._pipeline.tick(at * 1000)
        is_week_end = any(local.week_start(at + 1) == at for local in self._zones.values())
        self._write(at, ("week",) if is_week_end else ())

    def _write(self, at: int, windows: tuple[str, ...]) -> None:
        self._judge(at)
        points = self._pipeline.indicators(at, windows) if windows else []
        if points:
            self._store.write(points)
            self._store.write_changes(self._pipeline.changes())
            self._store.write_charts(self._pipeline.charts(at))
        self._store.publish({point.service for point in points} or self._open.keys(), at)

    def _judge(self, at: int) -> None:
        """What is raised by `at` (s), and what has ended; told at the same moment, for want of a clock."""
        given: dict[str, list[Verdict]] = {}
        for verdict in self._pipeline.verdicts(at):
            given.setdefault(verdict.service, []).append(verdict)
        changed: list[Raised] = []
        for service, verdicts in given.items():
            hour = verdicts[0].at
            self._open[service], moved = advance(self._open.get(service, {}), verdicts, hour, hour)
            changed += moved
        self._store.record(changed)
