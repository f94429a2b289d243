"""Twice what one worker can count: the lag grows, nothing is lost, it is said, and it is caught up with afterwards."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from msgspec import Struct

from bench.live_pipeline import LivePipeline, live_pipeline
from bench.load.alerts_told import AlertTold, alerts_told
from bench.load.board import board, says_as_of
from bench.load.findings import Check, Part
from bench.load.nothing_lost import Stations, stations
from bench.load.telling import Phase, Telling, counted_a_second, wait_until_caught_up, waiting
from bench.paced_producer import CityClock
from bench.scrapes import Scrape, Scraper
from bench.workload import city
from catalogue import services_of
from kept.durations import DAY_MS
from kept.pipeline_limits import LAG_WAIT
from stream_processors.indicator_processor import LONGEST_PAUSE_SECONDS

PARTITIONS = 4
SERVICES = 8
SPEED = 80.0
"""Event time runs so many times as fast as the clock: three minutes are four hours."""
EVERY_SECONDS = 0.75
"""A look at the workers: a minute of the city's clock."""
RETENTION = "2h"
FLOOD = 100_000.0
"""Events a second that are asked for to measure the capacity; as many as the sender can are told."""
TIMES = 2.0
BEFORE, AFTER = 0.5, 0.25
"""Of the capacity, told before the overload and after it."""
REACHED = 1.9
"""Times the capacity that must have been told, for it to be an overload of twice."""
LATE = 1.5
"""Times the expected time that catching up may take."""
PATIENCE_SECONDS = 420.0
LAG_GROWING, STUCK = "KeptLagGrowing", "KeptWatermarkStuck"
STANDS_SECONDS = 2 * LONGEST_PAUSE_SECONDS
"""Published time may stand still for so long by the clock: a pause, and the publication after it. The alert waits for
15 minutes, which are seconds by the city's clock."""
TESTS = [
    "tests/bench/test_load.py::test_a_course_tells_when_the_lag_was_said_to_grow_and_that_it_ended",
    "tests/bench/test_load.py::test_an_event_that_is_missing_at_any_station_is_found",
    "tests/stream_processors/test_faults.py::test_a_dead_worker_s_partitions_move_to_the_other_and_nothing_changes",
]
Say = Callable[[str], None]


class Overload(Struct, frozen=True, kw_only=True):
    """What was measured. Moments are by the clock (s since 1970 UTC)."""

    capacity: float
    before: Phase
    over: Phase
    after: Phase
    caught_up: float | None
    scrapes: list[Scrape]
    clock: CityClock
    events_topic: str
    all_told: Stations
    alerts: list[AlertTold]
    minutes: int
    """Of the course, by the city's clock."""
    board_is_true: bool
    board_says: str

    def lag(self, scrape: Scrape) -> int:
        """Events that wait."""
        return scrape.lag.get(self.events_topic, 0)

    def lag_at(self, at: float) -> int:
        """By the last look before `at`."""
        return self.lag([scrape for scrape in self.scrapes if scrape.at <= at][-1])

    def minute(self, at: float) -> float:
        """By the city's clock, from the beginning of the course."""
        return (self.clock.time_ms(at) - self.clock.begins_ms) / 60_000


