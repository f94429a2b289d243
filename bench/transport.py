"""The transport by itself: reads the events a worker reads, writes the records a worker writes, does nothing between.

One partition, Kept's own log with its fenced transactions, aiokafka's consumer without Faust around it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Sequence

from aiokafka import AIOKafkaConsumer, TopicPartition

from command_line.topics import create_topics
from kept.events import Event
from kept.partition import Changes
from kept.settings import Settings
from kept.topics import Topics, topics, transactional_id
from producers.publisher import Publisher
from stream_processors.connection import client_settings
from stream_processors.log_reader import FETCH_BYTES
from stream_processors.partition_log import PartitionLog


def cpu_seconds(settings: Settings, events: Iterable[Event], batches: Sequence[Changes]) -> float:
    """CPU time of this process to read `events` and to write one of `batches` for each of its shares of them.

    `settings` must have one partition, and a prefix that no other topics have.
    """
    create_topics(settings)
    every = topics(settings.topic_prefix, settings.partitions)
    with Publisher(every.events.name, settings) as publisher:
        for event in events:
            publisher.publish(event)
        publisher.finish()
        count = publisher.acknowledged
    return asyncio.run(_pass_through(settings, every, count, batches))


async def _pass_through(settings: Settings, every: Topics, events: int, batches: Sequence[Changes]) -> float:
    client = client_settings(settings)
    log = PartitionLog(client, every, transactional_id(every.state, 0), 0)
    consumer = AIOKafkaConsumer(
        **client,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=FETCH_BYTES,
        isolation_level="read_committed",
    )
    await log.fence()
    await consumer.start()
    try:
        consumer.assign([TopicPartition(every.events.name, 0)])
        began, read, written = time.process_time(), 0, 0
        while read < events:
            for records in (await consumer.getmany(timeout_ms=500, max_records=events // len(batches))).values():
                read += len([record.value for record in records])
            while written < read * len(batches) // events:
                await log.write(batches[written], [])
                written += 1
        return time.process_time() - began
    finally:
        await consumer.stop()
        await log.close()
