"""From what was acknowledged and what was seen to delays: pure.

Three delays, each from the moment at which the broker had acknowledged an event:

* counted: until a scrape shows that its partition has received it (`kept_events_total`); one value an event.
* shown: figures are published for whole 5 minutes of event time, and a moment can be published when every partition has
  an event behind it. So: from the acknowledgement of the event that lets the last partition pass the moment, until a
  scrape shows the service's gauges as of it (`kept_indicator_timestamp_seconds`); one value a service and moment.
* written: from the same event until the history tells that all points of the service and moment are there.

What an event waits for its 5 minutes to be over is in none of them: it is a property of the figures, not of the load.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from bench.paced_producer import Acknowledged
from bench.scrapes import Scrape
from kept.buckets import STEP_SECONDS


class Delay(Struct, frozen=True):
    """`events` of them, acknowledged at `at` (s), came `seconds` later; infinite: not before the end."""

    at: float
    seconds: float
    events: int


def percentile(delays: Iterable[Delay], share: float) -> float | None:
    """The least delay that at least `share` of the events do not exceed; None of nothing."""
    ordered = sorted(delays, key=lambda one: one.seconds)
    total = sum(one.events for one in ordered)
    reached = 0
    for one in ordered:
        reached += one.events
        if reached >= share * total:
            return one.seconds
    return None


def proven(delays: Iterable[Delay], share: float) -> float:
    """The same, infinite of nothing: where no delay is known, none is short."""
    found = percentile(delays, share)
    return math.inf if found is None else found


def counted(acknowledged: Sequence[Acknowledged], scrapes: Sequence[Scrape]) -> list[Delay]:
    """One delay a batch of the producer, weighted by its events."""
    found: list[Delay] = []
    before: dict[int, int] = {}
    seen = {
        partition: [scrape.received.get(partition, 0) for scrape in scrapes]
        for partition in {one.partition for one in acknowledged}
    }
    for partition, counts in seen.items():
        for index in range(1, len(counts)):
            counts[index] = max(counts[index], counts[index - 1])  # a partition that moves is not shown for a moment
        before[partition] = 0
    for one in sorted(acknowledged, key=lambda one: one.count):
        events = one.count - before[one.partition]
        before[one.partition] = one.count
        at = bisect.bisect_left(seen[one.partition], one.count)
        seconds = max(0.0, scrapes[at].at - one.at) if at < len(scrapes) else float("inf")
        found.append(Delay(one.at, seconds, events))
    return found


def closings(acknowledged: Sequence[Acknowledged], partitions: int) -> dict[int, float]:
    """Moment (s, a whole 5 minutes) -> when the event was acknowledged that let the last partition reach it."""
    reached: dict[int, dict[int, float]] = {}
    first: dict[int, int] = {}
    for one in sorted(acknowledged, key=lambda one: (one.partition, one.count)):
        moment = one.time_ms // 1000 // STEP_SECONDS * STEP_SECONDS
        if moment > first.setdefault(one.partition, moment):
            reached.setdefault(moment, {}).setdefault(one.partition, one.at)
    return {moment: max(by.values()) for moment, by in sorted(reached.items()) if len(by) == partitions}


def until_seen(
    closed: Mapping[int, float], services: Iterable[str], seen: Sequence[tuple[float, Mapping[str, int]]]
) -> list[Delay]:
    """One delay a service and moment; `seen` are (clock, service -> moment) in order."""
    found: list[Delay] = []
    for moment, at in closed.items():
        for service in services:
            there = next((clock for clock, moments in seen if moments.get(service, -1) >= moment), None)
            found.append(Delay(at, float("inf") if there is None else max(0.0, there - at), 1))
    return found
