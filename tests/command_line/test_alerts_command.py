"""`kept alerts` on a real history file, filled through its port."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

from command_line.alertmanager import Alerts
from command_line.main import app
from history.sqlite import SQLiteHistory
from kept.errors import ConfigurationError, Retry, Stop
from kept.signals.raised import Raised
from tests.command_line.sample_alerts import (
    BUDGET,
    CHART,
    COST,
    DRIFT,
    ENDED,
    FORECAST,
    FRESHNESS,
    GAP,
    LONG_AGO,
    OF_ANOTHER_VERSION,
    QUIET,
    RAISED,
)
from tests.history.points import point
from tests.influxd import Server
from tests.kept.signals.raised_signals import DAY, HOUR, NOW, raised

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = Path(__file__).parent / "golden"
SERVICES = ("parking-permits", "street-lights", "use-a-permit")
OPEN = [one for one in RAISED if one.ended_at is None]
CATALOGUE = """
id = "{id}"
name = "{id}"
owner = "{owner}"
time_zone = "Europe/Amsterdam"
expected_silence = "1h"
[channels]
unlisted = "accept"
[promise]
words = "Within five days"
target_share = 0.9
target_time = "5d"
"""
OWNERS = """
[platform]
time_zone = "UTC"
people = 2
working_hours = { mon = "08:00-18:00" }
pages = [{ kind = "email", to = ["a@example.org"] }]
tickets = [{ kind = "email", to = ["a@example.org"] }]
heartbeat = [{ kind = "webhook", url = "https://heartbeat.example.net/kept" }]
["Public works"]
time_zone = "UTC"
people = 4
working_hours = { mon = "08:00-18:00" }
pages = [{ kind = "email", to = ["a@example.org"] }]
tickets = [{ kind = "email", to = ["a@example.org"] }]
"""


class Kept:
    """The command on one history, at a wall clock that the test sets."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.file = folder / "history.sqlite"
        self.catalogue = folder / "catalogue"
        self.now = NOW
        clock = SimpleNamespace(time=lambda: self.now + 0.5)
        monkeypatch.setattr("command_line.alerts.time", clock)
        monkeypatch.setattr("command_line.alert_report.time", clock)
        self.catalogue.mkdir()
        for service in SERVICES:
            text = CATALOGUE.format(id=service, owner="Public works")
            (self.catalogue / f"{service}.toml").write_text(text)

    def store(self, fill: Callable[[SQLiteHistory], object]) -> Any:
        store = SQLiteHistory(self.file)
        try:
            return fill(store)
        finally:
            store.close()

    def fill(self, signals: tuple[Raised, ...] = RAISED, services: tuple[str, ...] = SERVICES) -> None:
        self.store(lambda store: store.record(signals))
        self.store(lambda store: store.publish(services, NOW))

    def __call__(self, *arguments: str, columns: int = 100) -> str:
        environment = {
            "KEPT_HISTORY_PATH": str(self.file), "KEPT_CATALOGUE": str(self.catalogue), "COLUMNS": str(columns),
        }  # fmt: skip
        result = CliRunner().invoke(app, ["alerts", *arguments], env=environment)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == 0, result.output
        return result.output

    def rows(self, *arguments: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self(*arguments, "--json").splitlines()]

    def responses(self) -> list[tuple[str, str, int]]:
        return [(said.id, said.says, said.at) for said in self.store(lambda store: store.responses())]


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kept:
    return Kept(tmp_path, monkeypatch)


def golden(name: str, text: str, update: bool) -> None:
    file = GOLDEN / name
    if update:
        GOLDEN.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8"), "run pytest --update-golden and look at the difference"


def test_the_list_is_the_golden_one(kept: Kept, update_golden: bool) -> None:
    kept.fill()
    kept("acknowledge", BUDGET.id)
    kept("judge", ENDED.id, "noise")
    golden("alerts.txt", kept("--ended"), update_golden)


@pytest.mark.parametrize(
    "one",
    [BUDGET, CHART, COST, FRESHNESS, FORECAST, DRIFT, GAP, OF_ANOTHER_VERSION],
    ids=lambda one: one.verdict.signal,
)
def test_the_evidence_is_the_golden_one(kept: Kept, one: Raised, update_golden: bool) -> None:
    kept.fill()
    if one is BUDGET:
        kept("acknowledge", one.id)
        kept.now += HOUR
        kept("judge", one.id, "noise")
        kept("judge", one.id, "useful")
    golden(f"why_{one.verdict.signal}.txt", kept("why", one.id), update_golden)


