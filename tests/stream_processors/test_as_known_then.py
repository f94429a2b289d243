"""What stood at any published moment is told by the final history: points, charts, registered changes and signals.

A worker lives through weeks of events, late ones and late changes among them. It is killed in the middle of writing,
before or after the store has taken what it wrote, and its successor goes on.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import msgspec
import pytest

from history.sqlite import SQLiteHistory
from kept.indicators.known_at import as_known_at
from kept.indicators.point import Point
from kept.registered_changes import RegisteredChange, changes_known_at
from kept.signals.chart_weeks import ChartWeek
from kept.signals.known_at import charts_known_at, signals_known_at
from kept.signals.raised import Raised
from stream_processors.indicator_processor import IndicatorProcessor
from stream_processors.tallies_partition import TalliesPartition
from tests.kept.city import CHARTED, City, event, ms
from tests.stream_processors.judged_worker import judge
from tests.stream_processors.test_indicator_processor import processor_of

MONDAY_MS = ms("2024-06-03 00:00")
MINUTE_MS = 60_000
STEPS = (5, 60, 60, 5 * 60, 24 * 60, 24 * 60, 7 * 24 * 60)
"""Minutes from one publication to the next: hours and weeks are left out, too."""
WRITES = frozenset({"write", "amend", "record", "write_charts", "amend_charts", "write_changes", "publish"})
SERVICE = CHARTED.id


class Killed(Exception):
    """The worker is no more."""


class Held(NamedTuple):
    """All that a history holds of the service."""

    points: list[Point]
    charts: list[ChartWeek]
    changes: list[RegisteredChange]
    signals: list[Raised]


class Fragile:
    """A history whose writer dies at the write that `dies_at` counts down to, before the store takes it or after."""

    def __init__(self, store: SQLiteHistory) -> None:
        self._store = store
        self.dies_at: int | None = None
        self.takes_it = False

    def __getattr__(self, name: str) -> Any:
        call: Callable[..., Any] = getattr(self._store, name)
        if name not in WRITES or self.dies_at is None:
            return call
        self.dies_at -= 1
        return call if self.dies_at >= 0 else self._die(call)

    def _die(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def dying(*arguments: Any) -> None:
            if self.takes_it:
                call(*arguments)
            raise Killed

        return dying


class Life:
    """A service, the workers that follow each other, and how the history stood at each published moment."""

    def __init__(self, store: SQLiteHistory, seed: int) -> None:
        self.store = store
        self.random = random.Random(seed)
        self.fragile = Fragile(store)
        self.city = City(CHARTED, partitions=2)
        self.now_ms = MONDAY_MS
        self.stood: dict[int, Held] = {}
        self.deaths = 0

    def held(self) -> Held:
        return Held(
            self.store.read(SERVICE), self.store.charts(SERVICE), self.store.changes(), self.store.signals(SERVICE)
        )

    async def worker(self) -> tuple[IndicatorProcessor, TalliesPartition]:
        store: Any = self.fragile
        processor, owned = processor_of(store, self.city, judge)
        await processor._restore(owned, 0)
        return processor, owned

    def something_happens(self, number: int) -> None:
        """Cases open and close, now and then days ago; sometimes a change is registered, now or long ago."""
        late_ms = self.random.choice((0, 0, 0, 30, 3 * 24 * 60, 15 * 24 * 60)) * MINUTE_MS
        at_ms = max(MONDAY_MS, self.now_ms - late_ms) + MINUTE_MS
        opened = [event("case.opened", at_ms, f"c{number}-{case}") for case in range(self.random.randrange(3))]
        closed = [
            event("case.completed", at_ms + MINUTE_MS, f"c{self.random.randrange(number + 1)}-0", outcome="intended")
        ]
        changed = [
            event(
                "service.changed",
                at_ms,
                id=f"n{number}",
                title="A van",
                expected={"indicator": "backlog", "direction": "down"},
            )
        ]
        self.city.apply([*opened, *closed, *(changed if self.random.random() < 0.15 else ())])

    async def live(self, steps: int) -> None:
        processor, owned = await self.worker()
        for number in range(steps):
            self.something_happens(number)
            self.now_ms += self.random.choice(STEPS) * MINUTE_MS
            self.city.tick(self.now_ms)
            self.fragile.dies_at = self.random.choice((None, None, 0, 1, 2, 3, 4, 5))
            self.fragile.takes_it = self.random.random() < 0.5
            try:
                await self.publish(processor, owned)
            except Killed:
                self.deaths += 1
                self.fragile.dies_at = None
                processor, owned = await self.worker()
                await self.publish(processor, owned)
            self.fragile.dies_at = None
            self.stood[self.now_ms // 1000] = self.held()

    async def publish(self, processor: IndicatorProcessor, owned: TalliesPartition) -> None:
        owned.take_in([SimpleNamespace(key=key, value=value, offset=0) for key, value in self.city.registered.items()])
        owned.marks = {state.partition: msgspec.structs.replace(state.mark(), tick=None) for state in self.city.states}
        owned.late_since = {SERVICE: MONDAY_MS}  # what really is late is told by comparing
        owned.next_publication = 0.0
        await processor._publish_in_time(owned)


@pytest.mark.parametrize("seed", range(2))
def test_what_stood_at_any_published_moment_is_told_by_the_final_history(tmp_path: Path, seed: int) -> None:
    store = SQLiteHistory(tmp_path / "history.sqlite")
    life = Life(store, seed)
    asyncio.run(life.live(16))
    final, amended, charts = life.held(), store.amendments(SERVICE), store.chart_amendments(SERVICE)
    for moment, stood in life.stood.items():
        points = [point for point in final.points if point.window_end <= moment]
        assert as_known_at(points, amended, moment) == stood.points
        assert charts_known_at(final.charts, charts, moment) == stood.charts
        assert changes_known_at(final.changes, moment) == stood.changes
        assert signals_known_at(final.signals, moment) == stood.signals
    # Between two publications nothing new is known; a signal alone is told as of the full hour that was judged.
    published = sorted(life.stood)
    for moment, following in pairwise(published):
        assert charts_known_at(final.charts, charts, following - 1) == life.stood[moment].charts
        assert changes_known_at(final.changes, following - 1) == life.stood[moment].changes
    assert life.deaths > 3
    assert len({moment for moment in life.stood if life.stood[moment].charts}) > 5
    assert any(one.old is not None for one in charts)
    store.close()


def test_a_successor_that_finds_nothing_new_amends_nothing(tmp_path: Path) -> None:
    store = SQLiteHistory(tmp_path / "history.sqlite")
    life = Life(store, 1)

    async def run() -> None:
        await life.live(10)
        before, amended = life.held(), store.chart_amendments(SERVICE)
        for _ in range(3):
            life.now_ms += 60 * MINUTE_MS
            life.city.tick(life.now_ms)
            await life.publish(*await life.worker())
        after = life.held()
        assert (after.charts, after.changes) == (before.charts, before.changes)
        assert store.chart_amendments(SERVICE) == amended

    asyncio.run(run())
    store.close()
