"""`kept intake` as a process, on a real broker: whatever is killed or away, what it said 202 to is counted once."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import pytest

import catalogue
from command_line.topics import create_topics
from kept import events
from kept.catalogue import read_catalogue
from kept.intake import rules_by_service
from kept.partition import PartitionState
from kept.settings import Settings
from kept.topics import topics
from local_stack.broker import Broker
from local_stack.child import Child
from local_stack.environment import environment_of
from tests.producers.spool.small_disk import small_disk
from tests.producers.test_durable_publisher_broker import PARTITIONS, first_occurrences
from tests.producers.test_publisher_broker import collect_sockets, read_all
from tests.waiting import eventually

__all__ = ["collect_sockets"]
pytestmark = [pytest.mark.broker, pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")]

TOKEN, NEXT_TOKEN = "a-token-of-16-or-more", "the-token-that-follows-it"
CASES = 200


class IntakeProcess:
    """`kept intake` in a folder of its own."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.token_file = folder / "token"
        self.token_file.write_text(TOKEN)
        environment = environment_of(settings) | {
            "KEPT_INTAKE_TOKEN_FILE": str(self.token_file),
            "KEPT_INTAKE_PORT": "0",
        }
        command = [sys.executable, "-m", "command_line.main", "intake"]
        self.child = Child("intake", command, folder / "intake.log", environment=environment)
        self.port = 0

    def start(self) -> None:
        begin = self.child.log.stat().st_size if self.child.log.exists() else 0
        self.child.start()

        def port() -> bool:
            said = self.child.log.read_text()[begin:]
            found = re.search(r"takes events at http://127.0.0.1:(\d+)/events", said)
            self.port = int(found[1]) if found else 0
            return found is not None

        eventually(port, "it takes events", self.child)

    def post(self, numbers: range, token: str = TOKEN) -> int:
        """The status of one batch; 0 when there was no answer."""
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/cloudevents-batch+json"}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("POST", "/events", msgspec.json.encode([event(number) for number in numbers]), headers)
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return 0
        finally:
            connection.close()

    def health(self) -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("GET", "/healthz")
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def wait_until_delivered(self) -> None:
        eventually(lambda: self.health()[1]["spool"]["events"] == 0, "the spool is empty")


def event(number: int) -> dict[str, Any]:
    """Events of `CASES` cases, each with an opening first; all differ, so that each must be counted once."""
    kind, data = ("case.opened", {}) if number < CASES else ("case.step", {"step": "visit"})
    return {
        "specversion": "1.0", "type": kind, "source": "works", "id": f"{number:06d}", "time": 1_767_571_200 + number,
        "subject": f"case-{number % CASES}", "data": {"service": "street-lights", **data},
    }  # fmt: skip


@pytest.fixture
def settings(broker: Broker, topic_prefix: str, tmp_path: Path) -> Settings:
    settings = Settings(
        brokers=broker.bootstrap, topic_prefix=topic_prefix, partitions=PARTITIONS,
        spool_folder=str(tmp_path / "spool"), spool_bytes=1024 * 1024, intake_body_bytes=128 * 1024,
    )  # fmt: skip
    create_topics(settings)
    return settings


@pytest.fixture
def intake(settings: Settings, tmp_path: Path) -> Iterator[IntakeProcess]:
    process = IntakeProcess(settings, tmp_path)
    process.start()
    yield process
    process.child.kill()


def assert_counted_once(settings: Settings, accepted: set[int]) -> None:
    """Each accepted event is in the topic, in order per partition, and the case processor's core counts it once."""
    logs = read_all(settings.brokers, topics(settings.topic_prefix, PARTITIONS).events.name)
    arrived = {int(each.id) for log in logs.values() for each in log}
    assert accepted <= arrived
    rules = rules_by_service(read_catalogue([catalogue.CITY]))
    applied = 0
    for partition, log in logs.items():
        firsts = first_occurrences(log)
        assert firsts == sorted(firsts)
        state = PartitionState(partition, rules)
        state.apply(len(log), log)
        assert state.accounts.dead_lettered == {}
        assert state.accounts.applied == len(firsts)
        assert state.accounts.duplicate == len(log) - len(firsts)
        applied += state.accounts.applied
    assert applied == len(arrived)


def test_killed_in_the_middle_with_the_broker_away_it_loses_nothing_it_accepted(
    broker: Broker, settings: Settings, tmp_path: Path
) -> None:
    intake = IntakeProcess(msgspec.structs.replace(settings, spool_bytes=64 * 1024 * 1024), tmp_path)
    intake.start()
    accepted: set[int] = set()
    number = 0

    def post_some(batches: int) -> None:
        nonlocal number
        for _ in range(batches):
            numbers = range(number, number + 20)
            status = intake.post(numbers)
            if status == 202:
                accepted.update(numbers)
                number += 20
            else:
                assert status == 0
                return

    def kill_while_posting() -> None:
        with ThreadPoolExecutor(1) as posting:
            posted = posting.submit(post_some, 10_000)
            time.sleep(0.15)
            intake.child.kill()
            posted.result(30)
        intake.start()

    post_some(20)
    assert len(accepted) == 400
    broker.kill()
    post_some(20)
    assert len(accepted) == 800
    assert intake.health()[1]["spool"]["events"] > 0
    for _ in range(3):
        kill_while_posting()
        post_some(3)
    status, health = intake.health()
    assert (status, health["status"]) == (200, "broker_away")
    assert health["spool"]["events"] >= len(accepted) - 400
    broker.start()
    kill_while_posting()  # and delivering
    post_some(1)
    intake.wait_until_delivered()
    intake.child.kill()
    assert_counted_once(settings, accepted)


