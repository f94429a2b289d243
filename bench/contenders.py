"""Runs a contender as a process of its own: how long it took, and the tallies that it left behind."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import msgspec
from kafka import KafkaAdminClient
from kafka.admin import NewTopic

from bench import written
from bench.environments import python_with, streams_class_path
from bench.kept_worker import CASES_ONLY
from bench.stock_faust import changelogs
from bench.stopwatch import APPLICATION, BROKERS, EVENTS, FOLDER, RESULT, TOPIC, WARM_UP, Result
from bench.workload import TARGET_MS
from bench.written import Row, Written
from command_line.topics import create_topics
from kept.errors import Stop
from kept.settings import Settings
from local_stack.child import Child
from local_stack.environment import environment_of, plain_environment
from local_stack.java import require_java
from producers.connection import client_options

PATIENCE_SECONDS = 1800.0
WARM_UP_SHARE = 3
"""One part in so many of the stream is dealt with before the clock starts, by every contender."""
STREAMS_COMMIT_MS = 1000
JAVA_FLAGS = (
    "-Xms4g",
    "-Xmx4g",
    "-XX:+UseParallelGC",
    "-XX:-UsePerfData",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
)


class Task(NamedTuple):
    """One contender's run: the first `events` of a stream are in `topic`. `name` is not used by any other run."""

    settings: Settings
    topic: str
    events: int
    folder: Path
    name: str


class Run(NamedTuple):
    """What came of it: the times, the rows of tallies, what was written as state."""

    result: Result
    rows: Iterable[Row]
    written: list[Written]


class Contender(NamedTuple):
    """A contender. A slow one gets one event in `part` of the stream, its first ones.

    `prepare` makes its environment before anything is measured; it raises `NotInstalled` when that cannot be done here.
    """

    name: str
    words: str
    run: Callable[[Task], Run]
    prepare: Callable[[], object]
    part: int = 1


def kept(*arguments: str) -> Callable[[Task], Run]:
    """Kept's worker, with topics of its own for what it writes."""

    def run(task: Task) -> Run:
        history = str(task.folder / f"{task.name}.sqlite")
        settings = msgspec.structs.replace(task.settings, topic_prefix=f"{task.name}-", history_path=history)
        create_topics(settings)
        command = [sys.executable, "-m", "bench.kept_worker", *arguments]
        return Run(_timed(task, command, environment_of(settings)), *written.kept_log(settings))

    return run


def stock_faust(task: Task) -> Run:
    """Stock Faust. Its changelogs are made beforehand: made by itself, it may not see them in time."""
    admin = KafkaAdminClient(**client_options(task.settings))
    try:
        config = {"cleanup.policy": "compact"}
        names = changelogs(task.name)
        admin.create_topics([NewTopic(name, task.settings.partitions, 1, topic_configs=config) for name in names])
    finally:
        admin.close()
    result = _timed(task, [sys.executable, "-m", "bench.stock_faust"], plain_environment())
    return Run(result, result.tallies or (), written.changelog(task.settings, names, None)[1])


def quix_streams(task: Task) -> Run:
    """Quix Streams, in its own environment."""
    result = _timed(task, [python_with("quix_streams"), "-m", "bench.quix_streams"], plain_environment())
    name = f"changelog__{task.name}--{task.topic}--default"
    return Run(result, *written.changelog(task.settings, [name], written.quix_row))


def bytewax(task: Task) -> Run:
    """Bytewax, in its own environment."""
    result = _timed(task, [python_with("bytewax"), "-m", "bench.bytewax_flow"], plain_environment())
    return Run(result, *written.bytewax_store(task.folder / task.name, "tallies"))


def kafka_streams(threads: int) -> Callable[[Task], Run]:
    """Kafka Streams with so many stream threads."""

    def run(task: Task) -> Run:
        command = [require_java(), *JAVA_FLAGS, "-cp", streams_class_path(), "Contender"]
        targets = ",".join(f"{service}={target}" for service, target in TARGET_MS.items())
        told = {
            "KEPT_BENCH_THREADS": str(threads),
            "KEPT_BENCH_COMMIT_MS": str(STREAMS_COMMIT_MS),
            "KEPT_BENCH_TARGETS_MS": targets,
        }
        result = _timed(task, command, plain_environment() | told)
        names = [f"{task.name}-{store}-changelog" for store in ("register", "tallies")]
        return Run(result, *written.changelog(task.settings, names, written.streams_row))

    return run


def bare_loop(task: Task) -> Run:
    """The plain loop."""
    result = _timed(task, [sys.executable, "-m", "bench.bare_loop"], plain_environment())
    return Run(result, result.tallies or (), [])


def nothing() -> None:
    """For contenders that live in the main environment."""


KEPT_WORKER, KEPT_CASES, STOCK_FAUST = "kept_worker", "kept_cases", "stock_faust"
KAFKA_STREAMS, QUIX_STREAMS, BARE = "kafka_streams", "quix_streams", "bare"
CONTENDERS = (
    Contender(
        KEPT_WORKER, "**Kept, one `kept worker`** (case and indicator processor in one process)", kept(), nothing
    ),
    Contender(
        KEPT_CASES,
        "**Kept, case processor alone** (the same worker without its indicator processor)",
        kept(CASES_ONLY),
        nothing,
    ),
    Contender(
        KAFKA_STREAMS,
        "Kafka Streams, 1 stream thread, exactly once (v2), logged in-memory stores, cached tallies",
        kafka_streams(1),
        streams_class_path,
    ),
    Contender(
        "kafka_streams_2", "Kafka Streams, 2 stream threads, else the same", kafka_streams(2), streams_class_path
    ),
    Contender(
        "bytewax",
        "Bytewax, one worker, recovery store on the local disk",
        bytewax,
        lambda: python_with("bytewax"),
        part=3,
    ),
    Contender(
        QUIX_STREAMS,
        "Quix Streams, exactly once, RocksDB with changelog",
        quix_streams,
        lambda: python_with("quix_streams"),
        part=10,
    ),
    Contender(
        STOCK_FAUST, "stock Faust, one event at a time, tables in memory with changelogs", stock_faust, nothing, part=30
    ),
    Contender(
        BARE,
        "bare aiokafka `getmany` + msgspec + dictionaries, nothing durable (the ceiling in plain Python)",
        bare_loop,
        nothing,
    ),
)


def _timed(task: Task, command: list[str], environment: dict[str, str]) -> Result:
    """Run a command that measures itself (see `bench.stopwatch`) until it has written its result."""
    file, log = task.folder / f"{task.name}.json", task.folder / f"{task.name}.log"
    told = {
        RESULT: str(file),
        EVENTS: str(task.events),
        WARM_UP: str(task.events // WARM_UP_SHARE),
        TOPIC: task.topic,
        APPLICATION: task.name,
        BROKERS: task.settings.brokers,
        FOLDER: str(task.folder),
        "TMPDIR": str(task.folder),  # the children end in a hurry, and leave what they have there
    }
    child = Child(task.name, command, log, environment={**environment, **told})
    child.start()
    try:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not file.exists():
            if not child.running() and not file.exists():
                raise Stop(f"{task.name} ended (exit {child.exit_code()}):\n{child.log_tail(40)}")
            if time.monotonic() > deadline:
                raise Stop(f"{task.name} did not finish:\n{child.log_tail(40)}")
            time.sleep(0.1)
    finally:
        child.stop()
    result = msgspec.json.decode(file.read_bytes(), type=Result)
    file.unlink()
    return result
