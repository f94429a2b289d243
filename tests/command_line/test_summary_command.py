"""`kept summary`: forms, files, moments, and what it refuses; and the weeks of Boston from a replay's history."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import pytest
from typer.testing import CliRunner

from command_line.main import app
from kept.errors import ConfigurationError, Stop
from tests.summaries.weekly.figures import SMALL, small_week
from tests.summaries.weekly.telling import history_of

RUNNER = CliRunner()


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return history_of(tmp_path_factory.mktemp("week") / "history.sqlite", small_week)


@pytest.fixture(autouse=True)
def small_city(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("command_line.summary.catalogue.services_of", lambda settings: SMALL)


def told(history: Path, *more: str) -> str:
    result = RUNNER.invoke(app, ["summary", "--history", str(history), *more], catch_exceptions=False)
    assert result.exit_code == 0
    return result.output


def refused(history: Path, *more: str) -> str:
    with pytest.raises((ConfigurationError, Stop)) as found:
        RUNNER.invoke(app, ["summary", "--history", str(history), *more], catch_exceptions=False)
    return str(found.value)


def test_without_a_week_it_is_the_last_whole_one_as_markdown(history: Path) -> None:
    assert told(history).startswith("# Week 47 of 2026: 16 to 22 November 2026\n")
    assert told(history) == told(history, "--week", "2026-W47", "--md")


def test_a_file_has_one_form_and_says_what_is_in_it(history: Path, tmp_path: Path) -> None:
    file = tmp_path / "week.html"
    said = told(history, "--html", "--output", str(file))
    assert said == f"{file}: 2026-W47, 3 concerns; 7 of 8 charted figures are noise.\n"
    assert file.read_text().startswith("<!doctype html>")
    assert "one form" in refused(history, "--html", "--md")
    assert "cannot be written" in refused(history, "--output", str(tmp_path / "no" / "folder.md"))


def test_another_moment_shows_what_was_known_then(history: Path) -> None:
    assert "As known on Mon 23 Nov 2026, 00:00" in told(history, "--as-of", "2026-11-23")
    assert "2026-W47 is not over and published" in refused(history, "--week", "2026-W47", "--as-of", "2026-11-20")
    assert "--as-of: 'soon' is no moment" in refused(history, "--as-of", "soon")


def test_a_week_that_is_not_there_is_answered_with_those_that_are(history: Path) -> None:
    assert "there is 2026-W47, 2026-W46, " in refused(history, "--week", "2026-W48")
    assert "'W47' is no week; valid: an ISO week such as 2026-W47" in refused(history, "--week", "W47")


@pytest.mark.slow
def test_boston_says_so_in_the_week_of_its_first_point_outside_and_not_the_week_before(
    shared_data: Path, tmp_path: Path
) -> None:
    history, table = tmp_path / "boston.sqlite", tmp_path / "boston.csv.gz"
    with (
        gzip.open(shared_data / "boston_311_2011H2.csv.gz", "rt", newline="") as file,
        gzip.open(table, "wt", newline="", compresslevel=1) as opened_by_then,
    ):
        rows = csv.DictReader(file)
        assert rows.fieldnames is not None
        writer = csv.DictWriter(opened_by_then, rows.fieldnames)
        writer.writeheader()
        writer.writerows(row for row in rows if row["open_dt"] < "2011-09-06")  # later ones are not seen anyway
    replay = ["replay", str(table), "--mapping", "boston_311", "--embedded", "--window", "week"]
    result = RUNNER.invoke(
        app, [*replay, "--as-of", "2011-09-05T06:00", "--history", str(history)], catch_exceptions=False
    )
    assert result.exit_code == 0
    outside, before = (told(history, "--mapping", "boston_311", "--week", week) for week in ("2011-W35", "2011-W34"))
    said = (
        "kept 67.1 % of promises due this week (n 2,864; 95 % interval 65.4 to 68.8 %), below the range 74.6 to 86.0 % "
        "seen since July (trial limits from 9 weeks only)"
    )
    assert said in outside
    assert "its mean 80.3 %: a real change, for the worse." in outside
    assert "kept 79.8 % of promises due this week (n 1,488; 95 % interval 77.7 to 81.8 %), within its usual" in before
    assert "a real change" not in before
    assert "worse" not in next(line for line in before.splitlines() if "of promises due this week" in line)


def test_a_replay_writes_a_history_of_its_own_only(tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text("")
    replay = ["replay", str(table), "--mapping", "boston_311", "--as-of", "2011-09-05T06:00", "--history", str(table)]
    with pytest.raises(ConfigurationError, match="add --embedded"):
        RUNNER.invoke(app, replay, catch_exceptions=False)
    with pytest.raises(ConfigurationError, match="is there already; name a new file"):
        RUNNER.invoke(app, [*replay, "--embedded"], catch_exceptions=False)
