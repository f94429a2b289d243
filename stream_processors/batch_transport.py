"""Faust, taught that a message is a batch. Everything here leans on private methods of faust-streaming 0.15.

Stock Faust spends 200 us on each message; this transport hands an agent one event whose value is a list of records.
It reads committed records only, and what it commits to the consumer group is what a processor has called durable
(`set_durable`), never what Faust believes to be acknowledged: Faust acknowledges what it skips.
Each private method used is covered by a test against a real broker, so that an upgrade that moves one fails loudly.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from typing import Any

import aiokafka
import faust
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.errors import IllegalStateError
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from faust.types.tuples import ConsumerMessage
from mode.utils.queues import ThrowableQueue

READ_AHEAD = 2


class BatchConsumerThread(driver.AIOKafkaConsumerThread):
    """Faust's consumer thread: reads committed records only, and assigns all partitions even of half-known metadata."""

    def _create_worker_consumer(self, transport: Any) -> aiokafka.AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        consumer._isolation_level = "read_committed"
        consumer._partition_assignment_strategy = [assignor_for(self.app.conf.topic_partitions)]
        return consumer

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Go to what the group has committed, or to the beginning where it has committed nothing.

        Nothing while partitions move away: their next assignment comes here.
        """
        try:
            if self._ensure_consumer().assignment():
                committed: Mapping[TP, int] = await super().seek_to_committed()
                # aiokafka leaves such a partition where it is: behind records that were fetched during the rebalance
                # and thrown away.
                unknown = [tp for tp, position in committed.items() if not position]
                if unknown:
                    await self.call_thread(self._ensure_consumer().seek_to_beginning, *unknown)
                return committed
        except IllegalStateError:
            self.log.warning("partitions moved again while they were being assigned")
        return {}

    async def read_positions(self, partitions: Iterable[TP]) -> dict[TP, int]:
        """Up to where the client has read each; Faust's `position` asks, and forgets the answer."""
        positions: dict[TP, int] = await self.call_thread(self._read_positions, partitions)
        return positions

    async def _read_positions(self, partitions: Iterable[TP]) -> dict[TP, int]:
        consumer = self._ensure_consumer()
        return {tp: await consumer.position(tp) for tp in partitions}


class BatchConsumer(driver.Consumer):
    """Yields one message a partition and poll, with the list of aiokafka records as its value."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._durable: dict[TP, int] = {}
        self._handed_out: dict[TP, int] = {}

    def set_durable(self, tp: TP, position: int) -> None:
        """All records of `tp` below `position` have been dealt with durably; the group may skip them."""
        self._durable[tp] = position

    def behind(self, tp: TP, dealt_with: int, end: int | None, read: int | None) -> int:
        """Records of `tp` from `dealt_with` on. The topic ends at `end`, the client has read up to `read`.

        Offsets have gaps where transactions end or were aborted: when all that was handed out has been dealt with, only
        what the client has not read yet counts. `read` None: a topic without gaps, all up to its end counts.
        """
        outstanding = self._handed_out.get(tp, 0) > dealt_with
        reached = dealt_with if outstanding or read is None else max(read, dealt_with)
        return 0 if end is None else max(0, end - reached)

    async def read_positions(self, partitions: Iterable[TP]) -> dict[TP, int]:
        """Up to where the client has read each, gaps included."""
        positions: dict[TP, int] = await self._thread.read_positions(partitions)
        return positions

    def _new_consumer_thread(self) -> BatchConsumerThread:
        return BatchConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def getmany(  # the argument's name is Faust's
        self,
        timeout: float,  # noqa: ASYNC109
    ) -> AsyncIterator[tuple[TP, ConsumerMessage]]:
        """One message for each partition that has records; offset = that of its last record."""
        records, active = await self._wait_next_records(timeout)
        generation = self.app.consumer_generation_id
        if records is None or self.should_stop:
            return
        if not self.flow_active:
            await self.perform_seek()
            return
        for aiokafka_tp, batch in records.items():
            if not self.flow_active or self.app.consumer_generation_id != generation:
                return
            tp = TP(aiokafka_tp.topic, aiokafka_tp.partition)
            if not batch or (active is not None and tp not in active and tp not in self._buffered_partitions):
                continue
            last = batch[-1]
            self._handed_out[tp] = last.offset + 1
            self._read_offset[tp] = last.offset - 1 if last.offset else None
            yield (
                tp,
                ConsumerMessage(
                    topic=tp.topic,
                    partition=tp.partition,
                    offset=last.offset,
                    timestamp=(last.timestamp or 0) / 1000.0,
                    timestamp_type=last.timestamp_type,
                    headers={},
                    key=None,
                    value=batch,
                    checksum=None,
                    serialized_key_size=0,
                    serialized_value_size=0,
                    tp=tp,
                    generation_id=generation,
                ),
            )

    async def perform_seek(self) -> None:
        """Go back to what is committed, with nothing handed on meanwhile.

        Faust empties its queues when it resumes the flow after this. A rebalance that began while the one before was
        being resumed leaves the flow on: what was read between the seek and the end would be lost, unnoticed when
        nothing follows.
        """
        self.stop_flow()
        self.app.flow_control.suspend()
        await super().perform_seek()

    def _new_offset(self, tp: TP) -> int | None:
        self._acked[tp].clear()
        self._acked_index[tp].clear()
        return self._durable.get(tp)

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Forget what was durable: the next owner says so itself."""
        # Faust does this only when it has partitions; without any it would go on reading while it is given some.
        self.stop_flow()
        self.app.flow_control.suspend()
        await super().on_partitions_revoked(revoked)
        for tp in revoked:
            self._durable.pop(tp, None)
            self._handed_out.pop(tp, None)


