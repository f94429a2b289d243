"""The history store away for a while: what waits is bounded, and afterwards the history is what it would have been."""

from __future__ import annotations

import asyncio
import itertools
import re
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.samples import Sample

from bench.workload import SERVICES, START_MS, catalogue_text, dense
from history.influxdb import InfluxHistory
from kept.buckets import STEP_MS
from kept.catalogue import parse_service
from kept.durations import DAY_MS
from kept.indicators.point import Point
from kept.topics import topics
from local_stack.broker import Broker
from local_stack.child import Child
from local_stack.ports import free_port, wait_until_answers
from local_stack.replay import Replay, WorkerGroup, accounts_of, replay_pipeline, wait_for
from producers.publisher import Publisher
from stream_processors.embedded import EmbeddedPipeline
from stream_processors.indicator_processor import IndicatorProcessor
from stream_processors.tallies_partition import TalliesPartition
from tests.influxd import OwnServer
from tests.kept.city import LIGHTS, City, event
from tests.stream_processors.pipelines import health_of, plain_texts, settings_of
from tests.stream_processors.test_faults import AS_OF_MS, MAPPING, SERVICE, SMALL_BATCHES, Stream
from tests.stream_processors.test_indicator_processor import AT_MS, PARTITION, Store, processor_of

HOURS = 12
PIECES = 12
EVENTS = 900
GRACE_SECONDS = 10.0
"""So long a supervisor waits before it kills."""
NO_ANSWER = "no answer in time; try again"


@pytest.fixture(scope="module")
def server(influxd_program: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnServer]:
    """A server of its own: it is frozen and killed."""
    server = OwnServer(influxd_program, tmp_path_factory.mktemp("influxd-away"))
    server.start()
    server.set_up()
    server.make_org()
    yield server
    server.process.signal(signal.SIGCONT)
    server.process.stop()


class CountingStore(Store):
    """Away, and counts what it is asked to take."""

    def __init__(self) -> None:
        super().__init__()
        self.away = True
        self.asked: list[Sequence[Point]] = []

    def write(self, points: Sequence[Point]) -> None:
        self.asked.append(points)
        super().write(points)


def city_at_noon() -> City:
    """Two partitions that have counted until `AT_MS`."""
    city = City(partitions=2)
    city.apply([event("case.opened", "2024-06-03 09:00", f"c{n}") for n in range(4)])
    city.tick(AT_MS)
    return city


def test_what_waits_for_the_store_is_one_call_however_long_it_is_away() -> None:
    city = city_at_noon()

    async def run() -> None:
        store = CountingStore()
        processor, owned = processor_of(store, city)
        first = asyncio.create_task(processor._publish_in_time(owned))
        await asyncio.sleep(0.05)
        # Meanwhile event time goes on: the tallies take in what comes, and nothing more is evaluated.
        others = []
        for hour in range(13, 16):
            city.apply([event("case.opened", f"2024-06-03 {hour}:00", f"late-{hour}")])
            city.tick(AT_MS + (hour - 12) * 3_600_000)
            owned.marks = {state.partition: state.mark() for state in city.states}
            owned.changed = True
            others.append(asyncio.create_task(processor._publish_in_time(owned)))
            await asyncio.sleep(0.3)
        assert len(store.asked) >= 3
        assert all(points is store.asked[0] for points in store.asked)
        assert (owned.settled, store.announced) == (0, [])
        keys = [point.key() for point in store.asked[0]]
        assert len(keys) == len(set(keys))
        store.away = False
        await asyncio.gather(first, *others)
        assert store.announced[0] == AT_MS // 1000
        assert store.announced[-1] == AT_MS // 1000 + 3 * 3600
        newest = {point.key(): point for point in store.points}
        assert newest.keys() >= set(keys)

    asyncio.run(run())


def history_of_half_a_day(store: InfluxHistory, disturb: Callable[[int], None]) -> list[Point]:
    """Twelve hours of the lights, published every hour; `disturb` is told before each."""
    city = City(partitions=2)

    async def run() -> None:
        processor: IndicatorProcessor
        owned: TalliesPartition
        processor, owned = processor_of(store, city)  # type: ignore[arg-type]
        for hour in range(1, HOURS + 1):
            cases = [f"c{hour}-{n}" for n in range(hour % 3 + 1)]
            city.apply(
                [event("case.opened", f"2024-06-03 {hour:02}:10", case, due="2024-06-03 12:00") for case in cases]
            )
            city.apply([event("case.completed", f"2024-06-03 {hour:02}:40", cases[0], outcome="intended")])
            city.tick(f"2024-06-03 {hour + 1:02}:00")
            owned.marks = {state.partition: state.mark() for state in city.states}
            owned.next_publication = 0.0
            disturb(hour)
            await processor._publish_in_time(owned)
            assert processor.partitions[PARTITION] is owned

    asyncio.run(run())
    return store.read(LIGHTS.id)


