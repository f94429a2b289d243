"""How messages lie in a segment file: frames, one for each synced write, with a checksum over the head and the rest.

A frame is whole or it is not there: a torn one was never accepted. Sequence numbers begin at 1 and have no gaps.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

MAGIC = b"KSP1"
_HEAD = struct.Struct(">4sQIII")
"""Magic, sequence number of the first message, number of messages, length and CRC-32 of the body in bytes."""
_CHECKSUM = struct.Struct(">I")
_MESSAGE = struct.Struct(">HI")
"""Length of the key and of the value in bytes."""
_MOST_MESSAGES = 2**48
HEAD_BYTES = _HEAD.size + _CHECKSUM.size


class Message(NamedTuple):
    """Key and value as they go to the topic."""

    key: bytes
    value: bytes


class Head(NamedTuple):
    """The head of a frame: which messages it holds, and what its body must be."""

    first: int
    messages: int
    length: int
    checksum: int


def encode_frame(first: int, messages: Sequence[Message]) -> bytes:
    """The frame of `messages`, the first of which has the sequence number `first`."""
    parts: list[bytes] = []
    for key, value in messages:
        parts += (_MESSAGE.pack(len(key), len(value)), key, value)
    body = b"".join(parts)
    head = _HEAD.pack(MAGIC, first, len(messages), len(body), zlib.crc32(body))
    return head + _CHECKSUM.pack(zlib.crc32(head)) + body


def read_head(data: bytes, offset: int = 0) -> Head | None:
    """The head at `offset`; None when there is none that is whole."""
    head = data[offset : offset + _HEAD.size]
    checksum = data[offset + _HEAD.size : offset + HEAD_BYTES]
    if len(checksum) < _CHECKSUM.size or head[:4] != MAGIC or _CHECKSUM.unpack(checksum)[0] != zlib.crc32(head):
        return None
    return Head(*_HEAD.unpack(head)[1:])


def read_body(head: Head, body: bytes) -> list[Message] | None:
    """The messages of a frame; None when its body is not the one that was written."""
    if len(body) != head.length or zlib.crc32(body) != head.checksum:
        return None
    messages, at = [], 0
    for _ in range(head.messages):
        key_bytes, value_bytes = _MESSAGE.unpack_from(body, at)
        at += _MESSAGE.size
        key = body[at : at + key_bytes]
        at += key_bytes
        messages.append(Message(key, body[at : at + value_bytes]))
        at += value_bytes
    return messages


def whole_frames(data: bytes) -> Iterator[tuple[int, Head]]:
    """(offset, head) of each whole frame from the beginning of a segment's `data` on, up to the first that is not."""
    offset = 0
    while (head := read_head(data, offset)) is not None:
        begin = offset + HEAD_BYTES
        body = memoryview(data)[begin : begin + head.length]
        if len(body) != head.length or zlib.crc32(body) != head.checksum:
            return
        yield offset, head
        offset = begin + head.length


def later_frame(data: bytes, offset: int) -> int | None:
    """Where after `offset` another frame begins; None when there is none.

    A frame is written only after the one before it was synced: one that follows a damaged frame proves that what is
    damaged had been accepted. A head that a sender has written into an event proves nothing: of its number the
    first bytes are not 0, since no NUL stands in JSON or in a key.
    """
    while (offset := data.find(MAGIC, offset + 1)) >= 0:
        head = read_head(data, offset)
        if head is not None and head.first < _MOST_MESSAGES:
            return offset
    return None
