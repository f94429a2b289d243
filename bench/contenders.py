"""Runs each contender as a process of its own and says how long it took, what it computed and what it wrote."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from kafka import KafkaAdminClient
from kafka.admin import NewTopic
from prometheus_client.parser import text_string_to_metric_families

from bench.job import Totals, totals_of
from bench.stock_faust import changelogs
from bench.stopwatch import BROKERS, EVENTS, RESULT, TOPIC, Result, peak_mib_of
from kept.errors import Stop
from kept.marks import Mark
from kept.settings import Settings
from kept.tallies import Tally, unpack
from kept.topics import Topics
from kept.topics import topics as topics_of
from local_stack.child import Child
from local_stack.environment import environment_of
from local_stack.ports import free_port
from local_stack.replay import WorkerGroup
from producers.connection import client_options
from stream_processors.connection import client_settings
from stream_processors.log_reader import read_range
from stream_processors.partition_log import unpack_mark

PATIENCE_SECONDS = 1800.0
POLL_SECONDS = 0.5
SAMPLE_SECONDS = 0.02
TICKS = os.sysconf("SC_CLK_TCK")


class Written(msgspec.Struct, frozen=True):
    """Records and bytes (keys and values) written to Kafka as state."""

    records: int
    bytes: int | None


class Measured(msgspec.Struct, frozen=True):
    """One contender on one stream: `events` were timed, `all_events` were read."""

    name: str
    events: int
    all_events: int
    seconds: float
    cpu_seconds: float
    peak_mib: int
    totals: Totals
    state: Written | None = None
    tallies: Written | None = None
    batches: int | None = None

    @property
    def per_second(self) -> float:
        """Events a second of wall clock."""
        return self.events / self.seconds

    @property
    def per_cpu_second(self) -> float:
        """Events a second of the process's own CPU time."""
        return self.events / self.cpu_seconds


def bare_loop(settings: Settings, topic: str, events: int, folder: Path) -> Measured:
    """The plain loop over `topic`."""
    return _measured("bare", _timed_child("bench.bare_loop", settings, topic, events, folder), events)


def stock_faust(settings: Settings, topic: str, events: int, folder: Path) -> Measured:
    """Stock Faust over `topic`. Its changelogs are made beforehand: made by itself, it may not see them in time."""
    admin = KafkaAdminClient(**client_options(settings))
    try:
        config = {"cleanup.policy": "compact"}
        names = changelogs(topic)
        admin.create_topics([NewTopic(name, settings.partitions, 1, topic_configs=config) for name in names])
    finally:
        admin.close()
    result = _timed_child("bench.stock_faust", settings, topic, events, folder)
    records = asyncio.run(_end_offsets(settings, changelogs(topic)))
    return _measured("stock_faust", result, events, state=Written(records, None))


def kept_cases_only(settings: Settings, topic: str, events: int, folder: Path) -> Measured:
    """Kept's case processor alone, over `topic`; its own topics are those of `settings`."""
    result = _timed_child("bench.case_worker", settings, topic, events, folder)
    log = _read_log(settings)
    return _measured("kept_cases", result, events, log.totals, log.state, log.tallies, log.batches)


def kept_worker(settings: Settings, events: int, folder: Path) -> Measured:
    """One real `kept worker`: both processors, /metrics, /healthz."""
    settings = msgspec.structs.replace(settings, metrics_port=free_port())
    group = WorkerGroup(settings, folder, 1)
    group.start()
    try:
        pid = group.workers[0].pid
        assert pid is not None
        with _cpu_samples(pid) as samples:
            deadline = time.monotonic() + PATIENCE_SECONDS
            while _received(settings.metrics_port) < events:
                group.watch()
                if time.monotonic() > deadline:
                    raise Stop(f"the worker did not finish:\n{group.workers[0].log_tail()}")
                time.sleep(POLL_SECONDS)
            peak_mib = peak_mib_of(pid)
    finally:
        group.stop()
    log = _read_log(settings)
    (began, already), (ended, received) = log.progress[0], log.progress[-1]
    if received != events:
        raise Stop(f"the worker's marks tell of {received} events, {events} were published")
    cpu_seconds = _cpu_at(samples, ended) - _cpu_at(samples, began)
    result = Result(events - already, ended - began, cpu_seconds, peak_mib)
    return _measured("kept_worker", result, events, log.totals, log.state, log.tallies, log.batches)


def _measured(
    name: str,
    result: Result,
    all_events: int,
    totals: Totals | None = None,
    state: Written | None = None,
    tallies: Written | None = None,
    batches: int | None = None,
) -> Measured:
    found = result.totals if totals is None else totals
    assert found is not None
    return Measured(
        name,
        result.events,
        all_events,
        result.seconds,
        result.cpu_seconds,
        result.peak_mib,
        found,
        state,
        tallies,
        batches,
    )


