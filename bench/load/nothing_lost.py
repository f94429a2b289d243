"""What was told, at every station it passes: told, in the topic, received, applied, and in the figures of the history.

Every event of a load test opens a case or completes one, so that arrivals and completions since the first event, over
all services, are the events themselves.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from contextlib import suppress

from msgspec import Struct

from bench.live_pipeline import LivePipeline
from kept.errors import Retry, Stop
from kept.indicators.point import WHOLE
from local_stack.chaos.log_accounts import events_in_topic
from local_stack.replay import Replay, accounts_of, history_of

LOOK_SECONDS = 0.25
COUNTED = frozenset({"arrivals", "completions", "withdrawals"})


class Stations(Struct, frozen=True, kw_only=True):
    """Events at each station; `otherwise` were received and not applied. `after_seconds` until the history had them."""

    told: int
    in_topic: int
    received: int
    applied: int
    otherwise: int
    in_history: int
    after_seconds: float

    @property
    def whole(self) -> bool:
        """Whether each station has what was told, once."""
        return {self.in_topic, self.received, self.applied, self.in_history} == {self.told} and not self.otherwise

    def in_words(self) -> str:
        """One line."""
        return (
            f"told {self.told:,}; in the topic {self.in_topic:,}; received {self.received:,}; applied "
            f"{self.applied:,}, anything else {self.otherwise:,}; counted in the history {self.in_history:,}"
        )


def stations(
    pipeline: LivePipeline, told: int, end_ms: int, services: Collection[str], patience_seconds: float
) -> Stations:
    """End event time at `end_ms` and wait until the history has it; raises `Stop` when it does not get there."""
    settings, started = pipeline.settings, time.monotonic()
    in_topic = events_in_topic(settings)
    Replay(settings, pipeline.group).end(end_ms)
    while time.monotonic() < started + patience_seconds:
        pipeline.group.watch()
        with suppress(Retry), history_of(settings) as store:
            published = {} if store is None else store.published()
            if store is not None and all(published.get(service, -1) >= end_ms // 1000 for service in services):
                after = time.monotonic() - started
                points = [point for service in services for point in store.latest(service, slice=WHOLE)]
                in_history = sum(
                    int(point.value or 0) for point in points if point.window == "all" and point.indicator in COUNTED
                )
                accounts = accounts_of(settings)
                return Stations(
                    told=told,
                    in_topic=in_topic,
                    received=accounts.received,
                    applied=accounts.applied,
                    otherwise=accounts.duplicate + accounts.beyond_retention + sum(accounts.dead_lettered.values()),
                    in_history=in_history,
                    after_seconds=after,
                )
        time.sleep(LOOK_SECONDS)
    tails = "\n".join(worker.log_tail(5) for worker in pipeline.group.workers)
    raise Stop(f"the end is not in the history after {patience_seconds:.0f} s; the workers' logs end:\n{tails}")
