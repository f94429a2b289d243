"""The publisher with a client that is told what to acknowledge; the real broker is in test_publisher_broker."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable
from typing import Any

import pytest
from kafka import errors

from kept import events
from kept.errors import Retry, Stop
from kept.settings import Settings
from producers.connection import PERMANENT, client_options, kept_error
from producers.pace import Pace
from producers.publisher import Publisher


class Delivery:
    """What the client's send gives back."""

    def __init__(self) -> None:
        self.callbacks: list[Callable[[object], object]] = []
        self.errbacks: list[Callable[[Exception], object]] = []

    def add_callback(self, callback: Callable[[object], object]) -> None:
        self.callbacks.append(callback)

    def add_errback(self, errback: Callable[[Exception], object]) -> None:
        self.errbacks.append(errback)


class FakeClient:
    """Holds what was sent until it is acknowledged or failed."""

    def __init__(self, **options: Any) -> None:
        self.options = options
        self.sent: list[dict[str, Any]] = []
        self.deliveries: list[Delivery] = []
        self.partitions: set[int] | None = {1, 0, 2}
        self.close_errors: list[Exception] = []
        self.closed_with: list[float] = []

    def partitions_for(self, topic: str) -> set[int]:
        if self.partitions is None:
            raise errors.KafkaTimeoutError("no metadata")
        return self.partitions

    def send(self, topic: str, **record: Any) -> Delivery:
        self.sent.append({"topic": topic, **record})
        self.deliveries.append(Delivery())
        return self.deliveries[-1]

    def acknowledge(self, count: int) -> None:
        for delivery in self.deliveries[:count]:
            delivery.callbacks[0](None)
        del self.deliveries[:count]

    def fail(self, error: Exception) -> None:
        self.deliveries.pop(0).errbacks[0](error)

    def close(self, timeout: float) -> None:
        self.closed_with.append(timeout)
        if self.close_errors:
            raise self.close_errors.pop(0)


EVENT = events.CaseOpened(
    specversion="1.0", id="e1", source="test", time=0, subject="case-ü", data=events.CaseOpenedData(service="potholes")
)


def connect(client: FakeClient, in_flight: int = 10, delivery_seconds: float = 0.05) -> Publisher:
    def make(**options: Any) -> FakeClient:
        client.options = options
        return client

    return Publisher("service-events", Settings(), in_flight=in_flight, delivery_seconds=delivery_seconds, client=make)


@pytest.fixture(autouse=True)
def short_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("producers.publisher.CONNECT_SECONDS", 0.05)


def test_the_client_is_idempotent_waits_for_all_replicas_and_makes_no_topics() -> None:
    client = FakeClient()
    connect(client)
    assert client.options["acks"] == "all"
    assert client.options["enable_idempotence"] is True
    assert client.options["allow_auto_create_topics"] is False
    assert "transactional_id" not in client.options


def test_an_event_is_keyed_by_its_subject_and_valued_by_its_json() -> None:
    client = FakeClient()
    connect(client).publish(EVENT)
    (record,) = client.sent
    assert record["key"] == "case-ü".encode()
    assert events.decode(record["value"]) == EVENT
    assert record["partition"] is None


def test_an_event_without_subject_is_keyed_by_its_id() -> None:
    client = FakeClient()
    plain = events.FeedbackOffered(
        specversion="1.0", id="e2", source="test", time=0, data=events.FeedbackOfferedData(service="potholes")
    )
    connect(client).publish(plain)
    assert client.sent[0]["key"] == b"e2"


def test_only_acknowledgements_count_as_delivered() -> None:
    client = FakeClient()
    publisher = connect(client)
    publisher.publish_all([(0, EVENT), (1, EVENT), (2, EVENT)], Pace(None))
    assert (publisher.published, publisher.acknowledged, publisher.failed) == (3, 0, 0)
    client.acknowledge(2)
    assert (publisher.published, publisher.acknowledged, publisher.failed) == (3, 2, 0)
    with pytest.raises(Retry, match="1 of 3 events are not acknowledged"):
        publisher.finish()
    client.acknowledge(1)
    publisher.finish()
    assert publisher.acknowledged == 3


def test_a_failure_is_counted_and_raised_by_what_comes_next() -> None:
    client = FakeClient()
    publisher = connect(client)
    publisher.publish(EVENT)
    client.fail(errors.KafkaTimeoutError("expired"))
    assert (publisher.published, publisher.acknowledged, publisher.failed) == (1, 0, 1)
    with pytest.raises(Retry, match=r"1 of 1 events failed.*expired.*publish the same again"):
        publisher.publish(EVENT)
    with pytest.raises(Retry):
        publisher.finish()
    assert len(client.sent) == 1


