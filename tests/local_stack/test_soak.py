"""A soak says what grows, and its events are in balance; the whole of it is run by `make soak`."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from kafka import KafkaProducer

from command_line.topics import create_topics
from kept.catalogue import parse_service
from kept.durations import HOUR_MS
from kept.events import CaseCompleted, CaseOpened, decode, milliseconds
from kept.intake import rules_by_service
from kept.marks import Accounts
from kept.partition import PartitionState
from kept.settings import Settings
from kept.topics import topics
from local_stack.broker import Broker
from local_stack.soak import run
from local_stack.soak.flatness import growth_mib, not_flat, not_keeping_up
from local_stack.soak.run import Soak
from local_stack.soak.samples import ProcessSample, Sample
from local_stack.soak.stream import RETENTION_HOURS, Stream, catalogue_texts
from local_stack.soak.table import page, problems
from local_stack.soak.whereabouts import Place, places, told_of

BEGINS_MS = milliseconds(datetime(2026, 1, 5, tzinfo=UTC))


def sample(minute: float, mib: float = 200.0, *, files: int = 30, threads: int = 9, lag: int = 0) -> Sample:
    return Sample(
        minute=minute,
        processes={"worker-1": ProcessSample(mib, files, threads)},
        applied=round(minute * 60_000),
        lag=lag,
        pending=0,
        behind_seconds=1.5,
        spooled=0,
        cases=1000,
        buckets=500,
    )


def test_memory_that_rises_in_the_warm_up_alone_is_flat() -> None:
    samples = [sample(minute, min(300.0, 100.0 + 20 * minute)) for minute in range(1, 31)]
    assert growth_mib(samples[9:], "worker-1") == pytest.approx(0)
    assert list(not_flat(samples)) == []


@pytest.mark.parametrize(
    ("grown", "says"),
    [
        (lambda minute: sample(minute, 200 + 2 * minute), "worker-1: resident memory grew by 24.0 MiB"),
        (lambda minute: sample(minute, files=30 + minute), "worker-1: 60 open files"),
        (lambda minute: sample(minute, threads=9 + minute), "worker-1: 39 open threads"),
    ],
    ids=["memory", "files", "threads"],
)
def test_what_grows_all_the_time_is_named_with_its_bound(grown: Callable[[int], Sample], says: str) -> None:
    samples = [grown(minute) for minute in range(1, 31)]
    (said,) = not_flat(samples)
    assert says in said
    assert "at most" in said


def test_a_queue_that_is_longer_than_half_a_minute_at_the_end_is_named() -> None:
    assert list(not_keeping_up([sample(1, lag=30_000)], 1000)) == []
    assert "30,001 events wait in the topic" in next(iter(not_keeping_up([sample(1, lag=30_001)], 1000)))


def test_the_page_has_a_line_for_each_minute_and_says_what_is_wrong() -> None:
    samples = [sample(minute / 2, 200 + minute) for minute in range(1, 60)]
    soak = Soak(
        at=datetime(2026, 1, 2, tzinfo=UTC), minutes=30, peak=2000, measured=True, rate=1000, speed=576, cores=2,
        samples=samples, told=10, in_topic=10, received=10, applied=9, missing=["one is in the spool"], history_mib=5,
    )  # fmt: skip
    text = page(soak)
    assert text.count("\n| ") >= 31
    assert "| 30 | 1,000 |" in text
    assert "10 events were told, 10 are in the topic, 10 were received and 9 applied" in "\n".join(problems(soak))
    assert "## What is not as it should be" in text
    assert "* one is in the spool" in text


def test_every_case_is_opened_and_completed_in_order_whatever_the_steps() -> None:
    stream = Stream(BEGINS_MS, seed=1)
    told = [decode(value) for hour in range(1, 31) for value in stream.until(BEGINS_MS + hour * HOUR_MS, 20)]
    assert [milliseconds(event.time) for event in told] == sorted(milliseconds(event.time) for event in told)
    kinds = Counter(type(event) for event in told)
    assert kinds[CaseOpened] == 30 * 20
    assert 20 * 20 <= kinds[CaseCompleted] <= 30 * 20
    assert len({event.id for event in told}) == len(told)


def test_after_two_retentions_as_many_cases_leave_the_register_as_come() -> None:
    services = [parse_service(text, "soak.toml") for text in catalogue_texts()]
    state = PartitionState(0, rules_by_service({service.id: service for service in services}), live=False)
    stream = Stream(BEGINS_MS, seed=2)
    held = []
    for day in range(1, 8):
        for hour in range(24):
            values = stream.until(BEGINS_MS + ((day - 1) * 24 + hour + 1) * HOUR_MS, 10)
            state.apply(state.offset + len(values), [decode(value) for value in values], None)
        held.append(state.cases)
    steady = held[2 * RETENTION_HOURS // 24 + 1 :]
    assert max(steady) - min(steady) <= 24 * 10


def test_what_a_worker_exposes_and_has_not_committed_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    # The worker says 10 from the beginning; the transaction of its last two is still under way at the first look.
    applied = [({"account": "applied", "partition": "0"}, 10.0), ({"account": "received", "partition": "0"}, 10.0)]
    committed = [8, 8, 10]
    looked: list[int] = []

    def accounts_of(_: object) -> Accounts:
        looked.append(committed[len(looked)])
        return Accounts(received=looked[-1], applied=looked[-1])

    monkeypatch.setattr(run, "exposed", lambda port: {"kept_events_total": applied})
    monkeypatch.setattr(run, "accounts_of", accounts_of)
    soaking = run._Soaking.__new__(run._Soaking)
    soaking.told = 10
    soaking.stop = threading.Event()
    soaking._sender = SimpleNamespace(until_delivered=lambda: None)  # type: ignore[assignment]
    soaking._parts = SimpleNamespace(worker_ports=[1], settings=None, watch=lambda: None)  # type: ignore[assignment]
    soaking.drain()
    assert looked == [8, 8, 10]


def test_events_that_are_missing_are_told_with_their_place() -> None:
    found = [
        Place(partition=0, end=500, counted=500, committed=500, exposed=500),
        Place(partition=1, end=500, counted=298, committed=298, exposed=500),
        Place(partition=2, end=7, counted=0, committed=None, exposed=None),
    ]
    assert list(told_of(0, found[:1])) == []
    spooled, uncommitted, unowned = told_of(12, found)
    assert "12 events are in the spool" in spooled
    assert "partition 1 ends at offset 500 and is counted up to 298: 202 events are missing" in uncommitted
    assert "its worker says 500 are applied" in uncommitted
    assert "partition 2 ends at offset 7" in unowned
    assert "no worker owns it; its group has committed nothing" in unowned


@pytest.mark.broker
def test_events_that_no_worker_has_read_are_found_in_the_topic(broker: Broker, topic_prefix: str) -> None:
    settings = Settings(brokers=broker.bootstrap, topic_prefix=topic_prefix, partitions=2)
    create_topics(settings)
    producer = KafkaProducer(bootstrap_servers=broker.bootstrap)
    for _ in range(3):
        producer.send(topics(topic_prefix, 2).events.name, b"{}", partition=1).get(timeout=10)
    producer.close()
    assert places(settings, {0: 0}) == [
        Place(partition=0, end=0, counted=0, committed=None, exposed=0),
        Place(partition=1, end=3, counted=0, committed=None, exposed=None),
    ]