def test_what_is_raised_is_listed_worst_first_and_of_each_urgency_the_latest_first(kept: Kept) -> None:
    kept.fill()
    seen = kept.rows()
    assert [row["severity"] for row in seen] == ["page"] * 2 + ["ticket"] * 5 + ["info"] * 2
    assert {row["id"] for row in seen} == {one.id for one in OPEN}
    for urgency in ("page", "ticket"):
        moments = [row["raised_at"] for row in seen if row["severity"] == urgency]
        assert moments == sorted(moments, reverse=True)
    assert [row["id"] for row in kept.rows("--ended")][len(seen) :] == [ENDED.id]  # what ended longer ago is not told
    assert {row["service"] for row in kept.rows("--service", "parking-permits", "--ended")} == {"parking-permits"}


def test_an_object_says_all_that_the_list_says(kept: Kept) -> None:
    kept.fill()
    kept("acknowledge", BUDGET.id)
    row = next(row for row in kept.rows() if row["id"] == BUDGET.id)
    assert row == {
        "id": BUDGET.id, "severity": "page", "service": "street-lights", "signal": "promise_budget_fast",
        "alert": "KeptPromiseBudgetBurnsFast", "about": "",
        "summary": "The promise is being missed so often that its error budget will soon be gone",
        "words": BUDGET.verdict.words, "since": "2026-03-04T15:00:00Z", "raised_at": "2026-03-04T21:00:00Z",
        "told_at": "2026-03-04T21:00:00Z", "ended_at": None, "raised_seconds": 9 * HOUR, "value": 0.7092,
        "expected": 0.9, "unit": "share", "cases": 141, "chance": 0.00000173, "test": BUDGET.verdict.test,
        "quiet_since": None, "acknowledged_at": "2026-03-05T00:00:00Z", "judged": None,
        "first": "See which channel, area or step the late cases have in common",
    }  # fmt: skip
    (why,) = kept.rows("why", BUDGET.id)
    assert row.items() <= why.items()
    assert why["evidence"] == msgspec.to_builtins(BUDGET.verdict.evidence)
    assert why["responses"] == [{"says": "acknowledged", "at": "2026-03-05T00:00:00Z"}]


@pytest.mark.parametrize("columns", [60, 100, 300])
def test_lines_fit_the_terminal_and_do_nothing_to_it(kept: Kept, columns: int) -> None:
    kept.fill()
    texts = [kept("--ended", columns=columns)] + [kept("why", one.id, columns=columns) for one in RAISED]
    lines = [line for text in texts for line in text.split("\n")]
    assert all(line.isprintable() for line in lines)
    if columns >= 100:
        assert max(map(len, lines)) <= min(columns, 120)
    assert any(r"area=Noord\x1b[2J" in line for line in lines)


def test_nothing_raised_is_said_with_the_moment_of_the_data(kept: Kept) -> None:
    kept.fill(())
    assert kept() == "Nothing is raised. Data as of 2026-03-05 00:00 UTC.\n"
    assert kept("--ended").endswith("None ended in the last 7 days.\n")
    assert kept("--json") == ""
    kept.now += 3 * HOUR  # nothing may be raised because nothing is judged any more
    assert kept() == "Nothing is raised. Data as of 2026-03-05 00:00 UTC, 3 hours ago.\n"


def test_services_that_are_known_up_to_different_moments_are_told_apart(kept: Kept) -> None:
    kept.fill((FRESHNESS,), ("street-lights",))
    kept.store(lambda store: store.publish(["parking-permits"], NOW - 2 * HOUR))
    assert "Data as of 2026-03-04 22:00 UTC, 2 hours ago to 2026-03-05 00:00 UTC." in kept()
    (row,) = kept.rows()
    assert row["raised_seconds"] == 4 * HOUR  # by what is known of its own service


def test_one_whose_evidence_is_gone_says_so_before_it_ends(kept: Kept) -> None:
    kept.fill((QUIET,))
    assert "quiet since 2026-03-04 20:00 UTC, ends when it stays so for 7 days" in kept()


def test_acknowledging_twice_is_acknowledging_once(kept: Kept) -> None:
    kept.fill()
    assert "acknowledged" in kept("acknowledge", BUDGET.id)
    kept.now += HOUR
    assert kept("acknowledge", BUDGET.id[:5]).endswith("was acknowledged 2026-03-05 00:00 UTC; nothing changed\n")
    assert kept.responses() == [(BUDGET.id, "acknowledged", NOW)]


