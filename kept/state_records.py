"""How the state of a source partition is laid out in its topic: what kinds of records there are, and its mark.

The first byte of a key is its kind. The mark carries the format of the whole: a reader of another format stops.
"""

from __future__ import annotations

from typing import Final

import msgspec

from kept.errors import StateError
from kept.marks import Mark

STATE_FORMAT: Final = 1
CASE: Final = b"c"
"""+ service, NUL, subject -> the packed facts of a case."""
SEEN: Final = b"s"
"""+ hour of expiry, |, offset -> ids of events that are not about a case."""
TALLY: Final = b"t"
"""+ the key of a tally -> the tally."""
CHANGE: Final = b"r"
"""+ the key of a registered change -> the change."""
BRAKE: Final = b"b"
"""-> offsets of the events refused lately, by reason."""
MARK: Final = b"m"
"""-> (format, mark)."""

Record = tuple[bytes, bytes | None]
"""Key and value of a message; no value deletes the key."""

_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(tuple[int, Mark]).decode


def pack_mark(mark: Mark) -> bytes:
    """The value of the mark's record."""
    return _pack((STATE_FORMAT, mark))


def read_mark(value: bytes) -> Mark:
    """The mark in a record's value; raises `StateError` when it is of another format or none at all."""
    try:
        version, mark = _unpack(value)
    except msgspec.MsgspecError as error:
        raise StateError(
            f"the state's mark cannot be read: {error}; this program reads format {STATE_FORMAT}"
        ) from error
    if version != STATE_FORMAT:
        raise StateError(f"the state has format {version}, this program reads {STATE_FORMAT}; use a matching release")
    return mark
