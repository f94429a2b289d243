"""Every partition has an owner, whatever the metadata say. (The pipeline tests cover the rest of the transport.)"""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import Any

import faust
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.errors import IllegalStateError
from faust.types import TP
from mode.utils.queues import FlowControlEvent

from command_line.topics import create_topics
from kept.settings import Settings
from kept.topics import topics
from local_stack.broker import Broker
from stream_processors.batch_transport import BatchApp, BatchConsumer, BatchConsumerThread, BatchQueue, assignor_for

TOPICS = ["events", "tallies"]


class HalfKnown:
    """Cluster metadata that tell of one topic only, as while a broker starts."""

    def partitions_for_topic(self, topic: str) -> set[int] | None:
        return {0, 1, 2} if topic == "tallies" else None


def assigned(assignor: Any) -> list[tuple[str, int]]:
    members = {name: RoundRobinPartitionAssignor.metadata(TOPICS) for name in ("one", "two")}
    by_member = assignor.assign(HalfKnown(), members)
    return sorted(
        (topic, partition)
        for assignment in by_member.values()
        for topic, partitions in assignment.assignment
        for partition in partitions
    )


def test_topics_that_the_cluster_does_not_tell_of_are_assigned_as_they_were_made() -> None:
    everything = [("events", 0), ("events", 1), ("tallies", 0), ("tallies", 1), ("tallies", 2)]
    assert assigned(assignor_for(2)) == everything


def test_the_client_s_own_assignor_would_have_left_them_to_nobody() -> None:
    # When this fails, `assignor_for` is no longer needed.
    assert {topic for topic, _ in assigned(RoundRobinPartitionAssignor)} == {"tallies"}


async def at_once(self: Any, call: Any, *arguments: Any) -> Any:
    """`call_thread` without a thread."""
    return await call(*arguments)


class Moving:
    """A client whose partitions are taken away while it asks what they had committed."""

    def __init__(self, *assigned: TP) -> None:
        self._assigned = frozenset(assigned)

    def assignment(self) -> frozenset[TP]:
        return self._assigned

    async def seek_to_committed(self) -> dict[TP, int]:
        raise IllegalStateError("No current assignment for partition")


@pytest.mark.parametrize("client", [Moving(TP("tallies", 0)), Moving()])
def test_partitions_that_move_again_while_they_are_assigned_end_no_worker(
    client: Moving, monkeypatch: pytest.MonkeyPatch
) -> None:
    thread = BatchConsumerThread.__new__(BatchConsumerThread)
    thread.log = logging.getLogger("test")
    monkeypatch.setattr(BatchConsumerThread, "_ensure_consumer", lambda self: client)

    monkeypatch.setattr(BatchConsumerThread, "call_thread", at_once)
    assert asyncio.run(thread.seek_to_committed()) == {}


# lag: offsets have gaps


def lag(*, handed_out: int, dealt_with: int, end: int | None, read: int | None) -> int:
    consumer = BatchConsumer.__new__(BatchConsumer)
    consumer._handed_out = {TP("tallies", 0): handed_out}
    return consumer.behind(TP("tallies", 0), dealt_with, end, read)


def test_what_was_handed_out_and_not_dealt_with_is_lag_and_so_is_what_was_not_read() -> None:
    assert lag(handed_out=90, dealt_with=50, end=100, read=90) == 50
    assert lag(handed_out=50, dealt_with=50, end=100, read=60) == 40


def test_the_records_that_end_transactions_are_no_lag() -> None:
    #  0 ... 97  98 99 | 100      97 is the last record of data, two transactions end behind it
    assert lag(handed_out=98, dealt_with=98, end=100, read=100) == 0
    assert lag(handed_out=0, dealt_with=100, end=100, read=100) == 0


def test_an_end_nobody_knows_is_no_lag() -> None:
    assert lag(handed_out=5, dealt_with=5, end=None, read=None) == 0


# reading ahead


