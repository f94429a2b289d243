"""Are the topics those this pipeline was made for? Asked before a worker starts, and of each partition it is given."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from kept.errors import ConfigurationError, Retry, StateError
from kept.topics import Topic, Topics

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
