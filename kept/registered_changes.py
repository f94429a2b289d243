"""Registered changes (`service.changed`), each with its title: what a chart is annotated with.

What a change does to a chart is told by the counters of its week; this is what people read. It crosses from one
processor to the next as a record of its own under a key that is the same however often the event comes or is replayed.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal

import msgspec
from msgspec import Struct
from msgspec.structs import replace

CHANGE: Final = b"change|"
"""How the message key of a change begins in topic `tallies`; that of a tally begins with a byte that is no letter."""
MOST_TITLE_CHARACTERS: Final = 200
UNTITLED: Final = "untitled"


class RegisteredChange(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An improvement was made to `service`, effective at the event time `at` (s, rounded down).

    `id` is a 64-bit hash of the event's source and id, in hexadecimal. `indicator` and `direction` are what it is
    expected to move; both None when nothing that Kept knows was named.
    """

    service: str
    at: int
    id: str
    title: str
    indicator: str | None = None
    direction: Literal["up", "down"] | None = None
    known_at: int | None = None
    """The published event time (s) with which it came into the history first; None before it is there, and in
    histories that did not keep it."""

    def key(self) -> tuple[str, int, str]:
        """What makes it one change; writing the same key again overwrites."""
        return self.service, self.at, self.id


def unheard(
    stored: Iterable[RegisteredChange], changes: Iterable[RegisteredChange], known_at: int
) -> list[RegisteredChange]:
    """Of `changes` those that are not `stored`, known from `known_at` (s) on, the moment that is published next.

    One that says something else than before under its key keeps the moment from which it was known.
    """
    held = {change.key(): change for change in stored}
    found = []
    for change in changes:
        before = held.get(change.key())
        known = replace(change, known_at=known_at if before is None else before.known_at)
        if known != before:
            found.append(known)
    return found


def changes_known_at(changes: Iterable[RegisteredChange], moment: int) -> list[RegisteredChange]:
    """Those of `changes` that were known at `moment` (s), in their order.

    Of one whose `known_at` was not kept that is since it took effect.
    """
    return [change for change in changes if max(change.at, change.known_at or change.at) <= moment]


class _Said(Struct, frozen=True, array_like=True):
    """What a change says beside its key."""

    title: str
    indicator: str | None
    direction: Literal["up", "down"] | None


_pack = msgspec.msgpack.Encoder().encode
_unpack_key = msgspec.msgpack.Decoder(tuple[str, int, str]).decode
_unpack_said = msgspec.msgpack.Decoder(_Said).decode


def change_id(identity: int) -> str:
    """The `id` of the change of an event with this identity (signed, 64 bits)."""
    return f"{identity & (1 << 64) - 1:016x}"


def shown_title(title: str) -> str:
    """A title in one line: control characters and other blanks are one space, what is over 200 characters is cut."""
    plain = "".join(char if char.isprintable() else " " for char in title)
    return " ".join(plain.split())[:MOST_TITLE_CHARACTERS].rstrip() or UNTITLED


def pack_change(change: RegisteredChange) -> tuple[bytes, bytes]:
    """Key and value of the message of a change."""
    return CHANGE + _pack(change.key()), _pack(_Said(change.title, change.indicator, change.direction))


def unpack_change(key: bytes, value: bytes | None) -> RegisteredChange | None:
    """The change in a message of topic `tallies`; None when the message is of another kind."""
    if value is None or not key.startswith(CHANGE):
        return None
    service, at, name = _unpack_key(key[len(CHANGE) :])
    said = _unpack_said(value)
    return RegisteredChange(
        service=service, at=at, id=name, title=said.title, indicator=said.indicator, direction=said.direction
    )
