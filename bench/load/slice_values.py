"""A source that puts an address where a district belongs: a million distinct values of one service's dimension."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

from bench.backlog import Backlog, WorkedOff, worked_off
from bench.live_pipeline import LivePipeline, live_pipeline
from bench.load.alerts_told import AlertTold, alerts_told
from bench.load.findings import WORKER_TEST, Check, Part
from bench.load.nothing_lost import Stations, stations
from bench.paced_producer import CityClock
from bench.scrapes import Scraper
from bench.workload import AREAS, city
from catalogue import services_of
from kept import counters as c
from kept.durations import HOUR_MS
from kept.errors import Stop
from kept.pipeline_limits import FOLDED_WAIT
from kept.registered_changes import unpack_change
from kept.slice_values import MOST_SLICE_VALUES, OTHER
from kept.tallies import unpack
from kept.topics import topics
from local_stack import prometheus as metrics
from local_stack.environment import environment_of
from local_stack.ports import LOOPBACK, free_port, wait_until_answers
from stream_processors.connection import client_settings
from stream_processors.log_reader import read_range
from stream_processors.partition_log import unpack_mark

TITLE = "A flood of distinct slice values"
VALUES = 1_000_000
PARTITIONS = 4
SERVICES = 8
HOT_SHARE = 0.9
DIMENSION = "area"
FOLDED = "KeptSliceValuesFolded"
SLOWER, HEAVIER = 2.0, 1.5
"""Times as slow, and times the memory, as the same events with 20 areas."""
AFTERWARDS = 120
"""Minutes for which nothing more comes."""
START_SECONDS = 30.0
PATIENCE_SECONDS = 300.0
COMMAND = "sort_desc(sum by (service, dimension) (kept_slice_other_events))"
"""The first command of the alert's runbook."""
TESTS = [
    WORKER_TEST,
    "tests/kept/test_slice_values.py::test_the_first_values_are_told_apart_and_the_others_together",
    "tests/alert_rules/test_rules_pipeline.py::test_exactly_what_should_be_told_is_told",
]
Say = Callable[[str], None]


class Sliced(Struct, frozen=True, kw_only=True):
    """What was measured with or without the flood."""

    worked: WorkedOff
    values: int
    """Most values of the dimension that one partition tells apart, of any service."""
    series: int
    """Series of tallies, of all partitions."""
    apart: list[str]
    """Services whose slices, of any dimension, do not sum up to the whole."""
    all_told: Stations
    shown: int
    """Series that the worker shows to Prometheus."""
    alerts: list[AlertTold]
    first_answer: str
    """Of the runbook's first command."""
    second_answer: list[str]
    """Areas that its second command shows of the flooded service."""


