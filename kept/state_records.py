"""How the state of a source partition is laid out in its topic: what kinds of records there are, and its mark.

The first byte of a key is its kind. The mark begins with the format of the whole; every format keeps that so. What else
differs between formats is in `kept.state_formats`.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec

from kept.errors import StateError
from kept.marks import Mark

STATE_FORMAT: Final = 1
"""The newest format: that of `PartitionState`, which makes and restores no other."""
CASE: Final = b"c"
"""+ service, NUL, subject -> the packed facts of a case."""
SEEN: Final = b"s"
"""+ hour of expiry, |, offset -> ids of events that are not about a case."""
TALLY: Final = b"t"
"""+ the key of a tally -> the tally."""
SEAT: Final = b"v"
"""+ a series -> nothing: it has no tally left, and still its place among the values of its dimension."""
CHANGE: Final = b"r"
"""+ the key of a registered change -> the change."""
BRAKE: Final = b"b"
"""-> offsets of the events refused lately, by reason."""
MARK: Final = b"m"
"""-> (format, mark), and where the format begins in a log that has an older one before it."""

Record = tuple[bytes, bytes | None]
"""Key and value of a message; no value deletes the key."""

_pack = msgspec.msgpack.Encoder().encode
_unpack_parts = msgspec.msgpack.Decoder(list[msgspec.Raw]).decode
_unpack_number = msgspec.msgpack.Decoder(int).decode
_unpack_mark = msgspec.msgpack.Decoder(Mark).decode


class StateHead(NamedTuple):
    """What the record of a mark says of the whole state: its format, from which offset of the log on, and the mark."""

    format: int
    begins: int
    packed_mark: msgspec.Raw


def pack_mark(mark: Mark, state_format: int = STATE_FORMAT, begins: int = 0) -> bytes:
    """The value of the mark's record. Which mark it follows is told in the tallies alone: state is the same however
    the log was cut into batches."""
    mark = msgspec.structs.replace(mark, after=None)
    return _pack((state_format, mark, begins) if begins else (state_format, mark))


def read_head(value: bytes) -> StateHead:
    """What a mark's record says, in whatever format; raises `StateError` when it is no mark of any."""
    try:
        number, mark, *begins = _unpack_parts(value)
        return StateHead(_unpack_number(number), _unpack_number(begins[0]) if begins else 0, mark)
    except (msgspec.MsgspecError, ValueError) as error:
        raise StateError(
            f"the state's mark cannot be read: {error}; this program reads formats up to {STATE_FORMAT}"
        ) from error


def mark_of(head: StateHead) -> Mark:
    """The mark itself. It only ever gains fields, which have defaults, so that every format's can be read."""
    try:
        return _unpack_mark(head.packed_mark)
    except msgspec.MsgspecError as error:
        raise StateError(f"the state's mark cannot be read: {error}; use a matching release") from error


def read_mark(value: bytes) -> Mark:
    """The mark in a record's value; raises `StateError` when it is not of the newest format."""
    head = read_head(value)
    if head.format != STATE_FORMAT:
        raise StateError(
            f"the state has format {head.format}, here only {STATE_FORMAT} can be restored; see docs/upgrading.md"
        )
    return mark_of(head)
