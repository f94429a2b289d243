"""Every partition has an owner, whatever the metadata say. (The pipeline tests cover the rest of the transport.)"""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import Any

import pytest
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.errors import IllegalStateError
from faust.types import TP
from mode.utils.queues import FlowControlEvent

from stream_processors.batch_transport import BatchConsumer, BatchConsumerThread, BatchQueue, assignor_for

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

    async def at_once(self: Any, call: Any) -> Any:
        return await call()

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
