"""When to publish the next event: as fast as possible, or with event time running faster than the clock, or live."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

from kept.errors import ConfigurationError

_SPEED = re.compile(r"([0-9]+(?:\.[0-9]+)?)x\Z")
_LONGEST_SLEEP = 1.0
"""Seconds; sleeping in pieces lets a change of the wall clock show."""


class Pace:
    """Event time runs `factor` times as fast as the clock, from the first event on; None is as fast as possible.

    `clock` gives seconds, `sleep` takes seconds. With `origin` = (event time in ms, clock in seconds) the pace is tied
    to that pair instead of to the first event: `live_pace` does so.
    """

    def __init__(
        self,
        factor: float | None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        origin: tuple[int, float] | None = None,
    ) -> None:
        """See the class."""
        self._factor = factor
        self._clock = clock
        self._sleep = sleep
        self._origin = origin

    def wait_for(self, time_ms: int) -> None:
        """Return when it is time for an event of `time_ms`; at once when it is late."""
        if self._factor is None:
            return
        if self._origin is None:
            self._origin = (time_ms, self._clock())
        first_ms, started = self._origin
        at = started + (time_ms - first_ms) / 1000 / self._factor
        while (remaining := at - self._clock()) > 0:
            self._sleep(min(remaining, _LONGEST_SLEEP))


def live_pace(clock: Callable[[], float] = time.time, sleep: Callable[[float], None] = time.sleep) -> Pace:
    """Every event at its own time on the wall clock; what is already past, at once."""
    return Pace(1.0, clock=clock, sleep=sleep, origin=(0, 0.0))


def parse_speed(text: str) -> float | None:
    """The factor of `3600x`, or None for `max`; raises `ConfigurationError`."""
    if text == "max":
        return None
    match = _SPEED.match(text)
    if match is None or float(match[1]) == 0:
        raise ConfigurationError(f"--speed: {text!r} is not valid; valid: max, or a factor such as 1x or 3600x")
    return float(match[1])
