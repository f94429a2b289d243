"""Faults on the real broker: whatever is killed, stopped, doubled or shuffled, the final indicators are the same."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from command_line.moments import as_of_ms
from kept.events import Event
from kept.indicators.point import Point
from kept.marks import Accounts
from local_stack.broker import Broker
from local_stack.replay import WorkerGroup, replay_through_kafka
from producers.disorder import shuffled_within_day, with_duplicates
from producers.mapping import read_mapping
from producers.sources import read_events
from stream_processors.embedded import EmbeddedPipeline

pytestmark = [pytest.mark.broker, pytest.mark.slow, pytest.mark.timeout(420)]

MAPPING = read_mapping("boston_311")
SERVICE = MAPPING.service()
AS_OF_MS = as_of_ms("2011-08-01T00:00", SERVICE.zone)
SMALL_BATCHES = 300
SEED = 20111


class Stream:
    """A month of Boston, 10 % of it twice, shuffled within each day; and what it must come to."""

    def __init__(self, file: Path) -> None:
        clean = read_events(file, MAPPING, until_ms=AS_OF_MS).events
        doubled = with_duplicates(clean, share=0.1, seed=SEED)
        disturbed = shuffled_within_day(doubled, seed=SEED)
        self.events: list[Event] = [event for _, event in disturbed]
        self.duplicates = len(disturbed) - len(clean)
        pipeline = EmbeddedPipeline({SERVICE.id: SERVICE})
        pipeline.apply(event for _, event in clean)
        pipeline.tick(AS_OF_MS)
        self.expected = _by_key(pipeline.indicators(AS_OF_MS // 1000))


@pytest.fixture(scope="module")
def stream(shared_data: Path) -> Stream:
    return Stream(shared_data / "boston_311_2011H2.csv.gz")


def _by_key(points: list[Point]) -> dict[object, Point]:
    return {point.key(): point for point in points}


def _replay(
    stream: Stream, broker: Broker, disturb: Callable[[WorkerGroup], None] | None
) -> tuple[dict[object, Point], Accounts]:
    points, accounts = replay_through_kafka(
        stream.events,
        SERVICE.id,
        MAPPING.catalogue_text(),
        AS_OF_MS,
        brokers=broker.bootstrap,
        disturb=disturb,
        max_batch_records=SMALL_BATCHES,
    )
    return _by_key(points), accounts


def _assert_same(stream: Stream, outcome: tuple[dict[object, Point], Accounts]) -> None:
    points, accounts = outcome
    assert points == stream.expected
    assert accounts.reconciles()
    assert accounts.received == len(stream.events)
    assert accounts.duplicate == stream.duplicates
    assert accounts.applied == len(stream.events) - stream.duplicates
    assert accounts.dead_lettered == {}


class Killer:
    """Kills a random worker at `kills` random moments, and starts again whatever has died."""

    def __init__(self, kills: int) -> None:
        self._random = random.Random(SEED)
        self.left = kills
        self._next = time.monotonic() + 2.0

    def __call__(self, group: WorkerGroup) -> None:
        if self.left and time.monotonic() >= self._next:
            self._random.choice(group.workers).kill()
            self.left -= 1
            self._next = time.monotonic() + self._random.uniform(0.3, 4.0)
        group.start()


def test_duplicates_and_disorder_change_nothing(stream: Stream, broker: Broker) -> None:
    _assert_same(stream, _replay(stream, broker, disturb=None))


def test_a_worker_killed_at_twenty_random_moments_changes_nothing(stream: Stream, broker: Broker) -> None:
    killer = Killer(kills=20)
    outcome = _replay(stream, broker, killer)
    assert killer.left == 0, "the replay ended before all kills; make it longer"
    _assert_same(stream, outcome)


def test_a_broker_that_stops_and_starts_changes_nothing(stream: Stream, broker: Broker) -> None:
    stops = iter([2.0, 9.0])
    started = time.monotonic()
    due = next(stops)

    def disturb(group: WorkerGroup) -> None:
        nonlocal due
        if time.monotonic() - started > due:
            broker.stop()
            time.sleep(1.0)
            broker.start()
            due = next(stops, float("inf"))
        group.start()

    outcome = _replay(stream, broker, disturb)
    assert due > 9.0, "the replay ended before the broker was stopped"
    _assert_same(stream, outcome)
