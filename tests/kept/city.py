"""A small city for tests: one service, words for its events, and the pipeline in memory.

Moments are local time in Amsterdam as text, `2024-06-05 09:00`; the city's days begin on Monday 3 June 2024.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from kept import events as e
from kept.catalogue import Service, parse_service
from kept.errors import Reject
from kept.indicators.evaluate import evaluate
from kept.indicators.point import Point
from kept.indicators.windows import WINDOWS
from kept.intake import Rules
from kept.marks import Accounts
from kept.partition import Changes, PartitionState
from kept.partition_split import split
from kept.tallies import MergedTallies

ZONE = ZoneInfo("Europe/Amsterdam")

LIGHTS = parse_service(
    """
    id = "street-lights"
    name = "Street lights"
    owner = "Public works"
    time_zone = "Europe/Amsterdam"
    expected_silence = "1h"
    legal_repeats = ["visit"]
    transaction_timeout = "30m"

    [channels]
    digital = ["Web", "App"]
    assisted = ["Phone", "Desk"]
    staff = ["Patrol"]

    [promise]
    words = "Repaired within five days"
    target_share = 0.9
    target_time = "5d"

    [costs]
    currency = "EUR"
    per_contact = 4.50
    per_repeated_step = 12

    [costs.per_completion]
    Web = 1.25
    App = 1.75
    Phone = 6.25
    Patrol = 30
    """,
    "street_lights.toml",
)
"""A service with everything: promise, costs, channels of each kind."""

PLAIN = parse_service(
    """
    id = "street-lights"
    name = "Street lights"
    owner = "Public works"
    time_zone = "Europe/Amsterdam"
    expected_silence = "1h"
    [channels]
    unlisted = "accept"
    """,
    "plain.toml",
)
"""The same service with nothing promised, no costs and no channels named."""

CHARTED = parse_service(
    """
    id = "street-lights"
    name = "Street lights"
    owner = "Public works"
    time_zone = "Europe/Amsterdam"
    expected_silence = "20d"
    [channels]
    unlisted = "accept"
    [improvement]
    backlog = "down"
    """,
    "street_lights.toml",
)
"""The same service with one control chart, and silent for long if it likes."""


def ms(moment: str) -> int:
    """Milliseconds since 1970 UTC of a local moment; an offset in the text wins over the zone."""
    at = datetime.fromisoformat(moment)
    return e.milliseconds(at if at.tzinfo else at.replace(tzinfo=ZONE))


def seconds(moment: str) -> int:
    """Seconds since 1970 UTC of a local moment."""
    return ms(moment) // 1000


def event(kind: str, time: str | int, subject: str | None = None, *, id: str | None = None, **data: Any) -> e.Event:
    """An event as it would be decoded; `due`, `started` and `ended` are moments too."""
    time_ms = ms(time) if isinstance(time, str) else time
    for key in ("due", "started", "ended"):
        if key in data:
            data[key] = e.moment(ms(data[key]) if isinstance(data[key], str) else data[key])
    fields = {
        "type": kind, "specversion": "1.0", "source": "works", "time": e.moment(time_ms), "subject": subject,
        "id": id or f"{kind}-{subject}-{time_ms}", "data": {"service": "street-lights", **data},
    }  # fmt: skip
    return e.decode(msgspec.json.encode({key: value for key, value in fields.items() if value is not None}))


class City:
    """The pipeline in memory: partitions that take cases by hash, and the merged tallies behind them."""

    def __init__(self, service: Service = LIGHTS, *, partitions: int = 1, live: bool = False) -> None:
        self.rules = {service.id: Rules(service)}
        self.live = live
        self.states = [PartitionState(number, self.rules, live=live) for number in range(partitions)]
        self.records: list[dict[bytes, bytes]] = [{} for _ in range(partitions)]
        """Last value by key and partition: what a compacted topic holds."""
        self.tallies = MergedTallies({service.id: self.rules[service.id].local_time})
        self.changes: list[list[bytes]] = []
        """Keys of the registered changes, by batch and partition."""
        self.registered: dict[bytes, bytes] = {}
        """The last value under each of them."""

    def apply(self, events: Iterable[e.Event | Reject], *, batch: int = 20_000, clock_ms: int | None = None) -> None:
        """Apply events in log order, so many at a time."""
        waiting = list(events)
        for start in range(0, len(waiting), batch):
            self.apply_batch(waiting[start : start + batch], clock_ms)

    def apply_batch(self, events: Sequence[e.Event | Reject], clock_ms: int | None = None) -> list[Changes]:
        """One batch, spread over the partitions by subject."""
        parts: list[list[e.Event | Reject]] = [[] for _ in self.states]
        for one in events:
            key = "" if isinstance(one, Reject) else e.subject(one)
            parts[zlib.crc32(key.encode()) % len(parts)].append(one)
        return [self._apply_part(number, part, clock_ms) for number, part in enumerate(parts) if part]

    def tick(self, moment: str | int) -> None:
        """Event time reaches a moment on every partition."""
        at_ms = ms(moment) if isinstance(moment, str) else moment
        for number in range(len(self.states)):
            self._apply_part(number, [e.tick(at_ms, number)], None)

    def restart(self) -> None:
        """New partition states from what was written so far."""
        for number, records in enumerate(self.records):
            state = PartitionState(number, self.rules, live=self.live)
            state.restore(records.items())
            state.restored()
            self.states[number] = state

    def grow(self, partitions: int) -> None:
        """More partitions from what was written so far, as `kept topics grow` makes them."""
        former, self.records = self.records, [{} for _ in range(partitions)]
        self.changes, self.registered = [], {}
        self.tallies = MergedTallies({service: rules.local_time for service, rules in self.rules.items()})
        for parent, records in enumerate(former):
            children = range(parent, partitions, len(former))
            for changes in split(parent, records, children, lambda subject: zlib.crc32(subject.encode()) % partitions):
                self._write(changes.mark.partition, changes)
        self.states = [PartitionState(number, self.rules, live=self.live) for number in range(partitions)]
        self.restart()

    def points(self, moment: str | int, *, windows: Iterable[str] = WINDOWS, slices: bool = True) -> list[Point]:
        """Every indicator as of a moment (event time has come that far)."""
        at_ms = ms(moment) if isinstance(moment, str) else moment
        self.tick(at_ms)
        (rules,) = self.rules.values()
        return evaluate(self.tallies, rules, at_ms // 1000, windows=windows, slices=slices)

    @property
    def accounts(self) -> Accounts:
        """What became of every event, over all partitions."""
        total = Accounts()
        for state in self.states:
            total.add(state.accounts)
        return total

    @property
    def register(self) -> dict[bytes, bytes]:
        """Every case in the registers, packed, by key."""
        return {key: value for records in self.records for key, value in records.items() if key[:1] == b"c"}

    def _apply_part(self, number: int, part: Sequence[e.Event | Reject], clock_ms: int | None) -> Changes:
        state = self.states[number]
        changes = state.apply(state.offset + len(part), part, clock_ms)
        self._write(number, changes)
        return changes

    def _write(self, number: int, changes: Changes) -> None:
        for key, value in changes.state:
            if value is None:
                self.records[number].pop(key, None)
            else:
                self.records[number][key] = value
        for _, key, value in changes.tallies:
            self.tallies.apply(key, value)
        self.changes.append([key for _, key, _ in changes.registered])
        self.registered |= {key: value for _, key, value in changes.registered}


class Board:
    """Points by indicator, window and slice."""

    def __init__(self, points: Iterable[Point]) -> None:
        self._points = {(p.indicator, p.window, p.slice): p for p in points}

    def __call__(self, indicator: str, window: str = "all", **slice: str) -> Point:
        """The point of an indicator; a slice is given as `channel="Web"`."""
        return self._points[(indicator, window, tuple(slice.items()))]
