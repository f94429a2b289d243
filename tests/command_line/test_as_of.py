"""`--as-of` on commands that read the history: figures and signals as they stood, and what was amended since."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from typer.testing import CliRunner

from command_line.main import app
from history.sqlite import SQLiteHistory
from kept.errors import ConfigurationError
from kept.indicators.point import Amendment
from kept.signals.raised import Response
from tests.command_line.test_decisions_command import CATALOGUE
from tests.history.points import NOON, point
from tests.history.signals import HOUR, raised

ENDED = replace(raised(ended_at=NOON + HOUR), course=(NOON + HOUR, NOON + 7 * HOUR))
LATER = raised(raised_at=NOON + 8 * HOUR, signal="source_silent")
SHOWN = point(slice=(("area", "North"),), value=0.5, numerator=50)
BACKLOG = point(
    indicator="backlog", window="24h", value=7, unit="cases", numerator=7, denominator=1, n=7, low=None, high=None
)


class Kept:
    """The command on a history whose promise was amended twice: 75 %, then 70 %, now 60 %."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "history.sqlite"
        self.catalogue = folder / "catalogue"
        self.catalogue.mkdir()
        (self.catalogue / "street_repairs.toml").write_text(CATALOGUE)
        store = SQLiteHistory(self.file)
        store.write([point(), SHOWN, BACKLOG, point(window_end=NOON + 2 * HOUR, value=0.3, n=120)])
        store.amend([Amendment(NOON + 1800, point(), point(value=0.7))])
        store.amend([Amendment(NOON + HOUR, point(value=0.7), point(value=0.6, n=110))])
        few = point(slice=SHOWN.slice, value=0.25, numerator=1, n=4, denominator=4)
        store.amend([Amendment(NOON + HOUR, SHOWN, few)])
        store.record([ENDED, LATER])
        store.respond(Response(id=ENDED.id, says="acknowledged", at=NOON + 2 * HOUR))
        store.publish(["street-repairs"], NOON + 8 * HOUR)
        store.close()

    def __call__(self, *arguments: str) -> str:
        environment = {
            "KEPT_HISTORY_PATH": str(self.file), "KEPT_CATALOGUE": str(self.catalogue), "COLUMNS": "160",
        }  # fmt: skip
        result = CliRunner().invoke(app, arguments, env=environment)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == 0, result.output
        return result.output


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path)


def test_figures_are_told_as_they_stood_with_what_was_amended_since(kept: Kept) -> None:
    told = kept("indicators", "--as-of", "2012-01-01T12:00Z")
    assert "data as of 2012-01-01 12:00 UTC" in " ".join(told.split())
    assert "75.0%" in told
    assert "70.0%" not in told
    assert told.splitlines()[-2:] == [
        "Amended since: 1 of this 1 value.",
        "  promise_kept 28d: 75.0 % then, 60.0 % since 2012-01-01 13:00 UTC (n 100 then, 110 now)",
    ]
    assert "70.0 % then, 60.0 % since" in kept("indicators", "--as-of", "2012-01-01T13:30")  # local: 12:30 UTC
    after = kept("indicators", "--as-of", "2012-01-01T13:00Z")
    assert "60.0%" in after
    assert after.splitlines()[-1] == "Amended since: none of this 1 value."
    assert "30.0%" in kept("indicators")
    assert "Amended" not in kept("indicators")


def test_what_was_not_known_yet_is_said(kept: Kept) -> None:
    told = kept("indicators", "--as-of", "2011-12-31T00:00Z")
    assert told == "street-repairs: no such value was known on 2011-12-31 00:00 UTC\n"


def test_figures_as_json_carry_what_is_known_now_and_never_of_a_few_people(kept: Kept) -> None:
    told = kept("indicators", "--as-of", "2012-01-01T12:00Z", "--slices", "--json", "--indicator", "promise_kept")
    whole, slice_of = map(json.loads, told.splitlines())
    assert (whole["value"], whole["amended"]["value"], whole["amended"]["n"]) == (0.75, 0.6, 110)
    assert whole["amended"]["known_at"] == "2012-01-01T13:00:00Z"
    assert (slice_of["value"], slice_of["amended"]["value"]) == (0.5, None)
    assert slice_of["amended"]["reason"] == "few_people"
    (now,) = map(json.loads, kept("indicators", "--json", "--indicator", "promise_kept").splitlines())
    assert "amended" not in now


def test_signals_are_told_as_they_stood(kept: Kept) -> None:
    assert "Nothing is raised. Data as of 2012-01-01 11:00 UTC." in kept("alerts", "--as-of", "2012-01-01T11:00Z")
    active = kept("alerts", "--as-of", "2012-01-01T12:30Z")
    assert ENDED.id in active
    assert "1 raised: 1 page; 1 of 1 not acknowledged. Data as of 2012-01-01 12:30 UTC." in active
    assert "quiet since" not in active
    quiet = kept("alerts", "--as-of", "2012-01-01T15:00Z")
    assert "quiet since 2012-01-01 13:00 UTC" in quiet
    assert "0 of 1 not acknowledged" in quiet
    assert "Nothing is raised." in kept("alerts", "--as-of", "2012-01-01T19:00Z")
    assert "1 ended in the last 7 days" in kept("alerts", "--as-of", "2012-01-01T19:00Z")
    assert LATER.id in kept("alerts")


def test_the_evidence_and_the_answers_of_then(kept: Kept) -> None:
    told = json.loads(kept("alerts", "why", ENDED.id, "--as-of", "2012-01-01T13:00Z", "--json"))
    assert (told["ended_at"], told["quiet_since"], told["responses"]) == (None, "2012-01-01T13:00:00Z", [])
    assert json.loads(kept("alerts", "why", ENDED.id, "--json"))["ended_at"] == "2012-01-01T13:00:00Z"
    with pytest.raises(ConfigurationError, match="is no signal's id; known"):
        kept("alerts", "why", LATER.id, "--as-of", "2012-01-01T13:00Z")


def test_the_report_card_of_then(kept: Kept) -> None:
    def counted(*arguments: str) -> Any:
        lines = map(json.loads, kept("alerts", "report", "--json", *arguments).splitlines())
        return {line["signal"]: line["raised"] for line in lines if line.get("kind") == "rule" or "raised" in line}

    assert "promise_budget_fast" in counted("--as-of", "2012-01-01T13:00Z")
    assert "source_silent" not in counted("--as-of", "2012-01-01T13:00Z")
    assert "source_silent" in counted()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("indicators", "--as-of", "2012-01-01T12:03Z"), "is not a whole 5 minutes"),
        (("alerts", "--as-of", "then"), "--as-of: 'then' is no moment"),
        (("alerts", "--as-of", "2012-01-01", "--alertmanager", "http://127.0.0.1:9"), "leave --as-of away"),
        (("alerts", "--as-of", "2012-01-01", "report"), "options go after the command"),
    ],
)
def test_a_moment_that_makes_no_sense_is_refused(kept: Kept, arguments: tuple[str, ...], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        kept(*arguments)
