"""`kept simulate`: the file of events, the file of truth, and what is refused; and scripts of `kept publish`."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaAdminClient
from kafka.admin import NewTopic
from typer.testing import CliRunner

import catalogue
from command_line.main import app
from kept import events as e
from kept.catalogue import read_catalogue
from kept.errors import ConfigurationError
from kept.indicators.definitions import INDICATOR_NAMES
from stream_processors.embedded import EmbeddedPipeline

OWN_SCRIPT = """
about = "A slow day, and an improvement that does nothing"
[[incident]]
kind = "slow_down"
service = "parking-permits"
start = "2026-01-06T00:00"
end = "+2d"
size = 2
[[incident]]
kind = "improvement_without_effect"
service = "identity-cards"
start = "+12h"
indicator = "backlog"
direction = "down"
"""
SMALL = ("--as-of", "2026-01-08T00:00", "--days", "3", "--rate", "0.2", "--seed", "4")
CHOSEN = ("--services", "parking-permits,identity-cards,street-lights")


@pytest.fixture
def script(tmp_path: Path) -> str:
    path = tmp_path / "two_days.toml"
    path.write_text(OWN_SCRIPT)
    return str(path)


def simulate(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["simulate", *arguments])


def written(folder: Path, *arguments: str, name: str = "events.jsonl") -> tuple[bytes, bytes]:
    """The bytes of the events and of the truth."""
    output, truth = folder / name, folder / "truth.json"
    result = simulate("--output", str(output), "--truth", str(truth), *arguments)
    assert result.exit_code == 0, result.exception or result.output
    return output.read_bytes(), truth.read_bytes()


def refusal(*arguments: str) -> str:
    result = simulate(*arguments)
    assert isinstance(result.exception, ConfigurationError), result.output
    return str(result.exception)


def test_the_file_has_one_event_of_the_contract_a_line_in_time_order(tmp_path: Path, script: str) -> None:
    lines, _ = written(tmp_path, *SMALL, *CHOSEN, "--script", script, "--no-measured")
    decoded = e.decode_batch(lines.splitlines())
    assert all(isinstance(event, e.Event) for event in decoded)
    times = [e.milliseconds(event.time) for event in decoded if isinstance(event, e.Event)]
    assert times == sorted(times)
    assert {event.data.service for event in decoded if isinstance(event, e.Event)} == set(CHOSEN[1].split(","))


def test_the_pipeline_counts_every_line_of_a_month_of_trouble_once(tmp_path: Path) -> None:
    arguments = ("--as-of", "2026-03-01T00:00", "--script", "month_of_trouble", "--rate", "0.1", "--no-measured")
    lines, _ = written(tmp_path, *arguments)
    pipeline = EmbeddedPipeline(read_catalogue([catalogue.CITY]))
    pipeline.apply(e.decode_batch(lines.splitlines()))
    accounts = pipeline.accounts
    assert accounts.received == accounts.applied == lines.count(b"\n") > 10_000


def test_the_same_arguments_give_the_same_bytes_and_another_seed_others(tmp_path: Path, script: str) -> None:
    arguments = (*SMALL, *CHOSEN, "--script", script)
    first = written(tmp_path, *arguments, name="a.jsonl.gz")
    assert written(tmp_path, *arguments, name="b.jsonl.gz") == first
    events, truth = written(tmp_path, *arguments, "--seed", "5", name="c.jsonl.gz")
    assert events != first[0]
    assert truth != first[1]


def test_the_truth_says_what_was_done_to_whom_and_who_was_left_alone(tmp_path: Path, script: str) -> None:
    lines, text = written(tmp_path, *SMALL, *CHOSEN, "--script", script)
    truth = json.loads(text)
    assert {key: truth[key] for key in ("format", "seed", "rate", "script", "start", "end", "quiet_services")} == {
        "format": 1, "seed": 4, "rate": 0.2, "script": "two_days", "quiet_services": ["street-lights"],
        "start": "2026-01-04T23:00:00Z", "end": "2026-01-07T23:00:00Z",
    }  # fmt: skip
    assert truth["events"] == lines.count(b"\n")
    dud, slow = truth["incidents"]
    assert slow | {"measured": [], "expected": []} == {
        "kind": "slow_down", "service": "parking-permits", "size": 2.0, "parameters": {},
        "start": "2026-01-05T23:00:00Z", "end": "2026-01-06T23:00:00Z", "shows_from": "2026-01-06T10:31:12Z",
        "reaches": "cases begun", "announced": None, "claimed": None, "expected": [], "measured": [],
    }  # fmt: skip
    assert {"indicator": "delivery_time_p50", "direction": "up", "ratio": 2.0, "slice": {}} in slow["expected"]
    assert dud["claimed"] == {"indicator": "backlog", "direction": "down"}
    assert dud["announced"] == dud["start"] == "2026-01-05T11:00:00Z"
    assert dud["expected"] == dud["measured"] == []


def test_the_truth_has_what_was_measured(tmp_path: Path, script: str) -> None:
    _, text = written(tmp_path, *SMALL, *CHOSEN, "--script", script)
    measured = json.loads(text)["incidents"][1]["measured"]
    assert {entry["indicator"] for entry in measured} <= INDICATOR_NAMES
    assert {entry["at"] for entry in measured} == {"2026-01-06T23:00:00Z"}
    backlog = next(entry for entry in measured if entry["indicator"] == "backlog")
    assert backlog["with_incident"] > backlog["without"] > 0
    assert all(entry["with_incident"] != entry["without"] for entry in measured)


def test_measuring_may_be_left_out(tmp_path: Path, script: str) -> None:
    _, text = written(tmp_path, *SMALL, *CHOSEN, "--script", script, "--no-measured")
    assert [incident["measured"] for incident in json.loads(text)["incidents"]] == [None, None]


def test_a_script_without_trials_has_none_in_its_truth_and_announces_nothing_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "still.toml"
    long = ("--as-of", "2026-03-03T00:00", "--days", "57", "--rate", "0.01", "--seed", "4", "--no-measured")
    own = OWN_SCRIPT.replace("2026-01-06", "2026-01-07").replace("+2d", "2026-01-08T00:00")
    path.write_text("trials = false\n" + own)
    lines, told = written(tmp_path, *long, *CHOSEN, "--script", str(path))
    changes = [x for x in e.decode_batch(lines.splitlines()) if isinstance(x, e.ServiceChanged)]
    assert [change.data.title for change in changes] == ["Simulated improvement: backlog should go down"]
    assert json.loads(told)["trials"] == []
    path.write_text(own)
    _, told = written(tmp_path, *long, *CHOSEN, "--script", str(path))
    assert json.loads(told)["trials"]


def test_the_citys_own_trials_are_true_changes_and_are_told(tmp_path: Path) -> None:
    lines, text = written(tmp_path, "--as-of", "2026-03-01T00:00", "--days", "56", "--rate", "0.02")
    truth = json.loads(text)
    changes = [x for x in map(e.decode, lines.splitlines()) if isinstance(x, e.ServiceChanged)]
    assert [(x["service"], x["title"]) for x in truth["trials"]] == [(x.data.service, x.data.title) for x in changes]
    assert len(changes) == 16
    housing = [x for x in truth["trials"] if x["service"] == "housing-benefit"]
    assert {(x["expected"]["direction"], x["ratio"]) for x in housing} == {("down", 0.7), ("up", 1.428571)}
    assert truth["script"] is None
    assert truth["incidents"] == []
    assert len(truth["quiet_services"]) == 8


def test_without_a_script_or_a_truth_there_is_just_the_city(tmp_path: Path) -> None:
    output = tmp_path / "events.jsonl.gz"
    result = simulate("--output", str(output), *SMALL, "--json")
    assert json.loads(result.stdout) == {
        "output": str(output),
        "truth": None,
        "events": gzip.decompress(output.read_bytes()).count(b"\n"),
        "incidents": 0,
    }


def test_people_are_told_in_a_sentence(tmp_path: Path) -> None:
    output = tmp_path / "events.jsonl"
    result = simulate(
        "--output", str(output), "--script", "chaser_surge", "--as-of", "2026-02-01T00:00", "--rate", "0.01"
    )
    assert result.stdout.replace("\n", "").endswith(f" events with 1 incident in {output}")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--output", "events.csv"), "valid: a name that ends in .jsonl or .jsonl.gz"),
        (("--output", "e.jsonl", "--truth", "./e.jsonl"), "is the file of events; name another"),
        (("--output", "e.jsonl", "--truth", "missing/t.json"), "missing/t.json: no such folder missing"),
        (("--output", "e.jsonl", "--as-of", "soon"), "--as-of: 'soon' is no moment"),
        (("--output", "e.jsonl", "--services", "street-lights,ferries"), "--services: 'ferries' is not known"),
        (("--output", "e.jsonl", "--script", "quake"), "--script: 'quake' is not known; valid: alert_proof, area_gap"),
        (("--output", "e.jsonl", "--script", "slow_down"), "or simulate more days"),
        (
            ("--output", "e.jsonl", "--script", "slow_down", *CHOSEN[:1], "street-lights"),
            "'parking-permits' is not simu",
        ),
    ],
)
def test_what_makes_no_sense_is_refused_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert says in refusal(*SMALL, *arguments)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("t.csv", "--mapping", "boston_311", "--script", "slow_down"), "--script is for --simulated-city"),
        (("--simulated-city", "--script", "quake"), "--script: 'quake' is not known"),
        (("--simulated-city", "--script", "slow_down", "--days", "3"), "or simulate more days"),
    ],
)
def test_publish_refuses_scripts_that_make_no_sense(arguments: tuple[str, ...], says: str) -> None:
    result = CliRunner().invoke(app, ["publish", *arguments])
    assert isinstance(result.exception, ConfigurationError), result.output
    assert says in str(result.exception)


@pytest.mark.broker
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_publish_plays_the_same_incidents_at_any_speed(
    tmp_path: Path, broker: Any, topic_prefix: str, script: str
) -> None:
    admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap)
    try:
        admin.create_topics([NewTopic(f"{topic_prefix}service-events", 2, 1)], timeout_ms=10_000)
    finally:
        admin.close()
    lines, _ = written(tmp_path, *SMALL, "--script", script, "--no-measured")
    arguments = ("--simulated-city", *SMALL, "--script", script, "--speed", "86400x", "--json")
    result = CliRunner().invoke(
        app, ["publish", *arguments, "--brokers", broker.bootstrap, "--topic-prefix", topic_prefix]
    )
    assert result.exit_code == 0, result.exception
    counts = json.loads(result.stdout)
    assert counts["acknowledged"] == counts["published"] == lines.count(b"\n") + counts["ticks"]
    assert 2.5 < counts["seconds"] < 30
