"""When the slices of a service are published: by the hour, and by the clock not too often.

Slices are nine tenths of the points. While event time runs faster than the clock (a replay, a backlog) intermediate
hours are left out; the last one never is.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from kept.indicators.evaluate import due_windows
from kept.intake import Rules

EVERY_SECONDS = 30.0


class Slices:
    """Up to where the slices of some services are published. `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._published: dict[str, int] = {}
        self._not_before: dict[str, float] = {}
        self._owed: set[str] = set()

    def due(self, service: str, previous: int | None, at: int, rules: Rules) -> tuple[tuple[str, ...], bool]:
        """(windows to publish, whether slices too) as `due_windows`; no window when nothing is due.

        `previous` is the moment (s) up to which the whole service is published, None for nothing yet.
        """
        if previous is not None and at < previous:
            return (), False
        sliced = self._published.get(service)
        behind = sliced is None or rules.local_time.hour_start(at) > rules.local_time.hour_start(sliced)
        if behind and self._clock() >= self._not_before.get(service, 0.0):
            return due_windows(sliced, at, rules)
        if behind:
            self._owed.add(service)
        if at == previous:
            return (), False
        return due_windows(previous, at, rules)[0], False

    def are_published(self, service: str, at: int) -> None:
        """The slices as of `at` (s) are stored."""
        self._owed.discard(service)
        self._published[service] = at
        self._not_before[service] = self._clock() + EVERY_SECONDS

    def are_owed(self) -> bool:
        """Whether some were left out that are to be published as soon as the clock allows."""
        return bool(self._owed)