def test_no_more_is_under_way_than_allowed() -> None:
    client = FakeClient()
    publisher = connect(client, in_flight=4)
    for _ in range(4):
        publisher.publish(EVENT)
    with pytest.raises(Retry, match="acknowledged nothing"):
        publisher.publish(EVENT)
    assert len(client.sent) == 4


def test_a_publisher_that_waits_for_room_goes_on_when_there_is_some() -> None:
    client = FakeClient()
    publisher = connect(client, in_flight=4, delivery_seconds=30.0)
    for _ in range(4):
        publisher.publish(EVENT)
    waiting = threading.Thread(target=publisher.publish, args=(EVENT,))
    waiting.start()
    client.acknowledge(4)
    waiting.join(10)
    assert not waiting.is_alive()
    assert len(client.sent) == 5


def test_ticks_go_to_every_partition() -> None:
    client = FakeClient()
    connect(client).tick_all_partitions(300_000)
    assert [record["partition"] for record in client.sent] == [0, 1, 2]
    ticks = [events.decode(record["value"]) for record in client.sent]
    assert {type(tick) for tick in ticks} == {events.Tick}
    assert {events.milliseconds(tick.time) for tick in ticks} == {300_000}
    assert len({tick.id for tick in ticks}) == 3


def test_a_missing_topic_stops_and_lets_the_connection_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("producers.client.greet", lambda _: None)
    client = FakeClient()
    client.partitions = None
    with pytest.raises(Stop, match=r"topic service-events on 127.0.0.1:9092: there is no such topic"):
        connect(client)
    assert client.closed_with


class Silent(FakeClient):
    """Connected to a broker that says nothing of its topics, so many times."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.silent = times

    def partitions_for(self, topic: str) -> set[int]:
        self.silent -= 1
        if self.silent >= 0:
            raise errors.KafkaTimeoutError("Failed to update metadata")
        return super().partitions_for(topic)


def test_a_broker_that_went_away_before_it_told_of_the_topic_is_not_said_to_have_none() -> None:
    client = Silent(2)
    with pytest.raises(Retry, match=r"no Kafka broker answers at 127.0.0.1:1: nothing listens there; start it"):
        Publisher("service-events", Settings(brokers="127.0.0.1:1"), client=lambda **_: client)
    assert client.closed_with


def test_a_broker_that_came_back_is_asked_for_the_topic_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("producers.client.greet", lambda _: None)
    assert connect(Silent(1)).partitions == [0, 1, 2]
    with pytest.raises(Stop, match="there is no such topic"):
        connect(Silent(2))


def test_no_broker_is_worth_a_retry_and_says_where_it_looked() -> None:
    def unreachable(**_: Any) -> FakeClient:
        raise errors.KafkaTimeoutError("Unable to bootstrap")

    with pytest.raises(Retry, match=r"no Kafka broker answers at 127.0.0.1:1: nothing listens there; start it"):
        Publisher("service-events", Settings(brokers="127.0.0.1:1"), client=unreachable)


def test_close_asks_a_second_time_without_waiting_when_records_remain() -> None:
    client = FakeClient()
    publisher = connect(client)
    client.close_errors = [errors.KafkaTimeoutError("records remain")]
    publisher.close(seconds=3)
    assert client.closed_with == [3, 0]


@pytest.mark.parametrize("kind", [kind for kind, _ in PERMANENT])
def test_errors_that_a_retry_does_not_cure_stop(kind: type[errors.KafkaError]) -> None:
    assert isinstance(kept_error(kind("seen"), "topic x"), Stop)


@pytest.mark.parametrize(
    "kind",
    [
        errors.KafkaTimeoutError,
        errors.KafkaConnectionError,
        errors.NotEnoughReplicasError,
        errors.NotLeaderForPartitionError,
        errors.OutOfOrderSequenceNumberError,
        errors.ThrottlingQuotaExceededError,
    ],
)
def test_other_errors_are_worth_a_retry(kind: type[errors.KafkaError]) -> None:
    assert isinstance(kept_error(kind("seen"), "topic x"), Retry)


def test_narrow_errors_come_before_their_families() -> None:
    kinds = [kind for kind, _ in PERMANENT]
    for index, kind in enumerate(kinds):
        assert not any(issubclass(kind, earlier) for earlier in kinds[:index])


def test_credentials_are_given_only_to_a_broker_that_asks_for_them() -> None:
    assert client_options(Settings(brokers="a:1, b:2")) == {
        "bootstrap_servers": ["a:1", "b:2"],
        "security_protocol": "PLAINTEXT",
    }
    secured = Settings(security_protocol="SASL_SSL", sasl_username="u", sasl_password="p")
    options = client_options(secured)
    context = options.pop("ssl_context")
    assert (context.check_hostname, context.verify_mode) == (True, ssl.CERT_REQUIRED)
    assert options == {
        "bootstrap_servers": ["127.0.0.1:9092"],
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "u",
        "sasl_plain_password": "p",
    }
