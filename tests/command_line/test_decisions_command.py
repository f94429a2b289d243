"""`kept decisions` on a real history file."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from command_line.main import app
from history.sqlite import SQLiteHistory
from kept.errors import ConfigurationError, Stop
from tests.history.decisions import decided
from tests.history.points import NOON
from tests.history.signals import raised

DAY = 86_400
SIGNAL = raised()
ONE = ("decide", "A second van on Mondays", "--owner", "Depot North", "--due", "2012-01-03", "--by", "Head of streets")
CATALOGUE = """
id = "street-repairs"
name = "Street repairs"
owner = "Public works"
time_zone = "Europe/Amsterdam"
expected_silence = "1h"
[channels]
unlisted = "accept"
"""


class Kept:
    """The command on one history, at a wall clock that the test sets."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.file = folder / "history.sqlite"
        self.catalogue = folder / "catalogue"
        self.catalogue.mkdir()
        (self.catalogue / "street_repairs.toml").write_text(CATALOGUE)
        self.now = NOON
        monkeypatch.setattr("command_line.decisions.time", SimpleNamespace(time=lambda: self.now + 0.5))
        self.store(lambda store: store.record([SIGNAL]))

    def store(self, ask: Callable[[SQLiteHistory], Any]) -> Any:
        store = SQLiteHistory(self.file)
        try:
            return ask(store)
        finally:
            store.close()

    def __call__(self, *arguments: str, columns: int = 100) -> str:
        environment = {
            "KEPT_HISTORY_PATH": str(self.file), "KEPT_CATALOGUE": str(self.catalogue), "COLUMNS": str(columns),
        }  # fmt: skip
        result = CliRunner().invoke(app, ["decisions", *arguments], env=environment)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == 0, result.output
        return result.output

    def id(self) -> str:
        ((first, *_),) = [self.store(lambda store: store.decision_entries())]
        return str(first.decision)


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kept:
    return Kept(tmp_path, monkeypatch)


def test_a_decision_is_followed_from_its_signal_to_its_end(kept: Kept) -> None:
    assert kept() == "Nothing was decided yet: kept decisions decide says how.\n"
    said = kept(*ONE, "--signal", SIGNAL.id[:5], "--objective", "Safe streets")
    name = kept.id()
    assert said == f"{name} street-repairs: decided\n"
    assert kept() == (
        "1 open, 0 overdue; 0 closed.\n\n"
        f"OPEN    {name}  street-repairs · signal {SIGNAL.id}\n"
        "        A second van on Mondays\n"
        "        owner Depot North · due 2012-01-03 · serves Safe streets\n"
        "        decided 2012-01-01 12:00 UTC by Head of streets · no effect is said yet\n"
    )
    kept.now += 4 * DAY
    assert "1 open, 1 overdue" in kept()
    assert "OVERDUE since 2012-01-03, 2 days" in kept()
    moved = kept("move", name[:6], "--due", "2012-01-09", "--by", "Depot North", "--reason", "No driver yet")
    assert moved == f"{name} street-repairs: moved: due 2012-01-09; due 2012-01-09\n"
    assert kept("effect", name, "helped", "--by", "Head of streets").endswith("it helped; due 2012-01-09\n")
    kept.now += DAY
    assert kept("close", name, "--by", "Head of streets") == (
        f"{name} street-repairs: closed; closed 2012-01-06 12:00 UTC, it helped\n"
    )
    assert kept() == "0 open, 0 overdue; 1 closed.\n--closed shows what is closed, too.\n"
    assert "CLOSED" in kept("--closed")
    assert kept("show", name).splitlines()[-4:] == [
        "        2012-01-01 12:00 UTC  decided: owner Depot North, due 2012-01-03, by Head of streets",
        "        2012-01-05 12:00 UTC  moved: due 2012-01-09, by Depot North: No driver yet",
        "        2012-01-05 12:00 UTC  it helped, by Head of streets",
        "        2012-01-06 12:00 UTC  closed, by Head of streets",
    ]


def test_what_stood_then_is_told_as_it_stood(kept: Kept) -> None:
    kept(*ONE, "--service", "street-repairs")
    name = kept.id()
    kept.now += 3 * DAY
    kept("close", name, "--by", "Head of streets")
    assert kept("--as-of", "2012-01-01") == "Nothing was decided yet: kept decisions decide says how.\n"
    assert "1 open, 0 overdue" in kept("--as-of", "2012-01-03T23:55")
    assert "1 open, 1 overdue" in kept("--as-of", "2012-01-04T00:00")  # local time of the service
    assert "1 open, 0 overdue" in kept("--as-of", "2012-01-03T22:55Z")
    assert "closed" not in kept("show", name, "--as-of", "2012-01-02")
    assert len(kept("export", "--as-of", "2012-01-02").splitlines()) == 2


