"""A history store that takes seconds for each write, and one that hangs, beside a fast one: in one run."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from msgspec import Struct

from bench.backlog import Backlog, WorkedOff, worked_off
from bench.delays import Delay, closings, proven, until_seen
from bench.live_pipeline import live_pipeline
from bench.load.findings import WORKER_TEST, Check, Part
from bench.load.nothing_lost import Stations, stations
from bench.load.slow_store import SlowStore, slow_store
from bench.load.telling import Telling, counted_a_second
from bench.paced_producer import CityClock
from bench.scrapes import Scraper
from bench.workload import city
from kept import metric_names as names
from kept.durations import HOUR_MS
from kept.errors import Stop
from local_stack.chaos.influxd import InfluxServer
from local_stack.influxd import MISSING, program
from local_stack.work_folder import work_folder

WRITE_SECONDS = 2.0
HANG_SECONDS = 20.0
"""Longer than a call to the store waits for its answer."""
SERVICES = 4
PARTITIONS = 4
EVENTS = 200_000
SPEED = 10.0
"""Five minutes of event time are half a minute: every service is written a few times in each, by one call after the
other."""
LIVE_SECONDS = 60.0
LIVE_SHARE = 0.25
EVERY_SECONDS = 0.5
SLOWER = 1.25
"""Times the fast store's that counting may take."""
FRESH_SECONDS = 5.0
"""Gauges are shown every five minutes; this much later is still fresh."""
CATCH_UP_SECONDS = 180.0
PATIENCE_SECONDS = 300.0
TESTS = [
    WORKER_TEST,
    "tests/bench/test_load.py::test_a_write_that_hangs_is_to_be_repeated_and_then_done_once",
    "tests/stream_processors/test_history_outage.py::test_a_worker_told_to_stop_while_the_server_hangs_ends_and_another_one_takes_over",
    "tests/stream_processors/test_faults.py::test_a_history_store_that_is_locked_for_a_while_changes_nothing",
]
Say = Callable[[str], None]


class Stored(Struct, frozen=True, kw_only=True):
    """What was measured with one store."""

    backlog: WorkedOff
    rate: float
    counted: float
    """Events a second, while `rate` were told."""
    shown: list[Delay]
    """From the event that lets a moment be published until the gauges of a service show it."""
    writes: int
    hung: int
    longest_waiting: float
    """Greatest `kept_history_waiting_seconds`."""
    all_told: Stations


@contextmanager
def real_store() -> Iterator[InfluxServer]:
    """A real InfluxDB of its own; raises `Stop` when there is none on this machine."""
    influxd = program()
    if influxd is None:
        raise Stop(MISSING)
    with work_folder(prefix="kept-slow-") as folder:
        server = InfluxServer(influxd, folder / "influxdb")
        server.start()
        try:
            yield server
        finally:
            server.child.stop()


def measure(
    store: Mapping[str, str],
    *,
    write_seconds: float = 0.0,
    hang_seconds: float = 0.0,
    rate: float | None = None,
    events: int = EVENTS,
    seconds: float = LIVE_SECONDS,
) -> Stored:
    """A backlog, then live events, on the store of these settings behind a way that makes its writes slow.

    In the middle of the live events it hangs for `hang_seconds`.
    """
    services = city(SERVICES)
    ids = [service.id for service in services]
    with slow_store(store["influxdb_url"], write_seconds) as way:
        settings = {**store, "influxdb_url": way.url}
        with live_pipeline(
            workers=1, partitions=PARTITIONS, services=services, begun=False, live=False, **settings
        ) as pipeline:
            worked = worked_off(pipeline, Backlog(events=events, partitions=PARTITIONS, services=SERVICES))
            now = time.time()
            clock = CityClock(now, int(now * 1000) + HOUR_MS, SPEED)  # after all of the backlog
            telling = Telling(pipeline, clock, services=SERVICES)
            with Scraper(pipeline.ports, EVERY_SECONDS) as scraper:
                telling.begin(rate or LIVE_SHARE * worked.per_second, seconds)
                _hang(way, seconds, hang_seconds)
                phase = telling.over()
                told = events + telling.told
                everything = stations(pipeline, told, telling.end_ms(), ids, PATIENCE_SECONDS)
    seen = [(scrape.at, scrape.published) for scrape in scraper.scrapes]
    waited = (
        value
        for scrape in scraper.scrapes
        for series, value in scrape.ruled.items()
        if series.startswith(names.HISTORY_WAITING.name)
    )
    return Stored(
        backlog=worked,
        rate=phase.rate,
        counted=counted_a_second(scraper.scrapes, phase.began, phase.ended),
        shown=until_seen(closings(phase.acknowledged, PARTITIONS), ids, seen),
        writes=way.writes,
        hung=way.hung,
        longest_waiting=max(waited, default=0.0),
        all_told=everything,
    )


