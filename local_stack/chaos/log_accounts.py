"""What the log itself says: every message of the events topic and of the dead letters, read from the beginning."""

from __future__ import annotations

import asyncio
from collections import Counter

from aiokafka import AIOKafkaConsumer, TopicPartition
from msgspec import Struct

from kept.events import TICK_TYPE
from kept.settings import Settings
from kept.topics import topics
from stream_processors.connection import client_settings
from stream_processors.log_reader import read_range

TICK = TICK_TYPE.encode()


class LogAccounts(Struct, frozen=True):
    """`events` by their bytes, without ticks, and how many `dead_letters`."""

    events: Counter[bytes]
    dead_letters: int


def read_log(settings: Settings) -> LogAccounts:
    """Read both topics; raises `Retry` when the broker does not answer for a minute."""
    return asyncio.run(_read(settings))


def events_in_topic(settings: Settings) -> int:
    """How many messages were ever written to the events topic, without reading them."""
    return asyncio.run(_ends(settings))


async def _ends(settings: Settings) -> int:
    name = topics(settings.topic_prefix, settings.partitions).events.name
    consumer = AIOKafkaConsumer(**client_settings(settings), group_id=None)
    await consumer.start()
    try:
        ends = await consumer.end_offsets([TopicPartition(name, number) for number in range(settings.partitions)])
    finally:
        await consumer.stop()
    return sum(ends.values())


async def _read(settings: Settings) -> LogAccounts:
    names = topics(settings.topic_prefix, settings.partitions)
    events: Counter[bytes] = Counter()
    letters = 0
    for partition in range(settings.partitions):
        async for records in read_range(client_settings(settings), names.events.name, partition):
            for record in records:
                if TICK not in record.value[:200]:
                    events[record.value] += 1
        async for records in read_range(client_settings(settings), names.dead_letters.name, partition):
            letters += len(records)
    return LogAccounts(events, letters)