def measure(areas: int, *, flood: bool) -> Sliced:
    """Work off events that name so many areas of the first service; without the flood as many events with 20."""
    services = city(SERVICES)
    backlog = Backlog(
        events=round(2 * areas / HOT_SHARE * 1.002),
        partitions=PARTITIONS,
        services=SERVICES,
        hot_share=HOT_SHARE,
        an_area_each=flood,
    )
    with live_pipeline(workers=1, partitions=PARTITIONS, services=services, begun=False, live=False) as pipeline:
        with Scraper(pipeline.ports, 1.0) as scraper:
            worked = worked_off(pipeline, backlog)
            end_ms = (int(time.time() * 1000) // HOUR_MS + 1) * HOUR_MS
            names = [service.id for service in services]
            everything = stations(pipeline, worked.events, end_ms, names, PATIENCE_SECONDS)
            _look_until_nothing_waits(scraper)
        values, series, apart = asyncio.run(tallied(pipeline))
        begun = scraper.scrapes[0].at
        with tempfile.TemporaryDirectory(prefix="kept-rules-") as folder:
            told, _ = alerts_told(
                scraper.scrapes,
                CityClock(begun, int(begun * 1000), 1.0),
                services_of(pipeline.settings),
                Path(folder),
                live=False,
                and_then=AFTERWARDS,
            )
        first_answer, second_answer = "", list[str]()
        if flood:
            with _watched(pipeline) as port:
                first_answer = _asked_of(port)
            second_answer = _areas_shown(pipeline, names[0])
        return Sliced(
            worked=worked,
            values=values,
            series=series,
            apart=apart,
            all_told=everything,
            shown=len(_exposed(pipeline)),
            alerts=told,
            first_answer=first_answer,
            second_answer=second_answer,
        )


def slice_values(say: Say, *, values: int = VALUES) -> Part:
    """The part of the page."""
    usual = measure(values, flood=False)
    say(f"{len(AREAS)} areas: {usual.worked.per_second:,.0f} events a second, {usual.worked.resident_mib:,} MiB")
    flood = measure(values, flood=True)
    say(
        f"{flood.worked.areas:,} areas: {flood.worked.per_second:,.0f} events a second, "
        f"{flood.worked.resident_mib:,} MiB"
    )
    return judged(usual, flood)


def judged(usual: Sliced, flood: Sliced) -> Part:
    """What was expected of a flood of values, and what was found."""
    service = city(1)[0].id
    heavier = flood.worked.resident_mib / usual.worked.resident_mib
    slower = usual.worked.per_second / flood.worked.per_second
    told = [one for one in flood.alerts if one.alert == FOLDED]
    of_it = [one for one in told if dict(one.about).get("about") == f"{service} {DIMENSION}"]
    other = sorted({one.alert for one in flood.alerts} - {FOLDED})
    bound = (MOST_SLICE_VALUES - len(AREAS)) * PARTITIONS + usual.series + PARTITIONS
    checks = [
        Check(
            f"a partition tells at most {MOST_SLICE_VALUES:,} values apart, and {OTHER}",
            f"{flood.values:,} of {flood.worked.areas:,} that were told",
            flood.values <= MOST_SLICE_VALUES + 1 < flood.worked.areas,
        ),
        Check(
            f"tallies have at most {bound:,} series: as without the flood, and that many values in each partition",
            f"{flood.series:,}, without the flood {usual.series:,}",
            flood.series <= bound,
        ),
        Check(
            "Prometheus gets no series for them",
            f"{flood.shown:,} series of the worker, without the flood {usual.shown:,}",
            flood.shown <= usual.shown * 1.02,
        ),
        Check(
            f"the worker takes at most {HEAVIER:g} times the memory of as many events with {len(AREAS)} areas",
            f"{heavier:.2f} times: {flood.worked.resident_mib:,} MiB against {usual.worked.resident_mib:,} MiB",
            heavier <= HEAVIER,
        ),
        Check(
            f"and counts at least 1 / {SLOWER:g} times as fast",
            f"{1 / slower:.2f} times: {flood.worked.per_second:,.0f} a second against {usual.worked.per_second:,.0f}",
            slower <= SLOWER,
        ),
        Check(
            "of each service and dimension the slices sum up to the whole, case by case",
            "they do" if not flood.apart else f"not of {', '.join(flood.apart)}",
            not flood.apart,
        ),
        Check("every event is at every station, once", flood.all_told.in_words(), flood.all_told.whole),
        Check(
            f"{FOLDED} names the service and the dimension, soon after {FOLDED_WAIT // 60} minutes, and nothing "
            "else fires",
            f"at minute {of_it[0].first} of the run, until minute {of_it[0].last}; other alerts: "
            f"{', '.join(other) or 'none'}"
            if of_it
            else f"{len(told)} alerts, none of {service} {DIMENSION}",
            len(told) == len(of_it) == 1 and of_it[0].first <= 2 * FOLDED_WAIT // 60 and not other,
        ),
        Check(
            "the first command of the runbook tells which service and dimension it is",
            f"`{flood.first_answer}`",
            f'dimension="{DIMENSION}"' in flood.first_answer and f'service="{service}"' in flood.first_answer,
        ),
        Check(
            f"the second shows no more areas than are told apart, {OTHER} among them",
            f"{len(flood.second_answer):,} areas, {OTHER if OTHER in flood.second_answer else f'no {OTHER}'} "
            "among them",
            OTHER in flood.second_answer and len(flood.second_answer) <= MOST_SLICE_VALUES * PARTITIONS + 1,
        ),
    ]
    return Part(
        title=TITLE,
        done=f"{flood.worked.events:,} events wait, {HOT_SHARE:.0%} of them about one of {SERVICES} services; one "
        f"worker, {PARTITIONS} partitions. Once with the usual {len(AREAS)} areas, once with an area of its own "
        f"for each case of that service: {flood.worked.areas:,} distinct ones. `most_slice_values` is the usual "
        f"{MOST_SLICE_VALUES:,}. The generated rules are asked over the course by the clock; its last look stands "
        "for two hours.",
        checks=checks,
        tests=TESTS,
    )


def _look_until_nothing_waits(scraper: Scraper) -> None:
    """The last look stands for hours: in it nothing may wait."""
    looks, deadline = len(scraper.scrapes), time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if len(scraper.scrapes) > looks and not any(scraper.scrapes[-1].lag.values()):
            return
        time.sleep(0.5)
    raise Stop(f"records wait although all is published, after {START_SECONDS:.0f} s: {scraper.scrapes[-1].lag}")


async def tallied(pipeline: LivePipeline) -> tuple[int, int, list[str]]:
    """Of the topic `tallies`: most values of the dimension in one source partition, how many series there are in all
    source partitions, and services of which a dimension's slices are not the whole, in opened or completed cases."""
    settings = pipeline.settings
    newest: dict[bytes, bytes | None] = {}
    name = topics(settings.topic_prefix, settings.partitions).tallies.name
    for partition in range(settings.partitions):
        async for records in read_range(client_settings(settings), name, partition):
            for record in records:
                if unpack_mark(record.key, record.value) is None and unpack_change(record.key, record.value) is None:
                    newest[record.key] = record.value
    series: set[tuple[int, str, str, str]] = set()
    sums: dict[tuple[str, str], list[int]] = {}
    for key, value in newest.items():
        tally = unpack(key, value)
        service, dimension, of_value = tally.series
        series.add((tally.partition, service, dimension, of_value))
        total = sums.setdefault((service, dimension), [0, 0])
        for index, counters in enumerate(((c.OPENED,), range(c.COMPLETED, c.WITHDRAWN))):
            total[index] += sum((tally.tally or {}).get(counter, 0) for counter in counters)
    apart = sorted(
        f"{service} by {dimension}"
        for (service, dimension), total in sums.items()
        if dimension in ("area", "channel") and total != sums[(service, "")]
    )
    of_dimension: dict[tuple[int, str], int] = {}
    for number, service, dimension, _ in series:
        of_dimension[number, service] = of_dimension.get((number, service), 0) + (dimension == DIMENSION)
    return max(of_dimension.values()), len(series), apart


@contextmanager
def _watched(pipeline: LivePipeline) -> Iterator[int]:
    """A real Prometheus that looks at the workers; its port."""
    command = metrics.prometheus_command()
    if command is None:
        raise Stop(f"no Prometheus on PATH: {metrics.INSTALL_COMMAND}")
    port, folder = free_port(), pipeline.folder / "watching"
    folder.mkdir()
    child = metrics.prometheus(command, folder, port, metrics.Watching(metrics_ports=pipeline.ports, every_seconds=1))
    child.start()
    try:
        if not wait_until_answers(port, time.monotonic() + START_SECONDS):
            raise Stop(f"Prometheus does not answer; its log ends:\n{child.log_tail()}")
        yield port
    finally:
        child.stop()


def _asked_of(port: int) -> str:
    """What the runbook's first command says, its first line; empty when it says nothing in time."""
    tool = shutil.which("promtool")
    assert tool is not None, "Prometheus is there, and promtool comes with it"
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        asked = [tool, "query", "instant", f"http://{LOOPBACK}:{port}", COMMAND]
        said = subprocess.run(asked, capture_output=True, text=True, timeout=30, check=False).stdout.strip()
        if said:
            return said.splitlines()[0].partition(" @")[0]
        time.sleep(0.5)
    return ""


def _areas_shown(pipeline: LivePipeline, service: str) -> list[str]:
    """Areas that `kept indicators SERVICE --slices --json --window 24h` shows."""
    command = ["indicators", service, "--slices", "--json", "--window", "24h"]
    ran = subprocess.run(
        [sys.executable, "-m", "command_line.main", *command],
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=True,
        env=environment_of(pipeline.settings),
    )
    slices = [json.loads(line)["slice"] for line in ran.stdout.splitlines()]
    return sorted({dict(one)[DIMENSION] for one in slices if DIMENSION in dict(one)})


def _exposed(pipeline: LivePipeline) -> list[str]:
    """Lines of /metrics that are samples."""
    with urllib.request.urlopen(f"http://{LOOPBACK}:{pipeline.ports[0]}/metrics", timeout=30) as answer:
        return [line for line in answer.read().decode().splitlines() if line and not line.startswith("#")]