def test_the_same_again_changes_nothing(kept: Kept) -> None:
    kept(*ONE, "--service", "street-repairs")
    name = kept.id()
    kept.now += 60
    assert kept(*ONE, "--service", "street-repairs") == (
        f"{name} street-repairs: is decided already; nothing changed\n"
    )
    for _ in range(2):
        kept.now += 60
        said = kept("effect", name, "cannot_tell", "--by", "Depot North")
    assert said.endswith("that was said last; nothing changed\n")
    assert len(kept.store(lambda store: store.decision_entries())) == 2


def test_two_things_said_within_a_second_are_both_kept_in_their_order(kept: Kept) -> None:
    kept(*ONE, "--service", "street-repairs")
    name = kept.id()
    kept("move", name, "--due", "2012-02-01", "--by", "A")
    kept("move", name, "--due", "2012-03-01", "--by", "A")
    assert "due 2012-03-01" in kept()


def test_an_export_has_every_entry_and_does_nothing_in_a_spreadsheet(kept: Kept) -> None:
    hostile = decided(text='=HYPERLINK("x")', owner="@owner", by="+1", objective="-2", signal=None)
    kept.store(lambda store: store.decide(hostile))
    (row,) = csv.DictReader(io.StringIO(kept("export")))
    assert (row["text"], row["owner"], row["by"], row["objective"]) == (
        "'=HYPERLINK(\"x\")", "'@owner", "'+1", "'-2"
    )  # fmt: skip
    assert (row["at"], row["says"], row["signal"], row["effect"]) == ("2012-01-01T12:00:00Z", "decided", "", "")
    (line,) = kept("export", "--format", "json").splitlines()
    assert json.loads(line) | {"text": hostile.text, "owner": "@owner", "effect": None} == json.loads(line)
    (shown,) = kept("--json").splitlines()
    assert json.loads(shown)["history"] == [json.loads(line)]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("close", "ffff", "--by", "A"), r"'ffff' is no decision's id; known, the open ones first:\n  .* A second van"),
        ((*ONE, "--service", "nowhere"), "--service: 'nowhere' is not known; valid: street-repairs"),
        ((*ONE, "--service", "parking", "--signal", SIGNAL.id), f"signal {SIGNAL.id} is of street-repairs"),
        ((*ONE, "--signal", "zz"), "'zz' is no signal's id"),
        (ONE, "say for which service it is, or which signal led to it"),
        (("move", "ID", "--by", "A"), "another due date, another owner or both; none is given"),
        (("move", "ID", "--by", "A", "--due", "soon"), "due: 'soon' is no date; valid: such as 2026-12-01"),
        (("move", "ID", "--by", "", "--due", "2012-02-01"), "by: is empty"),
        (("--closed", "export"), "options go after the command: kept decisions export --…"),
        (("--service", "nowhere"), "'nowhere' is not known"),
        (("--as-of", "yesterday"), "--as-of: 'yesterday' is no moment"),
    ],
)
def test_what_makes_no_sense_is_refused_with_what_is_valid(kept: Kept, arguments: tuple[str, ...], said: str) -> None:
    kept(*ONE, "--service", "street-repairs")
    name = kept.id()
    with pytest.raises(ConfigurationError, match=said):
        kept(*(name if argument == "ID" else argument for argument in arguments))
    assert len(kept.store(lambda store: store.decision_entries())) == 1


def test_what_is_closed_stays_closed(kept: Kept) -> None:
    kept(*ONE, "--service", "street-repairs")
    name = kept.id()
    kept("close", name, "--by", "A")
    kept.now += 60
    for arguments in (("close", name), ("effect", name, "helped"), ("move", name, "--owner", "B")):
        with pytest.raises(Stop, match=f"{name} is closed already; what is closed stays so"):
            kept(*arguments, "--by", "A")


def test_hostile_texts_do_nothing_to_a_terminal_or_a_line(kept: Kept) -> None:
    kept.store(lambda store: store.decide(decided(text="\x1b[31mred\nline‮", service="a\x07b", signal=None)))
    assert not set("\x1b\x07‮") & set(kept())
    with pytest.raises(ConfigurationError, match="text: has 10000 characters; at most 500"):
        kept("decide", "x" * 10_000, *ONE[2:], "--service", "street-repairs")
