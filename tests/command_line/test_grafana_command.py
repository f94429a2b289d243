"""`kept grafana` against a small Grafana on loopback and a real history file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import Result
from msgspec.structs import replace
from typer.testing import CliRunner

from command_line import grafana as command
from command_line import grafana_files
from command_line.main import app
from history.sqlite import SQLiteHistory
from kept.catalogue import Catalogue
from kept.errors import ConfigurationError, Retry, Stop
from kept.signals.raised import Raised
from local_stack.ports import free_port
from tests.grafana.server import EDITOR_TOKEN, VIEWER_TOKEN, Answer, Asked, Grafana, serve
from tests.kept.signals.raised_signals import DAY, HOUR, NOW, raised

BOARD = {"uid": "kept-overview", "title": "Overview", "panels": [], "schemaVersion": 42}
OTHER = {"uid": "kept-flow", "title": "Flow", "panels": []}


class Kept:
    """The command, with a folder of boards, a token's file and a history."""

    def __init__(self, grafana: Grafana, folder: Path) -> None:
        self.boards = folder / "boards"
        self.boards.mkdir()
        self.token_file = folder / "grafana.token"
        self.token_file.write_text(f"{EDITOR_TOKEN}\n")
        self.history = folder / "history.sqlite"
        self.environment = {"KEPT_GRAFANA_URL": grafana.url, "KEPT_GRAFANA_TOKEN_FILE": str(self.token_file)}
        self.write(BOARD)

    def write(self, *boards: dict[str, Any]) -> None:
        for board in boards:
            (self.boards / f"{board['uid']}.json").write_text(json.dumps(board))

    def record(self, *signals: Raised) -> None:
        store = SQLiteHistory(str(self.history))
        store.record(signals)
        store.close()

    def __call__(self, *arguments: str, fails: type[Exception] | None = None) -> Result:
        done = CliRunner().invoke(app, ["grafana", *arguments], env=self.environment)
        said = f"{done.output}{done.exception}"
        assert EDITOR_TOKEN not in said
        assert VIEWER_TOKEN not in said
        if fails is None:
            assert done.exception is None or isinstance(done.exception, SystemExit), said
        else:
            assert isinstance(done.exception, fails), said
        return done

    def publish(self, *options: str, fails: type[Exception] | None = None) -> Result:
        return self("publish", "--from", str(self.boards), *options, fails=fails)

    def annotate(self, *options: str, fails: type[Exception] | None = None) -> Result:
        return self("annotate", "--history", str(self.history), *options, fails=fails)


@pytest.fixture
def grafana() -> Iterator[Grafana]:
    with serve(Grafana()) as running:
        yield running