def test_the_last_judgement_counts_also_within_a_second_and_the_same_again_changes_nothing(kept: Kept) -> None:
    kept.fill()
    assert kept("judge", GAP.id, "useful").endswith(": judged useful\n")
    assert kept("judge", GAP.id, "useful").endswith("already; nothing changed\n")
    assert kept("judge", GAP.id.upper(), "noise").endswith(": judged noise, no longer useful\n")
    kept.now -= HOUR  # a clock that goes back does not bring an older judgement back either
    assert kept("judge", GAP.id, "useful").endswith(": judged useful, no longer noise\n")
    assert kept.responses() == [(GAP.id, "useful", NOW), (GAP.id, "noise", NOW + 1), (GAP.id, "useful", NOW + 2)]
    assert next(row for row in kept.rows() if row["id"] == GAP.id)["judged"] == "useful"


def test_one_that_has_ended_can_still_be_judged(kept: Kept) -> None:
    kept.fill()
    kept("judge", LONG_AGO.id, "noise")
    assert kept.responses() == [(LONG_AGO.id, "noise", NOW)]


def test_an_unknown_id_names_those_that_are_known_and_an_ambiguous_one_those_it_may_be(kept: Kept) -> None:
    kept.fill()
    with pytest.raises(ConfigurationError) as unknown:
        kept("why", "zzz\x1b")
    lines = str(unknown.value).splitlines()
    assert lines[0] == r"'zzz\x1b' is no signal's id; known, the open ones first:"
    assert lines[1] == f"  {BUDGET.id} street-lights promise_budget_fast"
    assert r"area=Noord\x1b[2J" in str(unknown.value)

    many = tuple(raised(at=NOW - n * HOUR, ended=NOW) for n in range(40))
    kept.store(lambda store: store.record(many))
    first = next(digit for digit in "0123456789abcdef" if sum(one.id[0] == digit for one in many) > 1)
    with pytest.raises(ConfigurationError, match=f"'{first}' is the beginning of .* ids; give more digits"):
        kept("acknowledge", first)
    with pytest.raises(ConfigurationError, match="'' is no signal's id"):
        kept("judge", "", "noise")
    assert kept.responses() == []


def test_a_judgement_is_one_of_two(kept: Kept) -> None:
    kept.fill()
    result = CliRunner().invoke(app, ["alerts", "judge", BUDGET.id, "meh"], env={"KEPT_HISTORY_PATH": str(kept.file)})
    assert result.exit_code == 2
    assert "useful" in result.output
    assert "noise" in result.output


def test_listing_only_reads_and_judging_needs_a_file_that_can_be_written(kept: Kept) -> None:
    kept.fill()
    before = kept.file.read_bytes()
    for arguments in ((), ("--ended",), ("why", BUDGET.id), ("report",)):
        kept(*arguments)
    assert kept.file.read_bytes() == before


def test_without_a_history_it_says_which_file_is_missing(kept: Kept) -> None:
    with pytest.raises(ConfigurationError, match="no such history file"):
        kept()
    with pytest.raises(ConfigurationError, match="no such history file"):
        kept("judge", "abc", "noise")
    assert not kept.file.exists()


def test_an_unknown_service_and_options_before_the_command_are_refused(kept: Kept) -> None:
    kept.fill()
    with pytest.raises(ConfigurationError, match="--service: 'parks' is not in the history; valid: parking-permits, "):
        kept("--service", "parks")
    with pytest.raises(ConfigurationError, match="options go after the command: kept alerts report"):
        kept("--json", "report")


def test_an_error_is_one_line_and_exit_2(kept: Kept) -> None:
    command = [sys.executable, "-m", "command_line.main", "alerts", "--history", str(kept.file)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"kept: {kept.file}: no such history file")


