"""What an event of the simulated city costs a worker and Kafka's disk: a real worker on a real broker."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import msgspec

from bench.memory import resident_of
from bench.sizing_history import START_MS
from bench.stopwatch import peak_mib_of
from bench.written import kept_log
from catalogue import CITY
from command_line.topics import create_topics
from kept import metric_names as names
from kept.catalogue import read_catalogue
from kept.durations import DAY_MS
from kept.errors import Stop
from kept.settings import Settings
from kept.topics import Topic, topics
from local_stack.broker import Broker
from local_stack.ports import LOOPBACK, free_port
from local_stack.replay import WorkerGroup
from local_stack.soak.samples import Value, exposition, samples_in, total
from producers.pace import Pace
from producers.publisher import Publisher
from producers.simulator import simulate

DAYS = 35
PARTITIONS = 4
PATIENCE_SECONDS = 600.0
POLL_SECONDS = 0.1
SETTLED_SECONDS = 2.0
"""So long nothing may wait any more: a worker looks once a second how much does."""


class Look(NamedTuple):
    """A look at the worker: when (s), and what it showed."""

    at: float
    text: str
    shown: dict[str, list[Value]]

    @property
    def received(self) -> int:
        """Events it had received."""
        return total([self.shown], names.EVENTS.name, account="received")

    @property
    def through(self) -> bool:
        """Whether nothing waited, neither events nor tallies."""
        lags = [value for _, value in self.shown.get(names.LAG.name, [])]
        return bool(lags) and not any(lags) and names.INDICATOR_TIME.name in self.shown


class EventSize(msgspec.Struct, frozen=True):
    """The city's own mix of events, read by one worker as fast as it can; nothing is compacted yet."""

    services: int
    events: int
    event_disk_bytes: int
    state_disk_bytes: int
    state_disk_factor: float
    """Bytes on disk a byte of keys and values."""
    tallies_disk_bytes: int
    events_a_second: int
    """Until its indicators are published, too."""
    idle_mib: int
    """A worker before it has read an event."""
    peak_mib: int
    metrics_series_a_service: int
    metrics_bytes_a_service: int


def measure(folder: Path, days: int = DAYS) -> EventSize:
    """Publish some weeks of the city, then let one worker count them."""
    services = read_catalogue([CITY])
    with Broker(folder / "kafka") as broker:
        settings = Settings(
            brokers=broker.bootstrap,
            partitions=PARTITIONS,
            live=False,
            history_path=str(folder / "history.sqlite"),
            metrics_host=LOOPBACK,
            metrics_port=free_port(),
        )
        create_topics(settings)
        every = topics("", PARTITIONS)
        stream = simulate(services.values(), start_ms=START_MS, end_ms=START_MS + days * DAY_MS, seed=1)
        group = WorkerGroup(settings, folder, 1)
        group.start()
        try:
            wait_for(settings, group, 0)
            pid = group.workers[0].pid
            assert pid is not None
            idle = resident_of(pid) // 2**20
            group.stop()
            with Publisher(every.events.name, settings) as publisher:
                publisher.publish_all(((0, event) for _, event in stream), Pace(None))
                publisher.finish()
                count = publisher.acknowledged
            group.start()
            started = wait_for(settings, group, 1)
            wait_for(settings, group, count)
            ended = wait_until_published(settings, group)
            pid = group.workers[0].pid
            assert pid is not None
            peak = peak_mib_of(pid)
        finally:
            group.stop()
        disk = {topic.name: _disk(folder, topic) for topic in every.all()}
        _, written = kept_log(settings)
        state_payload = next(one.bytes for one in written if "state" in one.what)
    shown = [line for line in ended.text.splitlines() if not line.startswith("#")]
    return EventSize(
        services=len(services),
        events=count,
        event_disk_bytes=disk[every.events.name] // count,
        state_disk_bytes=disk[every.state.name] // count,
        state_disk_factor=round(disk[every.state.name] / state_payload, 2),
        tallies_disk_bytes=disk[every.tallies.name] // count,
        events_a_second=round(rate(started, ended)),
        idle_mib=idle,
        peak_mib=peak,
        metrics_series_a_service=len(shown) // len(services),
        metrics_bytes_a_service=len(ended.text) // len(services),
    )


def _disk(folder: Path, topic: Topic) -> int:
    files = (folder / "kafka" / "data").glob(f"{topic.name}-[0-9]*/*.log")
    return sum(file.stat().st_size for file in files)


def rate(started: Look, ended: Look) -> float:
    """Events a second between two looks. What the first has seen already was counted before its time began."""
    return (ended.received - started.received) / (ended.at - started.at)


def wait_for(settings: Settings, group: WorkerGroup, received: int) -> Look:
    """The first look from which on the worker has received so many events; 0: from which on it answers."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        group.watch()
        look = _look(settings)
        if look is not None and look.received >= received:
            return look
        time.sleep(POLL_SECONDS)
    raise Stop(f"the worker has not received {received:,} events:\n{group.workers[0].log_tail()}")


def wait_until_published(settings: Settings, group: WorkerGroup) -> Look:
    """The first look from which on nothing waits any more."""
    deadline, first = time.monotonic() + PATIENCE_SECONDS, None
    while time.monotonic() < deadline:
        group.watch()
        look = _look(settings)
        if look is None or not look.through:
            first = None
        elif first is None:
            first = look
        elif look.at - first.at >= SETTLED_SECONDS:
            return first
        time.sleep(POLL_SECONDS)
    raise Stop(f"the worker has not published everything:\n{group.workers[0].log_tail()}")


def _look(settings: Settings) -> Look | None:
    """None while the worker does not answer."""
    with suppress(OSError):
        text = exposition(settings.metrics_port)
        return Look(time.monotonic(), text, samples_in(text))
    return None