def _timed_child(module: str, settings: Settings, topic: str, events: int, folder: Path) -> Result:
    """Run a module of `bench` that measures itself (see `bench.stopwatch`) until it has written its result."""
    name = module.rpartition(".")[2]
    result = folder / f"{topic}-{name}.json"
    environment = {
        **environment_of(settings),
        RESULT: str(result),
        EVENTS: str(events),
        TOPIC: topic,
        BROKERS: settings.brokers,
        "TMPDIR": str(folder),  # the children end in a hurry, and leave what they have there
    }
    child = Child(name, [sys.executable, "-m", module], folder / f"{topic}-{name}.log", environment=environment)
    child.start()
    try:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not result.exists():
            if not child.running() and not result.exists():
                raise Stop(f"{name} ended (exit {child.exit_code()}):\n{child.log_tail(40)}")
            if time.monotonic() > deadline:
                raise Stop(f"{name} did not finish:\n{child.log_tail(40)}")
            time.sleep(0.1)
    finally:
        child.stop()
    return msgspec.json.decode(result.read_bytes(), type=Result)


def _received(port: int) -> int:
    """Events the worker has received, by its own account; 0 while it does not answer yet."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics/", timeout=10) as answer:
            text = answer.read().decode()
    except OSError:
        return 0
    return sum(
        int(sample.value)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "kept_events_total" and sample.labels.get("account") == "received"
    )


@contextmanager
def _cpu_samples(pid: int) -> Iterator[list[tuple[float, float]]]:
    """Fills a list of (time, CPU seconds of the process until then), every 20 ms."""
    samples: list[tuple[float, float]] = []
    done = threading.Event()

    def sample() -> None:
        while not done.wait(SAMPLE_SECONDS):
            try:
                fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
            except OSError:
                return
            samples.append((time.time(), (int(fields[11]) + int(fields[12])) / TICKS))

    thread = threading.Thread(target=sample, daemon=True)
    thread.start()
    try:
        yield samples
    finally:
        done.set()
        thread.join()


def _cpu_at(samples: list[tuple[float, float]], at: float) -> float:
    return min(samples, key=lambda sample: abs(sample[0] - at))[1]


class _Log(msgspec.Struct):
    """What Kept wrote: totals, sizes, and (time, events received until then) after each batch."""

    totals: Totals
    state: Written
    tallies: Written
    progress: list[tuple[float, int]]
    batches: int


def _read_log(settings: Settings) -> _Log:
    return asyncio.run(_read(settings, topics_of(settings.topic_prefix, settings.partitions)))


async def _read(settings: Settings, topics: Topics) -> _Log:
    clients = client_settings(settings)
    latest: dict[bytes, bytes | None] = {}
    marks: dict[tuple[int, int], tuple[float, Mark]] = {}
    tallies = [0, 0]
    state = [0, 0]
    for partition in range(topics.state.partitions):
        async for records in read_range(clients, topics.state.name, partition):
            state[0] += len(records)
            state[1] += sum(len(record.key) + len(record.value or b"") for record in records)
        async for records in read_range(clients, topics.tallies.name, partition):
            for record in records:
                mark = unpack_mark(record.key, record.value)
                if mark is None:
                    latest[record.key] = record.value
                    tallies[0] += 1
                    tallies[1] += len(record.key) + len(record.value or b"")
                else:
                    marks[mark.partition, mark.offset] = (record.timestamp / 1000, mark)
    items = [unpack(key, value) for key, value in latest.items() if value is not None]
    empty: Tally = {}
    totals = totals_of((item.series[0], item.series[1], item.tally or empty) for item in items)
    return _Log(totals, Written(*state), Written(*tallies), _progress(marks.values()), len(marks))


def _progress(marks: object) -> list[tuple[float, int]]:
    received: dict[int, int] = {}
    progress: list[tuple[float, int]] = []
    for at, mark in sorted(marks, key=lambda row: (row[0], row[1].partition, row[1].offset)):  # type: ignore[call-overload]
        received[mark.partition] = mark.accounts.received
        progress.append((at, sum(received.values())))
    return progress


async def _end_offsets(settings: Settings, names: list[str]) -> int:
    consumer = AIOKafkaConsumer(**client_settings(settings))
    await consumer.start()
    try:
        total = 0
        for name in names:
            partitions = [TopicPartition(name, number) for number in range(settings.partitions)]
            total += sum((await consumer.end_offsets(partitions)).values())
        return total
    finally:
        await consumer.stop()


def differences(left: Totals, right: Totals) -> list[str]:
    """Where two contenders disagree, in words; nothing when they agree."""
    return [
        f"{series.replace('|', ' ').strip()} {name}: {_of(left, series, name)} and {_of(right, series, name)}"
        for series in sorted(set(left) | set(right))
        for name in sorted({*left.get(series, {}), *right.get(series, {})})
        if _of(left, series, name) != _of(right, series, name)
    ]


def _of(totals: Mapping[str, Mapping[str, int]], series: str, name: str) -> int:
    return totals.get(series, {}).get(name, 0)
