"""Signals on the real broker: whoever is killed, and wherever a partition moves, each is raised once and ends once."""

from __future__ import annotations

import random
import re
import sqlite3
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from kept.events import Event
from kept.settings import Settings
from kept.signals.raised import Raised
from kept.signals.verdict import Verdict
from local_stack.broker import Broker
from local_stack.child import Child
from local_stack.replay import Replay, WorkerGroup, history_of, wait_for
from stream_processors.embedded import EmbeddedPipeline
from stream_processors.partition_log import partition_of_service
from tests.kept.city import event, ms, seconds
from tests.stream_processors.judged_worker import SILENT, TOO_MANY, judge
from tests.stream_processors.pipelines import plain_services, plain_texts, settings_of

pytestmark = [pytest.mark.broker, pytest.mark.slow, pytest.mark.timeout(420)]

DAY = "2024-06-03"
SERVICES = ("street-lights", "waste-pickup", "parking-permits", "birth-certificates")
SEED = 5


class JudgedGroup(WorkerGroup):
    """Workers with the judge for tests."""

    def _child(self, number: int) -> Child:
        child = super()._child(number)
        child._command = [sys.executable, "-m", "tests.stream_processors.judged_worker"]
        return child


class Scene:
    """A replay of four services whose event time moves when it is told to."""

    def __init__(self, settings: Settings, group: JudgedGroup) -> None:
        self.settings = settings
        self.group = group
        self.replay = Replay(settings, group)
        self.events: list[Event] = []

    def open(self, time: str, cases: range) -> None:
        self._publish("case.opened", time, cases)

    def complete(self, time: str, cases: range) -> None:
        self._publish("case.completed", time, cases, outcome="intended")

    def reach(self, time: str, day: str = DAY) -> None:
        """Event time comes to `time`, and everything up to it is published."""
        self.replay.end(ms(f"{day} {time}"))
        self.settle(time, day)

    def settle(self, time: str, day: str = DAY) -> None:
        for service in SERVICES:
            wait_for(self.settings, self.group, service, seconds(f"{day} {time}"), WorkerGroup.start)

    def until_all_serve(self) -> None:
        """Wait until every worker serves its metrics."""
        deadline = time.monotonic() + 60
        while not all("/metrics" in worker.log.read_text(errors="replace") for worker in self.group.workers):
            assert time.monotonic() < deadline, [worker.log_tail() for worker in self.group.workers]
            time.sleep(0.2)

    def signals(self) -> list[Raised]:
        with history_of(self.settings) as store:
            assert store is not None
            return store.signals()

    def shown(self, worker: Child) -> dict[tuple[str, str], float]:
        """kept_signal_active of a worker, by service and signal."""
        found = exposed(worker).get("kept_signal_active", [])
        return {(labels["service"], labels["signal"]): value for labels, value in found}

    def embedded(self, time: str) -> list[Verdict]:
        """Active verdicts at `time` on the path without a broker, after the same events."""
        pipeline = EmbeddedPipeline(plain_services(SERVICES))
        pipeline.apply(self.events)
        pipeline.tick(ms(f"{DAY} {time}"))
        return [verdict for verdict in pipeline.verdicts(seconds(f"{DAY} {time}"), judge) if verdict.active]

    def _publish(self, kind: str, time: str, cases: range, **more: str) -> None:
        at_ms = ms(f"{DAY} {time}")
        events = [
            event(kind, at_ms + number, f"{service}-{number}", service=service, **more)
            for number in cases
            for service in SERVICES
        ]
        self.replay.publish(events)
        self.events += events


def exposed(worker: Child) -> dict[str, list[tuple[dict[str, str], float]]]:
    """Samples of /metrics by name; the worker says in its log where it serves them."""
    url = re.findall(r"serves (http://\S+/metrics)", worker.log.read_text(errors="replace"))[-1]
    with urllib.request.urlopen(url, timeout=10) as answer:
        text = answer.read().decode()
    found: dict[str, list[tuple[dict[str, str], float]]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, []).append((sample.labels, sample.value))
    return found


@pytest.fixture
def scene(broker: Broker, topic_prefix: str, tmp_path: Path) -> Iterator[Scene]:
    settings = settings_of(broker, topic_prefix, tmp_path, plain_texts(SERVICES))
    assert {partition_of_service(service, 2) for service in SERVICES} == {0, 1}
    group = JudgedGroup(settings, tmp_path, 2)
    group.start()
    try:
        yield Scene(settings, group)
    finally:
        group.stop()


