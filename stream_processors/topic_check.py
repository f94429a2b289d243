"""Are the topics those this pipeline was made for? Asked before a worker starts, and of each partition it is given."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError

from kept.errors import ConfigurationError, Retry, StateError, Stop
from kept.settings import Settings
from kept.topic_needs import SeenTopic, topic_verdicts, workers_must_not_start
from kept.topics import Topic, Topics, consumer_group
from stream_processors.connection import admin_client, greet
from stream_processors.rights_check import check_group, check_reads, described

log = logging.getLogger("kept.topics")
PATIENCE_SECONDS = 30.0
"""While a broker starts, it may not answer, or not know its topics yet."""
POLL_SECONDS = 0.5


async def check_topics(settings: Settings, topics: Topics) -> None:
    """Return when every topic has its partitions, and none is deleted or compacted where it must not be.

    Raises `Retry` when no broker answers, `Stop` when it refuses this client or a topic would lose what it must keep,
    `ConfigurationError` when one stays missing, `StateError` when one has another number of partitions than this
    pipeline was made for.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            await greet(settings)
            async with _admin(settings) as admin:
                partitions = await described(admin, [topic.name for topic in topics.all()])
                _check({name: len(rows) for name, rows in partitions.items()}, topics)
                config = await _config(admin, topics)
                seen = {
                    name: SeenTopic(len(rows), min(len(row["replicas"]) for row in rows), config[name])
                    for name, rows in partitions.items()
                }
                _check_config(settings, topics, seen)
                await check_group(admin, consumer_group(settings.topic_prefix))
            return await check_reads(settings, [topics.events.name, topics.state.name, topics.tallies.name])
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

    async def close(self) -> None:
        """Let go of the connection."""
        if self._admin is not None:
            await self._admin.close()

    async def _count(self) -> int | None:
        try:
            async with self._starting:
                if self._admin is None:
                    self._admin = await _started(AIOKafkaAdminClient(**self._client_settings))
            (row,) = await self._admin.describe_topics([self._topic.name])
        except KafkaError as error:
            log.warning("the broker does not say how many partitions %s has: %r", self._topic.name, error)
            return None
        return len(row["partitions"]) if not row["error_code"] and row["partitions"] else None


async def _started(admin: AIOKafkaAdminClient) -> AIOKafkaAdminClient:
    try:
        await admin.start()
    except BaseException:
        await admin.close()
        raise
    return admin


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


def _check_config(settings: Settings, topics: Topics, seen: dict[str, SeenTopic]) -> None:
    """Refuse what would destroy; say what else is dangerous. `kept topics check` compares everything."""
    verdicts = [verdict for verdict in topic_verdicts(settings, topics, seen) if verdict.level == "mend"]
    for verdict in workers_must_not_start(verdicts):
        raise Stop(
            f"topic {verdict.topic}: {verdict.what} is {verdict.seen}, needed is {verdict.needed}: {verdict.why}; "
            f"mend it with: {verdict.command}"
        )
    for verdict in verdicts:
        log.warning(
            "topic %s: %s is %s, needed is %s: %s; see `kept topics check`",
            verdict.topic, verdict.what, verdict.seen, verdict.needed, verdict.why,
        )  # fmt: skip


@asynccontextmanager
async def _admin(settings: Settings) -> AsyncIterator[AIOKafkaAdminClient]:
    try:
        async with admin_client(settings) as admin:
            yield admin
    except KafkaError as error:
        raise Retry(
            f"no Kafka broker answers at {settings.brokers} ({error}); start it, or set KEPT_BROKERS"
        ) from error


async def _config(admin: AIOKafkaAdminClient, topics: Topics) -> dict[str, dict[str, str]]:
    """Settings of each topic; of one that this user may not read the settings of, none."""
    resources = [ConfigResource(ConfigResourceType.TOPIC, topic.name) for topic in topics.all()]
    found: dict[str, dict[str, str]] = {topic.name: {} for topic in topics.all()}
    for answer in await admin.describe_configs(resources):
        for _, _, _, name, entries in answer.resources:
            found[name] = {entry[0]: entry[1] for entry in entries if entry[1] is not None}
    return found