def measure(minutes: float, say: Say) -> Overload:
    """Tell twice the capacity for `minutes`; raises `Stop` when a part fails."""
    seconds = minutes * 60
    with (
        live_pipeline(
            workers=1, partitions=PARTITIONS, services=city(SERVICES), retention=RETENTION, live=False
        ) as pipeline,
        board(pipeline) as port,
        Scraper(pipeline.ports, EVERY_SECONDS) as scraper,
    ):
        now = time.time()
        telling = Telling(pipeline, CityClock(now, int(now * 1000) - 2 * DAY_MS, SPEED), services=SERVICES)
        capacity = _capacity(pipeline, telling, scraper.scrapes, min(30.0, max(10.0, seconds / 6)))
        say(f"capacity of one worker: {capacity:,.0f} events a second")
        before = telling.tell(BEFORE * capacity, min(30.0, max(10.0, seconds / 6)))
        telling.begin(TIMES * capacity, seconds)
        catalogue = services_of(pipeline.settings)
        time.sleep(seconds * 0.7)
        board_is_true, board_says = says_as_of(pipeline, port, catalogue[city(1)[0].id])
        over = telling.over()
        say(f"told {over.rate:,.0f} a second; {waiting(pipeline, scraper.scrapes[-1]):,} events wait")
        telling.begin(AFTER * capacity, PATIENCE_SECONDS)
        caught_up = wait_until_caught_up(pipeline, scraper.scrapes, time.time(), AFTER * capacity, PATIENCE_SECONDS)
        after = telling.over(now=True)
        services = [service.id for service in city(SERVICES)]
        everything = stations(pipeline, telling.told, telling.end_ms(), services, PATIENCE_SECONDS)
        say(everything.in_words())
    begun = before.began
    scrapes = [scrape for scrape in scraper.scrapes if scrape.at >= begun]
    clock = CityClock(begun, telling.clock.time_ms(begun), SPEED)
    with tempfile.TemporaryDirectory(prefix="kept-rules-") as folder:
        told, course = alerts_told(scrapes, clock, catalogue, Path(folder), and_then=30)
    return Overload(
        capacity=capacity,
        before=before,
        over=over,
        after=after,
        caught_up=caught_up,
        scrapes=scrapes,
        clock=clock,
        events_topic=f"{pipeline.settings.topic_prefix}service-events",
        all_told=everything,
        alerts=told,
        minutes=course,
        board_is_true=board_is_true,
        board_says=board_says,
    )


def _capacity(pipeline: LivePipeline, telling: Telling, scrapes: Sequence[Scrape], seconds: float) -> float:
    """Events a second that are counted while more are told than that; all are counted before it returns."""
    phase = telling.tell(FLOOD, seconds)
    capacity = counted_a_second(scrapes, phase.began + seconds / 3, phase.ended)
    wait_until_caught_up(pipeline, scrapes, time.time(), capacity, PATIENCE_SECONDS)
    return capacity


def overload(minutes: float, say: Say) -> Part:
    """The part of the page."""
    return judged(measure(minutes, say))


def judged(found: Overload) -> Part:
    """What was expected of an overload, and what was found."""
    over, seconds = found.over, found.over.ended - found.over.began
    thirds = [found.lag_at(over.began + seconds * part / 3) for part in range(4)]
    expected_lag = over.events - found.capacity * seconds
    after_rate = found.after.rate
    expected_seconds = thirds[-1] / (found.capacity - after_rate)
    took = None if found.caught_up is None else found.caught_up - over.ended
    ahead = [
        scrape for scrape in found.scrapes if max(scrape.published.values(), default=0) > scrape.counted_until + 0.001
    ]
    checks = [
        Check(
            f"at least {REACHED:g} times what the worker counts is told",
            f"{over.rate / found.capacity:.2f} times: {over.rate:,.0f} a second, and {found.capacity:,.0f} are counted",
            over.rate >= REACHED * found.capacity,
        ),
        Check(
            "the lag grows, by about what is told beyond the capacity",
            f"{' -> '.join(f'{lag:,}' for lag in thirds)} events wait at the thirds of it; expected at the end: "
            f"{expected_lag:,.0f}",
            thirds == sorted(thirds) and 0.5 * expected_lag <= thirds[-1] <= 1.5 * expected_lag,
        ),
        Check("every event is at every station, once", found.all_told.in_words(), found.all_told.whole),
        *_of_alerts(found),
        Check(
            f"published time never stands still for {STANDS_SECONDS:.0f} s by the clock ({STUCK} asks for 15 minutes)",
            f"{(stood := _stood_still(found)):.0f} s at most",
            stood <= STANDS_SECONDS,
        ),
        Check(
            f"caught up within {LATE * expected_seconds:.0f} s, {LATE:g} times the {expected_seconds:.0f} s of (what "
            "waits) / (capacity - what is told meanwhile)",
            "not within the patience of the test"
            if took is None
            else f"after {took:.0f} s, while {after_rate:,.0f} a second were told",
            took is not None and took <= LATE * expected_seconds,
        ),
        Check(
            "no figure is shown as of a moment that is not counted on every partition",
            f"{len(ahead)} of {len(found.scrapes)} looks at the gauges show one",
            not ahead,
        ),
        Check(
            "the page of a service says the moment that is published, and that it is behind",
            f'at the height of it: "{found.board_says}"',
            found.board_is_true,
        ),
    ]
    return Part(
        title="Twice the capacity of one worker",
        done=f"One worker, {PARTITIONS} partitions, {SERVICES} services. Capacity is what it counts while more is "
        f"told, on this machine, which it shares with the sender and the broker. Then {BEFORE:g} of it is told "
        f"for a while, {TIMES:g} times of it for {seconds / 60:.1f} minutes, and {AFTER:g} of it until nothing "
        f"waits. Event time runs {SPEED:g} times as fast as the clock. By that clock the generated rules, "
        "unchanged, are asked what they would have told; the lag is that of the shorter time, which makes it "
        "harder for them. Nothing more is told after the end; the last look stands for half an hour.",
        checks=checks,
        tables=[("The course", _course(found))],
        tests=TESTS,
    )


