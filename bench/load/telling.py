"""Telling a pipeline, phase by phase, at a rate each, while event time runs faster than the clock."""

from __future__ import annotations

import time
from collections.abc import Sequence

from msgspec import Struct

from bench.live_pipeline import LivePipeline
from bench.paced_producer import Acknowledged, CityClock, Pace, acknowledged, events_of
from bench.scrapes import Scrape
from kept.durations import HOUR_MS
from kept.errors import Stop
from kept.topics import topics
from local_stack.child import Child

PHASE_CASES = 100_000_000
"""Cases of two phases have different numbers."""
LOOK_SECONDS = 0.2
BEHIND_SECONDS = 2.0
"""What waits is no more than what came in so many seconds: caught up."""


class Phase(Struct, frozen=True, kw_only=True):
    """`events` that were told at `asked` a second from `began` to `ended` (s since 1970 UTC)."""

    asked: float
    events: int
    began: float
    ended: float
    acknowledged: list[Acknowledged]

    @property
    def rate(self) -> float:
        """Events a second that were told."""
        return self.events / (self.ended - self.began)


class Telling:
    """Producers of one pipeline, one after the other."""

    def __init__(
        self, pipeline: LivePipeline, clock: CityClock, *, services: int, hot_share: float = 0.0, first_phase: int = 1
    ) -> None:
        self.clock = clock
        self.phases: list[Phase] = []
        self._pipeline = pipeline
        self._services = services
        self._hot_share = hot_share
        self._phase = first_phase
        self._producer: Child | None = None
        self._asked = 0.0

    @property
    def told(self) -> int:
        """Events of all phases that are over."""
        return sum(phase.events for phase in self.phases)

    def begin(self, rate: float, seconds: float) -> None:
        """Start to tell `rate` events a second, for so long at most."""
        pace = Pace(
            rate=rate,
            seconds=seconds,
            hot_share=self._hot_share,
            services=self._services,
            first_case=(self._phase + len(self.phases)) * PHASE_CASES,
            city_clock=self.clock,
        )
        self._asked = rate
        self._producer = self._pipeline.producer(pace, self._pipeline.folder / f"told-{len(self.phases)}.jsonl")
        self._producer.start()

    def over(self, *, now: bool = False) -> Phase:
        """Wait until the phase is over, or end it `now`; raises `Stop` when a worker or the producer fails."""
        producer = self._producer
        assert producer is not None, "begin a phase first"
        if now:
            producer.stop()
        while producer.running():
            self._pipeline.group.watch()
            time.sleep(LOOK_SECONDS)
        if producer.exit_code() != 0:
            raise Stop(f"the producer ended with {producer.exit_code()}:\n{producer.log_tail()}")
        found = acknowledged(self._pipeline.folder / f"told-{len(self.phases)}.jsonl")
        began = self.clock.begun + (min(one.time_ms for one in found) - self.clock.begins_ms) / self.clock.speed / 1000
        phase = Phase(
            asked=self._asked,
            events=events_of(found),
            began=began,
            ended=max(one.at for one in found),
            acknowledged=found,
        )
        self.phases.append(phase)
        return phase

    def tell(self, rate: float, seconds: float) -> Phase:
        """Both."""
        self.begin(rate, seconds)
        return self.over()

    def end_ms(self) -> int:
        """A whole hour of event time by which everything told so far is past: then figures of every window are due."""
        last = max(one.time_ms for phase in self.phases for one in phase.acknowledged)
        return (last // HOUR_MS + 1) * HOUR_MS


def waiting(pipeline: LivePipeline, scrape: Scrape) -> int:
    """Events that wait to be counted."""
    return scrape.lag.get(topics(pipeline.settings.topic_prefix, pipeline.settings.partitions).events.name, 0)


def wait_until_caught_up(
    pipeline: LivePipeline, scrapes: Sequence[Scrape], since: float, rate: float, patience_seconds: float
) -> float | None:
    """The clock of the first look after `since` at which next to nothing waits; None when there is none in time.

    `scrapes` grows meanwhile.
    """
    deadline = time.monotonic() + patience_seconds
    while time.monotonic() < deadline:
        pipeline.group.watch()
        for scrape in scrapes[:]:
            if scrape.at > since and waiting(pipeline, scrape) <= max(1000.0, rate * BEHIND_SECONDS):
                return scrape.at
        time.sleep(LOOK_SECONDS)
    return None


def counted_a_second(scrapes: Sequence[Scrape], since: float, until: float) -> float:
    """Events received a second between two moments, by the looks within them."""
    within = [scrape for scrape in scrapes if since <= scrape.at <= until]
    if len(within) < 2:
        raise Stop(f"{len(within)} looks at the workers within {until - since:.0f} s; at least 2 are needed")
    first, last = within[0], within[-1]
    return (sum(last.received.values()) - sum(first.received.values())) / (last.at - first.at)
