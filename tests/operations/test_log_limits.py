"""While the broker is away nobody fills a disk with lines, and every line is one JSON object of the closed form."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from kept.log_lines import LogLine
from local_stack.broker import Broker
from tests.operations.test_graceful_stop import TOKEN, Commands, said
from tests.waiting import eventually

pytestmark = [pytest.mark.broker, pytest.mark.operations, pytest.mark.timeout(280)]

AWAY_SECONDS = 75.0
MOST_LINES_A_MINUTE = 40


class Strict(LogLine, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A line with no field beside those of the form."""


@pytest.fixture
def commands(broker: Broker, topic_prefix: str, tmp_path: Path) -> Iterator[Commands]:
    made = Commands(broker, topic_prefix, tmp_path, log_format="json")
    yield made
    for child in made.started:
        child.kill()


def test_a_broker_that_is_away_is_told_in_few_lines(commands: Commands, broker: Broker) -> None:
    worker, intake, live = commands.worker(), commands.intake(), commands.live()
    children = [worker, intake, live]
    eventually(said(worker, "/metrics"), "the worker serves", worker)
    eventually(said(intake, "takes events at"), "the intake takes events", intake)
    eventually(commands.live_delivers, "live events are delivered", live)
    before = {child.name: len(child.log.read_text().splitlines()) for child in children}
    broker.stop()
    ends = time.monotonic() + AWAY_SECONDS
    while time.monotonic() < ends and any(child.running() for child in children):
        time.sleep(0.5)
    for child in children:
        lines = child.log.read_bytes().splitlines()
        stopped = [line for line in lines if line.startswith(b"kept worker ")]  # its last words, for people
        strange = [line for line in lines if line not in stopped and not line.startswith(b'{"time":"')]
        assert not strange, (child.name, strange[:3])
        told = [msgspec.json.decode(line, type=Strict) for line in lines if line not in stopped]
        assert len(stopped) <= 1
        assert len(told) - before[child.name] <= MOST_LINES_A_MINUTE * AWAY_SECONDS / 60, Counter(
            (line.logger, line.event) for line in told
        ).most_common(8)
        assert TOKEN not in child.log.read_text()
        print(child.name, len(told) - before[child.name], "lines,", sum(line.repeated for line in told), "left out")
