"""One published value, with everything needed to defend it."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from msgspec import Struct

from kept.events import moment

State = Literal["value", "not_applicable", "not_provided"]
Slice = tuple[tuple[str, str], ...]
"""Sorted (dimension, value) pairs; empty for the whole service."""

WHOLE: Slice = ()
STALE = "stale"
"""The reason beside a share whose service had been silent for too long at that moment."""


class Point(Struct, frozen=True, kw_only=True):
    """An indicator of a service (or a slice of it) over the window (window_start, window_end].

    Times are whole seconds since 1970-01-01 UTC. `value` is None unless `state` is `value`; `low` and `high` are the
    95 % interval where one is meaningful. `reason` says in one word why there is no value, or beside the value of a
    share that it is `stale`: at `window_end` its service had been silent for longer than its catalogue expects.
    """

    service: str
    slice: Slice
    indicator: str
    window: str
    window_start: int
    window_end: int
    value: float | int | None
    unit: str
    numerator: float | int | None
    denominator: float | int | None
    n: int | None
    low: float | int | None
    high: float | int | None
    definition: str
    state: State
    reason: str | None = None

    def key(self) -> tuple[str, Slice, str, str, int]:
        """What makes the point one point: writing the same key again overwrites it."""
        return (self.service, self.slice, self.indicator, self.window, self.window_end)


class Amendment(Struct, frozen=True):
    """A published point that turned out otherwise: until `known_at` it was `old`, from then on `new`.

    `known_at` is the event time (s since 1970-01-01 UTC) at which it became known. Raises `ValueError` when `old` and
    `new` are not the same point by `Point.key()`.
    """

    known_at: int
    old: Point
    new: Point

    def __post_init__(self) -> None:
        if self.old.key() != self.new.key():
            raise ValueError("an amendment is of one point; old and new differ in their keys")

    def key(self) -> tuple[str, Slice, str, str, int, int]:
        """What makes the amendment one amendment: the point's key and `known_at`."""
        return (*self.new.key(), self.known_at)


REPLAY_KEYS = (
    "service",
    "slice",
    "indicator",
    "window",
    "window_start",
    "window_end",
    "value",
    "unit",
    "numerator",
    "denominator",
    "n",
    "low",
    "high",
    "definition",
    "state",
)


def as_json_object(point: Point) -> dict[str, Any]:
    """The point as `kept replay --json` prints it: exactly `REPLAY_KEYS`, times as RFC 3339 in UTC."""
    fields = msgspec.structs.asdict(point)
    del fields["reason"]
    fields["slice"] = dict(point.slice)
    for key in ("window_start", "window_end"):
        fields[key] = moment(fields[key] * 1000).strftime("%Y-%m-%dT%H:%M:%SZ")
    return fields
