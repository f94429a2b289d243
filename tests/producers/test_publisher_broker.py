"""The publisher on a real broker."""

from __future__ import annotations

import gc
import logging
import time
from collections.abc import Iterator
from typing import Any

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.admin import NewTopic

import catalogue
from kept import events
from kept.catalogue import read_catalogue
from kept.durations import HOUR_MS
from kept.errors import Retry, Stop
from kept.settings import Settings
from producers.pace import Pace
from producers.publisher import Publisher
from producers.simulator import simulate

# kafka-python does not close the sockets of connections that were refused; they must not be told of in another test.
pytestmark = [pytest.mark.broker, pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")]

MONDAY_MS = 1_767_571_200_000  # 2026-01-05 00:00 UTC
PARTITIONS = 3


@pytest.fixture(autouse=True)
def collect_sockets() -> Iterator[None]:
    """What the client logs of a broker that is away holds on to its sockets: none of it is kept for a later test."""
    logger = logging.getLogger("kafka")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    yield
    logger.setLevel(before)
    gc.collect()


@pytest.fixture
def topic(broker: Any, topic_prefix: str) -> Iterator[str]:
    name = f"{topic_prefix}service-events"
    admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap)
    try:
        admin.create_topics([NewTopic(name, PARTITIONS, 1)], timeout_ms=10_000)
        yield name
    finally:
        admin.close()


def city(hours: int) -> list[tuple[int, events.Event]]:
    services = read_catalogue([catalogue.CITY])
    return list(simulate(services.values(), start_ms=MONDAY_MS, end_ms=MONDAY_MS + hours * HOUR_MS, seed=7))


def read_all(bootstrap: str, topic: str) -> dict[int, list[events.Event]]:
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    try:
        partitions = [TopicPartition(topic, number) for number in range(PARTITIONS)]
        consumer.assign(partitions)
        consumer.seek_to_beginning(*partitions)
        ends = consumer.end_offsets(partitions)
        read: dict[int, list[events.Event]] = {number: [] for number in range(PARTITIONS)}
        deadline = time.monotonic() + 30
        while any(consumer.position(partition) < ends[partition] for partition in partitions):
            assert time.monotonic() < deadline, "the log could not be read within 30 s"
            for partition, records in consumer.poll(timeout_ms=500).items():
                read[partition.partition] += [events.decode(record.value) for record in records]
        return read
    finally:
        consumer.close()


def test_every_event_arrives_once_cases_stay_together_and_in_order(broker: Any, topic: str) -> None:
    published = city(hours=24)
    with Publisher(topic, Settings(brokers=broker.bootstrap), in_flight=500) as publisher:
        publisher.publish_all(published, Pace(None))
        publisher.tick_all_partitions(MONDAY_MS + 24 * HOUR_MS)
        publisher.finish()
        assert publisher.published == publisher.acknowledged == len(published) + PARTITIONS
        assert publisher.failed == 0
    read = read_all(broker.bootstrap, topic)
    assert [type(log[-1]) for log in read.values()] == [events.Tick] * PARTITIONS
    arrived = [event for log in read.values() for event in log[:-1]]
    assert sorted(event.id for event in arrived) == sorted(event.id for _, event in published)
    partition_of: dict[str, int] = {}
    for number, log in read.items():
        times = [events.milliseconds(event.time) for event in log]
        assert times == sorted(times)
        for event in log[:-1]:
            assert partition_of.setdefault(events.subject(event), number) == number


def test_a_topic_that_is_not_there_stops_and_is_not_made(broker: Any, topic_prefix: str) -> None:
    with pytest.raises(Stop, match="there is no such topic"):
        Publisher(f"{topic_prefix}absent", Settings(brokers=broker.bootstrap), connect_seconds=2)


def test_a_broker_that_goes_away_fails_what_is_under_way_and_closing_does_not_hang(broker: Any, topic: str) -> None:
    published = city(hours=12)
    publisher = Publisher(topic, Settings(brokers=broker.bootstrap), in_flight=50, delivery_seconds=4)
    publisher.publish(published[0][1])
    publisher.finish()
    broker.stop()
    with pytest.raises(Retry, match="publish the same again"):
        publisher.publish_all(published[1:], Pace(None))
    assert publisher.acknowledged == 1
    assert publisher.failed > 0
    began = time.monotonic()
    publisher.close(seconds=2)
    assert time.monotonic() - began < 8


def test_where_nothing_listens_the_publisher_says_so() -> None:
    with pytest.raises(Retry, match=r"no Kafka broker answers at 127.0.0.1:1"):
        Publisher("service-events", Settings(brokers="127.0.0.1:1"), connect_seconds=1)
