"""The demo's events: the simulated city, some weeks at full speed, then faster than the clock, then live.

Run as a module by the demo (`python -m local_stack.city_feed DAYS SEED`), with its settings in `KEPT_*` variables.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Callable, Iterator

from catalogue import services_of
from kept.catalogue import Catalogue
from kept.durations import DAY_MS
from kept.errors import KeptError
from kept.events import Event
from kept.settings import read_settings
from kept.topics import topics
from producers.pace import Pace
from producers.publisher import Publisher
from producers.simulator import simulate

CATCH_UP_DAYS = 7
"""The last days before now are not published at once: one sees the figures move."""
CATCH_UP_FACTOR = 600.0
"""Event time runs so much faster than the clock until it has caught up: 7 days take 17 minutes."""


class CityPace(Pace):
    """As fast as possible up to `backfill_until_ms`, then `CATCH_UP_FACTOR` times the clock, never ahead of it.

    `clock` gives epoch seconds, `sleep` takes seconds.
    """

    def __init__(
        self,
        backfill_until_ms: int,
        *,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """The catch-up starts with the first event after `backfill_until_ms`."""
        super().__init__(None)
        self._until_ms = backfill_until_ms
        self._wall_clock = clock
        self._wait = sleep
        self._caught_up_from: float | None = None

    def wait_for(self, time_ms: int) -> None:
        """Return when it is time for an event of `time_ms`."""
        if time_ms <= self._until_ms:
            return
        if self._caught_up_from is None:
            self._caught_up_from = self._wall_clock()
        hurried = self._caught_up_from + (time_ms - self._until_ms) / 1000 / CATCH_UP_FACTOR
        due = max(hurried, time_ms / 1000)
        while (remaining := due - self._wall_clock()) > 0:
            self._wait(min(remaining, 1.0))


def city_events(services: Catalogue, now_ms: int, days: int, seed: int) -> tuple[Iterator[tuple[int, Event]], CityPace]:
    """The city's events from `days` + `CATCH_UP_DAYS` before `now_ms` on, without end, and when each is due."""
    backfill_until_ms = now_ms - CATCH_UP_DAYS * DAY_MS
    start_ms = backfill_until_ms - days * DAY_MS
    return simulate(services.values(), start_ms=start_ms, end_ms=None, seed=seed), CityPace(backfill_until_ms)


def main(arguments: list[str]) -> None:
    """Publish until the process is told to end."""
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    days, seed = (int(argument) for argument in arguments)
    settings = read_settings(os.environ)
    events, pace = city_events(services_of(settings), time.time_ns() // 1_000_000, days, seed)
    with Publisher(topics(settings.topic_prefix, settings.partitions).events.name, settings) as publisher:
        publisher.publish_all(events, pace)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except KeptError as error:
        sys.exit(f"the simulated city stopped: {error}")
