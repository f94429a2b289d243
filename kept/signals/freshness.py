"""The source is silent: nothing was heard of a service for longer than its catalogue expects."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from kept.durations import in_words
from kept.indicators.freshness import expected_silence, last_event, resolution
from kept.signals.situation import Situation
from kept.signals.verdict import Verdict


def judge(situation: Situation) -> Iterator[Verdict]:
    """`source_silent` of the service; nothing of one that was never heard of."""
    rules, at = situation.rules, situation.at
    last = last_event(situation.tallies, situation.service.id, rules.local_time, at)
    if last is None:
        return
    silence, expected = at - last, expected_silence(rules)
    told = datetime.fromtimestamp(last, situation.service.zone)
    yield Verdict(
        service=situation.service.id,
        signal="source_silent",
        at=at,
        active=silence > expected,
        since=last + expected if silence > expected else None,
        value=silence,
        expected=expected,
        words=(
            f"Nothing was heard for {in_words(silence * 1000)}, since {told:%Y-%m-%d %H:%M} ({told.tzname()}); "
            f"an event is expected at least every {in_words(expected * 1000)}"
        ),
        test="silence in wall time against the expected silence of the catalogue",
        evidence={
            "last_event": last,
            "resolution_seconds": resolution(rules.local_time, last, at),
            "expected_silence_seconds": expected,
        },
    )
