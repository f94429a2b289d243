"""When a service's own system told nothing for longer than it ever should, as far as the tallies still show it.

What was held back and told later is in the tallies at its own time: such a silence is over and leaves no trace. One
that is still going on, or whose events were lost, does.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from kept.buckets import HOURLY_SECONDS
from kept.counters import is_told_by_the_work
from kept.indicators.freshness import expected_silence
from kept.signals.situation import Situation


class Span(NamedTuple):
    """Nothing is known to have happened in (start, end] (s)."""

    start: int
    end: int


def silences(situation: Situation) -> list[Span]:
    """Spans longer than the service's expected silence since the first thing it told, up to the moment; in order.

    To the hour in the last 90 days, by whole local days before: that is how long buckets keep their size.
    """
    longest = expected_silence(situation.rules)
    spans: list[Span] = []
    told_until: int | None = None
    for start, end in _told(situation):
        if told_until is not None and start - told_until > longest:
            spans.append(Span(told_until, start))
        told_until = end if told_until is None else max(told_until, end)
    if told_until is not None and situation.at - told_until > longest:
        spans.append(Span(told_until, situation.at))
    return spans


def _told(situation: Situation) -> Iterator[tuple[int, int]]:
    """(start, end] of each bucket up to the moment in which something was told, by time."""
    local = situation.rules.local_time
    days = situation.tallies.days((situation.service.id, "", ""))
    hourly_since = situation.at - HOURLY_SECONDS
    for day_end in sorted(days):
        day = days[day_end]
        start = local.day_start(day_end - 1)
        if start >= situation.at:
            return
        if start < hourly_since:
            if any(map(is_told_by_the_work, day.total)):
                yield start, min(day_end, situation.at)
            continue
        for bucket in sorted(day.buckets, key=lambda bucket: bucket.end):
            bucket_start = local.start_of(bucket.size, bucket.end)
            if bucket_start < situation.at and any(map(is_told_by_the_work, day.buckets[bucket])):
                yield bucket_start, min(bucket.end, situation.at)
