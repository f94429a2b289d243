"""Sends dead letters again: their own key, bytes and headers, back to the partition of the events they came from.

Where the catalogue asks for hashed case ids, what has none yet (after an edit, or from another producer) is hashed, and
its headers are left out: nobody knows what is in them.

First the events, then, when the broker has acknowledged them, a note of it: killed in between, some are sent twice, and
an event's id makes the second one a duplicate. Nothing is ever noted that was not sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from typing import Any, NamedTuple

from kept import events
from kept.case_hashing import CaseHashing
from kept.dead_letters import Source, redriven_headers, write_note
from kept.errors import Reject, Stop
from producers.dead_letters import DeadLetterReader, Letter
from producers.publisher import Publisher

CHUNK = 500
"""Letters sent before that is noted: so many are sent twice at most when the program is killed."""


class _Event(NamedTuple):
    """What is sent for a letter."""

    key: bytes | None
    value: bytes | None
    partition: int | None
    with_headers: bool = True
    """Whether the letter's own headers go along."""


def redrive(
    reader: DeadLetterReader,
    letters: Iterable[Letter],
    to_events: Publisher,
    to_letters: Publisher,
    hashing: CaseHashing,
    edit: Callable[[bytes], bytes] | None = None,
) -> Iterator[int]:
    """Send `letters` (in the order of the reader) again; yields how many were sent and noted, chunk by chunk.

    Letters that are not `sendable` are the caller's to leave out. `edit` makes the bytes that are sent of those that
    were put aside. Raises `Stop` when these cannot be read as an event: what was sent before is noted, nothing after it
    is sent. Raises `Retry` or `Stop` when the broker does not take them.
    """
    for partition, group in groupby(letters, key=lambda letter: letter.address.partition):
        wanted = {letter.address.offset: letter for letter in group}
        sent: list[Source] = []
        for record in reader.records(partition, min(wanted)):
            letter = wanted.pop(record.offset, None)
            if letter is None:
                continue
            try:
                event = _event_of(letter, record, to_events, hashing, edit)
            except Stop:
                if sent:
                    yield _note(partition, sent, to_events, to_letters, edited=True)
                raise
            headers = redriven_headers(letter.wrapping, its_own=event.with_headers)
            to_events.send(event.key, event.value, headers, event.partition)
            sent.append(letter.wrapping.source)
            if len(sent) == CHUNK or not wanted:
                yield _note(partition, sent, to_events, to_letters, edited=edit is not None)
                sent = []
            if not wanted:
                break


def _note(partition: int, sent: list[Source], to_events: Publisher, to_letters: Publisher, *, edited: bool) -> int:
    to_events.finish()
    value, headers = write_note(sent, edited=edited)
    to_letters.send(None, value, headers, partition)
    to_letters.finish()
    return len(sent)


def _event_of(
    letter: Letter,
    record: Any,
    to_events: Publisher,
    hashing: CaseHashing,
    edit: Callable[[bytes], bytes] | None,
) -> _Event:
    source = letter.wrapping.source
    # Wider topics have another name, and another place for the key.
    partition = source.partition if source.topic == to_events.topic else None
    value = record.value or b""
    if edit is not None:
        value = edit(value)
    try:
        event = events.decode(value)
    except Reject as rejection:
        if edit is None:
            return _Event(record.key, record.value, partition)
        raise Stop(
            f"the dead letter at {letter.address} is no event after the edit: {rejection}; it was not sent, nor what "
            "comes after it; mend the command and start again, what was sent before is noted"
        ) from rejection
    concerned = hashing.concerns(event)
    if concerned:
        event = hashing.hashed(event)
        value = events.encode(event)
    elif edit is None:
        return _Event(record.key, record.value, partition)
    key = events.subject(event).encode()
    # Another subject is another case: its partition is that of its key.
    return _Event(key, value, partition if key == record.key else None, with_headers=not concerned)
