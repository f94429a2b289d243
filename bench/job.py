"""The job, the same for every contender. What each must do:

1. Read the topic from its beginning, and decode each event (JSON, CloudEvents): id, source, type, time, subject, data.
2. Keep a register: of each case its opening, its due, its area, category and channel, and which events were applied
   (the ids, or a 64-bit hash of each). An event that was applied before changes nothing.
3. Count what `opening` and `completion` say: the whole service by 5 minutes, its histograms (bins 1 % wide) and the
   distance from the due by the hour, and all of it but that distance by the hour in each of three slices. A case that
   is completed takes back the risk and the overdue that its opening had foreseen.
4. Keep register, tallies and position so that they outlive the process, as strongly as it can; they are written before
   the clock stops. (The bare loop alone keeps nothing: it is the ceiling.)
5. Leave tallies that equal those of Kept in every counter of every bucket (see `bench.comparison`).

Every counter that Kept's contract gives such a stream is counted by all. Kept's own work is still more: it takes events
in any order and of any type, and can take back whatever a case ever counted. The peers rely on order within a case, and
on there being nothing but openings and completions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from bench.workload import DIGITAL, TARGET_MS
from kept import counters as c
from kept.counters import FAMILY_SIZE, OUTCOME_INDEX, REJECTED_INDEX, WHOLE_ONLY
from kept.events import Moment, Outcome, milliseconds
from kept.histogram import bin_of
from kept.indicators.definitions import RISK_SHARE_DIVISOR
from kept.target_margins import BANDS, BANDS_A_SIDE, BANDS_IN_PROMISE, MARGIN

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
    """What an opened case counts: until it is completed, it will be at risk, and from its due on overdue."""
    return [
        (opened_ms, c.OPENED, 1),
        (opened_ms, c.BACKLOG_ENTERED, 1),
        (risk_ms(opened_ms, due_ms), c.RISK_ENTERED, 1),
        (due_ms, c.RISK_LEFT, 1),
        (due_ms, c.OVERDUE_ENTERED, 1),
        (due_ms, c.DUE, 1),
    ]


def risk_ms(opened_ms: int, due_ms: int) -> int:
    """From when on a case has less than a fifth of its time left."""
    promised = due_ms - opened_ms
    return opened_ms + promised - promised // RISK_SHARE_DIVISOR + 1


def margin_band(opened_ms: int, due_ms: int, at_ms: int) -> int:
    """How far from its due a case was completed, in twentieths of its promise; see `kept.target_margins`."""
    promised = due_ms - opened_ms
    if at_ms <= due_ms:
        return max(0, BANDS_A_SIDE - (due_ms - at_ms) * BANDS_IN_PROMISE // promised)
    return min(len(BANDS) - 1, BANDS_A_SIDE + 1 + (at_ms - due_ms - 1) * BANDS_IN_PROMISE // promised)


def completion(opened_ms: int, due_ms: int, at_ms: int, outcome: int, channel: str | None) -> list[Entry]:
    """What its completion counts, and takes back."""
    elapsed = at_ms - opened_ms
    duration_bin = bin_of(elapsed)
    kept = at_ms <= due_ms
    entries = [
        (at_ms, c.COMPLETED + outcome, 1),
        (at_ms, c.KEPT if kept else c.LATE, 1),
        (at_ms, c.ELAPSED_MS, elapsed),
        (at_ms, c.CLOSED_TIME + duration_bin, 1),
        (opened_ms, c.COMPLETION_TIME + duration_bin, 1),
        (at_ms, c.BACKLOG_LEFT, 1),
        (at_ms, MARGIN + margin_band(opened_ms, due_ms, at_ms), 1),
    ]
    if channel is not None:
        entries.append((at_ms, c.COMPLETED_DIGITAL if channel in DIGITAL else c.COMPLETED_ASSISTED, 1))
    if outcome != REJECTED_INDEX:
        entries.append((at_ms, c.FIRST_TIME_RIGHT, 1))
    if not kept:
        entries.append((at_ms, c.OVERDUE_LEFT, 1))
        return entries
    entries += [(due_ms, c.DUE_KEPT, 1), (due_ms, c.OVERDUE_ENTERED, -1)]
    risk = risk_ms(opened_ms, due_ms)
    if at_ms <= risk:
        entries += [(risk, c.RISK_ENTERED, -1), (due_ms, c.RISK_LEFT, -1)]
    elif at_ms < due_ms:
        entries += [(at_ms, c.RISK_LEFT, 1), (due_ms, c.RISK_LEFT, -1)]
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
    return [opened, due, labels, [*ids, event.id]], completion(
        opened, due, time_ms, outcome, labels[DIMENSIONS.index("channel")]
    )


def changes(service: str, labels: Sequence[str | None], entries: list[Entry]) -> dict[str, list[tuple[int, int]]]:
    """Bucket touched (as text, see `place_of`) -> [(counter, amount)]: one update a bucket, not one a counter."""
    found: dict[str, list[tuple[int, int]]] = {}
    hourly: dict[int, list[tuple[int, int]]] = {}
    for time_ms, counter, amount in entries:
        end = hour(time_ms)
        if counter < WHOLE_ONLY:
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