def test_on_influxdb_a_token_that_may_only_read_lists_and_is_told_that_it_may_not_judge(
    kept: Kept, influxd: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bucket = influxd.make_bucket()
    store = influxd.history(bucket)
    now = int(time.time())  # the server's own clock says what is too old
    one = raised(at=now - HOUR, value=0.86, expected=0.9)
    store.record([one])
    store.publish(["street-lights"], now)
    store.close()
    token = tmp_path / "token"
    for name, value in {
        "KEPT_HISTORY": "influxdb",
        "KEPT_INFLUXDB_URL": influxd.url,
        "KEPT_INFLUXDB_ORG": influxd.org,
        "KEPT_INFLUXDB_BUCKET": bucket,
        "KEPT_INFLUXDB_TOKEN_FILE": str(token),
    }.items():
        monkeypatch.setenv(name, value)
    token.write_text(influxd.make_token(("read", bucket)))
    assert [row["id"] for row in kept.rows()] == [one.id]
    for arguments in (("judge", one.id, "noise"), ("acknowledge", one.id)):
        with pytest.raises(Stop, match=r"the token may not write .* \(403\)"):
            kept(*arguments)
    assert kept.rows()[0]["judged"] is None

    token.write_text(influxd.make_token(("read", bucket), ("write", bucket)))
    kept("judge", one.id, "noise")
    assert kept.rows()[0]["judged"] == "noise"


def test_alertmanager_is_asked_only_when_it_is_named_and_says_how_each_stands(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept.fill()
    with pytest.raises(Retry, match="does not answer"):
        kept("--alertmanager", "http://127.0.0.1:1")
    assert "alertmanager" not in kept("--json")

    def labels(one: Raised) -> tuple[str, str, str]:
        return one.verdict.key()

    known = Alerts(
        [
            (labels(BUDGET), "firing"), (labels(GAP), "silenced"), (labels(FORECAST), "inhibited"),
            (labels(ENDED), "firing"),
        ]
    )  # fmt: skip
    monkeypatch.setattr("command_line.alerts.read_alerts", lambda settings, url: known)
    standings = {row["id"]: row["alertmanager"] for row in kept.rows("--alertmanager", "http://am")}
    assert [standings[one.id] for one in (BUDGET, GAP, FORECAST, CHART)] == [
        "firing", "silenced", "inhibited", "absent",
    ]  # fmt: skip
    text = kept("--alertmanager", "http://am")
    assert "raised here, not firing in Alertmanager" in text
    assert "Firing in Alertmanager, not raised here: parking-permits promise_budget_slow." in text
    assert "Firing in Alertmanager, not raised" not in kept("--alertmanager", "http://am", "--service", "street-lights")


def fill_report(kept: Kept) -> None:
    kept.fill()
    shares = [
        point(service=service, window_end=NOW - day * DAY, window_start=0, value=0.85 if day < 3 else 0.95)
        for service in SERVICES
        for day in range(40)
    ]
    kept.store(lambda store: store.write(shares))
    (kept.catalogue / "owners.toml").write_text(OWNERS)
    for number, one in enumerate(OPEN):
        kept.now = NOW + number * 60
        kept("acknowledge", one.id)
    kept("judge", BUDGET.id, "useful")
    kept.now = NOW + HOUR


def test_the_report_is_the_golden_one(kept: Kept, update_golden: bool) -> None:
    fill_report(kept)
    golden("report.txt", kept("report", "--weeks", "8"), update_golden)


def test_the_report_as_objects_has_every_part(kept: Kept) -> None:
    fill_report(kept)
    rows = kept.rows("report", "--weeks", "8")
    assert rows[0] == {"what": "period", "weeks": 8, "first_week": "2026-W02", "as_of": "2026-03-05T00:00:00Z"}
    assert {row["what"] for row in rows} == {
        "period", "rule", "service", "rule_in_service", "information", "owner", "promise",
    }  # fmt: skip
    (owner,) = (row for row in rows if row["what"] == "owner")
    # The history knows these services for 39 days.
    assert (owner["owner"], owner["people"], owner["weeks"]) == ("Public works", 4, pytest.approx(39 / 7))
    assert owner["per_person_week"] == pytest.approx((owner["pages"] + owner["tickets"]) / (4 * 39 / 7))
    fast = next(row for row in rows if row["what"] == "rule" and row["signal"] == "promise_budget_fast")
    # Broken since 2 days when it was raised 3 hours before the end of the data.
    assert fast["leads"] == {
        "before": 0, "after": 1, "nothing": 0, "pending": 0, "undefined": 0, "median_seconds": -(2 * DAY - 3 * HOUR),
    }  # fmt: skip
    assert fast["precision"]["useful"] == 1
    assert fast["precision"]["value"] is None


def test_a_report_of_a_history_without_a_published_service_says_so(kept: Kept) -> None:
    kept.store(lambda store: None)
    with pytest.raises(ConfigurationError, match="no published service yet"):
        kept("report")
    assert kept() == "The history has no published service yet.\n"
