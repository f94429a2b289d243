"""What is raised over a stretch of the simulated city, judged hour by hour in one process: no broker, no alerts."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from kept.catalogue import Catalogue
from kept.durations import HOUR_MS, SECOND_MS
from kept.events import Event
from kept.signals.raised import Raised, SignalKey, advance
from kept.signals.verdict import Verdict
from stream_processors.embedded import EmbeddedPipeline


def back_test(
    services: Catalogue,
    events: Iterable[tuple[int, Event]],
    *,
    judged_from_ms: int,
    until_ms: int,
    every_hours: int = 1,
) -> list[Raised]:
    """Every signal raised by `until_ms`, by `Raised.key()`; one that had not ended has no end.

    `events` come with when they are told (ms), in that order. From `judged_from_ms` on each service is judged every
    `every_hours`, by what was told before, as the indicator processor does.
    """
    pipeline = EmbeddedPipeline(services)
    step_ms = every_hours * HOUR_MS
    open_of: dict[str, dict[SignalKey, Raised]] = {service: {} for service in services}
    found: dict[tuple[str, str, str, int], Raised] = {}

    def judge_at(at: int) -> None:
        by_service: dict[str, list[Verdict]] = {service: [] for service in services}
        for verdict in pipeline.verdicts(at):
            by_service[verdict.service].append(verdict)
        for service, verdicts in by_service.items():
            open_of[service], changed = advance(open_of[service], verdicts, at, told_at=at)
            found.update((raised.key(), raised) for raised in changed)

    next_ms = judged_from_ms
    for _, told in groupby(events, key=lambda timed: timed[0] // step_ms):
        batch = list(told)
        while next_ms <= min(batch[0][0], until_ms):
            judge_at(next_ms // SECOND_MS)
            next_ms += step_ms
        pipeline.apply(event for _, event in batch)
    while next_ms <= until_ms:
        judge_at(next_ms // SECOND_MS)
        next_ms += step_ms
    return [found[key] for key in sorted(found)]