def expected(raised: str, ended: str | None) -> list[tuple[str, str, int, int | None]]:
    end = None if ended is None else seconds(f"{DAY} {ended}")
    return [(service, TOO_MANY, seconds(f"{DAY} {raised}"), end) for service in sorted(SERVICES)]


def told(signals: list[Raised]) -> list[tuple[str, str, int, int | None]]:
    return [(one.verdict.service, one.verdict.signal, one.raised_at, one.ended_at) for one in signals]


def test_killed_workers_and_moved_partitions_go_on_with_the_same_signals(scene: Scene) -> None:
    scene.open("08:30", range(5))
    scene.reach("09:00")
    raised = scene.signals()
    assert told(raised) == expected("09:00", None)
    assert [one.verdict for one in raised] == scene.embedded("09:00")

    for worker in scene.group.workers:
        worker.kill()
    scene.open("09:30", range(5, 6))
    scene.group.start()
    scene.reach("10:00")
    assert scene.signals() == raised  # nothing was raised twice, and nothing of them changed

    # One dies for good: its partitions, with what is raised in them, move to the other.
    scene.group.workers.pop(0).kill()
    survivor = scene.group.workers[0]
    scene.open("10:30", range(6, 7))
    scene.reach("11:00")
    assert scene.signals() == raised
    assert scene.shown(survivor) == {
        (service, signal): value for service in SERVICES for signal, value in ((TOO_MANY, 1), (SILENT, 0))
    }

    scene.complete("11:30", range(7))
    scene.reach("12:00")
    assert [one.quiet_since for one in scene.signals()] == [seconds(f"{DAY} 12:00")] * len(SERVICES)
    survivor.kill()  # between the evidence going and the end
    scene.open("17:30", range(7, 8))
    scene.group.start()
    scene.reach("18:00")
    assert told(scene.signals()) == expected("09:00", "12:00")
    assert [one.id for one in scene.signals()] == [one.id for one in raised]
    assert set(scene.shown(scene.group.workers[0]).values()) == {0}


def test_workers_killed_at_random_moments_raise_each_signal_once(scene: Scene) -> None:
    chance = random.Random(SEED)
    scene.open("06:00", range(2))
    scene.reach("06:30")
    for number, hour in enumerate(range(7, 15)):
        # Enough is open from the fourth case on: somewhere here each is raised, while workers die.
        scene.open(f"{hour:02}:10", range(2 + number, 3 + number))
        scene.replay.end(ms(f"{DAY} {hour:02}:30"))
        time.sleep(chance.uniform(0.1, 2.5))
        chance.choice(scene.group.workers).kill()
        scene.group.start()
    scene.reach("15:00")
    signals = scene.signals()
    assert [(one.verdict.service, one.ended_at) for one in signals] == [(service, None) for service in sorted(SERVICES)]
    assert all(seconds(f"{DAY} 08:00") <= one.raised_at <= seconds(f"{DAY} 15:00") for one in signals)


def test_signals_of_the_time_in_which_the_history_was_locked_are_there_afterwards(scene: Scene) -> None:
    scene.open("08:00", range(1))
    scene.reach("08:30")
    scene.until_all_serve()  # a worker that has not opened the history yet waits for it without saying so
    lock = sqlite3.connect(scene.settings.history_path, timeout=30, isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    scene.open("08:40", range(1, 6))
    scene.replay.end(ms(f"{DAY} 09:00"))
    deadline = time.monotonic() + 60
    while not any(waiting(worker) > 6 for worker in scene.group.workers):  # longer than a call waits by itself
        assert time.monotonic() < deadline, [worker.log_tail() for worker in scene.group.workers]
        time.sleep(0.2)
    assert scene.signals() == []
    assert all(value == 0 for worker in scene.group.workers for value in scene.shown(worker).values())
    lock.execute("ROLLBACK")
    lock.close()
    scene.settle("09:00")
    assert told(scene.signals()) == expected("09:00", None)
    assert [waiting(worker) for worker in scene.group.workers] == [0, 0]


def waiting(worker: Child) -> float:
    """For how long the history has refused a worker's call (s)."""
    ((_, seconds),) = exposed(worker)["kept_history_waiting_seconds"]
    return seconds
