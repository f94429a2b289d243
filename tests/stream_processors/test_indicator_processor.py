"""The indicator processor beside its store: nothing is written for a partition that another worker has by now."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable, Sequence
from typing import Any

import pytest

from kept.errors import Retry
from kept.indicators.point import Point
from kept.settings import Settings
from kept.topics import topics
from stream_processors.indicator_processor import IndicatorProcessor, TalliesPartition
from stream_processors.partition_log import tallies_partition
from stream_processors.sinks.metrics import Metrics
from tests.kept.city import LIGHTS, City, event, ms

PARTITION = tallies_partition(LIGHTS.id, 2)
AT_MS = ms("2024-06-03 12:00")


class Store:
    """A history store that can be held in the middle of a write, or be away."""

    def __init__(self) -> None:
        self.points: list[Point] = []
        self.published: list[int] = []
        self.away = False
        self.go_on = threading.Event()
        self.go_on.set()

    def write(self, points: Sequence[Point]) -> None:
        if self.away:
            raise Retry("away")
        self.go_on.wait(5)
        self.points += points

    def publish(self, services: Iterable[str], window_end: int) -> None:
        self.published.append(window_end)


def processor_of(store: Store, city: City) -> tuple[IndicatorProcessor, TalliesPartition]:
    history: Any = store
    processor = IndicatorProcessor(Settings(partitions=2), topics("", 2), city.rules, {}, history, Metrics())
    owned = TalliesPartition(PARTITION, city.rules)
    owned.tallies = city.tallies
    owned.marks = {state.partition: state.mark() for state in city.states}
    owned.changed = True
    processor.partitions[PARTITION] = owned
    return processor, owned


@pytest.fixture
def city() -> City:
    city = City(partitions=2)
    city.apply([event("case.opened", "2024-06-03 09:00", f"c{n}") for n in range(4)])
    city.tick(AT_MS)
    return city


def test_the_end_of_a_replay_is_written_and_published(city: City) -> None:
    async def run() -> None:
        store = Store()
        processor, owned = processor_of(store, city)
        await processor._publish_in_time(owned)
        assert store.published == [AT_MS // 1000]
        assert {p.window_end for p in store.points if not p.slice} == {AT_MS // 1000}

    asyncio.run(run())


def test_a_partition_that_moves_away_during_a_write_publishes_nothing_more(city: City) -> None:
    async def run() -> None:
        store = Store()
        store.go_on.clear()
        processor, owned = processor_of(store, city)
        publishing = asyncio.create_task(processor._publish_in_time(owned))
        await asyncio.sleep(0.05)
        moving = asyncio.create_task(processor.assign({}))
        await asyncio.sleep(0.05)
        assert not moving.done()  # the write that has begun comes before the next owner's
        store.go_on.set()
        await asyncio.gather(publishing, moving)
        assert store.published == []
        assert processor._metrics._points == {}

    asyncio.run(run())


def test_a_store_that_stays_away_does_not_hold_a_worker_that_has_lost_the_partition(city: City) -> None:
    async def run() -> None:
        store = Store()
        store.away = True
        processor, owned = processor_of(store, city)
        publishing = asyncio.create_task(processor._publish_in_time(owned))
        await asyncio.sleep(0.05)
        del processor.partitions[PARTITION]
        await asyncio.wait_for(publishing, 5)
        assert (store.points, store.published, owned.settled) == ([], [], 0)

    asyncio.run(run())
