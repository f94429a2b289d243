"""The durable publisher on a real broker: away, back, frozen; in order, and nothing lost."""

from __future__ import annotations

import gc
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaAdminClient
from kafka.admin import NewTopic

from kept import events
from kept.errors import Stop
from kept.settings import Settings
from producers.durable_publisher import DurablePublisher
from producers.spool import Message
from tests.producers.test_publisher_broker import collect_sockets, read_all
from tests.waiting import eventually

__all__ = ["collect_sockets"]

# kafka-python does not close the sockets of connections that were refused; they must not be told of in another test.
pytestmark = [pytest.mark.broker, pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")]

PARTITIONS = 3


@pytest.fixture
def topic(broker: Any, topic_prefix: str) -> str:
    name = f"{topic_prefix}service-events"
    admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap)
    try:
        admin.create_topics([NewTopic(name, PARTITIONS, 1)], timeout_ms=10_000)
    finally:
        admin.close()
    return name


@pytest.fixture
def settings(broker: Any, tmp_path: Path) -> Settings:
    return Settings(brokers=broker.bootstrap, spool_folder=str(tmp_path / "spool"))


def message(number: int) -> Message:
    event = events.CaseOpened(
        specversion="1.0", id=f"{number:06d}", source="t", time=number, subject=f"case-{number % 17}",
        data=events.CaseOpenedData(service="potholes"),
    )  # fmt: skip
    return Message(events.subject(event).encode(), events.encode(event))


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def first_occurrences(log: list[events.Event]) -> list[str]:
    return list(dict.fromkeys(event.id for event in log))


def assert_complete_and_in_order(bootstrap: str, topic: str, count: int) -> int:
    """Every one of `count` events is there, their first occurrences in order; how many came more than once."""
    logs = read_all(bootstrap, topic)
    for log in logs.values():
        firsts = first_occurrences(log)
        assert firsts == sorted(firsts)
    everything = [event.id for log in logs.values() for event in log]
    assert sorted(set(everything)) == [f"{number:06d}" for number in range(count)]
    return len(everything) - count


def test_a_broker_that_is_killed_and_comes_back_gets_everything_in_order(
    broker: Any, topic: str, settings: Settings
) -> None:
    with DurablePublisher(topic, settings) as publisher:
        assert publisher.delivery.connected()
        count = 0
        for piece in range(40):
            publisher.submit([message(number) for number in range(count, count + 100)])
            count += 100
            if piece == 10:
                eventually(lambda: publisher.delivery.acknowledged > 0, "the first acknowledgement", seconds=20)
                broker.kill()
                eventually(lambda: not publisher.delivery.connected(), "the connection is lost", seconds=20)
        assert not publisher.finish(0.5)
        assert publisher.spool.waiting >= 2500
        broker.start()
        assert publisher.finish(60)
        assert publisher.delivery.acknowledged == count
    assert_complete_and_in_order(broker.bootstrap, topic, count)


def test_a_broker_that_freezes_is_waited_for(
    broker: Any, topic: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("producers.delivery.STALL_SECONDS", 2.0)  # a new connection is made meanwhile
    with DurablePublisher(topic, settings) as publisher:
        publisher.submit([message(number) for number in range(50)]).result(10)
        assert publisher.finish(20)
        os.kill(broker.pid, signal.SIGSTOP)
        try:
            publisher.submit([message(number) for number in range(50, 100)]).result(10)
            eventually(
                lambda: "acknowledged nothing" in str(publisher.delivery.problem), "the silence is told", seconds=20
            )
        finally:
            os.kill(broker.pid, signal.SIGCONT)
        publisher.submit([message(number) for number in range(100, 150)]).result(10)
        assert publisher.finish(60)
    assert_complete_and_in_order(broker.bootstrap, topic, 150)


def test_a_topic_that_is_missing_is_told_at_the_start(broker: Any, settings: Settings, topic_prefix: str) -> None:
    with pytest.raises(Stop, match="there is no such topic; create it with `kept topics create`"):
        DurablePublisher(f"{topic_prefix}absent", settings)


def test_closing_does_not_hang_while_the_broker_is_away(broker: Any, topic: str, settings: Settings) -> None:
    publisher = DurablePublisher(topic, settings)
    broker.stop()
    publisher.submit([message(number) for number in range(50)]).result(10)
    began = time.monotonic()
    publisher.close(3)
    assert time.monotonic() - began < 8
    broker.start()
    with DurablePublisher(topic, settings) as again:
        assert again.finish(60)
    assert_complete_and_in_order(broker.bootstrap, topic, 50)


def test_an_outage_does_not_use_up_the_file_descriptors(
    broker: Any, topic: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("producers.delivery.SWEEP_SECONDS", 0.5)
    monkeypatch.setattr("producers.delivery.LONGEST_PAUSE", 0.2)
    gc.disable()  # as it were in a process that has nothing else to do
    try:
        with DurablePublisher(topic, settings) as publisher:
            broker.stop()
            publisher.submit([message(number) for number in range(50)]).result(10)
            time.sleep(1)
            before = open_files()
            time.sleep(3)
            assert open_files() <= before + 3
    finally:
        gc.enable()
        broker.start()
