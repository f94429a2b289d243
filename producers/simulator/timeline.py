"""The course of one simulated case: where in time each share of its delivery lies, in the service's own time."""

from __future__ import annotations

from collections.abc import Callable

Add = Callable[[int, int], int]
"""(moment in ms, duration in ms) -> moment: elapsed or working time."""


class Timeline:
    """From the opening (share 0) to the completion (share 1), `duration_ms` later, plus a pause in elapsed time."""

    def __init__(self, opened_ms: int, duration_ms: int, add: Add, pause: tuple[float, int] | None) -> None:
        """`pause` is (the share at which the clock stops, for how many ms)."""
        self._opened_ms = opened_ms
        self._duration_ms = duration_ms
        self._add = add
        self._pause_drawn = pause
        self._pause_share = 2.0 if pause is None else pause[0]
        self.pause: tuple[int, int] | None = None
        """(stops, runs again) in ms, or None."""
        if pause is not None:
            stops_ms = self._course(opened_ms, pause[0])
            self.pause = (stops_ms, stops_ms + pause[1])

    def stretched(self, factor: float) -> Timeline:
        """The same course with `factor` times the delivery time; the pause begins at the same share and is as long."""
        if factor == 1.0:
            return self
        return Timeline(self._opened_ms, round(self._duration_ms * factor), self._add, self._pause_drawn)

    def at(self, share: float) -> int:
        """The moment at which `share` (0 or more) of the delivery is done, in ms since 1970-01-01 UTC."""
        if self.pause is None or share <= self._pause_share:
            return self._course(self._opened_ms, share)
        return self._course(self.pause[1], share - self._pause_share)

    def _course(self, from_ms: int, share: float) -> int:
        return self._add(from_ms, round(self._duration_ms * share))
