"""`kept replay --embedded`: exact keys, local time, what is refused, and any CSV with the same columns."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from command_line.main import app, main
from history.sqlite import SQLiteHistory
from kept.indicators.definitions import INDICATOR_NAMES
from kept.indicators.point import REPLAY_KEYS
from kept.indicators.windows import WINDOWS
from tests.history.points import point

HEADER = "case_enquiry_id,open_dt,target_dt,closed_dt,closure_code,neighborhood,type,source\n"
ROWS = (
    "1,2011-07-01 09:00:00,2011-07-03 09:00:00,2011-07-02 09:00:00,resolved,Dorchester,Pothole,Self Service\n"
    "2,2011-07-01 10:00:00,2011-07-02 10:00:00,2011-07-05 10:00:00,resolved,Roxbury,Pothole,Constituent Call\n"
    "3,2011-07-01 11:00:00,2011-07-02 11:00:00,,,Roxbury,Graffiti,E-mail\n"
    "4,2011-07-02 12:00:00,,2011-07-09 12:00:00,duplicate,,Graffiti,Employee Generated\n"
)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    file = tmp_path / "requests.csv"
    file.write_text(HEADER + ROWS)
    return file


def replay(table: Path, as_of: str, *more: str) -> list[dict[str, Any]]:
    arguments = ["replay", str(table), "--mapping", "boston_311", "--embedded", "--as-of", as_of, "--json", *more]
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def value(lines: list[dict[str, Any]], indicator: str, window: str = "all", **slice_of: str) -> Any:
    chosen = [x for x in lines if (x["indicator"], x["window"], x["slice"]) == (indicator, window, slice_of)]
    assert len(chosen) == 1
    return chosen[0]["value"]


def test_each_line_has_exactly_the_promised_keys(table: Path) -> None:
    lines = replay(table, "2011-07-08T00:00:00")
    assert {tuple(line) for line in lines} == {REPLAY_KEYS}
    assert {line["state"] for line in lines} <= {"value", "not_applicable", "not_provided"}
    assert {line["window"] for line in lines} == set(WINDOWS)
    assert {line["indicator"] for line in lines} <= INDICATOR_NAMES
    assert all((line["value"] is None) == (line["state"] != "value") for line in lines)


def test_what_happened_later_is_not_seen(table: Path) -> None:
    lines = replay(table, "2011-07-08T00:00:00")
    assert value(lines, "arrivals") == 4
    assert value(lines, "completions") == 2
    assert value(lines, "backlog") == 2
    assert value(lines, "promise_kept") == 1 / 3
    assert value(lines, "promise_kept_closed") == 1 / 2
    assert value(lines, "overdue") == 1
    assert value(lines, "arrivals", area="Roxbury") == 2
    assert value(lines, "arrivals", channel="E-mail") == 1
    assert value(lines, "arrivals", category="Graffiti") == 2
    assert value(lines, "digital_take_up") == 1 / 2


def test_a_time_without_offset_is_the_local_time_of_the_service(table: Path) -> None:
    local = replay(table, "2011-07-08T00:00:00")
    assert local == replay(table, "2011-07-08T04:00:00Z") == replay(table, "2011-07-08T00:00:00-04:00")
    assert {x["window_end"] for x in local} == {"2011-07-08T04:00:00Z"}
    week = next(x for x in local if x["window"] == "week" and x["slice"] == {})
    assert week["window_start"] == "2011-07-04T04:00:00Z"


def test_an_event_at_exactly_the_moment_counts(table: Path) -> None:
    assert value(replay(table, "2011-07-05T10:00:00"), "completions") == 2
    assert value(replay(table, "2011-07-05T09:55:00"), "completions") == 1


def test_a_window_of_any_length_is_told_of_on_request(table: Path) -> None:
    lines = replay(table, "2011-07-08T00:00:00", "--window", "36h", "--window", "35d", "--window", "6d")
    assert [line["window"] for line in lines if line["indicator"] == "arrivals" and not line["slice"]] == [
        "36h", "6d", "35d",
    ]  # fmt: skip
    assert value(lines, "arrivals", "6d") == 1
    assert value(lines, "completions", "36h") == 0
    assert value(lines, "completions", "6d") == 2
    assert value(lines, "delivery_time_p50", "6d") is None
    assert value(lines, "delivery_time_p50", "35d") is not None


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--embedded", "--window", "7x"], "'7x' is not valid; valid: 1h, 24h, 7d"),
        (["--embedded", "--window", "30m"], "'30m' is not valid.*whole hours"),
        (["--window", "14d"], "'14d' is not one that workers publish.*add --embedded"),
    ],
)
def test_a_window_that_makes_no_sense_ends_with_2_and_a_message(
    table: Path, more: list[str], said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ["kept", "replay", str(table), "--mapping", "boston_311", "--as-of", "2011-07-08T00:00:00", *more]
    monkeypatch.setattr("sys.argv", command)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert re.search(said, capsys.readouterr().err)


@pytest.mark.parametrize(
    ("as_of", "said"),
    [
        ("2011-07-08T00:03:00", "a whole 5 minutes"),
        ("2011-07-08T00:05:01", "a whole 5 minutes"),
        ("yesterday", "is no moment"),
    ],
)
def test_a_moment_that_is_no_whole_5_minutes_ends_with_2_and_a_message(
    table: Path, as_of: str, said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ["kept", "replay", str(table), "--mapping", "boston_311", "--embedded", "--as-of", as_of]
    monkeypatch.setattr("sys.argv", command)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    error = capsys.readouterr().err
    assert error.startswith("kept: --as-of: ")
    assert said in error


def test_for_people_there_is_a_table_and_the_account_of_every_event(table: Path) -> None:
    arguments = ["replay", str(table), "--mapping", "boston_311", "--embedded", "--as-of", "2011-07-08T00:00:00"]
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert "promise_kept_closed" in result.stdout
    assert "33.3% of 3" in result.stdout
    assert "6 events received = 6 applied + 0 duplicate + 0 beyond retention + 0 dead-lettered" in result.stdout


def test_indicators_prints_what_the_history_holds(tmp_path: Path) -> None:
    file = tmp_path / "history.sqlite"
    store = SQLiteHistory(file)
    store.write([point()])
    store.close()
    result = CliRunner().invoke(app, ["indicators", "--history", str(file), "--json"], catch_exceptions=False)
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert len(lines) == 1
    assert set(lines[0]) == {*REPLAY_KEYS, "reason", "simulated"}


def test_a_few_people_in_a_slice_are_not_shown_and_the_whole_service_is(tmp_path: Path) -> None:
    file = tmp_path / "history.sqlite"
    store = SQLiteHistory(file)
    few, enough = {"numerator": 2, "value": 0.5, "n": 4}, {"numerator": 3, "value": 0.6, "n": 5}
    store.write(
        [
            point(slice=(), **few),
            point(slice=(("area", "North"),), **few),
            point(slice=(("area", "South"),), **enough),
        ]
    )
    store.close()
    arguments = ["indicators", "--history", str(file), "--slices", "--json"]
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    shown = {str(line["slice"]): line for line in map(json.loads, result.stdout.splitlines())}
    assert shown["{}"]["value"] == 0.5
    assert shown["{'area': 'South'}"]["value"] == 0.6
    north = shown["{'area': 'North'}"]
    assert (north["value"], north["numerator"], north["n"]) == (None, None, None)
    assert (north["state"], north["reason"]) == ("not_applicable", "few_people")
