"""The demo's events: the simulated city, some weeks at full speed, then faster than the clock, then live.

Run as a module by the demo (`python -m local_stack.city_feed DAYS SEED [SCRIPT]`), with its settings in `KEPT_*`
variables.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Callable, Iterator

from catalogue import services_of
from kept.case_hashing import CaseHashing
from kept.catalogue import Catalogue
from kept.durations import DAY_MS
from kept.errors import KeptError
from kept.events import Event
from kept.settings import read_settings
from kept.topics import topics
from producers.pace import Pace
from producers.publisher import Publisher
from producers.simulator import NO_SCRIPT, read_script, simulate

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


def feed_start_ms(now_ms: int, days: int) -> int:
    """The moment of the first events: `days` + `CATCH_UP_DAYS` before `now_ms`. Scripts count from it."""
    return now_ms - (CATCH_UP_DAYS + days) * DAY_MS


def city_events(
    services: Catalogue, now_ms: int, days: int, seed: int, script: str | None = None
) -> tuple[Iterator[tuple[int, Event]], CityPace]:
    """The city's events from `feed_start_ms` on, without end, and when each is due."""
    start_ms = feed_start_ms(now_ms, days)
    play = NO_SCRIPT if script is None else read_script(script, services, start_ms=start_ms, end_ms=None)
    events = simulate(
        services.values(), start_ms=start_ms, end_ms=None, seed=seed, incidents=play.incidents, trials=play.trials
    )
    return events, CityPace(now_ms - CATCH_UP_DAYS * DAY_MS)


def feed_of(arguments: list[str], services: Catalogue) -> tuple[Iterator[tuple[int, Event]], CityPace]:
    """The same, as of now, for the arguments DAYS SEED [SCRIPT] of a process."""
    days, seed, *script = arguments
    return city_events(services, time.time_ns() // 1_000_000, int(days), int(seed), script[0] if script else None)


def main(arguments: list[str]) -> None:
    """Publish until the process is told to end."""
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    settings = read_settings(os.environ)
    services = services_of(settings)
    events, pace = feed_of(arguments, services)
    hashing = CaseHashing(services, settings.case_key)
    topic = topics(settings.topic_prefix, settings.partitions).events.name
    with Publisher(topic, settings, hashing=hashing) as publisher:
        publisher.publish_all(events, pace)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except KeptError as error:
        sys.exit(f"the simulated city stopped: {error}")
