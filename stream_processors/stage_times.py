"""How long the stages of a worker take: two sums a stage, from which mean duration and utilisation follow."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from kept.metric_names import STAGES, Stage


class StageTimes:
    """Seconds and rounds of each stage since the start of this process. Used on the event loop alone."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` gives seconds and never goes back."""
        self._clock = clock
        self._seconds: dict[Stage, float] = dict.fromkeys(STAGES, 0.0)
        self._rounds: dict[Stage, int] = dict.fromkeys(STAGES, 0)

    @contextmanager
    def measure(self, stage: Stage) -> Iterator[None]:
        """Count what runs within, also when it fails. Rounds under way at the same time are added up."""
        started = self._clock()
        try:
            yield
        finally:
            self._seconds[stage] += self._clock() - started
            self._rounds[stage] += 1

    def totals(self) -> Mapping[Stage, tuple[float, int]]:
        """Stage -> (seconds, rounds); every stage is there, from 0 on."""
        return {stage: (self._seconds[stage], self._rounds[stage]) for stage in STAGES}
