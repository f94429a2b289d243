"""Every partition has an owner, whatever the metadata say. (The pipeline tests cover the rest of the transport.)"""

from __future__ import annotations

import asyncio
import logging
import random
from functools import partial
from typing import Any

import faust
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.errors import IllegalStateError
from faust.transport.conductor import ConductorHandler
from faust.types import TP
from faust.types.tuples import ConsumerMessage
from mode.utils.queues import FlowControlEvent

from command_line.topics import create_topics
from kept.settings import Settings
from kept.topics import topics
from local_stack.broker import Broker
from stream_processors.batch_transport import (
    BatchApp,
    BatchConsumer,
    BatchConsumerThread,
    BatchQueue,
    BatchSchema,
    assignor_for,
)

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


def test_of_a_topic_without_gaps_all_that_was_not_dealt_with_is_lag_also_what_was_read_and_lost() -> None:
    assert lag(handed_out=50, dealt_with=50, end=100, read=None) == 50


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


class Bursts:
    """Faust's own consumer, delivery and queue with an agent behind them; what a fetch would return is made up."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self._app = BatchApp("test", broker="kafka://127.0.0.1:1", store="memory://")
        self._topic = self._app.topic("events", schema=BatchSchema(), internal=False)
        self.partitions = {TP("events", number) for number in range(dice.randint(1, 4))}
        self.consumer = self._app.consumer
        self.taken = self.given = self.paused = 0
        self.rebalance()

    async def take(self) -> None:
        """What an agent does, now fast and now slow."""
        while True:
            await self._topic.queue.get()
            self.taken += 1
            await self.turns(self._dice.choice([0, 0, 1, 3]))

    async def burst(self) -> None:
        """Some fetches; what is buffered may have been fetched already, and is handed on."""
        for _ in range(self._dice.randint(1, 10)):
            for tp in self._dice.sample(sorted(self.partitions), self._dice.randint(1, len(self.partitions))):
                buffered = tp in self.consumer._buffered_partitions
                assert buffered or tp in self.consumer._active_partitions  # else its batch would be dropped
                if not buffered or self._dice.random() < 0.3:
                    self.given += 1
                    await self._deliver[tp](self._message(tp))
                    self.paused += tp in self.consumer._buffered_partitions
            await self.turns(self._dice.choice([0, 1, 2, 5]))

    def rebalance(self) -> None:
        """In the order of Faust; what waits in the queue is thrown away, and would be read again."""
        self.consumer.stop_flow()
        self._app.flow_control.suspend()
        self.consumer.pause_partitions(self.partitions)
        self.taken += self._topic.queue.qsize()
        self._app.flow_control.clear()
        self.consumer._set_active_tps(self.partitions)
        self.consumer.pause_partitions(self.partitions)
        self._deliver = {tp: ConductorHandler(self._app.topics, tp, {self._topic}) for tp in self.partitions}
        self.consumer.resume_partitions(self.partitions)
        self._app.flow_control.resume()
        self.consumer.resume_flow()

    async def turns(self, count: int) -> None:
        for _ in range(count):
            await asyncio.sleep(0)

    def _message(self, tp: TP) -> ConsumerMessage:
        return ConsumerMessage(
            topic=tp.topic, partition=tp.partition, offset=self.given, timestamp=0.0, timestamp_type=0, headers={},
            key=None, value=[], checksum=None, tp=tp, generation_id=1,
        )  # fmt: skip


def test_after_any_bursts_and_rebalances_no_partition_stays_paused_in_the_silence() -> None:
    async def run(seed: int) -> int:
        dice = random.Random(seed)
        bursts = Bursts(dice)
        agent = asyncio.create_task(bursts.take())
        for _ in range(dice.randint(1, 10)):
            await bursts.burst()
            if dice.random() < 0.3:
                bursts.rebalance()
        await bursts.turns(20 * bursts.given)
        assert bursts.taken == bursts.given
        assert bursts.consumer._active_partitions == bursts.partitions
        agent.cancel()
        await asyncio.gather(agent, return_exceptions=True)
        return bursts.paused

    assert sum(asyncio.run(run(seed)) for seed in range(40)) > 100  # the brake was on


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


def test_nothing_is_handed_on_between_the_seek_and_the_end_of_a_rebalance(monkeypatch: pytest.MonkeyPatch) -> None:
    #  resume of rebalance 1 ... seeks          flow on |
    #            rebalance 2        | flow off          | ... seeks, reads?, empties the queues, flow on
    async def run() -> None:
        app = BatchApp("test", broker="kafka://127.0.0.1:1", store="memory://")
        topic = app.topic("events", schema=BatchSchema(), internal=False)
        tp = TP("events", 0)
        consumer = app.consumer
        deliver = ConductorHandler(app.topics, tp, {topic})
        message = ConsumerMessage(
            topic="events", partition=0, offset=4, timestamp=0.0, timestamp_type=0, headers={}, key=None, value=[],
            checksum=None, tp=tp, generation_id=5,
        )  # fmt: skip
        drained: list[asyncio.Task[Any]] = []

        async def seek_to_committed(self: Any) -> dict[TP, int]:
            # The client has gone back, and reads on at once; Faust hands on what it gives while the flow is on.
            if consumer.flow_active:
                drained.append(asyncio.create_task(deliver(message)))
            for _ in range(10):
                await asyncio.sleep(0)
            return {}

        async def fetch() -> None: ...

        monkeypatch.setattr(type(consumer), "assignment", lambda self: {tp})
        monkeypatch.setattr(type(consumer), "seek_to_committed", seek_to_committed)
        monkeypatch.setattr(app._fetcher, "maybe_start", fetch)
        app.consumer_generation_id = 5
        app._assigned.set()
        app.flow_control.resume()
        consumer.resume_flow()  # left on by the resume of the rebalance before
        await asyncio.wait_for(app.tables.recovery._resume_streams(generation_id=5), 5)
        assert topic.queue.qsize() == len(drained)  # all that was handed on is there
        assert consumer.flow_active
        assert app.flow_control.is_active()

    asyncio.run(run())


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
