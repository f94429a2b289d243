"""Reads the topic of dead letters: committed messages, up to where it ended at the start, whatever lies in it.

A letter is open until a note in the same partition says that it was sent again.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from types import TracebackType
from typing import Any, NamedTuple, Self

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from kept.dead_letters import Address, Source, Wrapping, read_note, unwrap
from kept.errors import Retry, Stop
from kept.settings import Settings
from kept.topics import MAX_DEAD_LETTER_BYTES
from producers.client import no_such_topic
from producers.connection import connected, kept_error

CONNECT_SECONDS = 10.0
PATIENCE_SECONDS = 60.0
POLL_MS = 500
ADVICE = "nothing was changed by reading, try again"


class Letter(NamedTuple):
    """One dead letter, without what is personal in it."""

    address: Address
    wrapping: Wrapping
    bytes: int | None
    """Size of the payload; None when it has none."""
    put_aside_ms: int
    redriven_ms: int | None
    """When it was sent again; None while it is open."""

    @property
    def sendable(self) -> bool:
        """Whether it has a payload that could become an event."""
        return self.bytes is not None and self.wrapping.left_out is None


class Survey(NamedTuple):
    """What the topic holds, in the order of its partitions and offsets."""

    letters: list[Letter]
    strangers: int
    """Messages that are neither letters nor notes: somebody else has written them."""


class DeadLetterReader:
    """The topic of dead letters as it was at the start. A context manager."""

    def __init__(self, topic: str, settings: Settings, *, patience_seconds: float = PATIENCE_SECONDS) -> None:
        """Connect; raises `Retry` when no broker answers and `Stop` when there is no such topic."""
        self.topic = topic
        self._patience_seconds = patience_seconds
        self._where = f"topic {topic} on {settings.brokers}"
        self._client = connected(
            KafkaConsumer,
            settings,
            CONNECT_SECONDS,
            client_id="kept-dead-letters",
            group_id=None,
            enable_auto_commit=False,
            isolation_level="read_committed",
            auto_offset_reset="earliest",
            allow_auto_create_topics=False,
            max_partition_fetch_bytes=2 * MAX_DEAD_LETTER_BYTES,
        )
        try:
            self._begins, self._ends = self._bounds()
        except BaseException:
            self._client.close(timeout_ms=0)
            raise

    def __enter__(self) -> Self:
        """The reader itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go of the connection."""
        self._client.close(timeout_ms=1000)

    def survey(self, since_ms: int | None = None) -> Survey:
        """Every letter that was put aside at or after `since_ms` (milliseconds since 1970-01-01 UTC)."""
        starts = self._begins if since_ms is None else self._starts(since_ms)
        found: list[Letter] = []
        strangers = 0
        for partition in sorted(self._ends):
            letters, others = self._survey(partition, starts[partition])
            found += [letter for letter in letters if since_ms is None or letter.put_aside_ms >= since_ms]
            strangers += others
        return Survey(found, strangers)

    def letter(self, address: Address) -> tuple[Letter, Any]:
        """The letter at `address`, and its record (key, value, headers). Raises `Stop` when there is none."""
        end = self._ends.get(address.partition)
        if end is None:
            raise Stop(f"{self._where} has no partition {address.partition}; valid: 0 to {max(self._ends)}")
        begin = self._begins[address.partition]
        if begin <= address.offset < end:
            record = next(self.records(address.partition, address.offset), None)
            if record is not None and record.offset == address.offset:
                letters, _ = self._survey(address.partition, address.offset)
                if letters and letters[0].address == address:
                    return letters[0], record
        raise Stop(
            f"there is no dead letter at {address}; partition {address.partition} holds messages from {begin} to "
            f"{end - 1}, see `kept dead-letters list --all`"
        )

    def records(self, partition: int, first: int) -> Iterator[Any]:
        """Committed records of a partition from offset `first` to where it ended at the start."""
        place, end = TopicPartition(self.topic, partition), self._ends[partition]
        try:
            self._client.assign([place])
            self._client.seek(place, first)
            quiet_since = time.monotonic()
            while self._client.position(place) < end:
                records = self._client.poll(timeout_ms=POLL_MS).get(place, [])
                if records:
                    quiet_since = time.monotonic()
                elif time.monotonic() - quiet_since > self._patience_seconds:
                    raise Retry(f"{self._where}: partition {partition} could not be read up to {end}; {ADVICE}")
                for record in records:
                    if record.offset >= end:
                        return
                    yield record
        except KafkaError as error:
            raise kept_error(error, self._where, ADVICE) from error

    def _survey(self, partition: int, first: int) -> tuple[list[Letter], int]:
        letters: dict[Source, Letter] = {}
        strangers = 0
        for record in self.records(partition, first):
            note = read_note(record.value, record.headers)
            if note is not None:
                for source in note.sources():
                    if source in letters:
                        letters[source] = letters[source]._replace(redriven_ms=record.timestamp)
                continue
            wrapping = unwrap(record.headers, record.value)
            if wrapping is None:
                strangers += 1
                continue
            # The same few sentences thousands of times.
            shared = wrapping._replace(reason=sys.intern(wrapping.reason), message=sys.intern(wrapping.message))
            size = wrapping.left_out if record.value is None else len(record.value)
            address = Address(partition, record.offset)
            letters[wrapping.source] = Letter(address, shared, size, record.timestamp, None)
        return list(letters.values()), strangers

    def _bounds(self) -> tuple[dict[int, int], dict[int, int]]:
        try:
            numbers = self._client.partitions_for_topic(self.topic)
            if not numbers:
                raise no_such_topic(self._where)
            places = [TopicPartition(self.topic, number) for number in numbers]
            patience = int(self._patience_seconds * 1000)
            begins = self._client.beginning_offsets(places, timeout_ms=patience)
            ends = self._client.end_offsets(places, timeout_ms=patience)  # of what is committed
        except KafkaError as error:
            raise kept_error(error, self._where, ADVICE) from error
        return {p.partition: at for p, at in begins.items()}, {p.partition: at for p, at in ends.items()}

    def _starts(self, since_ms: int) -> dict[int, int]:
        places = {TopicPartition(self.topic, number): since_ms for number in self._ends}
        try:
            found = self._client.offsets_for_times(places, timeout_ms=int(self._patience_seconds * 1000))
        except KafkaError as error:
            raise kept_error(error, self._where, ADVICE) from error
        return {
            place.partition: self._ends[place.partition] if at is None else at.offset for place, at in found.items()
        }
