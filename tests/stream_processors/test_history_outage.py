"""The history store away for a while: what waits is bounded, and afterwards the history is what it would have been."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from history.influxdb import InfluxHistory
from kept.indicators.point import Point
from local_stack.broker import Broker
from local_stack.replay import Replay, replay_pipeline, wait_for
from stream_processors.indicator_processor import IndicatorProcessor, TalliesPartition
from tests.influxd import OwnServer
from tests.kept.city import LIGHTS, City, event
from tests.stream_processors.test_faults import AS_OF_MS, MAPPING, SERVICE, SMALL_BATCHES, Stream
from tests.stream_processors.test_indicator_processor import AT_MS, PARTITION, Store, processor_of

HOURS = 12
PIECES = 12


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


def test_what_waits_for_the_store_is_one_call_however_long_it_is_away() -> None:
    city = City(partitions=2)
    city.apply([event("case.opened", "2024-06-03 09:00", f"c{n}") for n in range(4)])
    city.tick(AT_MS)

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
    bucket = server.make_bucket()
    store = {
        "history": "influxdb",
        "influxdb_url": server.url,
        "influxdb_org": server.org,
        "influxdb_bucket": bucket,
        "influxdb_token": server.make_token(("read", bucket), ("write", bucket)),
    }
    size = -(-len(stream.events) // PIECES)
    with replay_pipeline(
        MAPPING.catalogue_text(), brokers=broker.bootstrap, max_batch_records=SMALL_BATCHES, store=store
    ) as replay:
        for piece in range(PIECES):
            if piece == PIECES // 3:
                server.process.signal(signal.SIGSTOP)
            elif piece == PIECES // 2:
                wait_until_told(replay, "no answer in time; try again")
                server.process.kill()
                wait_until_told(replay, "Cannot connect")
            elif piece == 2 * PIECES // 3:
                server.start()
            replay.publish(stream.events[piece * size : (piece + 1) * size])
            replay.group.watch()
        replay.end(AS_OF_MS)
        points, accounts = wait_for(replay.settings, replay.group, SERVICE.id, AS_OF_MS // 1000)
    assert {point.key(): point for point in points} == stream.expected
    assert accounts.reconciles()
    assert accounts.received == len(stream.events)


def wait_until_told(replay: Replay, words: str) -> None:
    """Wait until a worker has said so in its log."""
    deadline = time.monotonic() + 60
    while not any(words in worker.log.read_text(errors="replace") for worker in replay.group.workers):
        assert time.monotonic() < deadline, [worker.log_tail() for worker in replay.group.workers]
        time.sleep(0.1)
