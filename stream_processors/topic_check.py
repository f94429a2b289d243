"""Are the topics those this pipeline was made for? Asked before a worker starts, and of each partition it is given."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from kept.errors import ConfigurationError, Retry, StateError
from kept.topics import Topic, Topics

log = logging.getLogger("kept.topics")
PATIENCE_SECONDS = 30.0
"""While a broker starts, it may not answer, or not know its topics yet."""
POLL_SECONDS = 0.5


async def check_topics(client_settings: dict[str, Any], topics: Topics) -> None:
    """Return when every topic has its partitions.

    Raises `Retry` when no broker answers, `ConfigurationError` when a topic stays missing, `StateError` when one has
    another number of partitions than this pipeline was made for.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return _check(await _partition_counts(client_settings, topics), topics)
        except (Retry, ConfigurationError):
            if time.monotonic() > deadline:
                raise
        await asyncio.sleep(POLL_SECONDS)


def check_partition(topic: Topic, partition: int) -> None:
    """Raises `StateError` when a topic has a `partition` that this pipeline was not made for."""
    if partition >= topic.partitions:
        raise StateError(
            f"{topic.name} has a partition {partition}, but this pipeline was made for "
            f"{topic.partitions} (KEPT_PARTITIONS); no event of it was applied"
        )


class PartitionWatch:
    """Asks the broker, for each batch read, whether its topic still has the partitions that the pipeline was made for.

    Kafka's producers choose a partition by the number there is: once it has changed, a case's events go elsewhere. What
    was read before the broker confirmed the number was written under that number.
    """

    def __init__(self, client_settings: dict[str, Any], topic: Topic) -> None:
        self._client_settings = client_settings
        self._topic = topic
        self._admin: AIOKafkaAdminClient | None = None
        self._starting = asyncio.Lock()

    async def check(self) -> None:
        """Raises `StateError` when there are more; waits while the broker does not say."""
        while True:
            seen = await self._count()
            if seen is not None:
                return check_partition(self._topic, seen - 1)
            await asyncio.sleep(POLL_SECONDS)

    async def _count(self) -> int | None:
        try:
            async with self._starting:
                if self._admin is None:
                    admin = AIOKafkaAdminClient(**self._client_settings)
                    await admin.start()
                    self._admin = admin
            (row,) = await self._admin.describe_topics([self._topic.name])
        except KafkaError as error:
            log.warning("the broker does not say how many partitions %s has: %r", self._topic.name, error)
            return None
        return len(row["partitions"]) if not row["error_code"] and row["partitions"] else None


def _check(counts: dict[str, int], topics: Topics) -> None:
    for topic in topics.all():
        seen = counts.get(topic.name, 0)
        if seen == 0:
            raise ConfigurationError(f"topic {topic.name} does not exist; make it with: kept topics create")
        check_partition(topic, seen - 1)
        if seen < topic.partitions:
            raise StateError(
                f"{topic.name} has {seen} partitions, but this worker was told of {topic.partitions} "
                "(KEPT_PARTITIONS); nothing was applied; set the number the topics were made with"
            )


async def _partition_counts(client_settings: dict[str, Any], topics: Topics) -> dict[str, int]:
    admin = AIOKafkaAdminClient(**client_settings)
    try:
        await admin.start()
        described = await admin.describe_topics([topic.name for topic in topics.all()])
    except KafkaError as error:
        brokers = ", ".join(client_settings["bootstrap_servers"])
        raise Retry(f"no Kafka broker answers at {brokers} ({error}); start it, or set KEPT_BROKERS") from error
    finally:
        await admin.close()
    return {row["topic"]: len(row["partitions"]) for row in described if not row["error_code"]}
