"""The durable publisher with a double of the broker; the real one is in test_durable_publisher_broker."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from kafka import errors

from kept import events
from kept.errors import ConfigurationError, Retry, SpoolFull, Stop
from kept.settings import Settings
from producers.durable_publisher import LARGEST_EVENT_BYTES, DurablePublisher
from producers.pace import Pace
from producers.spool import Message
from tests.producers.broker_double import BrokerDouble
from tests.waiting import eventually

TOPIC = "service-events"


def message(number: int, size: int = 20) -> Message:
    return Message(b"case", (b"%d" % number).ljust(size))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(spool_folder=str(tmp_path / "spool"), spool_bytes=65_536)


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> BrokerDouble:
    monkeypatch.setattr("producers.delivery.LONGEST_PAUSE", 0.1)
    return BrokerDouble()


def test_what_is_accepted_reaches_the_broker_in_order_and_leaves_the_spool(
    settings: Settings, broker: BrokerDouble
) -> None:
    with DurablePublisher(TOPIC, settings, client=broker) as publisher:
        for number in range(0, 100, 2):
            publisher.submit([message(number), message(number + 1)])
        assert publisher.finish(10)
        assert publisher.accepted == publisher.delivery.acknowledged == 100
    assert broker.values() == [message(number).value for number in range(100)]
    assert broker.closed == 1


def test_when_nothing_comes_any_more_nothing_of_what_was_delivered_is_on_disk(
    settings: Settings, broker: BrokerDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("producers.delivery.REST_SECONDS", 0.05)
    with DurablePublisher(TOPIC, settings, client=broker) as publisher:
        for number in range(3):
            publisher.submit([message(number)]).result(10)
            assert publisher.finish(10)
            eventually(lambda: list(publisher.spool.folder.glob("*.segment")) == [], "an empty spool", seconds=10)
    assert broker.values() == [message(number).value for number in range(3)]


def test_while_the_broker_is_away_events_are_accepted_and_sent_first_when_it_is_back(
    settings: Settings, broker: BrokerDouble
) -> None:
    broker.there = False
    with DurablePublisher(TOPIC, settings, client=broker) as publisher:
        publisher.submit([message(1)]).result(10)
        publisher.submit([message(2)]).result(10)
        assert not publisher.finish(0.05)
        assert not publisher.delivery.connected()
        assert publisher.delivery.problem is not None
        assert "no Kafka broker answers" in publisher.delivery.problem
        broker.there = True
        publisher.submit([message(3)]).result(10)
        assert publisher.finish(10)
        assert publisher.delivery.problem is None
    assert broker.values() == [message(number).value for number in (1, 2, 3)]


def test_what_was_accepted_is_delivered_by_the_next_process(settings: Settings, broker: BrokerDouble) -> None:
    broker.there = False
    with DurablePublisher(TOPIC, settings, client=broker) as publisher:
        publisher.submit([message(1), message(2)]).result(10)
    broker.there = True
    with DurablePublisher(TOPIC, settings, client=broker) as publisher:
        assert publisher.finish(10)
    assert broker.values() == [message(1).value, message(2).value]


def test_after_a_failure_everything_from_the_oldest_not_acknowledged_on_is_sent_again(
    settings: Settings, broker: BrokerDouble
) -> None:
    broker.answers = False
    with DurablePublisher(TOPIC, settings, client=broker) as publisher:
        publisher.submit([message(number) for number in range(1, 6)]).result(10)
        eventually(lambda: len(broker.under_way) == 5, "5 under way", seconds=10)
        broker.under_way[0].settle()
        broker.under_way[2].settle()  # on another partition: it is sent again all the same
        broker.answers = True
        broker.under_way[1].settle(errors.NotLeaderForPartitionError())
        assert publisher.finish(10)
        assert publisher.delivery.acknowledged == 5
    assert [value.strip() for value in broker.log[0]] == [b"1", b"2", b"3", b"4", b"5"]
    assert [value.strip() for value in broker.log[1]] == [b"2", b"3", b"4", b"5"]


def test_a_broker_that_is_silent_is_asked_anew(
    settings: Settings, broker: BrokerDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("producers.delivery.STALL_SECONDS", 0.3)
    broker.answers = False
    with DurablePublisher(TOPIC, settings, client=broker) as publisher:
        publisher.submit([message(1)]).result(10)
        eventually(lambda: len(broker.under_way) == 1, "1 under way", seconds=10)
        broker.answers = True
        assert publisher.finish(10)
    assert len(broker.log) == 2


def test_what_is_under_way_is_bounded(
    settings: Settings, broker: BrokerDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("producers.delivery.IN_FLIGHT", 3)
    broker.answers = False
    with DurablePublisher(TOPIC, settings, client=broker) as publisher:
        for number in range(20):
            publisher.submit([message(number)]).result(10)
        eventually(lambda: len(broker.under_way) == 3, "3 under way", seconds=10)
        time.sleep(0.1)
        assert len(broker.under_way) == 3
        assert publisher.spool.waiting == 20


def test_a_full_spool_refuses_and_takes_again_after_the_broker_is_back(
    settings: Settings, broker: BrokerDouble
) -> None:
    broker.there = False
    with DurablePublisher(TOPIC, settings, client=broker) as publisher:
        accepted = 0
        with pytest.raises(SpoolFull, match="start the broker, or raise KEPT_SPOOL_BYTES"):
            while True:
                publisher.submit([message(accepted, 2000)]).result(10)
                accepted += 1
        broker.there = True
        assert publisher.finish(10)
        publisher.submit([message(accepted, 2000)]).result(10)
        assert publisher.finish(10)
    assert [int(value) for value in broker.values()] == list(range(accepted + 1))


def test_one_who_waits_for_room_loses_nothing(settings: Settings, broker: BrokerDouble) -> None:
    broker.there = False
    event = events.CaseOpened(
        specversion="1.0", id="e", source="t", time=0, subject="c", data=events.CaseOpenedData(service="potholes")
    )
    count = 1500
    timed = [(0, events.CaseOpened(**{**_fields(event), "id": f"e{number}"})) for number in range(count)]
    with DurablePublisher(TOPIC, settings, when_full="wait", client=broker) as publisher:
        publishing = threading.Thread(target=publisher.publish_all, args=(timed, Pace(None)))
        publishing.start()
        with pytest.raises(Retry, match="are not on disk"):
            publishing.join(10)
            publisher.finish(0.2)
        broker.there = True
        assert publisher.finish(20)
        assert publisher.accepted == count
    assert [events.decode(value).id for value in broker.values()] == [event.id for _, event in timed]


def test_what_waits_for_room_when_it_is_closed_is_counted_as_failed(settings: Settings, broker: BrokerDouble) -> None:
    broker.there = False
    event = events.CaseOpened(
        specversion="1.0", id="e", source="t", time=0, subject="c", data=events.CaseOpenedData(service="potholes")
    )
    count = 1500
    with DurablePublisher(TOPIC, settings, when_full="wait", client=broker) as publisher:
        for number in range(count):
            publisher.publish(events.CaseOpened(**{**_fields(event), "id": f"e{number}"}))
        with pytest.raises(Retry, match="are not on disk"):
            publisher.finish(0.2)
        assert publisher.failed == 0
    assert 0 < publisher.accepted < count
    assert publisher.failed == count - publisher.accepted
    assert publisher.spool.waiting == publisher.accepted


def _fields(event: events.Event) -> dict[str, object]:
    return {name: getattr(event, name) for name in event.__struct_fields__}


def test_many_callers_at_once_are_synced_together(
    settings: Settings, broker: BrokerDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    writes: list[int] = []
    with DurablePublisher(TOPIC, settings, client=broker) as publisher:
        append = publisher.spool.append

        def slow(messages: list[Message]) -> None:
            writes.append(len(messages))
            time.sleep(0.05)
            append(messages)

        monkeypatch.setattr(publisher.spool, "append", slow)
        for accepted in [publisher.submit([message(number)]) for number in range(40)]:
            accepted.result(10)
    assert sum(writes) == 40
    assert len(writes) <= 3


def test_a_submission_that_does_not_fit_takes_no_other_with_it(settings: Settings, broker: BrokerDouble) -> None:
    broker.there = False
    with DurablePublisher(TOPIC, settings, client=broker) as publisher:
        publisher.submit([message(0, 58_000)]).result(10)
        block = threading.Lock()
        block.acquire()
        append = publisher.spool.append
        publisher.spool.append = lambda messages: (block.acquire(), block.release(), append(messages))[2]  # type: ignore[assignment, func-returns-value]
        held = publisher.submit([message(1)])
        large, small = publisher.submit([message(2, 7_600)]), publisher.submit([message(3)])
        block.release()
        held.result(10)
        with pytest.raises(SpoolFull):
            large.result(10)
        small.result(10)


def test_the_queue_in_memory_is_bounded(
    settings: Settings, broker: BrokerDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("producers.durable_publisher.QUEUE_BYTES", 10_000)
    with DurablePublisher(TOPIC, settings, client=broker) as publisher:
        with publisher.spool._writing:  # a disk that hangs
            first = publisher.submit([message(0, 9000)])
            with pytest.raises(SpoolFull, match="more is handed over than the disk takes"):
                publisher.submit([message(1, 9000)])
        first.result(10)
        publisher.submit([message(1, 9000)]).result(10)


def test_an_event_larger_than_the_topic_takes_is_refused_and_blocks_nothing(
    settings: Settings, broker: BrokerDouble
) -> None:
    with DurablePublisher(TOPIC, settings, client=broker) as publisher:
        with pytest.raises(Stop, match="the topic takes at most"):
            publisher.submit([message(1, LARGEST_EVENT_BYTES)])
        publisher.submit([message(2)]).result(10)
        assert publisher.finish(10)


def test_a_topic_that_is_missing_stops_at_the_start_and_lets_go_of_the_spool(
    settings: Settings, broker: BrokerDouble
) -> None:
    broker.topic_exists = False
    with pytest.raises(Stop, match="there is no such topic"):
        DurablePublisher(TOPIC, settings, client=broker)
    broker.topic_exists = True
    DurablePublisher(TOPIC, settings, client=broker).close()


def test_two_topics_do_not_share_a_spool_and_two_processes_of_one_topic_may_not(
    settings: Settings, broker: BrokerDouble
) -> None:
    with (
        DurablePublisher(TOPIC, settings, client=broker),
        DurablePublisher("other", settings, client=broker),
        pytest.raises(ConfigurationError, match="is in use by another process"),
    ):
        DurablePublisher(TOPIC, settings, client=broker)


def test_damage_halts_delivery_and_is_told(settings: Settings, broker: BrokerDouble) -> None:
    broker.there = False
    with DurablePublisher(TOPIC, settings, client=broker) as publisher:
        publisher.submit([message(1)]).result(10)
        (segment,) = publisher.spool.folder.glob("*.segment")
        data = bytearray(segment.read_bytes())
        data[-1] ^= 1
        segment.write_bytes(data)
        broker.there = True
        eventually(lambda: publisher.delivery.halted, "delivery is halted", seconds=10)
        assert "message 1 is damaged" in str(publisher.delivery.problem)
    assert broker.values() == []


def test_closed_it_takes_nothing(settings: Settings, broker: BrokerDouble) -> None:
    publisher = DurablePublisher(TOPIC, settings, client=broker)
    publisher.close()
    with pytest.raises(Stop, match="is closed"):
        publisher.submit([message(1)])


def test_started_before_the_broker_with_nothing_waiting_it_has_no_problem_once_it_is_connected(
    settings: Settings, broker: BrokerDouble
) -> None:
    broker.there = False
    with DurablePublisher(TOPIC, settings, client=broker) as publisher:
        assert publisher.delivery.problem is not None
        broker.there = True
        eventually(lambda: publisher.delivery.problem is None, "all is well again", seconds=10)
        assert publisher.delivery.acknowledged == 0
