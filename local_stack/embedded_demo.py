"""The demo's city without a broker: the same events through the same core, in one process, into the same history.

For machines without Java. Run as a module by the demo: `python -m local_stack.embedded_demo DAYS SEED [SCRIPT]`.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator

from catalogue import services_of
from history.open import open_history
from history.store import HistoryStore
from kept.buckets import HOUR_SECONDS
from kept.catalogue import Catalogue
from kept.errors import KeptError, Retry
from kept.events import Event
from kept.registered_changes import unheard
from kept.settings import read_settings
from kept.signals.chart_amendments import news
from local_stack.city_feed import feed_of
from producers.pace import Pace
from stream_processors.embedded import EmbeddedPipeline

STEP_SECONDS = 300
PUBLISH_EVERY_SECONDS = 3.0
BATCH = 5_000


def run_embedded_city(
    catalogue: Catalogue,
    history: HistoryStore,
    events: Iterator[tuple[int, Event]],
    pace: Pace,
    *,
    clock: Callable[[], float] = time.time,
) -> None:
    """Apply (event time in ms, event) pairs as `pace` lets them through, and publish every few seconds of `clock`.

    Returns when `events` end. Without an event nothing is published: there is nothing new to say.
    """
    pipeline = EmbeddedPipeline(catalogue, live=True)
    waiting: list[Event] = []
    published_at = clock()
    published: int | None = None
    for time_ms, event in events:
        pace.wait_for(time_ms)
        waiting.append(event)
        due = clock() - published_at >= PUBLISH_EVERY_SECONDS
        if due or len(waiting) >= BATCH:
            pipeline.apply(waiting, int(clock() * 1000))
            waiting.clear()
        if due:
            published = publish(pipeline, history, published)
            published_at = clock()
    pipeline.apply(waiting, int(clock() * 1000))
    publish(pipeline, history, published)


def publish(pipeline: EmbeddedPipeline, history: HistoryStore, published: int | None) -> int | None:
    """Write the indicators as of the last whole 5 minutes of event time, unless they are; returns that moment (s).

    Charts are written by the hour, as workers do.
    """
    if pipeline.watermark is None:
        return published
    at = pipeline.watermark // 1000 // STEP_SECONDS * STEP_SECONDS
    if published is not None and at <= published:
        return published
    points = pipeline.indicators(at)
    try:
        history.write(points)
        history.write_changes(unheard(history.changes(), pipeline.changes(), at))
        if published is None or at // HOUR_SECONDS > published // HOUR_SECONDS:
            charts = pipeline.charts(at)
            stored = [week for service in {week.service for week in charts} for week in history.charts(service)]
            found = news(stored, charts, at)
            history.amend_charts(found.amendments)
            history.write_charts(found.fresh)
        history.publish({point.service for point in points}, at)
    except Retry:  # the next time writes the same series anew
        return published
    return at


def main(arguments: list[str]) -> None:
    """Run the city until the process is told to end."""
    settings = read_settings(os.environ)
    services = services_of(settings)
    events, pace = feed_of(arguments, services)
    run_embedded_city(services, open_history(settings), events, pace)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except KeptError as error:
        sys.exit(f"the simulated city stopped: {error}")