def _hang(way: SlowStore, seconds: float, hang_seconds: float) -> None:
    if hang_seconds:
        time.sleep(max(0.0, (seconds - hang_seconds) / 2))
        with way.hang():
            time.sleep(hang_seconds)


def slow_history(say: Say, *, events: int = EVENTS, seconds: float = LIVE_SECONDS) -> Part:
    """The part of the page."""
    with real_store() as server:
        fast = measure(server.settings_of("fast"), events=events, seconds=seconds)
        say(f"fast store: {fast.backlog.per_second:,.0f} events a second")
        slow = measure(
            server.settings_of("slow"), write_seconds=WRITE_SECONDS, rate=fast.rate, events=events, seconds=seconds
        )
        say(f"{WRITE_SECONDS:g} s a write: {slow.backlog.per_second:,.0f} events a second")
        hanging = measure(
            server.settings_of("hanging"), hang_seconds=HANG_SECONDS, rate=fast.rate, events=events, seconds=seconds
        )
        say(f"hangs for {HANG_SECONDS:g} s: waited {hanging.longest_waiting:.0f} s")
    return judged(fast, slow, hanging)


def judged(fast: Stored, slow: Stored, hanging: Stored) -> Part:
    """What was expected of a slow store, and what was found."""
    ratio = slow.backlog.per_second / fast.backlog.per_second
    stores = (("fast", fast), (f"{WRITE_SECONDS:g} s a write", slow), (f"hangs for {HANG_SECONDS:g} s", hanging))
    checks = [
        Check(
            f"with a store that takes {WRITE_SECONDS:g} s a write, a backlog is counted at least 1 / {SLOWER:g} times "
            "as fast as with a fast one",
            f"{ratio:.2f} times: {slow.backlog.per_second:,.0f} a second against {fast.backlog.per_second:,.0f}; "
            f"{slow.writes:,} writes",
            ratio >= 1 / SLOWER and slow.writes > 0,
        ),
        Check(
            f"all live events are counted as they come, also while the store hangs for {HANG_SECONDS:g} s",
            f"{hanging.counted / hanging.rate:.2f} of {hanging.rate:,.0f} a second; {hanging.hung} writes hung",
            hanging.counted >= hanging.rate / SLOWER and hanging.hung > 0,
        ),
        Check(
            f"the gauges stay fresh: with the slow store p95 at most {FRESH_SECONDS:g} s after the event that lets a "
            "moment be published",
            f"p95 {_share(slow, 0.95):.1f} s against {_share(fast, 0.95):.1f} s",
            _share(slow, 0.95) <= FRESH_SECONDS,
        ),
        Check(
            f"and none waits for a store that hangs for {HANG_SECONDS:g} s, which is told",
            f"at most {_share(hanging, 1.0):.1f} s; `{names.HISTORY_WAITING.name}` rose to "
            f"{hanging.longest_waiting:.0f} s",
            hanging.longest_waiting > 0 and _share(hanging, 1.0) < HANG_SECONDS,
        ),
        Check(
            f"the history has the last moment within {CATCH_UP_SECONDS:g} s of the end",
            "; ".join(f"{name}: {one.all_told.after_seconds:.0f} s" for name, one in stores),
            all(one.all_told.after_seconds <= CATCH_UP_SECONDS for _, one in stores),
        ),
        *(
            Check(f"every event is at every station, once ({name})", one.all_told.in_words(), one.all_told.whole)
            for name, one in stores
        ),
    ]
    rows = [["store", "backlog, events/s", "gauges, p50 / p95 / most (s)", "writes", "history caught up after (s)"]]
    for name, one in stores:
        delays = " / ".join(f"{_share(one, share):.1f}" for share in (0.5, 0.95, 1.0))
        rows.append(
            [name, f"{one.backlog.per_second:,.0f}", delays, f"{one.writes:,}", f"{one.all_told.after_seconds:.0f}"]
        )
    return Part(
        title="A slow history store",
        done=f"A real InfluxDB behind a proxy that lets each write wait. One worker, {PARTITIONS} partitions, "
        f"{SERVICES} services. {fast.backlog.events:,} events wait and are worked off; then {fast.rate:,.0f} a "
        f"second are told live, event time running {SPEED:g} times as fast as the clock: every {300 / SPEED:.0f} "
        "s a moment is due, which by the clock are five minutes. A worker has one store, and one call to it at a "
        "time. While that is under way counting goes on and gauges are shown as they become due; what is written "
        "next is as of the moment at which the store is free, so that moments are left out of the history and nothing "
        "piles up. Boards and signals wait for the store; KeptHistoryNotAccepting tells it after five minutes.",
        checks=checks,
        tables=[("Side by side", rows)],
        tests=TESTS,
    )


def _share(store: Stored, share: float) -> float:
    return proven(store.shown, share)
