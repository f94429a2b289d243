"""Runs a soak: measures the peak of the whole chain on this machine, then tells half of it for as long as is asked."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct

from command_line.topics import create_topics
from kept import metric_names as names
from kept.durations import DAY_MS, SECOND_MS
from kept.errors import Retry, Stop
from kept.settings import Settings
from kept.topics import topics
from local_stack.broker import Broker
from local_stack.chaos.log_accounts import events_in_topic
from local_stack.chaos.sender import Sender
from local_stack.child import Child
from local_stack.ports import free_port, wait_until_answers
from local_stack.producer import producer_environment
from local_stack.replay import WorkerGroup, accounts_of, history_of
from local_stack.soak.samples import Sample, exposed, take
from local_stack.soak.stream import EVENTS_A_CASE, RUN_DAYS, SERVICES, Stream, catalogue_texts
from local_stack.soak.whereabouts import places, told_of
from local_stack.work_folder import work_folder

WORKERS = 2
PARTITIONS = 4
TELL_SECONDS = 0.2
SAMPLE_SECONDS = 5.0
PEAK_SHARE = 0.1
"""Of the run's time: so long the peak is measured, at most a minute."""
PEAK_CASES = 2_000
"""New cases in one request while the peak is measured."""
DRAIN_SECONDS = 120.0
START_SECONDS = 60.0
Say = Callable[[str], None]


class Soak(Struct, frozen=True, kw_only=True):
    """What came of it. `peak` and `rate` are events a second; `speed` is that of event time."""

    at: datetime
    minutes: float
    peak: float
    measured: bool
    rate: float
    speed: float
    cores: int
    samples: list[Sample]
    told: int
    in_topic: int
    received: int
    applied: int
    missing: list[str]
    """Where events are that were not counted, in words."""
    history_mib: float


class _Parts(Struct, frozen=True):
    settings: Settings
    group: WorkerGroup
    producer: Child
    worker_ports: list[int]
    producer_port: int

    def children(self) -> list[Child]:
        return [*self.group.workers, self.producer]

    def watch(self) -> None:
        for child in self.children():
            if not child.running():
                raise Stop(f"{child.name} ended (exit {child.exit_code()}); its log ends:\n{child.log_tail()}")


def run_soak(minutes: float, say: Say, *, peak: float | None = None, seed: int = 1) -> Soak:
    """Soak for `minutes` at half of `peak` (events a second; None: measured first). Raises `Stop` when a part dies."""
    with _running_parts() as parts:
        soaking = _Soaking(parts, minutes, seed)
        try:
            found = peak if peak is not None else soaking.measure_peak()
            say(f"Peak: {found:,.0f} events a second. Half of it for {minutes:g} minutes.")
            samples = soaking.soak(found / 2, say)
            soaking.drain()
        finally:
            soaking.stop.set()
        accounts = accounts_of(parts.settings)
        return Soak(
            at=datetime.now(UTC),
            minutes=minutes,
            peak=found,
            measured=peak is None,
            rate=found / 2,
            speed=soaking.speed,
            cores=os.cpu_count() or 1,
            samples=samples,
            told=soaking.told,
            in_topic=events_in_topic(parts.settings),
            received=accounts.received,
            applied=accounts.applied,
            missing=soaking.missing(),
            history_mib=Path(parts.settings.history_path).stat().st_size / 1024 / 1024,
        )


