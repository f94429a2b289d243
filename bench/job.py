"""The job, the same for every contender. What each must do:

1. Read the topic from its beginning, and decode each event (JSON, CloudEvents): id, source, type, time, subject, data.
2. Keep a register: of each case its opening, its due, its area, category and channel, and which events were applied
   (the ids, or a 64-bit hash of each). An event that was applied before changes nothing.
3. Count what `opening` and `completion` say: the whole service by 5 minutes, its histograms (bins 1 % wide) by the
   hour, and all of it by the hour in each of three slices.
4. Keep register, tallies and position so that they outlive the process, as strongly as it can; they are written before
   the clock stops. (The bare loop alone keeps nothing: it is the ceiling.)
5. Leave tallies that equal those of Kept in every counter of every bucket (see `bench.comparison`).

It is lighter than Kept's, which also counts backlog, risk and overdue stocks, channel kinds and first-time-right, takes
events in any order, and keeps what it needs to take a contribution back. The peers rely on order within a case.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from bench.workload import TARGET_MS
from kept import counters as c
from kept.counters import FAMILY_SIZE, OUTCOME_INDEX
from kept.events import Moment, Outcome, milliseconds
from kept.histogram import bin_of

Entry = tuple[int, int, int]
"""(time in ms, counter, amount)."""
Place = tuple[str, str, str, int, int]
"""(service, dimension, value, size, end): a bucket of a series. No dimension is the whole service; size 0 is 5 minutes,
1 an hour, 2 a local day; the end is in seconds."""
DIMENSIONS = ("area", "category", "channel")
FIVE_MINUTES_MS = 300_000
HOUR_MS = 3_600_000


class Data(msgspec.Struct):
    """What the job needs of an event's data."""

    service: str
    channel: str | None = None
    area: str | None = None
    category: str | None = None
    outcome: Outcome = "intended"


class Event(msgspec.Struct):
    """What the job needs of an event."""

    id: str
    type: Literal["case.opened", "case.completed"]
    time: Moment
    subject: str
    data: Data


Case = list[Any]
"""[opened (ms), due (ms), [area, category, channel], [ids of applied events]]: what a peer's register holds of a case.
A list of plain values, so that each of them can store it in its own way."""


def opening(opened_ms: int, due_ms: int) -> list[Entry]:
    """What an opened case counts."""
    return [(opened_ms, c.OPENED, 1), (due_ms, c.DUE, 1)]


def completion(opened_ms: int, due_ms: int, at_ms: int, outcome: int) -> list[Entry]:
    """What its completion counts."""
    elapsed = at_ms - opened_ms
    duration_bin = bin_of(elapsed)
    kept = at_ms <= due_ms
    entries = [
        (at_ms, c.COMPLETED + outcome, 1),
        (at_ms, c.KEPT if kept else c.LATE, 1),
        (at_ms, c.ELAPSED_MS, elapsed),
        (at_ms, c.CLOSED_TIME + duration_bin, 1),
        (opened_ms, c.COMPLETION_TIME + duration_bin, 1),
    ]
    if kept:
        entries.append((due_ms, c.DUE_KEPT, 1))
    return entries


def apply(known: Case | None, event: Event) -> tuple[Case, list[Entry]] | None:
    """The case with `event` and what that counts; None when the event was applied before. `known` is not changed."""
    if known is not None and event.id in known[3]:
        return None
    time_ms = milliseconds(event.time)
    data = event.data
    if event.type == "case.opened":
        due = time_ms + TARGET_MS[data.service]
        return [time_ms, due, [data.area, data.category, data.channel], [event.id]], opening(time_ms, due)
    assert known is not None
    opened, due, labels, ids = known
    outcome = OUTCOME_INDEX[data.outcome]
    return [opened, due, labels, [*ids, event.id]], completion(opened, due, time_ms, outcome)


def changes(service: str, labels: Sequence[str | None], entries: list[Entry]) -> dict[str, list[tuple[int, int]]]:
    """Bucket touched (as text, see `place_of`) -> [(counter, amount)]: one update a bucket, not one a counter."""
    found: dict[str, list[tuple[int, int]]] = {}
    hourly: dict[int, list[tuple[int, int]]] = {}
    for time_ms, counter, amount in entries:
        end = hour(time_ms)
        hourly.setdefault(end, []).append((counter, amount))
        own = f"0|{five_minutes(time_ms)}" if counter < FAMILY_SIZE else f"1|{end}"
        found.setdefault(f"{service}|||{own}", []).append((counter, amount))
    for dimension, value in zip(DIMENSIONS, labels, strict=True):
        if value is not None:
            for end, counted in hourly.items():
                found[f"{service}|{dimension}|{value}|1|{end}"] = counted
    return found


def place_of(text: str) -> Place:
    """A place from `service|dimension|value|size|end`."""
    service, dimension, value, size, end = text.split("|")
    return service, dimension, value, int(size), int(end)


def five_minutes(time_ms: int) -> int:
    """End (s) of the 5-minute bucket."""
    return -(-time_ms // FIVE_MINUTES_MS) * 300


def hour(time_ms: int) -> int:
    """End (s) of the hour."""
    return -(-time_ms // HOUR_MS) * 3600
