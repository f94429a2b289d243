"""Events made to be slow: what each takes at a size, and at a multiple of it. Linear is well, quadratic is not."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from kept import events as e
from kept.partition import PartitionState
from tests.fuzz.campaign import RULES, START_MS

SIZES: Sequence[int] = (16_384, 131_072, 1_048_576)
"""Bytes; the last is the largest message that the broker takes unless told otherwise."""
REPEATS = 3
MOST_SECONDS = 0.25
"""An event of the largest size takes less. Far above what is measured, far below what a quadratic one would take."""
MOST_FACTS_SECONDS = 5.0
"""All events of a case with as many as there may be take less, one batch each."""
_SERVICE = next(iter(RULES))
_HEAD = '{"specversion":"1.0","source":"s","id":"1","subject":"c","time":1717372800,'


class Shape(NamedTuple):
    """A kind of hostile event; `make` gives one of about so many bytes."""

    name: str
    make: Callable[[int], bytes]


class Grown(NamedTuple):
    """Seconds that an event of each of `SIZES` takes to be decoded and applied or refused."""

    shape: Shape
    seconds: Sequence[float]


def _event(kind: str, data: str) -> bytes:
    return f'{_HEAD}"type":"{kind}","data":{{"service":"{_SERVICE}",{data}}}}}'.encode()


def _opened(data: str) -> bytes:
    return _event("case.opened", data)


def _booked(amount: str) -> bytes:
    return _event("cost.booked", f'"currency":"EUR","amount":{amount}')


_BACKSLASH, _CONTROL, _MARK = "\\", "\\u0001", "\u0301"
SHAPES: Sequence[Shape] = (
    Shape("a long text", lambda size: _opened(f'"category":"{"x" * size}"')),
    Shape("a long text of escapes", lambda size: _opened(f'"category":"{_BACKSLASH * (size // 2 * 2)}"')),
    Shape("a long text of combining marks", lambda size: _opened(f'"category":"{_MARK * (size // 2)}"')),
    Shape("a long type", lambda size: _event("x" * size, '"area":"a"')),
    Shape("a long member name", lambda size: _opened(f'"{"x" * size}":1')),
    Shape("many members", lambda size: _opened(",".join(f'"x{n}":{n}' for n in range(size // 13)))),
    Shape("one member many times", lambda size: _opened(",".join(['"area":"a"'] * (size // 11)))),
    Shape("an amount of many digits", lambda size: _booked("9" * size)),
    Shape("an amount of many decimals", lambda size: _booked(f"0.{'9' * size}")),
    Shape("an amount as a long text", lambda size: _booked(f'"{"9" * size}"')),
    Shape("an amount with a great exponent", lambda size: _booked(f"1e{'9' * size}")),
    Shape("a rating of many digits", lambda size: _event("feedback.given", f'"rating":{"1" * size}')),
    Shape("a time of many digits", lambda size: _opened(f'"due":{"1" * size}')),
    Shape("a time as a long text", lambda size: _opened(f'"due":"2024-06-03T09:00:00.{"1" * size}Z"')),
    Shape("lists in lists", lambda size: _opened(f'"x":{"[" * (size // 2)}{"]" * (size // 2)}')),
    Shape("objects in objects", lambda size: _opened('"x":' + '{"a":' * (size // 6) + "1")),
    Shape("a long list", lambda size: _opened(f'"x":[{"0," * (size // 2)}0]')),
    Shape("blanks", lambda size: _opened(f'"area":{" " * size}"a"')),
    Shape("control characters", lambda size: _opened(f'"area":"a{_BACKSLASH}n","x":"{_CONTROL * (size // 6)}"')),
)


def grown(shape: Shape) -> Grown:
    """The least of `REPEATS` measurements at each size."""
    return Grown(shape, [min(_seconds(shape.make(size)) for _ in range(REPEATS)) for size in SIZES])


def crowded_case_seconds(events: int) -> float:
    """How long so many events of one case take, each in a batch of its own."""
    state = PartitionState(0, RULES)
    values = [
        f'{{"specversion":"1.0","source":"s","id":"{n}","subject":"c","time":{START_MS // 1000 + n},"type":"case.step",'
        f'"data":{{"service":"{_SERVICE}","step":"review"}}}}'.encode()
        for n in range(events)
    ]
    began = time.perf_counter()
    for offset, value in enumerate(values):
        state.apply(offset, e.decode_batch([value]), START_MS + 86_400_000)
    return time.perf_counter() - began


def _seconds(value: bytes) -> float:
    state = PartitionState(0, RULES)
    began = time.perf_counter()
    state.apply(0, e.decode_batch([value]), START_MS)
    return time.perf_counter() - began
