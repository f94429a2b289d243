"""One service that nine tenths of all events are about, beside as many events spread evenly: in one run."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence

from msgspec import Struct

from bench.backlog import Backlog, WorkedOff, worked_off
from bench.delays import Delay, closings, proven, until_seen
from bench.live_pipeline import live_pipeline
from bench.load.findings import WORKER_TEST, Check, Part
from bench.load.nothing_lost import Stations, stations
from bench.load.telling import Telling
from bench.paced_producer import CityClock
from bench.scrapes import Scraper
from bench.workload import city
from kept.durations import HOUR_MS

SERVICES = 50
HOT_SHARE = 0.9
PARTITIONS = 4
EVENTS = 400_000
SPEED = 40.0
LIVE_SECONDS = 40.0
LIVE_SHARE = 0.25
"""Of what the worker counted of the even backlog: what is told while delays are looked at."""
EVERY_SECONDS = 0.5
SLOWER, DELAYED, HEAVIER = 1.25, 1.5, 1.25
"""Times the even spread's that throughput may be lower, delays longer, memory more."""
LEAST_DELAY_SECONDS = 5.0
"""Delays below this are those of one publication; they are not told apart."""
PATIENCE_SECONDS = 300.0
TESTS = [
    WORKER_TEST,
]
Say = Callable[[str], None]


class Spread(Struct, frozen=True, kw_only=True):
    """What was measured with `hot_share` of the events about the first service."""

    hot_share: float
    backlog: WorkedOff
    rate: float
    first: list[Delay]
    """Of the first service: from the event that lets a moment be published until its gauges show it."""
    others: list[Delay]
    all_told: Stations
    most_resident_mib: int


def measure(hot_share: float, rate: float | None, events: int, seconds: float) -> Spread:
    """A backlog of so many events, then `rate` events a second, live, for so long; without a rate a share of what the
    worker counted of the backlog."""
    services = city(SERVICES)
    with live_pipeline(workers=1, partitions=PARTITIONS, services=services, begun=False, live=False) as pipeline:
        backlog = Backlog(events=events, partitions=PARTITIONS, services=SERVICES, hot_share=hot_share)
        worked = worked_off(pipeline, backlog)
        now = time.time()
        # The backlog lies a day behind the clock, and the live events after all of it.
        clock = CityClock(now, int(now * 1000) + HOUR_MS, SPEED)
        telling = Telling(pipeline, clock, services=SERVICES, hot_share=hot_share)
        with Scraper(pipeline.ports, EVERY_SECONDS) as scraper:
            phase = telling.tell(rate or LIVE_SHARE * worked.per_second, seconds)
            names = [service.id for service in services]
            everything = stations(pipeline, events + telling.told, telling.end_ms(), names, PATIENCE_SECONDS)
        seen = [(scrape.at, scrape.published) for scrape in scraper.scrapes]
        closed = closings(phase.acknowledged, PARTITIONS)
        return Spread(
            hot_share=hot_share,
            backlog=worked,
            rate=phase.rate,
            first=until_seen(closed, names[:1], seen),
            others=until_seen(closed, names[1:], seen),
            all_told=everything,
            most_resident_mib=max(scrape.resident for scrape in scraper.scrapes) // 2**20,
        )


def hot_service(say: Say, *, events: int = EVENTS, seconds: float = LIVE_SECONDS) -> Part:
    """The part of the page."""
    even = measure(0.0, None, events, seconds)
    say(f"spread evenly: {even.backlog.per_second:,.0f} events a second")
    hot = measure(HOT_SHARE, even.rate, events, seconds)
    say(f"one service has {HOT_SHARE:.0%}: {hot.backlog.per_second:,.0f} events a second")
    return judged(even, hot)


def judged(even: Spread, hot: Spread) -> Part:
    """What was expected of a hot service, and what was found."""
    ratio = hot.backlog.per_second / even.backlog.per_second
    delayed, usual = _p95(hot.others), _p95(even.others)
    heavier = hot.most_resident_mib / even.most_resident_mib
    checks = [
        Check(
            f"a backlog is counted at least 1 / {SLOWER:g} times as fast as when it is spread evenly",
            f"{ratio:.2f} times: {hot.backlog.per_second:,.0f} a second against {even.backlog.per_second:,.0f}",
            ratio >= 1 / SLOWER,
        ),
        Check(
            f"the other services are shown no later: p95 at most {DELAYED:g} times that of an even spread, or below "
            f"{LEAST_DELAY_SECONDS:g} s",
            f"p95 {delayed:.1f} s against {usual:.1f} s, at {hot.rate:,.0f} events a second each",
            usual < math.inf and delayed <= max(LEAST_DELAY_SECONDS, DELAYED * usual),
        ),
        Check(
            f"the worker takes at most {HEAVIER:g} times the memory",
            f"{heavier:.2f} times: {hot.most_resident_mib:,} MiB at most against {even.most_resident_mib:,} MiB",
            heavier <= HEAVIER,
        ),
        *(
            Check(f"every event is at every station, once ({name})", one.all_told.in_words(), one.all_told.whole)
            for name, one in (("hot", hot), ("even", even))
        ),
    ]
    rows = [["", "backlog, events/s", "first service, p50 / p95 (s)", "others, p50 / p95 (s)", "memory (MiB)"]]
    for name, one in (("spread evenly", even), (f"{HOT_SHARE:.0%} about one", hot)):
        delays = [f"{proven(of, 0.5):.1f} / {_p95(of):.1f}" for of in (one.first, one.others)]
        rows.append([name, f"{one.backlog.per_second:,.0f}", *delays, f"{one.most_resident_mib:,}"])
    return Part(
        title="A hot service",
        done=f"{SERVICES} services, {PARTITIONS} partitions, one worker. {even.backlog.events:,} events wait and "
        f"are worked off; then {even.rate:,.0f} events a second are told live, event time running {SPEED:g} times "
        f"as fast as the clock. Once spread evenly, once with {HOT_SHARE:.0%} of the events about the first "
        "service. Events are spread over partitions by their case, so that none is hot in the topic of events; "
        "all tallies of a service are in one partition of theirs. A delay is that from the event that lets five "
        "minutes be published until the gauges show them.",
        checks=checks,
        tables=[("Side by side", rows)],
        tests=TESTS,
    )


def _p95(delays: Sequence[Delay]) -> float:
    return proven(delays, 0.95)
