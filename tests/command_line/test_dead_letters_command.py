"""`kept dead-letters` on the real broker: what was put aside is seen, mended, sent again, and then counted."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kept.dead_letters import NOTE
from kept.errors import ConfigurationError, Retry, Stop
from kept.marks import Accounts
from local_stack.broker import Broker
from local_stack.environment import ROOT, environment_of
from producers import dead_letters
from tests.bad_feed import MENDED, Pipeline, feed, same, undisturbed

# kafka-python does not close the sockets of connections that were refused; they must not be told of in another test.
pytestmark = [
    pytest.mark.broker,
    pytest.mark.timeout(240),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
EVENTS = feed("WPL" * 40)
LETTERS = 40
ODD = b'{"id": "SECRET-x\x1b[31m\x00\xff'


@pytest.fixture(autouse=True)
def collect_sockets() -> Iterator[None]:
    yield
    gc.collect()


@pytest.fixture
def pipeline(broker: Broker, topic_prefix: str, tmp_path: Path) -> Pipeline:
    return Pipeline(broker, topic_prefix, tmp_path)


def rows(pipeline: Pipeline, *arguments: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in pipeline.kept("list", "--json", "--limit", "1000", *arguments).splitlines()]


def redriven(pipeline: Pipeline, *arguments: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(pipeline.kept("redrive", "--json", *arguments))
    return told


def test_what_was_put_aside_is_sent_again_once_the_catalogue_is_mended_and_counts_as_if_it_had_come_late(
    pipeline: Pipeline,
) -> None:
    pipeline.replay.publish(EVENTS)
    pipeline.send((b"SECRET-key", ODD, [("trace", b"\x1bT"), ("none", None)]), (None, None, []), partition=1)
    accounts = pipeline.apply()
    assert accounts.dead_lettered == {"unknown_channel": LETTERS, "undecodable": 2}

    # What is there, newest first, without a word of the events.
    listed = rows(pipeline)
    assert len(listed) == LETTERS + 2
    assert [row["put_aside"] for row in listed] == sorted((row["put_aside"] for row in listed), reverse=True)
    assert {row["reason"] for row in rows(pipeline, "--reason", "undecodable")} == {"undecodable"}
    for since in ("1h", "30000d", "1969-12-31"):
        assert rows(pipeline, "--since", since) == listed
    assert rows(pipeline, "--since", "2099-01-01") == []
    text = pipeline.kept("list", "--limit", "3")
    assert f"{LETTERS + 2} open, 0 redriven" in text
    assert "unknown_channel           40   by source partition: 0: " in text
    assert len(text.splitlines()) == 2 + 2 + 3
    assert "SECRET" not in text + json.dumps(listed)

    # Without --yes nothing happens.
    before = len(pipeline.read(pipeline.topics.events.name))
    assert redriven(pipeline, "--reason", "unknown_channel")["sent"] == 0
    assert "would be sent" in pipeline.kept("redrive")
    assert len(pipeline.read(pipeline.topics.events.name)) == before
    assert rows(pipeline) == listed

    # One by name, then the rest of its reason, then none is left.
    pipeline.mend(MENDED)
    chosen = next(row["address"] for row in listed if row["reason"] == "unknown_channel")
    assert redriven(pipeline, "--address", chosen, "--yes")["sent"] == 1
    assert redriven(pipeline, "--reason", "unknown_channel", "--yes")["sent"] == LETTERS - 1
    assert redriven(pipeline, "--reason", "unknown_channel", "--yes") | {"seconds": 0} == {
        "topic": pipeline.topics.events.name, "open": 0, "chosen": 0, "sent": 0, "without_payload": 0,
        "returned_too_often": 0, "seconds": 0,
    }  # fmt: skip
    assert [row["reason"] for row in rows(pipeline)] == ["undecodable"] * 2
    assert sum(row["redriven"] is not None for row in rows(pipeline, "--all")) == LETTERS
    assert f"2 open, {LETTERS} redriven" in pipeline.kept("list")

    empty = next(row["address"] for row in rows(pipeline) if row["bytes"] is None)
    told = pipeline.kept("redrive", "--address", empty)
    assert "0 of 1 open dead letters would be sent" in told
    assert "1 have no payload that could be sent" in told

    # The same key, bytes and partition as before.
    sent = pipeline.read(pipeline.topics.events.name)
    again = [record for record in sent if record.headers == (("kept-redriven", b"1"),)]
    first = {record.value: (record.key, record.partition) for record in sent if not record.headers}
    assert len(again) == LETTERS
    assert all(first[record.value] == (record.key, record.partition) for record in again)

    points, accounts = pipeline.run_to_the_end()
    assert same(points, undisturbed(EVENTS))
    assert accounts.reconciles()
    assert accounts == Accounts(
        received=len(EVENTS) + 2 + LETTERS,
        applied=len(EVENTS),
        dead_lettered={"unknown_channel": LETTERS, "undecodable": 2},
        late=accounts.late,
    )


def test_a_letter_is_shown_without_what_is_personal_until_it_is_asked_for(pipeline: Pipeline) -> None:
    pipeline.send((b"SECRET-key", ODD, [("trace", b"\x1bSECRET"), ("none", None)]), (None, None, []), partition=1)
    pipeline.apply()
    shown = pipeline.kept("show", "1:0")
    assert "reason     undecodable: not JSON" in shown
    assert f"event      {pipeline.topics.events.name}/1/0" in shown
    assert f"{len(ODD)} bytes" in shown
    assert "header     trace: 7 bytes\nheader     none: (no value)\n" in shown
    assert "SECRET" not in shown
    whole = pipeline.kept("show", "1:0", "--payload")
    assert r"SECRET-x\x1b[31m\x00\xff" in whole
    assert "SECRET-key" in whole
    assert "header     trace: \\x1bSECRET\n" in whole
    assert "\x1b" not in whole
    assert "payload    (none)" in pipeline.kept("show", "1:1", "--payload")
    command = [sys.executable, "-m", "command_line.main", "dead-letters", "show", "1:0", *pipeline.options()]
    raw = subprocess.run([*command, "--raw"], capture_output=True, check=True, cwd=ROOT, timeout=60)
    assert raw.stdout == ODD
    with pytest.raises(Stop, match="no dead letter at 1:2; partition 1 holds messages from 0 to"):
        pipeline.kept("show", "1:2")  # where the transaction ended
    with pytest.raises(Stop, match="has no partition 7; valid: 0 to 1"):
        pipeline.kept("show", "7:0")
    with pytest.raises(Stop, match="the dead letter at 1:1 has no payload"):
        pipeline.kept("show", "1:1", "--raw")


def test_killed_in_the_middle_of_a_redrive_nothing_is_lost_and_nothing_counts_twice(pipeline: Pipeline) -> None:
    events = feed("L" * 300)
    pipeline.replay.publish(events)
    pipeline.apply()
    before = len(pipeline.read(pipeline.topics.events.name))
    command = [sys.executable, "-m", "command_line.main", "dead-letters", "redrive", "--yes", *pipeline.options()]
    slow = subprocess.Popen([*command, "--edit", "sh -c 'sleep 0.02; cat'"], env=environment_of(pipeline.settings))
    try:
        deadline = time.monotonic() + 60
        while (sent := len(pipeline.read(pipeline.topics.events.name)) - before) < 20:
            assert time.monotonic() < deadline
            assert slow.poll() is None
    finally:
        slow.kill()
        slow.wait()
    sent = len(pipeline.read(pipeline.topics.events.name)) - before
    assert 0 < sent < 300
    assert len(rows(pipeline)) > 0
    pipeline.mend(MENDED)
    rest = redriven(pipeline, "--yes")["sent"]
    assert 300 - sent <= rest <= 300
    assert rows(pipeline) == []
    points, accounts = pipeline.run_to_the_end()
    assert same(points, undisturbed(events))
    assert accounts.reconciles()
    assert (accounts.applied, accounts.duplicate) == (len(events), sent + rest - 300)


def test_what_cannot_be_read_comes_back_and_is_left_alone_after_three_times(pipeline: Pipeline) -> None:
    pipeline.send((b"k", b"{broken", []), partition=1)
    pipeline.apply()
    for times in (1, 2, 3):
        assert redriven(pipeline, "--yes")["sent"] == 1
        assert pipeline.apply().received == 1 + times
        (row,) = rows(pipeline)
        assert row["times_redriven"] == times
    assert redriven(pipeline, "--yes") | {"seconds": 0, "topic": ""} == {
        "topic": "", "open": 1, "chosen": 0, "sent": 0, "without_payload": 0, "returned_too_often": 1, "seconds": 0,
    }  # fmt: skip
    assert "1 have come back 3 times and are sent only when named" in pipeline.kept("redrive", "--yes")
    assert redriven(pipeline, "--yes", "--address", row["address"])["sent"] == 1
    assert len(rows(pipeline, "--all")) == 4


def test_what_was_redriven_stays_so_in_wider_topics_and_the_rest_goes_where_its_case_is_now(pipeline: Pipeline) -> None:
    events = feed("WL" * 30)
    pipeline.replay.publish(events)
    pipeline.send((None, None, []), partition=1)
    pipeline.apply()
    pipeline.mend(MENDED)
    first, *_ = rows(pipeline, "--reason", "unknown_channel")
    assert redriven(pipeline, "--address", first["address"], "--yes")["sent"] == 1
    pipeline.grow(4)
    assert len(rows(pipeline)) == 30
    assert [row["source"] for row in rows(pipeline, "--all") if row["redriven"]] == [first["source"]]
    told = redriven(pipeline, "--yes")
    assert (told["open"], told["sent"], told["without_payload"]) == (30, 29, 1)
    points, accounts = pipeline.run_to_the_end()
    assert same(points, undisturbed(events))
    assert (accounts.applied, accounts.duplicate) == (len(events), 0)


def test_an_edit_mends_what_the_source_cannot(pipeline: Pipeline) -> None:
    events = feed("WL" * 5)
    pipeline.replay.publish(events)
    pipeline.apply()
    with pytest.raises(Stop, match=r"--edit: false failed \(exit 1\)"):
        pipeline.kept("redrive", "--yes", "--edit", "false")
    with pytest.raises(Stop, match=r"is no event after the edit: not JSON"):
        pipeline.kept("redrive", "--yes", "--edit", "echo no event")
    assert len(rows(pipeline)) == 5
    assert redriven(pipeline, "--yes", "--edit", "sed s/Letter/Web/")["sent"] == 5
    notes = [json.loads(x.value) for x in pipeline.read(pipeline.topics.dead_letters.name) if dict(x.headers).get(NOTE)]
    assert [note["edited"] for note in notes] == [True] * len(notes) != []
    points, accounts = pipeline.run_to_the_end()
    assert same(points, undisturbed(feed("W" * 10)))
    assert accounts.applied == len(events)


def test_messages_of_somebody_else_are_left_alone(pipeline: Pipeline) -> None:
    from kafka import KafkaProducer

    producer = KafkaProducer(bootstrap_servers=pipeline.broker.bootstrap)
    producer.send(pipeline.topics.dead_letters.name, b"hello", headers=[("kept-reason", b"future")], partition=0).get(
        10
    )
    producer.close()
    text = pipeline.kept("list")
    assert "0 open, 0 redriven\n1 messages there are no dead letters of Kept" in text
    assert redriven(pipeline, "--yes")["sent"] == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["list", "--reason", "broken"], "--reason: 'broken' is not known; valid: undecodable, unknown_type"),
        (["list", "--since", "yesterday"], r"--since: 'yesterday' is not valid; valid: 2026-03-01T09:00 \(UTC\)"),
        (["show", "3"], "'3' is not valid; valid: PARTITION:OFFSET, such as 3:1041"),
        (["redrive", "--address", "3:-1"], "--address: '3:-1' is not valid"),
        (["redrive", "--yes", "--edit", "'"], '--edit: "\'" cannot be read'),
    ],
)
def test_what_makes_no_sense_is_refused_with_what_is_valid(pipeline: Pipeline, arguments: list[str], says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        pipeline.kept(*arguments)


def test_where_nothing_listens_and_where_there_is_no_topic_is_said(
    pipeline: Pipeline, topic_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dead_letters, "CONNECT_SECONDS", 1.0)
    with pytest.raises(Stop, match="there is no such topic; create it with `kept topics create`"):
        pipeline.kept("list", "--topic-prefix", f"{topic_prefix}absent-")
    with pytest.raises(Retry, match=r"no Kafka broker answers at 127\.0\.0\.1:1: nothing listens there; start it"):
        pipeline.kept("list", "--brokers", "127.0.0.1:1")
