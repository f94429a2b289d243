"""Prometheus and Alertmanager of docker-compose.yml, started here with the commands and files that they have there."""

from __future__ import annotations

import json
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from command_line.main import app
from local_stack.alertmanager import INSTALL_COMMAND as INSTALL_ALERTMANAGER
from local_stack.alertmanager import alertmanager_command
from local_stack.child import Child
from local_stack.ports import LOOPBACK, free_port
from local_stack.prometheus import INSTALL_COMMAND, prometheus_command
from tests.deployment.compose import ROOT, command, mounts, services

PATIENCE_SECONDS = 30.0
JOBS = {"prometheus": "rules", "alertmanager": "alertmanager-config"}


def started(name: str, program: str, folder: Path) -> tuple[Child, int]:
    """The service with its volumes as folders, filled by its job; and its port."""
    here: dict[str, str] = {}
    for mount in mounts(services()[name]):
        source = folder / mount.source
        if mount.kind == "volume":
            source.mkdir()
        elif mount.source == "./deployment/prometheus.yml":
            source = folder / "prometheus.yml"
            shutil.copy2(ROOT / mount.source, source)
        here[mount.target] = str(source)
    job = services()[JOBS[name]]
    output = next(mount.target for mount in mounts(job) if mount.kind == "volume")
    words = [word.replace(output, here[output]) for word in command(job)]
    result = CliRunner().invoke(app, words, env={"KEPT_CATALOGUE": str(ROOT / "catalogue/city")})
    assert result.exit_code == 0, result.output
    if name == "prometheus":
        config = folder / "prometheus.yml"
        config.write_text(config.read_text().replace(output, here[output]))
    port = free_port()
    arguments = []
    for word in command(services()[name]):
        option, _, value = word.partition("=")
        target = next((target for target in here if value.startswith(target)), None)
        arguments.append(word if target is None else f"{option}={here[target]}{value.removeprefix(target)}")
    listen = f"--web.listen-address={LOOPBACK}:{port}"
    child = Child(name, [program, *arguments, listen], folder / f"{name}.log")
    child.start()
    return child, port


def ask(child: Child, port: int, path: str) -> Any:
    """The answer, as soon as there is one."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            with urllib.request.urlopen(f"http://{LOOPBACK}:{port}{path}", timeout=5) as answer:
                text = answer.read()
                return json.loads(text) if text.startswith(b"{") else text
        except (urllib.error.URLError, OSError):
            assert child.running(), child.log_tail()
            assert time.monotonic() < deadline, child.log_tail()
            time.sleep(0.05)


@pytest.fixture
def prometheus(tmp_path: Path) -> Iterator[tuple[Child, int]]:
    program = prometheus_command()
    if program is None:
        pytest.skip(f"no Prometheus on PATH: {INSTALL_COMMAND}")
    child, port = started("prometheus", program, tmp_path)
    yield child, port
    child.kill()


@pytest.fixture
def alertmanager(tmp_path: Path) -> Iterator[tuple[Child, int]]:
    program = alertmanager_command()
    if program is None:
        pytest.skip(f"no Alertmanager on PATH: {INSTALL_ALERTMANAGER}")
    child, port = started("alertmanager", program, tmp_path)
    yield child, port
    child.kill()


def test_prometheus_starts_with_the_rules_of_the_catalogue(prometheus: tuple[Child, int]) -> None:
    ask(*prometheus, "/-/ready")
    groups = ask(*prometheus, "/api/v1/rules")["data"]["groups"]
    alerts = {rule["name"] for group in groups for rule in group["rules"]}
    assert {"KeptWatchdog", "KeptWorkersDown", "KeptBrokerNotConnected"} <= alerts
    config = ask(*prometheus, "/api/v1/status/config")["data"]["yaml"]
    assert "dns_sd_configs" in config
    flags = ask(*prometheus, "/api/v1/status/flags")["data"]
    assert flags["web.enable-lifecycle"] == flags["web.enable-admin-api"] == "false"


def test_alertmanager_starts_with_the_owners_of_the_catalogue(alertmanager: tuple[Child, int]) -> None:
    ask(*alertmanager, "/-/ready")
    status = ask(*alertmanager, "/api/v2/status")
    assert "public-works-simulated-city-page" in status["config"]["original"]
    assert status["cluster"]["status"] == "disabled"
