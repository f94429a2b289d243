"""What a story must come to: the same events through the same core in one process, judged at each hour's end."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from kept.durations import SECOND_MS
from kept.events import Event
from kept.indicators.point import Point
from kept.signals.kinds import BY_NAME
from kept.signals.raised import Raised, SignalKey, advance
from kept.signals.verdict import Verdict
from local_stack.chaos.town import Step, town
from stream_processors.embedded import EmbeddedPipeline


class Expected(Struct, frozen=True, kw_only=True):
    """`points` at the last hour's end by service, and all signals, without when they were told."""

    at: int
    points: dict[str, list[Point]]
    signals: list[Raised]
    applied: int
    beyond_retention: int

    def heard(self) -> set[SignalKey]:
        """Signals that someone is told of."""
        return {raised.verdict.key() for raised in self.signals if _is_told(raised)}

    def standing(self) -> set[SignalKey]:
        """Those of them that stand at the end."""
        return {one.verdict.key() for one in self.signals if _is_told(one) and one.ended_at is None}


def expect(steps: Sequence[Step]) -> Expected:
    """Each event once, in the order in which it is told first."""
    services = town()
    pipeline = EmbeddedPipeline(services)
    open_of: dict[str, dict[SignalKey, Raised]] = {service: {} for service in services}
    found: dict[object, Raised] = {}
    seen: set[bytes] = set()
    for step in steps:
        pipeline.apply(_first_ones(step, seen))
        pipeline.tick(step.until_ms)
        at = step.until_ms // SECOND_MS
        by_service: dict[str, list[Verdict]] = {}
        for verdict in pipeline.verdicts(at):
            by_service.setdefault(verdict.service, []).append(verdict)
        for service, verdicts in by_service.items():
            open_of[service], changed = advance(open_of[service], verdicts, at, told_at=at)
            found.update((raised.key(), raised) for raised in changed)
    points: dict[str, list[Point]] = {service: [] for service in services}
    for point in pipeline.indicators(at):
        points[point.service].append(point)
    return Expected(
        at=at,
        points={service: sorted(of_service, key=Point.key) for service, of_service in points.items()},
        signals=timeless(found.values()),
        applied=pipeline.accounts.applied,
        beyond_retention=pipeline.accounts.beyond_retention,
    )


def timeless(signals: Iterable[Raised]) -> list[Raised]:
    """Without the wall clock's moment, which differs from run to run; ordered by key."""
    return sorted((replace(raised, told_at=0) for raised in signals), key=Raised.key)


def _first_ones(step: Step, seen: set[bytes]) -> Iterable[Event]:
    for told in step.told:
        if told.value not in seen:
            seen.add(told.value)
            yield told.event()


def _is_told(raised: Raised) -> bool:
    return BY_NAME[raised.verdict.signal].severity != "info"
