"""More partitions: changed underneath, the workers stop; moved with `kept topics grow`, no indicator changes."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from kafka import KafkaAdminClient, KafkaProducer, TopicPartition
from kafka.admin import NewPartitions

from command_line.moments import as_of_ms
from kept import events as e
from kept.errors import ConfigurationError, StateError, Stop
from kept.indicators.point import Point
from kept.registered_changes import unpack_change
from kept.settings import Settings
from kept.topics import topics
from local_stack.broker import Broker
from local_stack.environment import environment_of
from local_stack.replay import Replay, WorkerGroup, _services, accounts_of, wait_for
from producers.mapping import read_mapping
from producers.sources import read_events
from stream_processors.connection import client_settings
from stream_processors.embedded import EmbeddedPipeline
from stream_processors.topic_check import PartitionWatch
from stream_processors.topic_growth import _Move, grow, partition_of
from tests.committed import committed
from tests.kept.city import event
from tests.stream_processors.pipelines import settings_of

pytestmark = [pytest.mark.broker, pytest.mark.timeout(280)]
ROOT = Path(__file__).resolve().parents[2]
MAPPING = read_mapping("boston_311")
SERVICE = MAPPING.service()
AS_OF_MS = as_of_ms("2011-07-20T00:00", SERVICE.zone)


def settings_for(broker: Broker, prefix: str, folder: Path) -> Settings:
    return settings_of(broker, prefix, folder, MAPPING.catalogue_text())


def send(settings: Settings, events: Sequence[e.Event]) -> None:
    """As any producer with Kafka's own partitioner would."""
    producer = KafkaProducer(bootstrap_servers=settings.brokers, linger_ms=20)
    name = topics(settings.topic_prefix, 1).events.name
    deliveries = [producer.send(name, key=e.subject(one).encode(), value=e.encode(one)) for one in events]
    for delivery in deliveries:
        delivery.get(timeout=30)
    producer.close()


def kept(settings: Settings, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "command_line.main", *arguments],
        capture_output=True, text=True, cwd=ROOT, timeout=120, env=environment_of(settings), check=False,
    )  # fmt: skip


