"""The whole path on the real broker: same lines as embedded, dead letters with their bytes, marks, idle partitions."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import msgspec
import pytest
from kafka import KafkaProducer

from command_line.topics import create_topics
from kept import events as e
from kept.errors import ConfigurationError, Retry, StateError
from kept.marks import Accounts
from kept.partition import PartitionState
from kept.settings import Settings
from kept.topics import topics
from local_stack.broker import Broker
from local_stack.ports import free_port
from local_stack.replay import Replay, WorkerGroup, accounts_of, history_of, wait_for
from stream_processors import topic_check
from stream_processors.case_processor import CaseProcessor
from tests.committed import committed

pytestmark = [pytest.mark.broker, pytest.mark.timeout(240)]
ROOT = Path(__file__).resolve().parents[2]
SERVICE = "noise-complaints"
START_MS = 1_772_000_000_000 // 300_000 * 300_000


def settings_for(broker: Broker, prefix: str, folder: Path, **more: Any) -> Settings:
    settings = Settings(
        brokers=broker.bootstrap,
        topic_prefix=prefix,
        partitions=2,
        history_path=str(folder / "history.sqlite"),
        live=False,
        **more,
    )
    create_topics(settings)
    return settings


def opened(number: int, minutes: int) -> e.Event:
    return e.CaseOpened(
        specversion="1.0",
        id=f"opened-{number}",
        source="test",
        subject=f"case-{number}",
        time=e.moment(START_MS + minutes * 60_000),
        data=e.CaseOpenedData(service=SERVICE),
    )


def run_kept(*arguments: str) -> str:
    command = [sys.executable, "-m", "command_line.main", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT, timeout=200).stdout


def assert_same_lines(seen: str, expected: str) -> None:
    """Fail with the number of lines that differ and the first of them: pytest would show the end of 20 MB."""
    if seen == expected:
        return
    here, there = seen.splitlines(), expected.splitlines()
    known, printed = set(there), set(here)
    only_here = [f"seen      {line}" for line in here if line not in known]
    only_there = [f"expected  {line}" for line in there if line not in printed]
    told = f"{len(here)} lines, {len(there)} expected; {len(only_here)} not expected, {len(only_there)} missing"
    pytest.fail("\n".join([told, *only_here[:4], *only_there[:4]]), pytrace=False)


def test_lines_that_differ_are_counted_and_the_first_are_shown() -> None:
    assert_same_lines("a 1\nb 2\n", "a 1\nb 2\n")
    with pytest.raises(pytest.fail.Exception) as failure:
        assert_same_lines("a 1\nb 2\n", "a 1\nb 3\nc 4\n")
    assert str(failure.value).splitlines() == [
        "2 lines, 3 expected; 1 not expected, 2 missing",
        "seen      b 2",
        "expected  b 3",
        "expected  c 4",
    ]
    with pytest.raises(pytest.fail.Exception, match="2 lines, 2 expected; 0 not expected, 0 missing"):
        assert_same_lines("a\nb\n", "b\na\n")


def test_the_kafka_path_prints_the_same_lines_as_the_embedded_one(broker: Broker, shared_data: Path) -> None:
    replay = ["replay", str(shared_data / "coselog_permit_receipt_events.csv.gz"), "--mapping", "coselog_permits"]
    replay += ["--as-of", "2012-01-24T00:00:00+01:00", "--json"]
    embedded = run_kept(*replay, "--embedded")
    through_kafka = run_kept(*replay, "--brokers", broker.bootstrap)
    assert_same_lines(through_kafka, embedded)
    assert len(embedded.splitlines()) > 1000
    assert json.loads(embedded.splitlines()[0])["service"] == "coselog-permits"


def test_a_replay_of_nothing_ends_on_both_paths_and_prints_nothing(broker: Broker, tmp_path: Path) -> None:
    file = tmp_path / "empty.csv"
    file.write_text("case_enquiry_id,open_dt,target_dt,closed_dt,closure_code,neighborhood,type,source\n")
    replay = ["replay", str(file), "--mapping", "boston_311", "--as-of", "2011-08-01T00:00:00", "--json"]
    assert run_kept(*replay, "--embedded") == run_kept(*replay, "--brokers", broker.bootstrap) == ""


@pytest.mark.slow
def test_two_months_of_boston_through_kafka_are_identical_to_the_last_digit(broker: Broker, shared_data: Path) -> None:
    replay = ["replay", str(shared_data / "boston_311_2011H2.csv.gz"), "--mapping", "boston_311"]
    replay += ["--as-of", "2011-09-01T00:00:00", "--json"]
    embedded = run_kept(*replay, "--embedded")
    assert_same_lines(run_kept(*replay, "--brokers", broker.bootstrap), embedded)


def test_a_bad_event_is_put_aside_with_its_bytes_headers_and_reason(
    broker: Broker, topic_prefix: str, tmp_path: Path
) -> None:
    settings = settings_for(broker, topic_prefix, tmp_path)
    names = topics(topic_prefix, 2)
    producer = KafkaProducer(bootstrap_servers=broker.bootstrap)
    producer.send(names.events.name, b"{broken", key=b"case-9", partition=0, headers=[("trace", b"abc")]).get(
        timeout=10
    )
    producer.close()
    group = WorkerGroup(settings, tmp_path, 1)
    group.start()
    try:
        at_ms = START_MS + 3_600_000
        replay = Replay(settings, group)
        replay.publish(opened(number, number) for number in range(10))
        replay.end(at_ms)
        _, accounts = wait_for(settings, group, SERVICE, at_ms // 1000)
    finally:
        group.stop()
    assert accounts == Accounts(received=11, applied=10, dead_lettered={"undecodable": 1})
    letters = asyncio.run(committed(settings, names.dead_letters.name, 0))
    assert [(letter.key, letter.value) for letter in letters] == [(b"case-9", b"{broken")]
    headers = dict(letters[0].headers)
    assert headers["trace"] == b"abc"
    assert headers["kept-reason"] == b"undecodable"
    assert headers["kept-source"] == f"{names.events.name}/0/0".encode()
    assert b"case-9" not in headers["kept-message"]


def test_a_partition_without_events_holds_the_published_time_back_only_until_it_is_idle(
    broker: Broker, topic_prefix: str, tmp_path: Path
) -> None:
    settings = settings_for(broker, topic_prefix, tmp_path, idle_seconds=2.0)
    name = topics(topic_prefix, 2).events.name
    producer = KafkaProducer(bootstrap_servers=broker.bootstrap)
    for number in range(5):
        producer.send(name, e.encode(opened(number, number * 10 + 1)), key=b"one", partition=1).get(timeout=10)
    producer.close()
    group = WorkerGroup(settings, tmp_path, 1)
    group.start()
    try:
        deadline = time.monotonic() + 60
        published = None
        while published is None and time.monotonic() < deadline:
            group.watch()
            with history_of(settings) as store:
                published = store.published().get(SERVICE) if store is not None else None
            time.sleep(0.1)
    finally:
        group.stop()
    assert published == (START_MS + 40 * 60_000) // 1000


def test_a_second_run_of_the_same_worker_goes_on_where_the_state_says(
    broker: Broker, topic_prefix: str, tmp_path: Path
) -> None:
    settings = settings_for(broker, topic_prefix, tmp_path)
    group = WorkerGroup(settings, tmp_path, 2)
    for round_number in (1, 2):
        group.start()
        at_ms = START_MS + round_number * 86_400_000
        replay = Replay(settings, group)
        replay.publish(opened(number, number) for number in range(round_number * 20))
        replay.end(at_ms)
        points, _ = wait_for(settings, group, SERVICE, at_ms // 1000)
        group.stop()
    arrivals = {p.window: p.value for p in points if p.indicator == "arrivals" and p.slice == ()}
    assert arrivals["all"] == 40
    accounts = accounts_of(settings)
    assert accounts.reconciles()
    assert (accounts.received, accounts.applied, accounts.duplicate) == (60, 40, 20)


def test_a_partition_beyond_those_the_pipeline_was_made_for_stops_the_worker(
    broker: Broker, topic_prefix: str, tmp_path: Path
) -> None:
    settings = settings_for(broker, topic_prefix, tmp_path)
    narrower = msgspec.structs.replace(settings, partitions=1)
    group = WorkerGroup(narrower, tmp_path, 1)
    group.start()
    worker = group.workers[0]
    assert worker.wait(60) == 2
    last = worker.log_tail(1)
    assert "has a partition 1" in last
    assert "no event of it was applied" in last


def test_a_partition_that_appears_later_is_refused_before_anything_of_it_is_read() -> None:
    settings = Settings(partitions=2)
    processor = CaseProcessor(settings, topics("", 2), {}, {}, lambda: 0)
    with pytest.raises(StateError, match=r"service-events has a partition 2.*no event of it was applied"):
        asyncio.run(processor.assign({2}))
    assert processor.partitions == {}


def test_health_follows_the_broker(broker: Broker, topic_prefix: str, tmp_path: Path) -> None:
    settings = settings_for(broker, topic_prefix, tmp_path, stall_seconds=4.0, metrics_port=free_port())
    group = WorkerGroup(settings, tmp_path, 1)
    replay = Replay(settings, group)
    group.start()
    try:
        replay.publish(opened(number, number) for number in range(10))
        replay.end(START_MS + 3_600_000)
        wait_for(settings, group, SERVICE, START_MS // 1000 + 3600)
        # Idle for longer than the stall time: healthy, with no lag although transactions have ended behind the data.
        seen = [healthz(settings) for _ in range(6) if time.sleep(1.0) is None]
        assert [code for code, _ in seen] == [200] * 6
        assert seen[-1][1]["cases"]["lag_records"] == seen[-1][1]["indicators"]["lag_records"] == 0
        broker.stop()
        deadline = time.monotonic() + 40
        while (code := healthz(settings)[0]) == 200 and time.monotonic() < deadline:
            time.sleep(0.5)
        assert code != 200
    finally:
        broker.start()
        group.stop()


def healthz(settings: Settings) -> tuple[int, dict[str, Any]]:
    """Status and body; 0 when the worker has ended, as it may when its broker is gone."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{settings.metrics_port}/healthz", timeout=5) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as answer:
        return answer.code, json.loads(answer.read())
    except OSError:
        return 0, {}


