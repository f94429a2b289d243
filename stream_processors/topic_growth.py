"""Moves a pipeline to topics with more partitions: state, tallies and dead letters, then the events not applied yet.

The former topics are only read. The new events topic is made last but for its events, so that no worker starts on state
that is not whole. Events copied twice are duplicates: a copy that was cut off goes on with `resume`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import NewTopic
from aiokafka.errors import GroupCoordinatorNotAvailableError, KafkaError, TopicAuthorizationFailedError, for_code
from aiokafka.partitioner import murmur2
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from kept.errors import ConfigurationError, Retry, StateError, Stop
from kept.partition import Changes
from kept.partition_split import split
from kept.settings import Settings
from kept.state_formats import FORMATS
from kept.state_records import MARK, read_mark
from kept.topics import MAX_DEAD_LETTER_BYTES, Topic, Topics, consumer_group, transactional_id
from kept.topics import topics as topics_of
from stream_processors.connection import admin_client, client_settings
from stream_processors.log_reader import all_ended, beginning_of, read_range
from stream_processors.partition_log import PartitionLog
from stream_processors.rights_check import GROWTH_ADVICE, check_group, described, refusal
from stream_processors.state_reader import StateReader

GONE_GROUP_STATES = ("Empty", "Dead", "")
ENDED_SECONDS = 10.0
"""So long what is committed may take to be readable everywhere."""
SESSIONS = 2.0
"""So long a group may know of members that are gone: a session may begin anew once."""


_patiently = retry(
    retry=retry_if_exception_type(GroupCoordinatorNotAvailableError),
    wait=wait_fixed(0.5),
    stop=stop_after_delay(ENDED_SECONDS),
    reraise=True,
)
"""A broker on which no group has met yet makes a topic for groups when it is first asked of one."""


class Growth(NamedTuple):
    """What was moved."""

    state_records: int
    cases_and_tallies_to: int
    dead_letters: int
    events: int


def partition_of(key: bytes, partitions: int) -> int:
    """Where Kafka's default partitioner puts a key."""
    return int(murmur2(key) & 0x7FFFFFFF) % partitions


async def grow(former: Settings, wider: Settings, *, resume: bool = False) -> Growth:
    """Move everything from the topics of `former` to those of `wider`, which differ in prefix and partitions.

    Nothing of the pipeline may run meanwhile: no worker, no producer. Raises `ConfigurationError` for numbers that do
    not fit, `Stop` when something runs or exists that must not or a right is lacking, `StateError` when the state
    cannot be split, `Retry` when the broker is away. `resume`: only copy the events, after a copy that was cut off.
    """
    _check_numbers(former, wider)
    try:
        async with admin_client(former) as admin:
            return await _Move(former, wider, admin).run(resume)
    except (KafkaError, Retry) as error:
        refused = refusal(error, GROWTH_ADVICE)
        if refused is not None:
            raise Stop(f"{refused}; the former topics are as they were") from error
        if isinstance(error, Retry):
            raise
        raise Retry(f"brokers {former.brokers}: {error!r}; the former topics are as they were, run it again") from error


def _check_numbers(former: Settings, wider: Settings) -> None:
    if former.topic_prefix == wider.topic_prefix:
        raise ConfigurationError(
            f"the wider topics need a prefix of their own, seen {wider.topic_prefix!r} for both; name another one"
        )
    if wider.partitions <= former.partitions or wider.partitions % former.partitions:
        valid = ", ".join(str(former.partitions * factor) for factor in (2, 3, 4))
        raise ConfigurationError(
            f"{wider.partitions} partitions cannot take over {former.partitions}; valid: a multiple, such as {valid}, "
            "so that each partition is split and none is mixed"
        )


