"""The settings of the Prometheus that is started here: valid, on loopback, with the rules and where alerts go."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from alert_rules.options import Jobs
from alert_rules.rules import rule_files
from catalogue import CITY
from kept.catalogue import read_catalogue
from local_stack.prometheus import INSTALL_COMMAND, Watching, prometheus

RULES = rule_files(read_catalogue([CITY]))


def settings(folder: Path, watching: Watching) -> Path:
    prometheus("prometheus", folder, 19490, watching)
    return folder / "prometheus.yml"


def test_it_looks_at_every_job_that_the_rules_ask_for(tmp_path: Path) -> None:
    watching = Watching(metrics_ports=[18401, 18402], rules=RULES, alertmanager_port=19493)
    told = yaml.safe_load(settings(tmp_path, watching).read_text())
    assert {job["job_name"] for job in told["scrape_configs"]} == set(Jobs().all())
    targets = [
        target for job in told["scrape_configs"] for of_job in job["static_configs"] for target in of_job["targets"]
    ]
    assert targets == ["127.0.0.1:18401", "127.0.0.1:18402", "127.0.0.1:19490", "127.0.0.1:19493"]
    assert told["rule_files"] == sorted(RULES)


def test_without_an_alertmanager_nothing_is_sent(tmp_path: Path) -> None:
    told = yaml.safe_load(settings(tmp_path, Watching(metrics_ports=[18401])).read_text())
    assert told["alerting"] == {}
    assert told["rule_files"] == []


def test_promtool_takes_the_settings(tmp_path: Path) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip(f"no promtool on PATH: {INSTALL_COMMAND}")
    watching = Watching(metrics_ports=[18401], rules=RULES, alertmanager_port=19493, every_seconds=0.5)
    checked = subprocess.run(
        [promtool, "check", "config", settings(tmp_path, watching)], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stderr
