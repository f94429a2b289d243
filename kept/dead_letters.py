"""What a dead letter says in its headers, how it is sent again, and how the log of letters remembers that it was.

A letter keeps the key, the bytes and every header of its event; what Kept adds stands behind them. The topic also holds
notes: which letters of its partition have been redriven. A note is written after its letters, so it outlives them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
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


class Wrapping(NamedTuple):
    """What was added to an event when it was put aside, and the headers it came with."""

    reason: str
    message: str
    source: str
    """topic/partition/offset of the event."""
    source_partition: int
    left_out: int | None
    """Bytes of a value that was too large to be kept."""
    times_redriven: int
    original: tuple[Header, ...]


class Note(Struct, frozen=True):
    """Letters (first and last offset of each run) that were sent again; `edited` when not byte for byte."""

    redriven: list[tuple[int, int]]
    edited: bool = False


_decode_note = msgspec.json.Decoder(Note).decode
_encode_note = msgspec.json.Encoder().encode


def parse_address(text: str) -> Address:
    """`3:1041` as partition and offset; raises `ValueError`."""
    match = _ADDRESS.match(text)
    if match is None:
        raise ValueError("PARTITION:OFFSET, such as 3:1041")
    return Address(int(match[1]), int(match[2]))


def wrap(original: Headers, rejection: Reject, source: str, left_out: int | None = None) -> list[Header]:
    """The headers of a letter. `left_out`: how many bytes of its value are not kept."""
    size: list[Header] = [] if left_out is None else [(LEFT_OUT, b"%d" % left_out)]
    return [
        *original,
        *size,
        (REASON, rejection.reason.encode()),
        (MESSAGE, str(rejection).encode(errors="backslashreplace")),
        (SOURCE, source.encode()),
    ]


def unwrap(headers: Headers, value: bytes | None) -> Wrapping | None:
    """What a letter's headers say; None when they are not those of a letter."""
    if tuple(name for name, _ in headers[-3:]) != (REASON, MESSAGE, SOURCE):
        return None
    reason, message, source = (_text(said) for _, said in headers[-3:])
    place = _SOURCE.match(source)
    if place is None:
        return None
    original = tuple(headers[:-3])
    left_out = None if value is not None else _number(original, LEFT_OUT)
    if left_out is not None:
        original = original[:-1]
    times = times_redriven(original)
    return Wrapping(reason, message, source, int(place[2]), left_out, times, original[:-1] if times else original)


def times_redriven(headers: Headers) -> int:
    """How many times an event was sent again from the dead letters; 0 for one that comes from its source."""
    return _number(headers, REDRIVEN) or 0


def redriven_headers(letter: Wrapping) -> list[Header]:
    """The headers with which a letter's event is sent again: its own, and how many times."""
    return [*letter.original, (REDRIVEN, b"%d" % (letter.times_redriven + 1))]


def write_note(offsets: Iterable[int], *, edited: bool = False) -> tuple[bytes, list[Header]]:
    """Value and headers of the note that says which letters of a partition were sent again."""
    runs: list[tuple[int, int]] = []
    for offset in sorted(offsets):
        if runs and runs[-1][1] == offset - 1:
            runs[-1] = (runs[-1][0], offset)
        else:
            runs.append((offset, offset))
    return _encode_note(Note(runs, edited)), [(NOTE, REDRIVEN.encode())]


def read_note(value: bytes | None, headers: Headers) -> Note | None:
    """The note in a message of the topic; None when it is none. A letter is none, whatever its event looked like."""
    if value is None or list(headers) != [(NOTE, REDRIVEN.encode())]:
        return None
    try:
        return _decode_note(value)
    except msgspec.MsgspecError:
        return None


def _number(headers: Headers, name: str) -> int | None:
    """The number in the last header, when that is `name`."""
    if not headers or headers[-1][0] != name:
        return None
    value = headers[-1][1] or b""
    return int(value) if _NUMBER.match(value) else None


def _text(value: bytes | None) -> str:
    return (value or b"").decode(errors="backslashreplace")
