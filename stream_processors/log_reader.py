"""Reads a range of a partition from its log, committed records only: how state is rebuilt."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from kept.errors import Retry, StateError

POLL_MS = 500
FETCH_BYTES = 8 * 1024 * 1024
PATIENCE_POLLS = 120
"""A minute without a record means that a transaction hangs or the broker is away."""
ENDED_POLL_SECONDS = 0.2


async def end_of(client_settings: dict[str, Any], topic: str, partition: int, *, open_too: bool = False) -> int:
    """The last stable offset of a partition: where what is committed ends. `open_too`: where everything ends, also a
    transaction that has not ended."""
    tp = TopicPartition(topic, partition)
    level = "read_uncommitted" if open_too else "read_committed"
    async with _asking(client_settings, isolation_level=level) as consumer:
        return int((await consumer.end_offsets([tp]))[tp])


async def beginning_of(client_settings: dict[str, Any], topic: str, partition: int) -> int:
    """The first offset of a partition that has not been deleted; its end when all have."""
    tp = TopicPartition(topic, partition)
    async with _asking(client_settings) as consumer:
        return int((await consumer.beginning_offsets([tp]))[tp])


@asynccontextmanager
async def _asking(client_settings: dict[str, Any], **more: Any) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer of no group."""
    consumer = AIOKafkaConsumer(**client_settings, group_id=None, **more)
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()


async def all_ended(client_settings: dict[str, Any], topic: str, partition: int, seconds: float) -> int:
    """The end of a partition, once every transaction begun before it has ended: the broker tells of an end after it has
    answered, and others write as well. Raises `StateError` when one has not ended after `seconds`."""
    everything = await end_of(client_settings, topic, partition, open_too=True)
    deadline = time.monotonic() + seconds
    while (stable := await end_of(client_settings, topic, partition)) < everything:
        if time.monotonic() > deadline:
            raise StateError(
                f"{topic}-{partition}: a transaction is open from offset {stable} on, and hides what is behind it. "
                "Start the workers of all partitions: each ends its own. If it is still there then, its producer is no "
                f"more: end it with `kafka-transactions.sh --bootstrap-server BROKER abort --topic {topic} "
                f"--partition {partition} --start-offset {stable}`, and start again"
            )
        await asyncio.sleep(ENDED_POLL_SECONDS)
    return everything


async def read_range(
    client_settings: dict[str, Any], topic: str, partition: int, end: int | None = None, *, start: int | None = None
) -> AsyncIterator[list[Any]]:
    """Lists of records from `start` (None: the beginning) up to `end`, exclusive, or to the last stable offset of this
    moment. What was deleted before `start` was reached is left out.

    Raises `Retry` when the log does not answer for a minute.
    """
    tp = TopicPartition(topic, partition)
    reading = {
        "enable_auto_commit": False,
        "isolation_level": "read_committed",
        "auto_offset_reset": "earliest",
        "max_partition_fetch_bytes": FETCH_BYTES,
        "fetch_max_wait_ms": POLL_MS,
    }
    async with _asking(client_settings, **reading) as consumer:
        consumer.assign([tp])
        if end is None:
            end = (await consumer.end_offsets([tp]))[tp]
        first = (await consumer.beginning_offsets([tp]))[tp]
        consumer.seek(tp, first if start is None else max(first, start))
        quiet = 0
        while await consumer.position(tp) < end:
            batches = await consumer.getmany(tp, timeout_ms=POLL_MS)
            records = batches.get(tp, [])
            if records:
                quiet = 0
                if records[-1].offset >= end:
                    records = [record for record in records if record.offset < end]
                yield records
            else:
                quiet += 1
                if quiet > PATIENCE_POLLS:
                    raise Retry(f"{topic}-{partition} did not yield its records up to {end} within a minute")