def test_a_full_spool_refuses_until_the_broker_is_back(
    broker: Broker, settings: Settings, intake: IntakeProcess
) -> None:
    broker.stop()
    accepted: set[int] = set()
    number = 0
    while (status := intake.post(range(number, number + 500))) == 202:
        accepted.update(range(number, number + 500))
        number += 500
        assert number < 50_000
    assert status == 429
    assert intake.health()[0] == 200 or intake.health()[1]["status"] == "spool_full"
    broker.start()
    intake.wait_until_delivered()
    assert intake.post(range(number, number + 500)) == 202
    intake.wait_until_delivered()
    assert_counted_once(settings, accepted | set(range(number, number + 500)))


def test_a_full_disk_refuses_and_mends_itself_when_the_broker_is_back(
    broker: Broker, settings: Settings, tmp_path: Path
) -> None:
    with small_disk(tmp_path / "disk") as disk:
        on_disk = msgspec.structs.replace(settings, spool_folder=str(disk), spool_bytes=1024**3)
        intake = IntakeProcess(on_disk, tmp_path)
        intake.start()
        try:
            broker.stop()
            accepted: set[int] = set()
            number = 0
            while (status := intake.post(range(number, number + 500))) == 202:
                accepted.update(range(number, number + 500))
                number += 500
                assert number < 50_000
            assert status == 503
            assert "No space left on device" in intake.child.log_tail()
            broker.start()
            intake.wait_until_delivered()
            eventually(lambda: intake.post(range(number, number + 500)) == 202, "a batch is taken")
            intake.wait_until_delivered()
        finally:
            intake.child.kill()
        assert_counted_once(settings, accepted | set(range(number, number + 500)))


def test_it_stops_in_order_and_tells_what_waits(broker: Broker, settings: Settings, intake: IntakeProcess) -> None:
    assert intake.post(range(20)) == 202
    intake.child.signal(signal.SIGTERM)
    assert intake.child.wait(20) == 0
    assert_counted_once(settings, set(range(20)))
    intake.start()
    broker.stop()
    assert intake.post(range(20, 40)) == 202
    intake.child.signal(signal.SIGTERM)
    assert intake.child.wait(30) == 0
    assert "20 events wait in" in intake.child.log_tail()
    broker.start()
    intake.start()
    intake.wait_until_delivered()
    assert_counted_once(settings, set(range(40)))


def test_tokens_are_replaced_while_it_runs(intake: IntakeProcess) -> None:
    assert intake.post(range(20), NEXT_TOKEN) == 401
    intake.token_file.write_text(f"{TOKEN}\n{NEXT_TOKEN}\n")
    os.kill(int(intake.child.pid or 0), signal.SIGHUP)
    eventually(lambda: "2 tokens are accepted" in intake.child.log_tail(), "both tokens are accepted", seconds=10)
    assert [intake.post(range(20), token) for token in (TOKEN, NEXT_TOKEN)] == [202, 202]
    intake.token_file.write_text("short")
    os.kill(int(intake.child.pid or 0), signal.SIGHUP)
    eventually(lambda: "the tokens stay as they were" in intake.child.log_tail(), "the refusal is told", seconds=10)
    assert intake.post(range(20), NEXT_TOKEN) == 202
    assert TOKEN not in intake.child.log.read_text()


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({}, "KEPT_INTAKE_TOKEN_FILE: not set"),
        ({"KEPT_INTAKE_TOKEN_FILE": "/nowhere"}, "cannot be read"),
        ({"KEPT_SPOOL_BYTES": "65536"}, "KEPT_SPOOL_BYTES: seen 65536; valid: at least"),
        ({"KEPT_TOPIC_PREFIX": "absent-"}, "there is no such topic; create it with `kept topics create`"),
    ],
)
def test_what_makes_no_sense_ends_it_at_once(
    settings: Settings, tmp_path: Path, variables: dict[str, str], says: str
) -> None:
    (tmp_path / "token").write_text(TOKEN)
    given = {"KEPT_INTAKE_TOKEN_FILE": str(tmp_path / "token")} if variables else {}
    environment = environment_of(settings) | {"KEPT_INTAKE_PORT": "0"} | given | variables
    command = [sys.executable, "-m", "command_line.main", "intake"]
    child = Child("intake", command, tmp_path / "log", environment=environment)
    child.start()
    assert child.wait(30) == 2, child.log_tail()
    assert says in child.log_tail()
    assert events.TICK_TYPE not in child.log_tail()


def test_a_port_that_is_taken_and_a_spool_that_is_in_use_are_named(
    settings: Settings, intake: IntakeProcess, tmp_path: Path
) -> None:
    for variables, says in (
        ({"KEPT_INTAKE_PORT": str(intake.port), "KEPT_SPOOL_FOLDER": str(tmp_path / "other")}, "KEPT_INTAKE_PORT: 127"),
        ({"KEPT_INTAKE_PORT": "0"}, "is in use by another process"),
    ):
        environment = environment_of(settings) | {"KEPT_INTAKE_TOKEN_FILE": str(intake.token_file)} | variables
        command = [sys.executable, "-m", "command_line.main", "intake"]
        child = Child("intake", command, tmp_path / "log", environment=environment)
        child.start()
        assert child.wait(30) == 2, child.log_tail()
        assert says in child.log_tail()