class KnownPartitions:
    """Cluster metadata that tell of `partitions` where the cluster does not tell of a topic's partitions (yet)."""

    def __init__(self, cluster: Any, partitions: int) -> None:
        self._cluster = cluster
        self._partitions = partitions

    def partitions_for_topic(self, topic: str) -> set[int]:
        """The numbers of the topic's partitions."""
        return self._cluster.partitions_for_topic(topic) or set(range(self._partitions))


def assignor_for(partitions: int) -> type[RoundRobinPartitionAssignor]:
    """The round-robin assignor, for topics made with `partitions`.

    While a broker starts, its metadata may leave topics out. The leader would then assign nothing to anybody, and
    static members that come back are given that same nothing again: the pipeline would stand still for ever.
    """

    class Assignor(RoundRobinPartitionAssignor):
        @classmethod
        def assign(cls, cluster: Any, members: Any) -> Any:
            return super().assign(KnownPartitions(cluster, partitions), members)

    return Assignor


class BatchTransport(driver.Transport):
    """Faust's aiokafka transport with the batch consumer."""

    Consumer = BatchConsumer


class BatchSchema(faust.Schema):
    """Passes keys and values through: a batch is decoded by the processor."""

    def loads_key(self, app: Any, message: Any, *, loads: Any = None, serializer: Any = None) -> Any:
        """The key as it is."""
        return message.key

    def loads_value(self, app: Any, message: Any, *, loads: Any = None, serializer: Any = None) -> Any:
        """The list of records as it is."""
        return message.value


class BatchQueue(ThrowableQueue):
    """Between the consumer and an agent: holds `READ_AHEAD` batches, then one more of each partition at most.

    Faust counts messages, up to 4,096 of them, and would read a whole backlog into memory. It stops reading a partition
    when the queue is under pressure; a queue that is full would stop all topics, so this one never is.
    """

    pressure_high_size = READ_AHEAD
    pressure_drop_size = READ_AHEAD - 1


class BatchApp(faust.App):
    """A Faust application that reads batches, and nothing before those who own the partitions know of them.

    Faust goes on reading while `on_partitions_assigned` is still being dealt with; what an agent is given then belongs
    to nobody, and is never read again.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.transport = BatchTransport(self.conf.broker_consumer, self)
        self.before_waiting: Callable[[], Awaitable[None]] | None = None
        """Done at each revocation, and when the application stops, before Faust waits for what agents are dealing with:
        the signal of a revocation comes after that wait, and at a stop not at all."""
        self._assigned = asyncio.Event()
        self.on_rebalance_complete.connect(self._wait_for_assignment, weak=False)

    async def _on_partitions_revoked(self, revoked: set[TP]) -> None:
        self._assigned.clear()
        await super()._on_partitions_revoked(revoked)

    async def _on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        self._assigned.clear()
        try:
            await super()._on_partitions_assigned(assigned, generation_id)
        finally:
            self._assigned.set()

    async def _consumer_wait_empty(self, consumer: Any, logger: Any) -> None:
        if self.before_waiting is not None:
            await self.before_waiting()
        await super()._consumer_wait_empty(consumer, logger)

    async def _wait_for_assignment(self, *_: Any, **__: Any) -> None:
        """Faust sends the signal, and waits, before it seeks and resumes reading."""
        await self._assigned.wait()

    def FlowControlQueue(  # noqa: N802 - the name is Faust's
        self, maxsize: int | None = None, *, clear_on_resume: bool = False
    ) -> BatchQueue:
        """The queue of every stream."""
        return BatchQueue(0, flow_control=self.flow_control, clear_on_resume=clear_on_resume)