def test_each_partition_is_paused_as_soon_as_enough_batches_wait_and_goes_on_when_they_are_taken() -> None:
    async def run() -> None:
        queue = BatchQueue(0, flow_control=FlowControlEvent(initially_suspended=False))
        paused: set[str] = set()
        calls = {name: (partial(paused.add, name), partial(paused.discard, name)) for name in ("one", "two")}

        def put(name: str) -> None:
            pause, go_on = calls[name]
            queue.put_nowait_enhanced(name, on_pressure_high=pause, on_pressure_drop=go_on)

        for name in ("one", "two"):
            put(name)
        assert paused == set()
        for name in ("one", "two"):
            put(name)
        assert paused == {"one", "two"}
        assert not queue.full()  # a full queue would stop both topics
        for _ in range(4):
            queue.get_nowait()
        queue.maybe_endorse_pressure_drop()
        assert paused == set()

    asyncio.run(run())


# what is read while partitions are being assigned


class Reading:
    """Faust's consumer as its recovery sees it: notes in which order reading is resumed."""

    def __init__(self, calls: list[str]) -> None:
        self._calls = calls

    def assignment(self) -> set[TP]:
        return {TP("tallies", 0)}

    def resume_partitions(self, partitions: set[TP]) -> None:
        self._calls.append("partitions resumed")

    async def perform_seek(self) -> None:
        self._calls.append("sought")

    def resume_flow(self) -> None:
        self._calls.append("flow resumed")


def test_nothing_is_read_before_the_owners_know_of_their_partitions(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> list[str]:
        calls: list[str] = []
        owners_know = asyncio.Event()

        async def assign(self: Any, assigned: set[TP], generation_id: int) -> None:
            await owners_know.wait()
            calls.append("owned")

        async def fetch() -> None:
            calls.append("fetching")

        monkeypatch.setattr(faust.App, "_on_partitions_assigned", assign)
        app = BatchApp("test", broker="kafka://127.0.0.1:1", store="memory://")
        monkeypatch.setattr(app._fetcher, "maybe_start", fetch)
        app.consumer = Reading(calls)
        app.consumer_generation_id = 5
        assigning = asyncio.create_task(app._on_partitions_assigned({TP("tallies", 0)}, 5))
        resuming = asyncio.create_task(app.tables.recovery._resume_streams(generation_id=5))
        for _ in range(10):
            await asyncio.sleep(0)
        assert calls == []
        owners_know.set()
        await asyncio.wait_for(asyncio.gather(assigning, resuming), 5)
        return calls

    assert asyncio.run(run()) == ["owned", "partitions resumed", "sought", "flow resumed", "fetching"]


def test_a_worker_without_partitions_stops_reading_too_before_it_is_given_some(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        app = BatchApp("test", broker="kafka://127.0.0.1:1", store="memory://")
        consumer = app.consumer
        app.flow_control.resume()
        consumer.resume_flow()
        monkeypatch.setattr(type(consumer), "assignment", lambda self: set())
        await consumer.on_partitions_revoked(set())
        assert not consumer.flow_active
        assert not app.flow_control.is_active()

    asyncio.run(run())


@pytest.mark.broker
def test_what_was_read_of_a_partition_without_a_commit_is_read_again(
    broker: Broker, topic_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run() -> None:
        name = topics(topic_prefix, 2).events.name
        producer = AIOKafkaProducer(bootstrap_servers=broker.bootstrap)
        await producer.start()
        for partition in (0, 1):
            for number in range(3):
                await producer.send_and_wait(name, b"%d" % number, partition=partition)
        await producer.stop()
        client = AIOKafkaConsumer(
            bootstrap_servers=broker.bootstrap,
            group_id=topic_prefix,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
        )
        await client.start()
        try:
            none_yet, some = TopicPartition(name, 0), TopicPartition(name, 1)
            client.assign([none_yet, some])
            await client.commit({some: 1})
            read = 0
            while read < 5:  # the second one begins at what was committed
                read += sum(map(len, (await client.getmany(timeout_ms=1000)).values()))
            thread = BatchConsumerThread.__new__(BatchConsumerThread)
            thread.log = logging.getLogger("test")
            monkeypatch.setattr(BatchConsumerThread, "_ensure_consumer", lambda self: client)
            monkeypatch.setattr(BatchConsumerThread, "call_thread", at_once)
            committed = await thread.seek_to_committed()
            assert {tp.partition: position for tp, position in committed.items()} == {0: None, 1: 1}
            assert [await client.position(tp) for tp in (none_yet, some)] == [0, 1]
        finally:
            await client.stop()

    settings = Settings(brokers=broker.bootstrap, topic_prefix=topic_prefix, partitions=2)
    create_topics(settings)
    asyncio.run(run())
