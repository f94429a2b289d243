"""The brake on a real worker: it stops before anything is written, stops again the same, and changes no indicator."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from command_line.main import main
from kept.marks import Accounts
from local_stack.broker import Broker
from tests.bad_feed import MENDED, NARROW, Pipeline, feed, same, undisturbed

pytestmark = [pytest.mark.broker, pytest.mark.timeout(240)]
BROKEN = feed("W" * 200 + "L" * 400)
"""A case a minute, each completed some hours later: from the 200th on more than 40 % of the events are letters."""


@pytest.fixture
def pipeline(broker: Broker, topic_prefix: str, tmp_path: Path) -> Pipeline:
    return Pipeline(broker, topic_prefix, tmp_path, brake_events=100, brake_share=0.4, max_batch_records=50)


def end_of_worker(pipeline: Pipeline) -> str:
    """Run the worker until it ends by itself; its last line."""
    pipeline.group.start()
    worker = pipeline.group.workers[0]
    try:
        assert worker.wait(60) == 70
    finally:
        pipeline.group.stop()
    return worker.log_tail(1)


def test_a_broken_feed_stops_the_worker_before_its_batch_is_written_and_mended_it_is_as_if_nothing_had_been(
    pipeline: Pipeline,
) -> None:
    pipeline.replay.publish(BROKEN)
    first = end_of_worker(pipeline)
    assert first.startswith("kept worker worker-1 stopped: brake: 41 of the last 100 events of source partition ")
    assert "were refused, most of them unknown_channel (41), the last one at offset " in first
    assert "service noise-complaints has no such channel; valid: Web, Phone. Nothing from offset " in first
    assert first.endswith("to let such events go to the dead letters: KEPT_BRAKE_SHARE=1")
    assert "SECRET" not in pipeline.group.workers[0].log.read_text()

    # Started again by a supervisor it comes no further than the events that trip it, one for each partition.
    trips = {place(first): offset(first)}
    for _ in range(4):
        last = end_of_worker(pipeline)
        assert trips.setdefault(place(last), offset(last)) == offset(last)
    letters = pipeline.read(pipeline.topics.dead_letters.name)
    applied = {int(dict(letter.headers)["kept-source"].decode().rsplit("/", 1)[1]) for letter in letters}
    assert max(applied) < max(trips.values())
    assert len(letters) <= 40 * 2

    pipeline.mend(MENDED)
    pipeline.kept("redrive", "--yes")
    points, accounts = pipeline.run_to_the_end()
    assert same(points, undisturbed(BROKEN))
    assert accounts.reconciles()
    assert accounts.applied == len(BROKEN)
    assert accounts.dead_lettered == {"unknown_channel": len(letters)}


def test_lifted_it_lets_all_go_to_the_dead_letters_and_the_rest_is_counted(pipeline: Pipeline) -> None:
    pipeline.replay.publish(BROKEN)
    assert "brake: " in end_of_worker(pipeline)
    pipeline.set(brake_share=1.0)
    points, accounts = pipeline.run_to_the_end()
    assert same(points, undisturbed(BROKEN, NARROW))
    assert accounts == Accounts(
        received=len(BROKEN), applied=len(BROKEN) - 400, dead_lettered={"unknown_channel": 400}, late=accounts.late
    )


def test_dead_letters_that_are_redriven_and_come_back_do_not_trip_it(pipeline: Pipeline) -> None:
    pipeline.set(brake_share=1.0)
    pipeline.replay.publish(BROKEN)
    pipeline.apply()
    pipeline.set(brake_share=0.4)
    assert json.loads(pipeline.kept("redrive", "--yes", "--json"))["sent"] == 400
    accounts = pipeline.apply()
    assert accounts.dead_lettered == {"unknown_channel": 800}


def place(last: str) -> str:
    return last.partition("source partition ")[2].split()[0]


def offset(last: str) -> int:
    return int(last.partition("at offset ")[2].partition(":")[0])


# a replay


ROWS = "".join(f"{n},2011-07-01 {9 + n // 60:02}:{n % 60:02},,,Pigeon,\n" for n in range(600))
MAPPING = """
kind = "case_table"
service = "potholes"
catalogue = "service.toml"
source = "test"
time_zone = "Europe/Amsterdam"
[columns]
case = "id"
opened = "opened"
due = "due"
completed = "closed"
channel = "channel"
area = "area"
"""
SERVICE = """
id = "potholes"
name = "Potholes"
owner = "Public Works"
time_zone = "Europe/Amsterdam"
expected_silence = "24h"
[channels]
digital = ["Web"]
"""


@pytest.fixture
def replay(tmp_path: Path) -> list[str]:
    (tmp_path / "service.toml").write_text(SERVICE)
    (tmp_path / "mapping.toml").write_text(MAPPING)
    (tmp_path / "t.csv").write_text("id,opened,due,closed,channel,area\n" + ROWS)
    where = ["--mapping", str(tmp_path / "mapping.toml"), "--as-of", "2011-08-01T00:00", "--json"]
    return ["replay", str(tmp_path / "t.csv"), *where]


def run_kept(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(sys, "argv", ["kept", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    code = ended.value.code
    assert isinstance(code, int)
    return code


def test_a_replay_with_a_catalogue_that_does_not_fit_ends_early_and_says_why(
    replay: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_kept([*replay, "--embedded"], monkeypatch) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith(
        "kept: brake: 501 of the first 501 events of source partition 0 were refused, most of them unknown_channel "
        "(501), the last one at offset 500: service potholes has no such channel; valid: Web."
    )
    monkeypatch.setenv("KEPT_BRAKE_SHARE", "1")
    assert run_kept([*replay, "--embedded"], monkeypatch) == 0
    assert "600 dead-lettered" in capsys.readouterr().err


def test_a_replay_through_workers_says_the_same(
    broker: Broker, replay: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KEPT_BRAKE_EVENTS", "100")
    assert run_kept([*replay, "--brokers", broker.bootstrap, "--workers", "1"], monkeypatch) == 2
    told = capsys.readouterr().err
    assert "worker-1 ended (exit 70)" in told
    assert "brake: 51 of the first 51 events of source partition " in told