@pytest.mark.slow
def test_partitions_added_underneath_stop_the_workers_and_growing_makes_good_what_they_left(
    broker: Broker, topic_prefix: str, tmp_path: Path, shared_data: Path
) -> None:
    read = read_events(shared_data / "boston_311_2011H2.csv.gz", MAPPING, until_ms=AS_OF_MS).events
    change = event("service.changed", read[0][0], id="change-1", service=SERVICE.id, title="A second crew")
    events = [change, *(told for _, told in read)]
    embedded = EmbeddedPipeline({SERVICE.id: SERVICE})
    embedded.apply(events)
    embedded.tick(AS_OF_MS)
    settings = settings_for(broker, topic_prefix, tmp_path)
    group = WorkerGroup(settings, tmp_path, 1)
    group.start()
    worker = group.workers[0]
    try:
        Replay(settings, group).publish(events[:3000])
        deadline = time.monotonic() + 60
        while accounts_of(settings).received == 0:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap)
        admin.create_partitions({topics(topic_prefix, 2).events.name: NewPartitions(3)})
        admin.close()
        send(settings, events[3000:5000])
        assert worker.wait(120) == 70
        assert "has a partition 2, but this pipeline was made for 2" in worker.log_tail(1)
        assert "no event of it was applied" in worker.log_tail(1)
        before = accounts_of(settings)
        assert before.reconciles()
        assert before.received < 5000

        answer = kept(settings, "topics", "grow", "--to", "4", "--new-prefix", f"{topic_prefix}wide-", "--json")
        assert answer.returncode == 0, answer.stderr
        moved = msgspec.json.decode(answer.stdout)
        assert moved["cases_and_tallies_to"] == 4
        assert moved["events"] == 5000 - before.received

        wider = msgspec.structs.replace(settings, topic_prefix=f"{topic_prefix}wide-", partitions=4)
        group = WorkerGroup(wider, tmp_path, 2)
        group.start()
        replay = Replay(wider, group)
        replay.publish(events[4500:])  # 500 of them again
        replay.end(AS_OF_MS)
        points, accounts = wait_for(wider, group, SERVICE.id, AS_OF_MS // 1000)
    finally:
        group.stop()
    assert points == sorted(embedded.indicators(AS_OF_MS // 1000), key=Point.key)
    tallies = [record for number in range(4) for record in records_of(wider, "tallies", number)]
    carried = {unpack_change(record.key, record.value) for record in tallies} - {None}
    assert carried == set(embedded.changes()) != set()
    assert asyncio.run(_services(wider)) == {SERVICE.id}
    assert accounts.reconciles()
    assert (accounts.received, accounts.duplicate) == (len(events) + 500, 500)
    assert accounts.applied == embedded.accounts.applied


def test_growing_keeps_bytes_and_headers_and_dead_letters_and_is_not_done_twice(
    broker: Broker, topic_prefix: str, tmp_path: Path
) -> None:
    settings = settings_for(broker, topic_prefix, tmp_path)
    names = topics(topic_prefix, 2)
    began_ms = time.time_ns() // 1_000_000
    producer = KafkaProducer(bootstrap_servers=broker.bootstrap)
    for number in range(20):
        key = f"case-{number}".encode()
        producer.send(names.events.name, b"{%d" % number, key=key, headers=[("n", key)], timestamp_ms=1000 + number)
    producer.send(names.events.name, b"keyless", partition=1, timestamp_ms=7)
    producer.send(names.dead_letters.name, b"dead", key=b"d", partition=1, headers=[("kept-reason", b"future")])
    producer.flush()
    producer.close()
    wider = msgspec.structs.replace(settings, topic_prefix=f"{topic_prefix}wide-", partitions=6)
    moved = asyncio.run(grow(settings, wider))
    assert (moved.events, moved.dead_letters) == (21, 1)
    with pytest.raises(Stop, match=r"wide-service-events.* exist already.*--resume"):
        asyncio.run(grow(settings, wider))
    again = asyncio.run(grow(settings, wider, resume=True))
    assert (again.events, again.dead_letters) == (21, 0)

    copied = [record for number in range(6) for record in records_of(wider, "service-events", number)]
    assert len(copied) == 42
    for record in copied:
        if record.key is None:
            assert (record.value, record.partition) == (b"keyless", 1)
        else:
            number = int(record.key.removeprefix(b"case-"))
            assert record.partition == partition_of(record.key, 6)
            assert record.partition % 2 == partition_of(record.key, 2)
            assert record.value == b"{%d" % number
            assert list(record.headers) == [("n", record.key)]
        # By the time that their producer gave, they would be deleted as too old before a worker reads them.
        assert record.timestamp >= began_ms
    (letter,) = records_of(wider, "dead-letters", 1)
    assert (letter.key, letter.value, list(letter.headers)) == (b"d", b"dead", [("kept-reason", b"future")])


@pytest.mark.parametrize("deleted", [8, 10])
def test_events_that_were_deleted_before_they_were_applied_are_missed_also_when_none_is_left(
    broker: Broker, topic_prefix: str, tmp_path: Path, deleted: int
) -> None:
    settings = settings_for(broker, topic_prefix, tmp_path)
    former, wider = topics(topic_prefix, 2), msgspec.structs.replace(settings, topic_prefix=f"{topic_prefix}wide-")
    producer = KafkaProducer(bootstrap_servers=broker.bootstrap)
    for number in range(10):
        producer.send(former.events.name, b"{%d" % number, partition=0)
    producer.flush()
    producer.close()
    admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap)
    admin.delete_records({TopicPartition(former.events.name, 0): deleted})
    admin.close()
    move = _Move(settings, msgspec.structs.replace(wider, partitions=4), None)
    move._applied = {0: 4}  # as the state's mark says
    with pytest.raises(StateError, match=f"{deleted - 5} events were deleted before they were applied"):
        asyncio.run(move._copy(move._from.events, move._to.events, [0]))


def test_a_running_worker_is_named_and_nothing_is_made(
    broker: Broker, topic_prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stream_processors.topic_growth.SESSIONS", 0.0)
    settings = settings_for(broker, topic_prefix, tmp_path)
    wider = msgspec.structs.replace(settings, topic_prefix=f"{topic_prefix}wide-", partitions=4)
    group = WorkerGroup(settings, tmp_path, 1)
    group.start()
    try:
        replay = Replay(settings, group)
        replay.end(AS_OF_MS)
        wait_for(settings, group, SERVICE.id, AS_OF_MS // 1000)
        with pytest.raises(Stop, match=r"workers of this pipeline are running.*stop them and run it again"):
            asyncio.run(grow(settings, wider))
    finally:
        group.stop()
    admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap)
    made = [name for name in admin.list_topics() if name.startswith(f"{topic_prefix}wide-")]
    admin.close()
    assert made == []


@pytest.mark.parametrize("partitions", [2, 3, 5])
def test_a_number_that_is_no_multiple_is_refused_with_valid_ones(partitions: int) -> None:
    former = Settings(partitions=2)
    wider = Settings(partitions=partitions, topic_prefix="wide-")
    with pytest.raises(ConfigurationError, match=r"valid: a multiple, such as 4, 6, 8"):
        asyncio.run(grow(former, wider))


def test_the_same_prefix_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="a prefix of their own"):
        asyncio.run(grow(Settings(partitions=2), Settings(partitions=4)))


def records_of(settings: Settings, topic: str, partition: int) -> list[Any]:
    return asyncio.run(committed(settings, f"{settings.topic_prefix}{topic}", partition))


def test_the_number_of_partitions_is_asked_anew_each_time_and_waited_for(
    broker: Broker, topic_prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stream_processors.topic_check.POLL_SECONDS", 0.1)
    settings = settings_for(broker, topic_prefix, tmp_path)
    name = topics(topic_prefix, 2).events.name

    async def run() -> None:
        watch = PartitionWatch(client_settings(settings), topics(topic_prefix, 2).events)
        await watch.check()
        broker.stop()
        waiting = asyncio.create_task(watch.check())
        await asyncio.sleep(1.0)
        assert not waiting.done()
        broker.start()  # in this thread: the broker ends with the one that started it
        await asyncio.wait_for(waiting, 60)
        admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap)
        await asyncio.to_thread(admin.create_partitions, {name: NewPartitions(3)})
        admin.close()
        with pytest.raises(StateError, match="has a partition 2"):
            for _ in range(200):  # the broker answers the request before it tells of the new partition
                await watch.check()
                await asyncio.sleep(0.05)
        await watch.close()

    asyncio.run(run())
