"""Disorder for tests: what networks and retries do to a log of events. Pure; the same seed gives the same disorder."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from kept.durations import DAY_MS
from kept.events import Event

TimedEvent = tuple[int, Event]


def with_duplicates(timed_events: Sequence[TimedEvent], *, share: float, seed: int) -> list[TimedEvent]:
    """The events, `share` of them (0 to 1) twice, the second time anywhere after the first."""
    if not 0 <= share <= 1:
        raise ValueError(f"share is {share}; valid: 0 to 1")
    random = Random(seed)  # noqa: S311 - a test's dice, not a secret
    size = len(timed_events)
    placed: list[tuple[float, int, TimedEvent]] = [(index, 0, timed) for index, timed in enumerate(timed_events)]
    for index, timed in enumerate(timed_events):
        if random.random() < share:
            placed.append((random.uniform(index, size), 1, timed))
    placed.sort(key=lambda place: place[:2])
    return [timed for _, _, timed in placed]


def shuffled_within_day(timed_events: Sequence[TimedEvent], *, seed: int) -> list[TimedEvent]:
    """The events in any order within each UTC day; the days stay in order."""
    random = Random(seed)  # noqa: S311 - a test's dice, not a secret
    keyed = [(time_ms // DAY_MS, random.random(), (time_ms, event)) for time_ms, event in timed_events]
    keyed.sort(key=lambda place: place[:2])
    return [timed for _, _, timed in keyed]
