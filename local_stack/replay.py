"""A replay through the real parts on one machine: Kafka, the workers and a history store, in a folder of its own."""

from __future__ import annotations

import asyncio
import os
import sys
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import msgspec

from command_line.topics import create_topics, delete_topics
from history.open import open_history
from history.store import HistoryStore
from kept.case_hashing import CaseHashing
from kept.catalogue import read_catalogue
from kept.errors import Retry, Stop
from kept.events import Event
from kept.indicators.point import Point
from kept.marks import Accounts, Mark
from kept.registered_changes import unpack_change
from kept.settings import Settings, read_settings
from kept.tallies import unpack
from kept.topics import topics
from local_stack.broker import Broker
from local_stack.child import Child
from local_stack.environment import environment_of
from local_stack.ports import LOOPBACK
from local_stack.work_folder import work_folder
from producers.pace import Pace
from producers.publisher import Publisher
from stream_processors.connection import client_settings
from stream_processors.log_reader import read_range
from stream_processors.partition_log import unpack_mark

PATIENCE_SECONDS = 900.0
POLL_SECONDS = 0.1
LOOK_SECONDS = 2.0


class WorkerGroup:
    """Some workers as child processes; `watch` raises when one has died."""

    def __init__(self, settings: Settings, folder: Path, count: int, metrics_ports: Sequence[int] = ()) -> None:
        """With `metrics_ports` each worker has its own; else that of the settings."""
        self._settings = settings
        self._metrics_ports = metrics_ports
        self.folder = folder
        self.workers = [self._child(number) for number in range(1, count + 1)]

    def start(self) -> None:
        """Start those that do not run."""
        for worker in self.workers:
            if not worker.running():
                worker.start()

    def stop(self) -> None:
        """Stop all, at the same time; returns when none is left."""
        with ThreadPoolExecutor(max(1, len(self.workers))) as pool:
            list(pool.map(Child.stop, self.workers))

    def watch(self) -> None:
        """Raise `Stop` with the tail of its log when a worker has ended."""
        for worker in self.workers:
            if not worker.running():
                raise Stop(f"{worker.name} ended (exit {worker.exit_code()}):\n{worker.log_tail()}")

    def _child(self, number: int) -> Child:
        environment = environment_of(self._settings)
        environment["KEPT_WORKER_ID"] = f"worker-{number}"
        if self._metrics_ports:
            environment["KEPT_METRICS_PORT"] = str(self._metrics_ports[number - 1])
        work_folder = self.folder / f"worker-{number}"
        work_folder.mkdir(exist_ok=True)
        environment["KEPT_WORK_FOLDER"] = str(work_folder)
        command = [sys.executable, "-m", "command_line.main", "worker"]
        return Child(f"worker-{number}", command, self.folder / f"worker-{number}.log", environment=environment)


class Replay(NamedTuple):
    """A pipeline of its own for one replay: its settings and its running workers."""

    settings: Settings
    group: WorkerGroup
    hashing: CaseHashing | None = None
    """Whose case ids are hashed before they are published."""

    def publish(self, events: Iterable[Event]) -> None:
        """Publish the next events; returns when all are acknowledged."""
        with self._publisher() as publisher:
            publisher.publish_all(((0, event) for event in events), Pace(None))
            publisher.finish()

    def end(self, at_ms: int) -> None:
        """Event time has reached `at_ms` on every partition: nothing follows."""
        with self._publisher() as publisher:
            publisher.tick_all_partitions(at_ms)
            publisher.finish()

    def _publisher(self) -> Publisher:
        topic = topics(self.settings.topic_prefix, self.settings.partitions).events.name
        return Publisher(topic, self.settings, hashing=self.hashing)


@contextmanager
def replay_pipeline(
    catalogue_texts: str | Sequence[str],
    *,
    workers: int = 2,
    partitions: int = 4,
    brokers: str | None = None,
    max_batch_records: int | None = None,
    store: Mapping[str, str] | None = None,
) -> Iterator[Replay]:
    """Topics of their own and running workers, gone at the end; without `brokers` a private broker too.

    `catalogue_texts` are the entries of its services, as TOML; `store` the settings of another history store than a
    file of their own.
    """
    with ExitStack() as stack:
        folder = stack.enter_context(work_folder(prefix="kept-replay-"))
        told = read_settings(os.environ)
        (folder / "catalogue").mkdir()
        for number, text in enumerate([catalogue_texts] if isinstance(catalogue_texts, str) else catalogue_texts):
            (folder / "catalogue" / f"service-{number}.toml").write_text(text, encoding="utf-8")
        # First of all: a key that is missing is told before a broker is started.
        hashing = CaseHashing(read_catalogue([folder / "catalogue"]), told.case_key)
        private = brokers is None
        if brokers is None:
            broker = Broker(folder / "kafka")
            broker.start()
            stack.callback(broker.stop)
            brokers = broker.bootstrap
        settings = msgspec.structs.replace(
            # What the shell says of brokers elsewhere is not meant for a broker of its own.
            Settings(brake_share=told.brake_share, brake_events=told.brake_events) if private else told,
            brokers=brokers,
            metrics_host=LOOPBACK,
            topic_prefix=f"replay-{uuid.uuid4().hex[:12]}-",
            partitions=partitions,
            catalogue=str(folder / "catalogue"),
            # Nor does what is replayed go where the live indicators are.
            **(store or {"history": "sqlite", "history_path": str(folder / "history.sqlite")}),
            live=False,
            metrics_port=0,
            case_key=None,  # for producers alone
        )
        if max_batch_records is not None:
            settings = msgspec.structs.replace(settings, max_batch_records=max_batch_records)
        create_topics(settings)
        if not private:
            stack.callback(delete_topics, settings)
        group = WorkerGroup(settings, folder, workers)
        stack.callback(group.stop)
        group.start()
        yield Replay(settings, group, hashing)


