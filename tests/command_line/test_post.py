"""`kept post`: once a week, whoever starts it and however often."""

from __future__ import annotations

import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

import catalogue
from command_line.main import app
from history.sqlite import SQLiteHistory
from kept.catalogue import read_catalogue
from kept.errors import ConfigurationError, Retry
from local_stack.child import Child
from local_stack.environment import plain_environment
from local_stack.ports import LOOPBACK, free_port
from tests.summaries.post.mail_server import Box, mail_server
from tests.summaries.weekly.figures import ordinary_week


@pytest.fixture
def history(tmp_path: Path) -> Path:
    path = tmp_path / "history.sqlite"
    store = SQLiteHistory(path)
    ordinary_week(store, read_catalogue([catalogue.CITY]))
    store.close()
    return path


@pytest.fixture
def box(history: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Box]:
    with mail_server() as found:
        for name, value in told(found, history).items():
            monkeypatch.setenv(name, value)
        yield found


def told(box: Box, history: Path) -> dict[str, str]:
    return {
        "KEPT_HISTORY_PATH": str(history), "KEPT_SMTP_SERVER": box.server, "KEPT_SMTP_SECURITY": "none",
        "KEPT_SUMMARY_TO": "leaders@city.example",
    }  # fmt: skip


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["post", *arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.output


def test_a_week_is_sent_once_and_again_only_on_purpose(box: Box) -> None:
    assert run("--week", "2026-W47") == "2026-W47: sent to 1 recipient\n"
    assert run("--week", "2026-W47") == "2026-W47: delivered before; --again sends it once more\n"
    assert len(box.arrived) == 1
    run("--week", "2026-W47", "--again")
    assert len(box.arrived) == 2
    assert box.arrived[0] == box.arrived[1]


def test_what_was_not_sent_is_not_recorded(box: Box) -> None:
    box.refuse["leaders@city.example"] = "450 come again"
    with pytest.raises(Retry):
        run("--week", "2026-W47")
    box.refuse.clear()
    assert run("--week", "2026-W47") == "2026-W47: sent to 1 recipient\n"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--week", "2026-W60"), "2026 has weeks 01 to 53"),
        (("--week", "2020-W01"), "no figures of 2020-W01 are there"),
        (("--every-week", "--again"), "leave out --week and --again"),
    ],
    ids=["no such week", "before the data", "both"],
)
def test_what_makes_no_sense_is_said(box: Box, arguments: tuple[str, ...], complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=complaint):
        run(*arguments)
    assert box.arrived == []


def test_without_recipients_it_does_not_start(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KEPT_SUMMARY_TO")
    with pytest.raises(ConfigurationError, match="KEPT_SUMMARY_TO: not set"):
        run("--every-week")


def test_a_process_that_stays_tells_what_is_missed_and_stops_when_told_to(
    box: Box, history: Path, tmp_path: Path
) -> None:
    port = free_port()
    environment = {
        **plain_environment(), **told(box, history), "KEPT_METRICS_PORT": str(port),
        "KEPT_SUMMARY_TIME_ZONE": "Europe/Amsterdam",
    }  # fmt: skip
    run("--week", "2026-W47")  # the weeks since then have no figures: they are missed once they were due
    command = [sys.executable, "-m", "command_line.main", "post", "--every-week"]
    child = Child("post", command, tmp_path / "post.log", environment=environment)
    child.start()
    try:
        text = scraped(port, child)
        assert "kept_summary_delivered_timestamp_seconds" in text
        assert "\nkept_summary_missed_weeks " in text
        asked = subprocess.run(
            [sys.executable, "-m", "command_line.healthz", str(port)], capture_output=True, text=True, check=False
        )
        assert (asked.returncode, asked.stdout[:23]) == (0, '200 {"status":"ok","sec'), asked.stdout
        second = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert second.returncode == 2
        assert f"kept: KEPT_METRICS_PORT: 127.0.0.1:{port} cannot be used" in second.stderr
        child.stop()
        assert child.exit_code() == 0, child.log_tail()
    finally:
        child.kill()


def scraped(port: int, child: Child) -> str:
    deadline = time.monotonic() + 30
    while True:
        try:
            with urllib.request.urlopen(f"http://{LOOPBACK}:{port}/metrics", timeout=5) as answer:
                text: str = answer.read().decode()
            if "kept_summary_delivered" in text:
                return text
        except OSError:
            pass
        assert time.monotonic() < deadline, child.log_tail()
        time.sleep(0.1)