class _Move:
    """One growth under way."""

    def __init__(self, former: Settings, wider: Settings, admin: Any) -> None:
        self._former, self._wider, self._admin = former, wider, admin
        self._from: Topics = topics_of(former.topic_prefix, former.partitions)
        self._to: Topics = topics_of(wider.topic_prefix, wider.partitions)
        self._clients = client_settings(former)
        self._group = consumer_group(former.topic_prefix)
        self._applied: dict[int, int] = {}

    async def run(self, resume: bool) -> Growth:
        existing = await self._partition_counts()
        sources = self._check_former(existing)
        self._check_wider(existing, resume)
        await self._check_no_worker()
        state_records = states = letters = 0
        for parent in range(self._former.partitions):
            await self._fence(parent)
        await self._check_all_ended()
        if not resume:
            await self._create([self._to.state, self._to.tallies, self._to.dead_letters])
        for parent in range(self._former.partitions):
            held = await self._take_over(parent)
            state_records += len(held)
            states += 0 if resume else await self._hand_on(parent, held)
        if not resume:
            letters = await self._copy(self._from.dead_letters, self._to.dead_letters, range(self._former.partitions))
            await self._create([self._to.events])
        ends = await self._ends(sources)
        events = await self._copy(self._from.events, self._to.events, range(sources))
        await self._check_nothing_moved(sources, ends)
        return Growth(state_records, states, letters, events)

    def _check_former(self, existing: dict[str, int]) -> int:
        """Partitions of the former events topic; there may be more than the pipeline was made for."""
        for topic in self._from.all():
            seen = existing.get(topic.name, 0)
            if topic is not self._from.events and seen != topic.partitions:
                raise ConfigurationError(
                    f"{topic.name} has {seen or 'no'} partitions, but this pipeline was told of {topic.partitions} "
                    "(KEPT_PARTITIONS): set the number the topics were made with"
                )
        sources = existing.get(self._from.events.name, 0)
        if sources < self._from.events.partitions:
            raise ConfigurationError(f"{self._from.events.name} has {sources or 'no'} partitions; see KEPT_PARTITIONS")
        return sources

    def _check_wider(self, existing: dict[str, int], resume: bool) -> None:
        there = [topic.name for topic in self._to.all() if topic.name in existing]
        if resume and self._to.events.name not in there:
            raise Stop(
                f"{self._to.events.name} does not exist: there is no copy to go on with; run it without --resume"
            )
        if there and not resume:
            raise Stop(
                f"{', '.join(there)} exist already; name another prefix, or, where they were left by a growth that was "
                "cut off, delete them. Where only the copy of events was cut off, go on with --resume"
            )

    async def _check_no_worker(self) -> None:
        """Static members leave the group only with their session: one that has just been stopped is waited for."""
        await _patiently(check_group)(self._admin, self._group, GROWTH_ADVICE)
        deadline = time.monotonic() + SESSIONS * self._former.session_seconds
        while (state := await self._group_state()) not in GONE_GROUP_STATES:
            if time.monotonic() > deadline:
                raise Stop(
                    f"workers of this pipeline are running (consumer group {self._group} is {state}); "
                    "stop them and run it again"
                )
            await asyncio.sleep(0.5)

    async def _check_all_ended(self) -> None:
        """What is behind a transaction that was left open would be left out."""
        for topic in (self._from.state, self._from.dead_letters):
            for partition in range(topic.partitions):
                await all_ended(self._clients, topic.name, partition, ENDED_SECONDS)

    async def _group_state(self) -> str:
        answers = await self._admin.describe_consumer_groups([self._group])
        return next((state for answer in answers for code, _, state, *_ in answer.groups if code == 0), "Dead")

    async def _fence(self, parent: int) -> None:
        """Whoever wrote the state of a partition can write it no more."""
        log = PartitionLog(self._clients, self._from, transactional_id(self._from.state, parent), parent)
        try:
            await log.fence()
        finally:
            await log.close()

    async def _take_over(self, parent: int) -> dict[bytes, bytes]:
        """The state of a partition that was fenced: the live records by key."""
        held = await StateReader(self._clients, self._from.state.name, parent).newest(FORMATS)
        self._applied[parent] = read_mark(held[MARK]).offset if MARK in held else -1
        return held

    async def _hand_on(self, parent: int, held: dict[bytes, bytes]) -> int:
        """Write the first state of each partition that takes over from `parent`; how many there are."""
        count = self._wider.partitions
        children = range(parent, count, self._former.partitions)
        parts = split(parent, held, children, lambda subject: partition_of(subject.encode(), count))
        for changes in parts:
            await self._write(changes)
        return len(parts)

    async def _write(self, changes: Changes) -> None:
        child = changes.mark.partition
        writer, told = transactional_id(self._to.state, child), self._wider.state_format
        log = PartitionLog(self._clients, self._to, writer, child, state_format=told)
        try:
            await log.fence()
            await log.write(changes, [])
        finally:
            await log.close()

    async def _copy(self, source: Topic, target: Topic, partitions: Iterable[int]) -> int:
        """Copy records with key, headers and time. Events go where their key belongs, dead letters stay in place."""
        is_events = target is self._to.events
        producer = AIOKafkaProducer(
            **self._clients, acks="all", enable_idempotence=True, max_request_size=MAX_DEAD_LETTER_BYTES, linger_ms=5
        )
        await producer.start()
        copied = 0
        try:
            for number in partitions:
                start = self._applied.get(number, -1) + 1 if is_events else 0
                if is_events:
                    self._check_gap(number, start, await beginning_of(self._clients, source.name, number))
                async for records in read_range(self._clients, source.name, number, start=start):
                    pending = []
                    for record in records:
                        keyed = is_events and record.key is not None
                        place = partition_of(record.key, target.partitions) if keyed else number % target.partitions
                        pending.append(await _send_as_it_is(producer, target.name, place, record))
                    for delivery in pending:
                        await delivery
                    copied += len(records)
        finally:
            await producer.stop()
        return copied

    def _check_gap(self, partition: int, wanted: int, first: int) -> None:
        if partition in self._applied and first > wanted:
            raise StateError(
                f"partition {partition} of {self._from.events.name} continues at offset {first}, but the state has "
                f"applied {wanted - 1}: {first - wanted} events were deleted before they were applied"
            )

    async def _check_nothing_moved(self, sources: int, ends: dict[int, int]) -> None:
        now = await self._ends(sources)
        arrived = sum(now.values()) - sum(ends.values())
        if arrived:
            raise Stop(
                f"{arrived} events came to {self._from.events.name} while it was moved: stop its producers, then copy "
                "the rest with --resume (events copied twice are duplicates and change nothing)"
            )

    async def _ends(self, sources: int) -> dict[int, int]:
        consumer = AIOKafkaConsumer(**self._clients, group_id=None, enable_auto_commit=False)
        await consumer.start()
        try:
            wanted = [TopicPartition(self._from.events.name, number) for number in range(sources)]
            return {tp.partition: end for tp, end in (await consumer.end_offsets(wanted)).items()}
        finally:
            await consumer.stop()

    async def _partition_counts(self) -> dict[str, int]:
        names = [topic.name for topics in (self._from, self._to) for topic in topics.all()]
        found = await described(self._admin, names, GROWTH_ADVICE)
        return {name: len(partitions) for name, partitions in found.items()}

    async def _create(self, wanted: list[Topic]) -> None:
        new = [
            NewTopic(topic.name, topic.partitions, self._wider.replication, topic_configs=topic.config)
            for topic in wanted
        ]
        answer = await self._admin.create_topics(new)
        for name, code, *_ in answer.topic_errors:
            if for_code(code) is TopicAuthorizationFailedError:
                raise TopicAuthorizationFailedError(name)
            if code:
                raise Stop(f"topic {name} cannot be made: {for_code(code)!r}")


async def _send_as_it_is(producer: AIOKafkaProducer, topic: str, partition: int, record: Any) -> asyncio.Future[Any]:
    """Also a message without key and value, which `send` refuses."""
    headers = list(record.headers)
    future: asyncio.Future[Any]
    if record.key is None and record.value is None:
        batch = producer.create_batch()
        batch.append(key=None, value=None, timestamp=record.timestamp, headers=headers)
        batch.close()
        future = await producer.send_batch(batch, topic, partition=partition)
    else:
        future = await producer.send(
            topic,
            key=record.key,
            value=record.value,
            partition=partition,
            timestamp_ms=record.timestamp,
            headers=headers,
        )
    return future