def test_events_deleted_before_they_were_applied_stop_the_worker_with_their_number() -> None:
    processor = CaseProcessor(Settings(partitions=2), topics("", 2), {}, {}, lambda: 0)
    state = PartitionState(0, {})
    state.offset = 41
    with pytest.raises(StateError, match=r"continues at offset 50, but .* has applied 41: 8 events were deleted"):
        processor._check_gap(state, 50)
    processor._check_gap(state, 42)


def test_a_worker_without_partitions_waits_until_another_one_leaves(
    broker: Broker, topic_prefix: str, tmp_path: Path
) -> None:
    settings = settings_for(broker, topic_prefix, tmp_path)
    group = WorkerGroup(settings, tmp_path, 4)
    replay = Replay(settings, group)
    group.start()
    try:
        replay.publish(opened(number, number) for number in range(10))
        replay.end(START_MS + 3_600_000)
        wait_for(settings, group, SERVICE, START_MS // 1000 + 3600)
        for worker in group.workers[:3]:
            worker.stop()
        del group.workers[:3]
        replay.publish(opened(number, number) for number in range(10, 20))
        replay.end(START_MS + 7_200_000)
        points, accounts = wait_for(settings, group, SERVICE, START_MS // 1000 + 7200)
    finally:
        group.stop()
    assert accounts == Accounts(received=20, applied=20)
    assert [p.value for p in points if (p.indicator, p.window, p.slice) == ("arrivals", "all", ())] == [20]


def test_missing_topics_are_named_before_anything_starts(
    broker: Broker, topic_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(topic_check, "PATIENCE_SECONDS", 0.0)
    settings = Settings(brokers=broker.bootstrap)
    with pytest.raises(
        ConfigurationError, match=f"topic {topic_prefix}service-events does not exist.*kept topics create"
    ):
        asyncio.run(topic_check.check_topics(settings, topics(topic_prefix, 2)))


def test_fewer_partitions_than_told_are_refused(broker: Broker, topic_prefix: str, tmp_path: Path) -> None:
    settings = settings_for(broker, topic_prefix, tmp_path)
    with pytest.raises(StateError, match=r"has 2 partitions, but this worker was told of 3 \(KEPT_PARTITIONS\)"):
        asyncio.run(topic_check.check_topics(settings, topics(topic_prefix, 3)))


def test_no_broker_at_all_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topic_check, "PATIENCE_SECONDS", 0.0)
    settings = Settings(brokers=f"127.0.0.1:{free_port()}")
    with pytest.raises(Retry, match=r"no Kafka broker answers at 127\.0\.0\.1"):
        asyncio.run(topic_check.check_topics(settings, topics("x-", 2)))
