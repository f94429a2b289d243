"""The durable side of one source partition: restore its state, and write each batch's changes as one transaction.

One transactional producer a partition: the next owner's `open` fences this one, so a worker that was frozen while its
partition moved can never write again.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, ProducerFenced
from aiokafka.producer.message_accumulator import BatchBuilder

from kept.dead_letters import Header, Source, wrap
from kept.durations import SECOND_MS
from kept.errors import Retry, Stop
from kept.marks import Mark
from kept.partition import Changes, DeadLetter, PartitionState
from kept.state_formats import FORMATS, StateFormats
from kept.state_records import MARK as STATE_MARK
from kept.state_records import Record, mark_of, read_head
from kept.state_records import pack_mark as pack_state_mark
from kept.topic_needs import LEAST_BATCH_BYTES, TRANSACTION_MS
from kept.topics import MAX_DEAD_LETTER_BYTES, Topics
from stream_processors.log_reader import all_ended, read_range
from stream_processors.state_reader import StateReader
from stream_processors.tallies_mending import differing_tallies, keep_own_tallies

log = logging.getLogger("kept.state")
TRANSACTION_SECONDS = TRANSACTION_MS // SECOND_MS
ENDED_SECONDS = 2.0 * TRANSACTION_SECONDS
"""Longer than the broker lets a transaction be under way whose producer is gone, and than a quiet partition is without
a mark, which ends what is open of it in the tallies."""
_pack = msgspec.msgpack.Encoder().encode
_unpack_mark = msgspec.msgpack.Decoder(Mark).decode
RECORD_OVERHEAD = 4096
"""What a batch with one record needs besides key, value and headers, and to spare."""
MARK = b"mark|"

Message = tuple[bytes | None, bytes | None, list[Header]]
"""Key, value and headers."""


class Fenced(Stop):
    """Another worker has taken this partition over."""


@functools.lru_cache(100_000)
def partition_of_service(service: str, partitions: int) -> int:
    """The partition of topic `tallies` that holds a service."""
    return zlib.crc32(service.encode()) % partitions


def pack_mark_key(partition: int) -> bytes:
    """The message key of a source partition's mark; the key of a tally begins with a byte that is no letter, that of a
    registered change with another word."""
    return MARK + b"%d" % partition


def unpack_mark(key: bytes, value: bytes | None) -> Mark | None:
    """The mark in a message of topic `tallies`, or None when the message is of another kind."""
    if not key.startswith(MARK) or value is None:
        return None
    return _unpack_mark(value)


class PartitionLog:
    """State, tallies, marks and dead letters of one source partition, written atomically."""

    def __init__(
        self,
        client_settings: dict[str, Any],
        topics: Topics,
        transactional_id: str,
        partition: int,
        *,
        state_format: int = 0,
        formats: StateFormats = FORMATS,
    ) -> None:
        """`state_format` is the one to write; 0 means the one that the release writes by itself."""
        self._client_settings = client_settings
        self._topics = topics
        self._partition = partition
        self._reader = StateReader(client_settings, topics.state.name, partition)
        self._formats = formats
        self._told = state_format
        self._format, self._begins = formats.written(state_format), 0
        self._producer = AIOKafkaProducer(
            **client_settings,
            transactional_id=transactional_id,
            transaction_timeout_ms=TRANSACTION_MS,
            acks="all",
            max_batch_size=LEAST_BATCH_BYTES,
            max_request_size=MAX_DEAD_LETTER_BYTES,
            request_timeout_ms=30_000,
        )
        self._lock = asyncio.Lock()

    async def fence(self) -> None:
        """From now on no former owner can write to this partition."""
        await self._producer.start()

    async def open(self, state: PartitionState) -> int:
        """Fence any former owner, then rebuild `state`; returns how many records were read.

        What is there in an older format than is to be written is rewritten in a transaction of its own: cut off, it is
        as it was. Raises `StateError`, having changed nothing, when it is of a newer format than this release reads.
        """
        await self.fence()
        everything = await self._reader.end(open_too=True)
        end = await self._reader.end()
        head = await self._reader.head(end)
        if head is not None:
            self._format, self._begins = self._formats.written(self._told, head.format), head.begins
        older: dict[bytes, bytes] | None = None
        if head is None or head.format == self._formats.newest:
            count = await self._restore(state, end)
        else:
            older = await self._reader.live(head.begins, end)
            count = len(older)
            state.restore(self._formats.raised(older, self._formats.newest).items())
        state.restored()
        async with self._lock:
            if end < everything:
                await self._undo(end, state)
            if older is not None and head is not None and head.format != self._format:
                await self._rewrite(older)
        return count

    async def _restore(self, state: PartitionState, end: int) -> int:
        """The newest format, or nothing yet: taken in while it is read."""
        count = 0
        async for records in self._reader.records(self._begins, end):
            count += len(records)
            state.restore(records)
        return count

    async def _undo(self, open_from: int, state: PartitionState) -> None:
        """End, without effect, what a former owner has begun, and bring the tallies to what the state says.

        A broker may call a transaction complete without telling its partitions (KAFKA-20734). The next end that a
        partition hears from this producer is taken for that one's, also if it is a commit. Some partitions may have
        heard of it, so that tallies are ahead of the state. The state comes last: cut off, all this is done again.
        """
        topics = self._topics
        log.warning(
            "%s-%d: a transaction at offset %d was left open by the broker; it is undone",
            topics.state.name, self._partition, open_from,
        )  # fmt: skip
        letters = topics.dead_letters
        targets = [(topics.tallies.name, target) for target in range(topics.tallies.partitions)]
        await self._abort([*targets, (letters.name, self._partition % letters.partitions)])
        held: dict[bytes, bytes] = {}
        for topic, target in targets:
            end = await all_ended(self._client_settings, topic, target, ENDED_SECONDS)
            async for records in read_range(self._client_settings, topic, target, end):
                keep_own_tallies(held, records, self._partition)
        differences = differing_tallies(state, held)
        log.warning("partition %d: %d tallies are brought to what its state says", self._partition, len(differences))
        await self._transaction(Changes([], differences, state.mark(), []), [])
        await self._abort([(topics.state.name, self._partition)])
        await all_ended(self._client_settings, topics.state.name, self._partition, ENDED_SECONDS)

    async def _abort(self, places: Iterable[tuple[str, int]]) -> None:
        """A transaction that leaves nothing in `places` but its end."""
        with self._refused():
            await self._producer.begin_transaction()
            for topic, partition in places:
                await asyncio.gather(*await self._send(topic, partition, [(STATE_MARK, b"", [])]))
            await self._producer.abort_transaction()

    async def _rewrite(self, older: dict[bytes, bytes]) -> None:
        """The whole state anew, behind its end: what is no more, where the former format ends, then all there is."""
        wanted = self._formats.raised(older, self._format)
        gone: list[Record] = [(key, None) for key in older if key not in wanted]
        self._begins = await self._reader.end() + len(gone)
        mark = msgspec.structs.replace(mark_of(read_head(wanted[STATE_MARK])), late_since={})
        packed = pack_state_mark(mark, self._format, self._begins)
        whole = [*gone, *(record for record in wanted.items() if record[0] != STATE_MARK), (STATE_MARK, packed)]
        log.warning("partition %d: its state is rewritten in format %d", self._partition, self._format)
        await self._transaction(Changes(whole, [], mark, []), [])

    async def write(self, changes: Changes, sources: list[Any]) -> None:
        """One transaction: state with applied offset, tallies, registered changes, mark, dead letters.

        `sources` are the records of the batch, for the bytes of what was put aside. Raises `Fenced` when another worker
        owns the partition and `Retry` when the broker did not take it; either way nothing of it became visible.
        """
        state = self._formats.records(changes, self._format, self._begins)
        async with self._lock:
            await self._transaction(changes._replace(state=state), sources)

    async def write_mark(self, mark: Mark) -> None:
        """One transaction with nothing but the mark (the partition is idle)."""
        async with self._lock:
            await self._transaction(Changes([], [], mark, []), [])

    async def close(self) -> None:
        """Stop the producer; a transaction in flight is aborted by the broker or by the next owner."""
        await self._producer.stop()

    async def _transaction(self, changes: Changes, sources: list[Any]) -> None:
        with self._refused():
            await self._producer.begin_transaction()
            pending = await self._append(changes)
            pending += await self._put_aside(changes.dead_letters, sources)
            await asyncio.gather(*pending)
            await self._producer.commit_transaction()

    @contextmanager
    def _refused(self) -> Iterator[None]:
        """What the errors of a transaction mean."""
        try:
            yield
        except ProducerFenced as error:
            raise Fenced(f"partition {self._partition} was taken over by another worker") from error
        except KafkaError as error:
            cause = self._first_cause(error)
            raise Retry(f"the broker did not take a batch of partition {self._partition}: {cause!r}") from cause

    def _first_cause(self, error: KafkaError) -> BaseException:
        """Why the transaction failed: once a topic is refused to it, what is still sent fails with another word."""
        ended: asyncio.Future[None] = self._producer._txn_manager.wait_for_transaction_end()
        cause = ended.exception() if ended.done() and not ended.cancelled() else None
        return cause or error

    async def _append(self, changes: Changes) -> list[asyncio.Future[Any]]:
        topics, count = self._topics, self._topics.tallies.partitions
        by_partition: dict[int, list[Record]] = {target: [] for target in range(count)}
        for service, key, value in (*changes.tallies, *changes.registered):
            by_partition[partition_of_service(service, count)].append((key, value))
        mark = (pack_mark_key(self._partition), _pack(changes.mark))
        pending = await self._send(topics.state.name, self._partition, _plain(changes.state))
        for target, records in by_partition.items():
            pending += await self._send(topics.tallies.name, target, _plain([*records, mark]))
        return pending

    async def _put_aside(self, letters: Iterable[DeadLetter], sources: list[Any]) -> list[asyncio.Future[Any]]:
        topic = self._topics.dead_letters
        messages = [dead_letter(letter, sources[letter.position]) for letter in letters]
        return await self._send(topic.name, self._partition % topic.partitions, messages)

    async def _send(self, topic: str, partition: int, messages: Iterable[Message]) -> list[asyncio.Future[Any]]:
        pending: list[asyncio.Future[Any]] = []
        batch: BatchBuilder = self._producer.create_batch()
        for key, value, headers in messages:
            # The first message of a batch is taken whatever its size, and whatever has no key and no value.
            if batch.append(key=key, value=value, timestamp=None, headers=headers) is None:
                batch.close()
                pending.append(await self._producer.send_batch(batch, topic, partition=partition))
                batch = self._producer.create_batch()
                batch.append(key=key, value=value, timestamp=None, headers=headers)
        if batch.record_count():
            batch.close()
            pending.append(await self._producer.send_batch(batch, topic, partition=partition))
        return pending


def _plain(records: Iterable[Record]) -> Iterator[Message]:
    return ((key, value, []) for key, value in records)


def dead_letter(letter: DeadLetter, source: Any) -> Message:
    """The message that puts the event of record `source` aside: its key, bytes and headers, and why behind them.

    What was compressed on its way here may be larger than a topic takes: then the value is left where it is, and a key
    or headers that are too large by themselves too. No event can end its worker at every start.
    """
    key, value = source.key or b"", source.value or b""
    place = Source(source.topic, source.partition, source.offset)
    whole = wrap(source.headers, letter.rejection, place)
    room = MAX_DEAD_LETTER_BYTES - RECORD_OVERHEAD - len(key) - _size(whole)
    if len(value) <= room:
        return source.key, source.value, whole
    if room >= 0:
        return source.key, None, wrap(source.headers, letter.rejection, place, left_out=len(value))
    return None, None, wrap([], letter.rejection, place, left_out=len(value))


def _size(headers: Iterable[Header]) -> int:
    """Bytes of the headers with a length before each name and value."""
    return sum(len(name.encode()) + len(value or b"") + 10 for name, value in headers)
