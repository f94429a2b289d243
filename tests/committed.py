"""What a topic holds once every transaction has ended: a commit is answered before its partitions are told of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from kept.settings import Settings
from stream_processors.connection import client_settings
from stream_processors.log_reader import all_ended, read_range

ENDED_SECONDS = 10


async def committed(settings: Settings, topic: str, partition: int) -> list[Any]:
    """Every committed record of a partition. Raises `StateError` when a transaction stays open."""
    clients = client_settings(settings)
    end = await all_ended(clients, topic, partition, ENDED_SECONDS)
    return [record async for records in read_range(clients, topic, partition, end) for record in records]


async def all_committed(settings: Settings, topic: str, partitions: Iterable[int]) -> list[Any]:
    """Every committed record, partition by partition."""
    return [record for partition in partitions for record in await committed(settings, topic, partition)]