def test_a_server_frozen_and_killed_in_the_middle_third_has_the_same_points_afterwards(server: OwnServer) -> None:
    undisturbed = server.history(server.make_bucket())
    expected = history_of_half_a_day(undisturbed, lambda hour: None)
    expected_published = undisturbed.published()
    undisturbed.close()
    assert len({point.window_end for point in expected}) == HOURS

    store = server.history(server.make_bucket(), timeout_seconds=1.0)
    returns: list[asyncio.TimerHandle] = []

    def disturb(hour: int) -> None:
        # By the loop, whose thread lives on: the server dies with the thread that started it.
        later = asyncio.get_running_loop().call_later
        if hour in (5, 7):  # frozen for longer than a call waits
            server.process.signal(signal.SIGSTOP)
            returns.append(later(1.5, server.process.signal, signal.SIGCONT))
        elif hour in (6, 8):
            server.process.kill()
            returns.append(later(0.5, server.start))

    try:
        assert history_of_half_a_day(store, disturb) == expected
        assert store.published() == expected_published
        assert len(returns) == 4
        assert dict(store.refused()) == {}
    finally:
        store.close()


@pytest.mark.broker
@pytest.mark.slow
@pytest.mark.timeout(420)
def test_workers_go_on_where_they_were_when_the_server_is_back(
    broker: Broker, server: OwnServer, shared_data: Path
) -> None:
    stream = Stream(shared_data / "boston_311_2011H2.csv.gz")
    store = in_bucket_of(server)
    size = -(-len(stream.events) // PIECES)
    with replay_pipeline(
        MAPPING.catalogue_text(), brokers=broker.bootstrap, max_batch_records=SMALL_BATCHES, store=store
    ) as replay:
        for piece in range(PIECES):
            if piece == PIECES // 3:
                server.process.signal(signal.SIGSTOP)
            elif piece == PIECES // 2:
                wait_until_told(replay, NO_ANSWER)
                server.process.kill()
                # Either; the other one is told a minute later, as what repeats itself.
                wait_until_told(replay, "Cannot connect", "Connection reset by peer")
            elif piece == 2 * PIECES // 3:
                server.start()
            replay.publish(stream.events[piece * size : (piece + 1) * size])
            replay.group.watch()
        replay.end(AS_OF_MS)
        points, accounts = wait_for(replay.settings, replay.group, SERVICE.id, AS_OF_MS // 1000)
    assert {point.key(): point for point in points} == stream.expected
    assert accounts.reconciles()
    assert accounts.received == len(stream.events)


@pytest.mark.broker
@pytest.mark.slow
@pytest.mark.timeout(180)
def test_a_worker_told_to_stop_while_the_server_hangs_ends_and_another_one_takes_over(
    broker: Broker, server: OwnServer
) -> None:
    service = SERVICES[0]
    events = [event for event in dense(8 * EVENTS + 400).stream() if event.data.service == service.id][:EVENTS]
    at_ms = START_MS + 8 * DAY_MS
    embedded = EmbeddedPipeline({service.id: parse_service(catalogue_text(service), service.id)})
    embedded.apply(events)
    embedded.tick(at_ms)
    expected = {point.key(): point for point in embedded.indicators(at_ms // 1000)}
    store = in_bucket_of(server)
    with replay_pipeline(catalogue_text(service), brokers=broker.bootstrap, partitions=2, store=store) as replay:
        replay.publish(events[: EVENTS // 4])
        wait_until_counted(replay, EVENTS // 4)
        server.process.signal(signal.SIGSTOP)
        try:
            replay.publish(events[EVENTS // 4 : EVENTS // 2])
            wait_until_counted(replay, EVENTS // 2)
            # Whoever has the service's tallies cannot publish; what comes next it takes in all the same.
            wait_until_told(replay, NO_ANSWER)
            replay.publish(events[EVENTS // 2 : 3 * EVENTS // 4])
            wait_until_counted(replay, 3 * EVENTS // 4)
            first, second = sorted(replay.group.workers, key=lambda worker: not has_told(worker, NO_ANSWER))
            told = time.monotonic()
            first.signal(signal.SIGTERM)
            assert first.wait(GRACE_SECONDS) == 0, first.log_tail()
            assert time.monotonic() - told < GRACE_SECONDS
            assert not has_told(first, "what was under way is done again"), "it was ended by its own time limit"
            # All partitions are counted by the other one, which waits for the server itself.
            replay.publish(events[3 * EVENTS // 4 :])
            wait_until_counted(replay, EVENTS)
            assert second.running()
        finally:
            server.process.signal(signal.SIGCONT)
        replay.end(at_ms)
        points, accounts = wait_for(replay.settings, replay.group, service.id, at_ms // 1000, lambda group: None)
    assert {point.key(): point for point in points} == expected
    assert accounts.reconciles()
    assert accounts.received == EVENTS


@pytest.mark.broker
@pytest.mark.slow
@pytest.mark.timeout(180)
def test_a_worker_whose_token_is_taken_back_ends_and_goes_on_with_the_next_one_where_it_was(
    broker: Broker, server: OwnServer
) -> None:
    service = SERVICES[0]
    events = [event for event in dense(2 * EVENTS + 400).stream() if event.data.service == service.id][: EVENTS // 4]
    at_ms = START_MS + 8 * DAY_MS
    embedded = EmbeddedPipeline({service.id: parse_service(catalogue_text(service), service.id)})
    embedded.apply(events)
    embedded.tick(at_ms)
    expected = {point.key(): point for point in embedded.indicators(at_ms // 1000)}
    store = in_bucket_of(server)
    half = len(events) // 2
    with replay_pipeline(
        catalogue_text(service), workers=1, brokers=broker.bootstrap, partitions=2, store=store
    ) as replay:
        (worker,) = replay.group.workers
        replay.publish(events[:half])
        wait_until_counted(replay, half)
        (token,) = [
            each
            for each in server.ask("GET", f"/api/v2/authorizations?org={server.org}")["authorizations"]
            if each["token"] == store["influxdb_token"]
        ]
        server.ask("PATCH", f"/api/v2/authorizations/{token['id']}", {"status": "inactive"})
        replay.publish(events[half:])
        replay.end(at_ms)
        assert worker.wait(60) == 70
        # By which call it noticed: a write, or a query.
        assert re.search(r"stopped: history .*the token (was taken back \(403\)|may not see it)", worker.log_tail(1))
        assert store["influxdb_token"] not in worker.log.read_text()
        server.ask("PATCH", f"/api/v2/authorizations/{token['id']}", {"status": "active"})
        worker.start()
        points, accounts = wait_for(replay.settings, replay.group, service.id, at_ms // 1000)
    assert {point.key(): point for point in points} == expected
    assert (accounts.received, accounts.reconciles()) == (len(events), True)


def in_bucket_of(server: OwnServer) -> dict[str, str]:
    """The settings of a pipeline whose history is a new bucket."""
    bucket = server.make_bucket()
    return {
        "history": "influxdb",
        "influxdb_url": server.url,
        "influxdb_org": server.org,
        "influxdb_bucket": bucket,
        "influxdb_token": server.make_token(("read", bucket), ("write", bucket)),
    }


def wait_until_counted(replay: Replay, events: int) -> None:
    """Wait until the case processors have received so many events."""
    deadline = time.monotonic() + 60
    while accounts_of(replay.settings).received < events:
        assert time.monotonic() < deadline, [worker.log_tail() for worker in replay.group.workers]
        time.sleep(0.1)


def has_told(worker: Child, words: str) -> bool:
    """Whether the worker has said so in its log."""
    return words in worker.log.read_text(errors="replace")


def wait_until_told(replay: Replay, *any_of: str) -> None:
    """Wait until any worker has said one of these in its log."""
    deadline = time.monotonic() + 60
    while not any(has_told(worker, words) for worker in replay.group.workers for words in any_of):
        assert time.monotonic() < deadline, [worker.log_tail() for worker in replay.group.workers]
        time.sleep(0.1)


def test_gauges_wait_for_no_store_however_slow() -> None:
    city = city_at_noon()

    async def run() -> None:
        store = CountingStore()
        processor, owned = processor_of(store, city)
        publishing = asyncio.create_task(processor._publish_in_time(owned))
        async with asyncio.timeout(20):
            while not store.asked:  # noqa: ASYNC110 - another thread asks
                await asyncio.sleep(0.01)
        shown = {sample.labels["service"] for sample in gauges(processor, "kept_indicator_timestamp_seconds")}
        assert shown == {LIGHTS.id}
        assert store.announced == []
        store.away = False
        await publishing
        assert store.announced == [AT_MS // 1000]

    asyncio.run(run())


def gauges(processor: IndicatorProcessor, name: str) -> list[Sample]:
    return [sample for family in processor._metrics.collect() if family.name == name for sample in family.samples]


def test_a_worker_whose_history_stays_locked_is_not_healthy_though_tallies_go_on(
    broker: Broker, topic_prefix: str, tmp_path: Path
) -> None:
    """What is taken in and shown must not hide what is not written."""
    port = free_port()
    settings = settings_of(broker, topic_prefix, tmp_path, plain_texts([LIGHTS.id]), metrics_port=port, stall_seconds=3)
    group = WorkerGroup(settings, tmp_path, 1)
    topic = topics(topic_prefix, settings.partitions).events.name
    group.start()
    try:
        assert wait_until_answers(port, time.monotonic() + 60), group.workers[0].log_tail()
        steps = itertools.count()
        lock = sqlite3.connect(settings.history_path, isolation_level=None, timeout=30)
        lock.execute("BEGIN EXCLUSIVE")
        with Publisher(topic, settings) as publisher:

            def told_until(is_so: Callable[[dict[str, Any]], bool]) -> None:
                deadline = time.monotonic() + 60
                while not is_so(said := health_of(port)):
                    assert time.monotonic() < deadline, (said, group.workers[0].log_tail())
                    publisher.tick_all_partitions(AT_MS + next(steps) * STEP_MS)
                    publisher.finish()
                    time.sleep(0.2)

            # On a busy machine cases may have nothing to show for a while, too: that is another stall.
            told_until(lambda said: said["status"] == "stalled" and said["cases"]["seconds_without_progress"] < 3)
            lock.execute("ROLLBACK")
            told_until(lambda said: said["status"] == "ok")
        lock.close()
    finally:
        group.stop()
