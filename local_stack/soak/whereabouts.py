"""Where events are that were told and are not counted: in the spool, in the topic, or with a worker.

What a worker exposes is ahead of the log: it counts a batch, then commits it. Only the marks in the log say what is
counted for good.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import GroupCoordinatorNotAvailableError
from msgspec import Struct

from kept.marks import Mark
from kept.settings import Settings
from kept.topics import consumer_group, topics
from local_stack.replay import marks_of
from stream_processors.connection import admin_client, client_settings


class Place(Struct, frozen=True, kw_only=True):
    """One source partition, in offsets: where the topic ends, what the last mark has counted, where the consumer group
    would go on. `exposed` is how many events its worker says it has applied; None: no worker speaks of it."""

    partition: int
    end: int
    counted: int
    committed: int | None
    exposed: int | None

    def missing(self) -> int:
        """Events in the topic that no mark has counted."""
        return self.end - self.counted


def places(settings: Settings, exposed: dict[int, int]) -> list[Place]:
    """Every source partition as it stands; `exposed` is by partition what the workers say."""
    marks = marks_of(settings)
    return asyncio.run(_places(settings, marks, exposed))


def told_of(spooled: int, places: Sequence[Place]) -> Iterator[str]:
    """In words, where events are that wait; nothing when none does."""
    if spooled:
        yield f"{spooled:,} events are in the spool: the broker has not acknowledged them"
    for place in places:
        if place.missing():
            says = "no worker owns it" if place.exposed is None else f"its worker says {place.exposed:,} are applied"
            group = "nothing" if place.committed is None else f"offset {place.committed:,}"
            yield (
                f"partition {place.partition} ends at offset {place.end:,} and is counted up to {place.counted:,}: "
                f"{place.missing():,} events are missing; {says}; its group has committed {group}"
            )


async def _places(settings: Settings, marks: dict[int, Mark], exposed: dict[int, int]) -> list[Place]:
    named = topics(settings.topic_prefix, settings.partitions).events.name
    partitions = [TopicPartition(named, number) for number in range(settings.partitions)]
    consumer = AIOKafkaConsumer(**client_settings(settings), group_id=None)
    await consumer.start()
    try:
        ends = await consumer.end_offsets(partitions)
    finally:
        await consumer.stop()
    async with admin_client(settings) as admin:
        try:
            committed = await admin.list_consumer_group_offsets(consumer_group(settings.topic_prefix))
        except GroupCoordinatorNotAvailableError:  # no group has ever formed on this broker
            committed = {}
    return [
        Place(
            partition=tp.partition,
            end=ends[tp],
            counted=marks[tp.partition].offset + 1 if tp.partition in marks else 0,
            committed=committed[tp].offset if tp in committed else None,
            exposed=exposed.get(tp.partition),
        )
        for tp in partitions
    ]
