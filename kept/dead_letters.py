"""What a dead letter says in its headers, how it is sent again, and how the log of letters remembers that it was.

A letter keeps the key, the bytes and every header of its event; what Kept adds stands behind them. The topic also holds
notes: the letters of which events have been redriven. A note is written after its letters, so it outlives them, and
names the events, not the letters' offsets: these are others when the pipeline moves to wider topics.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import msgspec
from msgspec import Struct

from kept.errors import Reject

REASON, MESSAGE, SOURCE = "kept-reason", "kept-message", "kept-source"
LEFT_OUT = "kept-left-out"
"""Bytes of a value that was too large to be kept; it stays where `kept-source` says as long as the events are kept."""
REDRIVEN = "kept-redriven"
"""The last header of an event that was sent again: how many times."""
NOTE = "kept-note"

Header = tuple[str, bytes | None]
Headers = Sequence[Header]
_ADDRESS = re.compile(r"^([0-9]{1,6}):([0-9]{1,18})\Z")
_SOURCE = re.compile(r"^(.+)/([0-9]{1,6})/([0-9]{1,18})\Z", re.DOTALL)
_NUMBER = re.compile(rb"^[0-9]{1,12}\Z")


class Address(NamedTuple):
    """Where a letter lies in the topic of dead letters; written `3:1041`."""

    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.partition}:{self.offset}"


class Source(NamedTuple):
    """Where the event of a letter lies, or lay; written `service-events/3/20417`."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}"


class Wrapping(NamedTuple):
    """What was added to an event when it was put aside, and the headers it came with."""

    reason: str
    message: str
    source: Source
    left_out: int | None
    """Bytes of a value that was too large to be kept."""
    times_redriven: int
    original: tuple[Header, ...]


class Note(Struct, frozen=True):
    """Whose letters were sent again: topic/partition -> offsets of the events. `edited`: not byte for byte."""

    redriven: dict[str, list[int]]
    edited: bool = False

    def sources(self) -> Iterator[Source]:
        """The events it names."""
        for place, offsets in self.redriven.items():
            for offset in offsets:
                yield _source(f"{place}/{offset}")


_decode_note = msgspec.json.Decoder(Note).decode
_encode_note = msgspec.json.Encoder().encode


def parse_address(text: str) -> Address:
    """`3:1041` as partition and offset; raises `ValueError`."""
    match = _ADDRESS.match(text)
    if match is None:
        raise ValueError("PARTITION:OFFSET, such as 3:1041")
    return Address(int(match[1]), int(match[2]))


def wrap(original: Headers, rejection: Reject, source: Source, left_out: int | None = None) -> list[Header]:
    """The headers of a letter. `left_out`: how many bytes of its value are not kept."""
    size: list[Header] = [] if left_out is None else [(LEFT_OUT, b"%d" % left_out)]
    return [
        *original,
        *size,
        (REASON, rejection.reason.encode()),
        (MESSAGE, str(rejection).encode(errors="backslashreplace")),
        (SOURCE, str(source).encode()),
    ]


def unwrap(headers: Headers, value: bytes | None) -> Wrapping | None:
    """What a letter's headers say; None when they are not those of a letter."""
    if tuple(name for name, _ in headers[-3:]) != (REASON, MESSAGE, SOURCE):
        return None
    reason, message, place = (_text(said) for _, said in headers[-3:])
    try:
        source = _source(place)
    except ValueError:
        return None
    original = tuple(headers[:-3])
    left_out = None if value is not None else _number(original, LEFT_OUT)
    if left_out is not None:
        original = original[:-1]
    times = times_redriven(original)
    return Wrapping(reason, message, source, left_out, times, original[:-1] if times else original)


def times_redriven(headers: Headers) -> int:
    """How many times an event was sent again from the dead letters; 0 for one that comes from its source."""
    return _number(headers, REDRIVEN) or 0


def redriven_headers(letter: Wrapping, *, its_own: bool = True) -> list[Header]:
    """The headers with which a letter's event is sent again: its own, unless they are left out, and how many times."""
    return [*(letter.original if its_own else ()), (REDRIVEN, b"%d" % (letter.times_redriven + 1))]


def write_note(sources: Iterable[Source], *, edited: bool = False) -> tuple[bytes, list[Header]]:
    """Value and headers of the note that says that the letters of these events were sent again."""
    redriven: dict[str, list[int]] = {}
    for source in sources:
        redriven.setdefault(f"{source.topic}/{source.partition}", []).append(source.offset)
    return _encode_note(Note(redriven, edited)), [(NOTE, REDRIVEN.encode())]


def read_note(value: bytes | None, headers: Headers) -> Note | None:
    """The note in a message of the topic; None when it is none. A letter is none, whatever its event looked like."""
    if value is None or list(headers) != [(NOTE, REDRIVEN.encode())]:
        return None
    try:
        note = _decode_note(value)
        deque(note.sources(), maxlen=0)  # each of them can be read
    except (msgspec.MsgspecError, ValueError):
        return None
    return note


def _source(text: str) -> Source:
    match = _SOURCE.match(text)
    if match is None:
        raise ValueError("TOPIC/PARTITION/OFFSET")
    return Source(match[1], int(match[2]), int(match[3]))


def _number(headers: Headers, name: str) -> int | None:
    """The number in the last header, when that is `name`."""
    if not headers or headers[-1][0] != name:
        return None
    value = headers[-1][1] or b""
    return int(value) if _NUMBER.match(value) else None


def _text(value: bytes | None) -> str:
    return (value or b"").decode(errors="backslashreplace")