def replay_through_kafka(
    events: Iterable[Event],
    catalogue_texts: str | Sequence[str],
    at_ms: int,
    *,
    workers: int = 2,
    partitions: int = 4,
    brokers: str | None = None,
) -> tuple[list[Point], Accounts]:
    """Indicators as of `at_ms` after the events went through topics of their own, and what became of every event.

    Without `brokers` a private broker is started and removed. Raises `Stop` when a worker dies or nothing comes out
    within 15 minutes.
    """
    with replay_pipeline(catalogue_texts, workers=workers, partitions=partitions, brokers=brokers) as replay:
        replay.publish(events)
        replay.end(at_ms)
        services = _wait_for_end(replay, at_ms)
        outcomes = [wait_for(replay.settings, replay.group, service, at_ms // 1000) for service in sorted(services)]
        points = [point for of_service, _ in outcomes for point in of_service]
        return points, accounts_of(replay.settings)


def _wait_for_end(replay: Replay, at_ms: int) -> set[str]:
    """Wait until every partition has counted all its events; returns the services that any of them is about.

    A service all of whose events are dead letters has no indicators to wait for.
    """
    settings, deadline, next_look = replay.settings, time.monotonic() + PATIENCE_SECONDS, 0.0
    while time.monotonic() < deadline:
        replay.group.watch()
        with history_of(settings) as store:
            published = {} if store is None else store.published()
        if time.monotonic() >= next_look or any(at >= at_ms // 1000 for at in published.values()):
            marks = marks_of(settings)
            if sum(mark.tick is not None and mark.tick >= at_ms for mark in marks.values()) == settings.partitions:
                return asyncio.run(_services(settings))
            next_look = time.monotonic() + LOOK_SECONDS
        time.sleep(POLL_SECONDS)
    raise _nothing_came(replay.group)


def wait_for(
    settings: Settings, group: WorkerGroup, service: str, at: int, disturb: Callable[[WorkerGroup], None] | None = None
) -> tuple[list[Point], Accounts]:
    """Wait until the indicators as of `at` (s) are published; returns them and the accounts."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if disturb is not None:
            disturb(group)
        else:
            group.watch()
        # A store that is away is asked again: the workers wait for it too.
        with suppress(Retry), history_of(settings) as store:
            if store is not None and store.published().get(service, -1) >= at:
                return store.latest(service, at=at), accounts_of(settings)
        time.sleep(POLL_SECONDS)
    raise _nothing_came(group)


def _nothing_came(group: WorkerGroup) -> Stop:
    tails = "\n".join(f"-- {worker.name}\n{worker.log_tail(5)}" for worker in group.workers)
    return Stop(
        f"no indicators as of the end of the replay within {PATIENCE_SECONDS:.0f} s; the workers' logs end:\n{tails}"
    )


@contextmanager
def history_of(settings: Settings) -> Iterator[HistoryStore | None]:
    """The history store for reading; None before a worker has made it."""
    try:
        store = open_history(settings, read_only=True)
    except Retry:
        yield None
        return
    try:
        yield store
    finally:
        store.close()


def accounts_of(settings: Settings) -> Accounts:
    """The accounts of all source partitions together, from their latest marks."""
    total = Accounts()
    for mark in marks_of(settings).values():
        total.add(mark.accounts)
    return total


def marks_of(settings: Settings) -> dict[int, Mark]:
    """The latest committed mark of each source partition that has one."""
    return asyncio.run(_marks(settings))


async def _marks(settings: Settings) -> dict[int, Mark]:
    """Read from one partition: every partition of the topic has them all."""
    marks: dict[int, Mark] = {}
    name = topics(settings.topic_prefix, settings.partitions).tallies.name
    async for records in read_range(client_settings(settings), name, 0):
        for record in records:
            mark = unpack_mark(record.key, record.value)
            if mark is not None:
                marks[mark.partition] = mark
    return marks


async def _services(settings: Settings) -> set[str]:
    """The services that the topic `tallies` counts."""
    name = topics(settings.topic_prefix, settings.partitions).tallies.name
    return {
        unpack(record.key, None).series[0]
        for partition in range(settings.partitions)
        async for records in read_range(client_settings(settings), name, partition)
        for record in records
        if unpack_mark(record.key, record.value) is None and unpack_change(record.key, record.value) is None
    }
