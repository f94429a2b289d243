"""What is known about one case: a set of facts, in one canonical order, packed into bytes.

A fact is what remains of an event once the catalogue has been asked (the due, a channel's kind, a time-out), so that
counting a case needs nothing but its facts. The order (time, rank, id) does not depend on arrival; the id is a 64-bit
hash of the event's (source, id), and two facts with one id are one fact.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import msgspec
from msgspec import Struct

from kept.counters import completed_by_kind


class Fact(Struct, frozen=True, array_like=True, gc=False):
    """At `time` (ms since 1970 UTC) something became true of a case. `rank` orders facts of one moment."""

    time: int
    id: int

    rank: ClassVar[int]


class Opened(Fact, frozen=True, array_like=True, gc=False, tag=0):
    """The case began; `due` (ms) is the promise in force at the opening."""

    channel: str | None
    area: str | None
    category: str | None
    channel_kind: int | str | None
    """The counter of completions by this kind of channel, a number for its size; a word in what was kept before."""
    due: int | None
    channel_excess: int = 0
    """What the channel costs more than the cheapest digital one, in minor units; 0 where that is no waste."""

    rank: ClassVar[int] = 0


class DueChanged(Fact, frozen=True, array_like=True, gc=False, tag=1):
    """The promise moved to `due` (ms)."""

    due: int

    rank: ClassVar[int] = 1


class Paused(Fact, frozen=True, array_like=True, gc=False, tag=2):
    """The clock stopped."""

    rank: ClassVar[int] = 2


class Resumed(Fact, frozen=True, array_like=True, gc=False, tag=3):
    """The clock ran again."""

    rank: ClassVar[int] = 3


class Step(Fact, frozen=True, array_like=True, gc=False, tag=4):
    """Work on the case in [started, ended] (ms); `ended` is None for a step known by its moment only."""

    step: str
    started: int
    ended: int | None
    legal_repeat: bool
    resource: str | None

    rank: ClassVar[int] = 4


class Contact(Fact, frozen=True, array_like=True, gc=False, tag=5):
    """Someone got in touch about the case; `reason` is an index into `ContactReason`."""

    reason: int

    rank: ClassVar[int] = 5


class Completed(Fact, frozen=True, array_like=True, gc=False, tag=6):
    """The case ended; `outcome` is an index into `Outcome`."""

    outcome: int

    rank: ClassVar[int] = 6


class Reopened(Fact, frozen=True, array_like=True, gc=False, tag=7):
    """It was not right the first time."""

    rank: ClassVar[int] = 7


class TransactionBegun(Fact, frozen=True, array_like=True, gc=False, tag=8):
    """A digital transaction began; unresolved after `timeout` (ms) it counts as abandoned."""

    channel: str | None
    area: str | None
    timeout: int

    rank: ClassVar[int] = 8


class TransactionEnded(Fact, frozen=True, array_like=True, gc=False, tag=9):
    """A digital transaction ended; `result` is an index into `TransactionResult`."""

    result: int

    rank: ClassVar[int] = 9


AnyFact = (
    Opened | DueChanged | Paused | Resumed | Step | Contact | Completed | Reopened | TransactionBegun | TransactionEnded
)

Facts = tuple[AnyFact, ...]

unpack = msgspec.msgpack.Decoder(tuple[AnyFact, ...]).decode
"""Facts from the bytes `pack` made."""
pack = msgspec.msgpack.Encoder().encode
"""Facts as bytes: the same set gives the same bytes, whatever the order of arrival."""


def raised(facts: Facts) -> Facts:
    """The same as it is packed today: the kind of a channel was a word before. The same object when nothing differs."""
    for at, fact in enumerate(facts):
        if isinstance(fact, Opened) and isinstance(fact.channel_kind, str):
            told = msgspec.structs.replace(fact, channel_kind=completed_by_kind(fact.channel_kind))
            return raised((*facts[:at], told, *facts[at + 1 :]))
    return facts


def order(fact: AnyFact) -> tuple[int, int, int]:
    """The place of a fact among those of its case."""
    return (fact.time, fact.rank, fact.id)


def with_fact(facts: Facts, fact: AnyFact) -> Facts | None:
    """`facts` and `fact` in canonical order, or None when nothing new was said.

    Two different facts under one id break the contract; the lesser of the two is kept, whichever came first.
    """
    for index, known in enumerate(facts):
        if known.id == fact.id:
            if known == fact or pack(known) <= pack(fact):
                return None
            return _sorted([*facts[:index], *facts[index + 1 :], fact])
    if not facts or order(facts[-1]) < order(fact):
        return (*facts, fact)
    return _sorted([*facts, fact])


def _sorted(facts: Sequence[AnyFact]) -> Facts:
    return tuple(sorted(facts, key=order))
