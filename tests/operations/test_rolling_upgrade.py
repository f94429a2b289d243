"""A rolling upgrade: workers of two releases count together, and then in two formats; no gauge is away for long.

The older release is the worker of this one. The newer one is `next_release`, whose state has another format.
"""

from __future__ import annotations

import asyncio
import re
import sys
import threading
import time
import urllib.request
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from kept.events import Event
from kept.indicators.point import Point
from kept.settings import Settings
from kept.state_records import STATE_FORMAT
from kept.topics import topics
from local_stack.broker import Broker
from local_stack.child import Child
from local_stack.environment import environment_of
from local_stack.replay import Replay, WorkerGroup, accounts_of, wait_for
from stream_processors.connection import client_settings
from stream_processors.embedded import EmbeddedPipeline
from stream_processors.state_reader import StateReader
from tests.kept.city import event, ms
from tests.stream_processors.next_release import NEXT
from tests.stream_processors.pipelines import plain_services, plain_texts, settings_of

pytestmark = [pytest.mark.broker, pytest.mark.operations, pytest.mark.timeout(280)]

SERVICES = ("street-lights", "waste-pickup", "birth-certificates")
DAY = "2024-06-03"
CASES = 200
MOST_SECONDS_WITHOUT = 30.0
"""A worker's restart, or the end of its session in the group and the restore by whoever takes over."""


class Roll:
    """Two workers of a pipeline, each of which can be replaced by another release's in its place."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.settings = settings
        self.group = WorkerGroup(settings, folder, 2)
        self.replay = Replay(settings, self.group)
        self.events: list[Event] = []
        self.gaps = Gaps(self.group)

    def replace(self, number: int, module: str, state_format: int = 0) -> None:
        """Stop a worker, start another release's under the same name, and wait until it serves."""
        former = self.group.workers[number]
        former.stop()
        name = f"worker-{number + 1}"
        environment = environment_of(self.settings) | {
            "KEPT_WORKER_ID": name,
            "KEPT_WORK_FOLDER": str(self.group.folder / name),
            "KEPT_STATE_FORMAT": str(state_format),
        }
        log = former.log.with_name(f"{name}-{module}-{state_format}.log")
        self.group.workers[number] = Child(name, [sys.executable, "-m", module], log, environment=environment)
        self.group.workers[number].start()
        deadline = time.monotonic() + 60
        while address_of(self.group.workers[number]) is None:
            self.group.watch()
            assert time.monotonic() < deadline, self.group.workers[number].log_tail()
            time.sleep(0.1)

    def hour(self, hour: int) -> None:
        """An hour of the day: new cases, and the end of some of those before. Returns when it is published."""
        at_ms = ms(f"{DAY} {hour:02}:00")
        told = [
            event(kind, at_ms + number, f"{service}-{case}", service=service)
            for service in SERVICES
            for number in range(CASES)
            for kind, case in (("case.opened", hour * CASES + number), ("case.completed", (hour - 2) * CASES + number))
            if case >= 8 * CASES and (kind == "case.opened" or number % 3)
        ]
        self.events += told
        self.replay.publish(told)
        self.replay.end(ms(f"{DAY} {hour:02}:30"))
        for service in SERVICES:
            wait_for(self.settings, self.group, service, ms(f"{DAY} {hour:02}:30") // 1000)

    def formats(self) -> set[int]:
        """Formats of the state in the log, over all partitions."""

        async def read() -> set[int]:
            found = set()
            for partition in range(self.settings.partitions):
                topic = topics(self.settings.topic_prefix, self.settings.partitions).state.name
                reader = StateReader(client_settings(self.settings), topic, partition)
                head = await reader.head(await reader.end())
                assert head is not None
                found.add(head.format)
            return found

        return asyncio.run(read())


class Gaps(threading.Thread):
    """Scrapes all workers again and again; notes for how long each service's gauge was shown by none."""

    def __init__(self, group: WorkerGroup) -> None:
        super().__init__(daemon=True)
        self._group = group
        self.ended = threading.Event()
        self.longest = dict.fromkeys(SERVICES, 0.0)
        self._seen: dict[str, float] = {}

    def run(self) -> None:
        while not self.ended.wait(0.25):
            shown = {service for worker in list(self._group.workers) for service in shown_by(worker)}
            now = time.monotonic()
            for service in SERVICES:
                if service in self._seen:
                    self.longest[service] = max(self.longest[service], now - self._seen[service])
                if service in shown:
                    self._seen[service] = now


def address_of(worker: Child) -> str | None:
    found = re.findall(r"serves (http://\S+/metrics)", worker.log.read_text(errors="replace"))
    return found[-1] if found else None


def shown_by(worker: Child) -> set[str]:
    url = address_of(worker)
    if url is None:
        return set()
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            text = answer.read().decode()
    except OSError:
        return set()
    return {
        sample.labels["service"]
        for family in text_string_to_metric_families(text)
        if family.name == "kept_indicator_timestamp_seconds"
        for sample in family.samples
    }


def expected_at(events: list[Event], at_ms: int) -> list[Point]:
    pipeline = EmbeddedPipeline(plain_services(SERVICES))
    pipeline.apply(events)
    pipeline.tick(at_ms)
    return sorted(pipeline.indicators(at_ms // 1000), key=Point.key)


def test_old_and_new_workers_count_together_without_a_gap_and_come_to_the_same(
    broker: Broker, topic_prefix: str, tmp_path: Path
) -> None:
    settings = settings_of(broker, topic_prefix, tmp_path, plain_texts(SERVICES))
    new = "tests.stream_processors.next_release"
    roll = Roll(settings, tmp_path)
    roll.group.start()
    try:
        roll.hour(8)
        roll.gaps.start()
        roll.replace(0, new)  # it goes on in the format of the older one, which takes partitions from it and gives some
        roll.hour(9)
        assert roll.formats() == {STATE_FORMAT}
        roll.replace(1, new, NEXT)  # the last one that knows no other is gone
        roll.hour(10)
        assert roll.formats() == {STATE_FORMAT, NEXT}
        roll.group.workers.pop(0).stop()  # for good: the other takes its partitions over, and raises them
        roll.hour(11)
        roll.gaps.ended.set()
        assert roll.formats() == {NEXT}
        at_ms = ms(f"{DAY} 11:30")
        points = [point for service in SERVICES for point in wait_for(settings, roll.group, service, at_ms // 1000)[0]]
        assert sorted(points, key=Point.key) == expected_at(roll.events, at_ms)
        accounts = accounts_of(settings)
        assert accounts.reconciles()
        assert accounts.applied == len(roll.events)
    finally:
        roll.gaps.ended.set()
        roll.group.stop()
    print("longest absence of a gauge (s):", {name: round(gap, 1) for name, gap in roll.gaps.longest.items()})
    assert max(roll.gaps.longest.values()) < MOST_SECONDS_WITHOUT, roll.gaps.longest