class _Soaking:
    """The telling and the looking, in turns, in one thread."""

    def __init__(self, parts: _Parts, minutes: float, seed: int) -> None:
        self._parts = parts
        self._minutes = minutes
        self.speed = RUN_DAYS * DAY_MS / SECOND_MS / (minutes * 60)
        self.stop = threading.Event()
        self.told = 0
        self._sender = Sender(parts.producer_port, self.stop)
        # Twice the run ago: peak and drain included, nothing is told ahead of the clock.
        self._begins_ms = int(time.time() * SECOND_MS) - 2 * RUN_DAYS * DAY_MS
        self._stream = Stream(self._begins_ms, seed)
        self._started = time.monotonic()

    def measure_peak(self) -> float:
        """Events a second that are applied while as many as possible are told."""
        seconds = min(60.0, self._minutes * 60 * PEAK_SHARE)
        started = time.monotonic()
        self._tell_until(started + seconds / 3, None)
        began, before = time.monotonic(), self._applied()
        self._tell_until(started + seconds, None)
        peak = (self._applied() - before) / (time.monotonic() - began)
        self.drain()
        return peak

    def soak(self, rate: float, say: Say) -> list[Sample]:
        """Tell `rate` events a second; a sample each few seconds."""
        began = time.monotonic()
        samples: list[Sample] = []
        ends, due = began + self._minutes * 60, began
        while (now := time.monotonic()) < ends:
            self._parts.watch()
            due += SAMPLE_SECONDS
            self._tell_until(min(due, ends), rate)
            sample = self._sample((time.monotonic() - began) / 60)
            if int(sample.minute) != int((now - began) / 60):
                say(f"minute {int(sample.minute)}: {sample.behind_seconds:.1f} s behind, {sample.lag:,} events wait")
            samples.append(sample)
        return samples

    def drain(self) -> None:
        """Wait until everything told is counted in the log; a worker exposes a batch before that is committed."""
        self._sender.until_delivered()
        deadline = time.monotonic() + DRAIN_SECONDS
        while time.monotonic() < deadline:
            if self._applied() >= self.told and accounts_of(self._parts.settings).applied >= self.told:
                return
            self._parts.watch()
            time.sleep(0.2)

    def missing(self) -> list[str]:
        """Where events are that were told and are not counted."""
        spooled = exposed(self._parts.producer_port).get(names.SPOOL_EVENTS.name, [])
        return list(told_of(round(sum(value for _, value in spooled)), places(self._parts.settings, self._exposed())))

    def _tell_until(self, end: float, rate: float | None) -> None:
        while (now := time.monotonic()) < end:
            cases = PEAK_CASES if rate is None else round(rate * TELL_SECONDS / EVENTS_A_CASE)
            events = self._stream.until(self._begins_ms + round(self._event_time(now)), cases)
            for start in range(0, len(events), 2 * PEAK_CASES):
                self._sender.send_batch(events[start : start + 2 * PEAK_CASES])
            self.told += len(events)
            if rate is not None:
                time.sleep(max(0.0, TELL_SECONDS - (time.monotonic() - now)))

    def _event_time(self, at: float) -> float:
        """Event time (ms) that had passed at the moment `at` (time.monotonic())."""
        return (at - self._started) * self.speed * SECOND_MS

    def _applied(self) -> int:
        return sum(self._exposed().values())

    def _exposed(self) -> dict[int, int]:
        """What the workers say is applied, by partition."""
        found = (exposed(port).get(names.EVENTS.name, []) for port in self._parts.worker_ports)
        applied = (one for values in found for one in values if one[0]["account"] == "applied")
        return {int(labels["partition"]): round(value) for labels, value in applied}

    def _sample(self, minute: float) -> Sample:
        parts = self._parts
        named = topics(parts.settings.topic_prefix, parts.settings.partitions)
        return take(minute, parts.children(), parts.worker_ports, parts.producer_port, named, self._behind())

    def _behind(self) -> float:
        """How long ago (s) that was told which is published now, of the service furthest behind."""
        published: dict[str, int] = {}
        with suppress(Retry), history_of(self._parts.settings) as store:
            published = {} if store is None else store.published()
        least = min((published.get(service, 0) for service in SERVICES), default=0)
        told_at = (least * SECOND_MS - self._begins_ms) / SECOND_MS / self.speed
        return min(time.monotonic() - self._started, time.monotonic() - self._started - told_at)


@contextmanager
def _running_parts() -> Iterator[_Parts]:
    """A broker, two workers and a producer in a folder of their own, gone at the end."""
    with ExitStack() as stack:
        folder = stack.enter_context(work_folder(prefix="kept-soak-"))
        broker = stack.enter_context(Broker(folder / "kafka"))
        (folder / "catalogue").mkdir()
        for number, text in enumerate(catalogue_texts()):
            (folder / "catalogue" / f"service-{number}.toml").write_text(text, encoding="utf-8")
        settings = Settings(
            brokers=broker.bootstrap,
            topic_prefix="soak-",
            partitions=PARTITIONS,
            catalogue=str(folder / "catalogue"),
            history_path=str(folder / "history.sqlite"),
        )
        create_topics(settings)
        ports = [free_port() for _ in range(WORKERS)]
        group = WorkerGroup(settings, folder, WORKERS, ports)
        stack.callback(group.stop)
        group.start()
        producer, port = _producer(settings, folder)
        stack.callback(producer.stop)
        producer.start()
        parts = _Parts(settings, group, producer, ports, port)
        deadline = time.monotonic() + START_SECONDS
        if not all(wait_until_answers(one, deadline) for one in (*ports, port)):
            parts.watch()
            raise Stop(f"the parts were not ready after {START_SECONDS:.0f} s")
        yield parts


def _producer(settings: Settings, folder: Path) -> tuple[Child, int]:
    port = free_port()
    environment = producer_environment(settings, folder, "producer", port)
    command = [sys.executable, "-m", "command_line.main", "intake"]
    return Child("producer", command, folder / "producer.log", environment=environment), port
