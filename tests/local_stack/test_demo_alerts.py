"""A running demo has its alerts, and every command of the runbooks works beside it."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from alert_rules.rules import rule_files
from catalogue import CITY
from kept.catalogue import read_catalogue
from local_stack.broker import missing
from local_stack.demo_alerts import left_out
from local_stack.demo_places import ENVIRONMENT
from local_stack.environment import ROOT
from local_stack.ports import LOOPBACK
from tests.alert_rules.runbooks import ALERTMANAGER, PROMETHEUS, WORKER, runbook_commands
from tests.local_stack.running_demo import Demo

pytestmark = [
    pytest.mark.broker,
    pytest.mark.slow,
    pytest.mark.skipif(missing() is not None, reason=str(missing())),
    pytest.mark.skipif(bool(list(left_out())), reason=" ".join(left_out())),
]
SERVICE = "housing-benefit"
"""Misses its promise in the simulated city, so that there is something to ask about."""
TOLD = ("page", "ticket")
PATIENCE_SECONDS = 90.0


class Beside:
    """Another shell beside a running demo, which has sourced what the demo says."""

    def __init__(self, demo: Demo, tools: Path) -> None:
        self.demo = demo
        (self.environment,) = demo.folder.glob(f"kept-demo-*/{ENVIRONMENT}")
        self._addresses = {
            PROMETHEUS: f"http://{LOOPBACK}:{demo.prometheus}",
            ALERTMANAGER: f"http://{LOOPBACK}:{demo.alertmanager}",
            WORKER: f"http://{LOOPBACK}:{demo.metrics}",
        }
        kept = tools / "kept"
        kept.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m command_line.main "$@"\n')
        kept.chmod(0o755)
        self._path = f"{tools}{os.pathsep}{os.environ['PATH']}"

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        """A command line of the runbooks, with the addresses of this demo."""
        for usual, here in self._addresses.items():
            command = command.replace(usual, here)
        shell = f". {shlex.quote(str(self.environment))} && {command}"
        variables = {name: value for name, value in os.environ.items() if not name.startswith("KEPT_")}
        variables |= {"PATH": self._path, "PYTHONPATH": ROOT, "TMPDIR": str(self.demo.folder)}
        return subprocess.run(
            ["sh", "-c", shell], capture_output=True, text=True, env=variables, timeout=60, check=False, cwd=ROOT
        )

    def ask(self, address: str, path: str) -> Any:
        """JSON from Prometheus or Alertmanager."""
        with urllib.request.urlopen(f"{self._addresses[address]}{path}", timeout=10) as answer:
            return json.load(answer)


@pytest.fixture(scope="module")
def beside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Beside]:
    folder = tmp_path_factory.mktemp("demo") / "tmp"
    folder.mkdir()
    demo = Demo(folder, "--days", "35", "--script", "none")
    try:
        demo.wait_for("First figures after")
        yield Beside(demo, tmp_path_factory.mktemp("tools"))
    finally:
        code = demo.end(signal.SIGINT)
        demo.nothing_is_left()
    assert code == 0, demo.said()
    assert list(folder.iterdir()) == []


@pytest.fixture(scope="module")
def signal_id(beside: Beside) -> str:
    """The id of a signal of `SERVICE` that is raised."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        listed = beside.run(f"kept alerts --json --service {SERVICE}")
        if "is not in the history" in listed.stderr:  # services are published one after another
            time.sleep(0.5)
            continue
        assert listed.returncode == 0, listed.stderr
        found = [line for line in map(json.loads, listed.stdout.splitlines()) if line.get("severity") in TOLD]
        if found:
            return str(found[0]["id"])
        time.sleep(1)
    raise AssertionError(f"nothing was raised for {SERVICE}: {listed.stdout}")


def test_prometheus_has_the_rules_of_the_catalogue_and_knows_alertmanager(beside: Beside) -> None:
    loaded = beside.ask(PROMETHEUS, "/api/v1/rules")["data"]["groups"]
    wanted = "\n".join(rule_files(read_catalogue([CITY])).values()).count("alert: ")
    assert sum(len(group["rules"]) for group in loaded) == wanted
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not beside.ask(ALERTMANAGER, "/api/v2/alerts"):  # the watchdog, if nothing else
        assert time.monotonic() < deadline
        time.sleep(0.5)


def test_what_is_raised_reaches_the_inbox_of_the_people_on_call(beside: Beside, signal_id: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    told = ""
    while "firing" not in told:
        with urllib.request.urlopen(f"http://{LOOPBACK}:{beside.demo.inbox}/", timeout=10) as answer:
            told = answer.read().decode()
        assert time.monotonic() < deadline, told
        time.sleep(0.5)
    assert "KeptWatchdog" in told


def test_every_command_of_the_runbooks_works(beside: Beside, signal_id: str) -> None:
    alerts_of: dict[str, list[str]] = {}
    for alert, commands in runbook_commands(SERVICE, signal_id).items():
        for command in commands:
            alerts_of.setdefault(command, []).append(alert)
    with ThreadPoolExecutor(max_workers=3) as shells:
        results = dict(zip(alerts_of, shells.map(beside.run, alerts_of), strict=True))
    failed = {
        command: (alerts_of[command], result.returncode, (result.stdout + result.stderr)[-400:])
        for command, result in results.items()
        if result.returncode != 0
    }
    assert len(results) > 30
    assert failed == {}