def _of_alerts(found: Overload) -> list[Check]:
    began, ended = found.minute(found.over.began), found.minute(found.over.ended)
    growing = [one for one in found.alerts if one.alert == LAG_GROWING and dict(one.about)["topic"].endswith("events")]
    others = sorted({one.alert for one in found.alerts} - {LAG_GROWING, STUCK})
    wait = LAG_WAIT / 60
    if not growing:
        said = [Check(f"{LAG_GROWING} fires", "it never did", False)]
    else:
        one = growing[0]
        whole = one.minutes == one.last - one.first + 1
        said = [
            Check(
                f"{LAG_GROWING} fires within {2 * wait:.0f} minutes of event time, and stands while the lag grows",
                f"after {one.first - began:.0f} minutes; until {one.last - ended:+.0f} minutes from the end of the "
                f"overload, {'without a gap' if whole else f'at {one.minutes} minutes of these'}",
                one.first - began <= 2 * wait and whole and one.last >= ended - 1,
            ),
            Check(
                f"{LAG_GROWING} ends within {wait:.0f} minutes after the lag does not grow any more",
                f"{one.last + 1 - ended:+.0f} minutes",
                one.last + 1 - ended <= wait + 1,
            ),
        ]
    return [*said, Check("no other alert fires", ", ".join(others) or "none", not others)]


def _stood_still(found: Overload) -> float:
    """The longest time (s) in which the published time of any service did not move, until all was caught up."""
    until = found.after.ended if found.caught_up is None else found.caught_up
    longest, since = 0.0, dict[str, tuple[int, float]]()
    for scrape in found.scrapes:
        if scrape.at > until:
            break
        for service, published in scrape.published.items():
            moment, at = since.setdefault(service, (published, scrape.at))
            if moment != published:
                since[service] = (published, scrape.at)
            longest = max(longest, scrape.at - at)
    return longest


def _course(found: Overload) -> list[list[str]]:
    rows = [["minute (event time)", "told", "events wait", "published, minutes behind what was told"]]
    phases = (("before", found.before), ("overload", found.over), ("after", found.after))
    until = found.scrapes[-1].at
    step = max(1, round((found.minute(until)) / 16))
    for minute in range(0, int(found.minute(until)) + 1, step):
        scrape = min(found.scrapes, key=lambda one: abs(found.minute(one.at) - minute))
        name = next((name for name, phase in phases if phase.began <= scrape.at <= phase.ended), "nothing")
        behind = found.clock.time_ms(scrape.at) / 60_000 - min(scrape.published.values(), default=0) / 60
        rows.append([str(minute), name, f"{found.lag(scrape):,}", f"{behind:.0f}"])
    return rows