@pytest.fixture
def kept(grafana: Grafana, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kept:
    monkeypatch.setattr(command, "FIRST_PAUSE_SECONDS", 0)
    monkeypatch.setattr(command, "time", SimpleNamespace(time=lambda: NOW + 0.5, sleep=None))
    return Kept(grafana, tmp_path)


def test_a_dry_run_shows_the_difference_writes_nothing_and_says_so_by_its_exit(grafana: Grafana, kept: Kept) -> None:
    done = kept.publish("--dry-run")
    assert done.exit_code == 1
    assert done.stdout.splitlines()[:6] == [
        "folder kept: would be made, with the title Kept",
        "kept-overview: would be created",
        "--- not there",
        "+++ kept-overview.json",
        "@@ -0,0 +1,6 @@",
        "+{",
    ]
    assert '+  "title": "Overview",' in done.stdout
    assert grafana.writes() == []


def test_what_is_published_is_as_wanted_from_then_on(grafana: Grafana, kept: Kept) -> None:
    first = kept.publish()
    assert (first.exit_code, first.stdout) == (0, "kept-overview: created\n")
    again = kept.publish("--dry-run")
    assert (again.exit_code, again.stdout) == (0, "kept-overview: as wanted\n")
    assert (kept.publish().stdout, len(grafana.writes())) == ("kept-overview: as wanted\n", 2)


def test_a_dry_run_shows_only_the_lines_that_differ(kept: Kept) -> None:
    kept.publish()
    kept.write({**BOARD, "title": "All services"})
    shown = kept.publish("--dry-run").stdout
    assert '-  "title": "Overview",' in shown
    assert '+  "title": "All services",' in shown
    assert "--- Grafana, version 1" in shown
    assert kept.publish().stdout == "kept-overview: saved\n"


def test_boards_that_are_no_longer_wanted_are_reported_and_deleted_when_asked(grafana: Grafana, kept: Kept) -> None:
    kept.write(OTHER)
    kept.publish()
    (kept.boards / "kept-flow.json").unlink()
    reported = kept.publish("--dry-run")
    assert reported.exit_code == 0, "the same command without --dry-run would change nothing"
    assert "kept-flow: no longer wanted; --prune deletes it" in reported.stdout
    would = kept.publish("--dry-run", "--prune")
    assert (would.exit_code, "kept-flow: no longer wanted, would be deleted" in would.stdout) == (1, True)
    assert "kept-flow" in grafana.dashboards
    assert "kept-flow: no longer wanted, deleted" in kept.publish("--prune").stdout
    assert set(grafana.dashboards) == {"kept-overview"}


def test_what_somebody_saves_meanwhile_is_told_with_exit_1_until_it_is_overwritten(
    grafana: Grafana, kept: Kept
) -> None:
    kept.publish()
    kept.write({**BOARD, "title": "Ours"})

    def before(asked: Asked) -> Answer | None:
        if asked.method == "POST":
            grafana.put("kept-overview", {**BOARD, "title": "Mine"}, "kept")
        return None

    grafana.before = before
    done = kept.publish()
    assert done.exit_code == 1
    assert "somebody saved version 2 while this ran" in done.stdout
    assert '-  "title": "Mine",' in done.stdout
    assert grafana.dashboards["kept-overview"]["title"] == "Mine"
    assert kept.publish("--overwrite").exit_code == 0
    assert grafana.dashboards["kept-overview"]["title"] == "Ours"


def test_a_provisioned_board_is_told_with_exit_1_and_what_to_do(grafana: Grafana, kept: Kept) -> None:
    kept.publish()
    grafana.provisioned.add("kept-overview")
    kept.write({**BOARD, "title": "Ours"})
    for options in ([], ["--dry-run"]):
        done = kept.publish(*options)
        assert done.exit_code == 1
        assert "kept-overview: differs, and cannot be saved: it comes from a provisioning file" in done.stdout


def test_a_folder_with_another_title_is_left_so(grafana: Grafana, kept: Kept) -> None:
    grafana.folders["kept"] = "Service boards"
    assert "folder kept: somebody named it 'Service boards'; it is left so" in kept.publish().stdout
    assert grafana.folders == {"kept": "Service boards"}


def test_a_grafana_that_is_away_for_a_moment_is_tried_again(grafana: Grafana, kept: Kept) -> None:
    answers = iter([Answer(503, {"message": "starting"}), Answer(429, {})])
    grafana.before = lambda asked: next(answers, None)
    done = kept.publish()
    assert (done.exit_code, done.stdout) == (0, "kept-overview: created\n")
    assert done.stderr.count("try again") == 2


def test_what_was_done_before_an_outage_is_told_as_done(grafana: Grafana, kept: Kept) -> None:
    kept.write(OTHER)

    def before(asked: Asked) -> Answer | None:
        if asked.method == "POST" and "kept-flow" in grafana.dashboards:
            grafana.before = lambda asked: None
            return Answer(502, b"no upstream")
        return None

    grafana.before = before
    assert kept.publish().stdout == "kept-flow: created\nkept-overview: created\n"


def test_a_grafana_that_stays_away_ends_the_command(grafana: Grafana, kept: Kept) -> None:
    kept.environment["KEPT_GRAFANA_URL"] = f"http://127.0.0.1:{free_port()}"
    done = kept.publish(fails=Retry)
    assert done.stderr.count("cannot be reached") == command.ATTEMPTS - 1


def test_a_token_without_the_right_says_which_is_missing(grafana: Grafana, kept: Kept) -> None:
    kept.token_file.write_text(VIEWER_TOKEN)
    assert "needs the permission folders:create" in str(kept.publish(fails=Stop).exception)
    kept.record(raised())
    assert "needs the permission annotations:create" in str(kept.annotate(fails=Stop).exception)


def test_without_a_token_it_says_how_to_give_one(kept: Kept) -> None:
    del kept.environment["KEPT_GRAFANA_TOKEN_FILE"]
    assert "KEPT_GRAFANA_TOKEN_FILE" in str(kept.publish(fails=ConfigurationError).exception)


def test_a_token_that_makes_no_sense_is_not_told(kept: Kept) -> None:
    kept.token_file.write_text(f"{EDITOR_TOKEN}\nand more")
    assert "KEPT_GRAFANA_TOKEN: " in str(kept.publish(fails=ConfigurationError).exception)


def test_boards_come_from_one_place(kept: Kept, tmp_path: Path) -> None:
    assert "give one of them" in str(kept.publish("--catalogue", "c", fails=ConfigurationError).exception)
    (tmp_path / "empty").mkdir()
    assert "no board in it" in str(
        kept("publish", "--from", str(tmp_path / "empty"), fails=ConfigurationError).exception
    )
    assert "no such folder" in str(kept("publish", "--from", "absent", fails=ConfigurationError).exception)


def made(catalogue: Catalogue) -> dict[str, str]:
    return {"kept-overview.json": json.dumps({**BOARD, "description": ", ".join(sorted(catalogue))}) + "\n"}


def test_without_files_the_boards_of_the_catalogue_are_published(
    grafana: Grafana, kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "dashboard_files", made)
    assert kept("publish").stdout == "kept-overview: created\n"
    assert "building-permits" in grafana.dashboards["kept-overview"]["description"]


def test_files_that_are_generated_are_checked_to_be_those(
    kept: Kept, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grafana_files, "dashboard_files", made)
    folder = tmp_path / "made"
    written = kept("generate", "--output", str(folder))
    assert written.stdout == f"{folder / 'kept-overview.json'}\n"
    fine = kept("check", "--boards", str(folder))
    assert (fine.exit_code, fine.stdout) == (0, f"{folder}: 1 files are what the catalogue gives\n")
    (folder / "kept-overview.json").write_text("{}\n")
    (folder / "kept-old.json").write_text("{}")
    differs = kept("check", "--boards", str(folder))
    assert differs.exit_code == 1
    assert f"{folder / 'kept-old.json'}: not of this catalogue; delete it" in differs.stdout
    assert "kept-overview.json: not what the catalogue gives" in differs.stdout
    assert "-{}" in differs.stdout
    assert "no such folder" in str(kept("check", "--boards", "absent", fails=ConfigurationError).exception)


def test_signals_of_the_history_are_annotated_once(grafana: Grafana, kept: Kept) -> None:
    one = raised("promise_budget_fast", NOW - HOUR, since=NOW - 2 * HOUR, words="100 of 141 <b>kept</b>")
    kept.record(one, raised("cases_at_risk", NOW - 500 * DAY))
    assert kept.annotate().stdout == "annotations: 1 set, 0 changed, 0 deleted\n"
    assert kept.annotate().stdout == "annotations: 0 set, 0 changed, 0 deleted\n"
    kept.record(replace(one, quiet_since=NOW, ended_at=NOW))
    assert kept.annotate().stdout == "annotations: 0 set, 1 changed, 0 deleted\n"
    (there,) = grafana.annotations.values()
    assert (there["time"], there["timeEnd"]) == ((NOW - 2 * HOUR) * 1000, NOW * 1000)
    assert "<b>" not in there["text"]
    assert kept.annotate("--since", "600d").stdout == "annotations: 1 set, 0 changed, 0 deleted\n"


def test_annotations_that_are_not_of_this_history_are_counted(grafana: Grafana, kept: Kept) -> None:
    grafana.set_by_hand("of another", ["kept", "kept-id:0badcafe"], (NOW - DAY) * 1000)
    kept.record(raised())
    assert kept.annotate().stdout == (
        "annotations: 1 set, 0 changed, 0 deleted; 1 are not of this history, --prune deletes them\n"
    )
    assert kept.annotate("--prune").stdout == "annotations: 0 set, 0 changed, 1 deleted\n"


def test_going_on_it_follows_the_history_and_outlives_an_outage(
    grafana: Grafana, kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    kept.record(raised("promise_budget_fast", NOW - HOUR))

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 2:
            grafana.before = lambda asked: Answer(503, {})
        elif len(pauses) == 3:
            grafana.before = lambda asked: None
            kept.record(raised("cases_at_risk", NOW - HOUR))
        elif len(pauses) == 5:
            raise SystemExit(143)

    monkeypatch.setattr(command, "time", SimpleNamespace(time=lambda: NOW, sleep=sleep))
    done = kept.annotate("--every", "60")
    assert done.exit_code == 143
    assert pauses == [60.0] * 5
    assert done.stdout.splitlines() == [
        "annotations: 1 set, 0 changed, 0 deleted",
        "annotations: 0 set, 0 changed, 0 deleted",
        "annotations: 1 set, 0 changed, 0 deleted",
        "annotations: 0 set, 0 changed, 0 deleted",
    ]
    assert "(503); try again; once more in 60 s" in done.stderr
    assert len(grafana.annotations) == 2


def test_a_length_of_time_that_makes_no_sense_is_refused(kept: Kept) -> None:
    kept.record(raised())
    assert "--since: 'long' is not valid" in str(kept.annotate("--since", "long", fails=ConfigurationError).exception)
