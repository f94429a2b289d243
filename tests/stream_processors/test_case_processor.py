"""The case processor beside its log: batches of one partition in order, one waits for the commit of the other."""

from __future__ import annotations

import asyncio
from typing import Any, NamedTuple

from kept.errors import StateError
from kept.marks import Mark
from kept.partition import PartitionState
from kept.settings import Settings
from kept.topics import topics
from stream_processors.case_processor import CaseProcessor, OwnedPartition


class Record(NamedTuple):
    offset: int
    value: bytes = b"not an event"
    headers: tuple[tuple[str, bytes | None], ...] = ()


class SlowLog:
    """A log whose commit takes a while; notes the offsets in the order in which they were written."""

    def __init__(self, written: list[tuple[int, int]], partition: int) -> None:
        self._written, self._partition = written, partition
        self.commit = asyncio.Event()
        self.idle_at: list[int] = []

    async def open(self, state: PartitionState) -> int:
        await asyncio.sleep(0)
        return 0

    async def write(self, changes: Any, sources: list[Record]) -> None:
        await self.commit.wait()
        self._written.append((self._partition, changes.mark.offset))

    async def write_mark(self, mark: Mark) -> None:
        assert mark.idle
        self.idle_at.append(mark.offset)

    async def close(self) -> None:
        self.commit.set()


def processor_of(written: list[tuple[int, int]], **more: Any) -> CaseProcessor:
    processor = CaseProcessor(Settings(partitions=2, **more), topics("", 2), {}, {}, lambda: 0)
    for partition in (0, 1):
        log: Any = SlowLog(written, partition)
        owned = OwnedPartition(PartitionState(partition, {}), log)
        owned.ready = asyncio.create_task(log.open(owned.state))
        processor.partitions[partition] = owned
    return processor


def test_batches_of_one_partition_are_applied_in_order_and_another_partition_does_not_wait() -> None:
    async def run() -> list[tuple[int, int]]:
        written: list[tuple[int, int]] = []
        processor = processor_of(written)
        calls = [
            processor.apply(0, [Record(0), Record(1)]),
            processor.apply(0, [Record(2)]),
            processor.apply(1, [Record(0)]),
        ]
        tasks = [asyncio.create_task(call) for call in calls]
        processor.partitions[1].log.commit.set()  # type: ignore[attr-defined]
        assert await asyncio.wait_for(tasks[2], 5) == 1
        assert written == [(1, 0)]
        processor.partitions[0].log.commit.set()  # type: ignore[attr-defined]
        assert await asyncio.gather(*tasks) == [2, 3, 1]
        return written

    assert asyncio.run(run()) == [(1, 0), (0, 1), (0, 2)]


def test_what_waits_for_a_partition_that_moves_away_is_left_to_its_next_owner() -> None:
    async def run() -> None:
        written: list[tuple[int, int]] = []
        processor = processor_of(written)
        owned = processor.partitions[0]
        tasks = [asyncio.create_task(processor.apply(0, [Record(n)])) for n in range(2)]
        await asyncio.sleep(0.01)
        dropping = asyncio.create_task(processor.assign({1}))
        await asyncio.sleep(0.01)
        owned.log.commit.set()  # type: ignore[attr-defined]
        await dropping
        assert await asyncio.gather(*tasks) == [1, None]
        assert written == [(0, 0)]
        assert set(processor.partitions) == {1}

    asyncio.run(run())


def test_a_partition_is_not_idle_when_a_batch_was_applied_while_its_mark_waited() -> None:
    async def run() -> None:
        processor = processor_of([], idle_seconds=5.0)
        owned = processor.partitions[0]
        log: Any = owned.log
        end = 1
        applying = asyncio.create_task(processor.apply(0, [Record(0)]))
        await asyncio.sleep(0.01)
        owned.last_moved -= 60  # the batch has been under way for so long
        marking = asyncio.create_task(processor.mark_idle(lambda partition: end if partition == 0 else None))
        await asyncio.sleep(0.01)
        log.commit.set()
        await asyncio.gather(applying, marking)
        assert log.idle_at == []
        owned.last_moved -= 60
        end = 2  # there is something to read again
        await processor.mark_idle(lambda partition: end if partition == 0 else None)
        assert log.idle_at == []
        end = 1
        await processor.mark_idle(lambda partition: end if partition == 0 else None)
        assert log.idle_at == [0]

    asyncio.run(run())


def test_a_partition_is_told_of_when_its_state_is_there_and_not_before() -> None:
    async def run() -> None:
        processor = processor_of([])
        failing = processor.partitions[1]
        failing.ready = asyncio.create_task(_unreadable())
        assert processor.ready_states() == []
        await asyncio.sleep(0.01)
        assert [state.partition for state in processor.ready_states()] == [0]
        await processor.assign(set())
        assert processor.ready_states() == []

    asyncio.run(run())


async def _unreadable() -> int:
    raise StateError("the state cannot be read")
