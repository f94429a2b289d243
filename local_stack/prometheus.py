"""A Prometheus on one machine, when the machine has one: its settings and its command. Loopback only."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from msgspec import Struct

from alert_rules.options import Jobs
from local_stack.child import Child
from local_stack.ports import LOOPBACK

INSTALL_COMMAND = "apt-get install -y prometheus"
JOBS = Jobs(intake="kept-intake")


class Watching(Struct, frozen=True, kw_only=True):
    """What Prometheus looks at and how often; `rules` are texts by file name."""

    metrics_ports: Sequence[int]
    rules: Mapping[str, str] = {}
    alertmanager_port: int | None = None
    intake_port: int | None = None
    every_seconds: float = 5
    """Scrapes, and evaluations of the rules."""
    resend_seconds: float = 15
    """How often Alertmanager hears again of an alert that fires."""


def prometheus_command() -> str | None:
    """Path of `prometheus`, or None."""
    return shutil.which("prometheus")


def prometheus(command: str, folder: Path, port: int, watching: Watching) -> Child:
    """The child process, not started, that scrapes the workers' /metrics and evaluates the rules."""
    for name, text in watching.rules.items():
        (folder / name).write_text(text, encoding="utf-8")
    settings = folder / "prometheus.yml"
    settings.write_text(yaml.safe_dump(_settings(watching, port), sort_keys=False), encoding="utf-8")
    arguments = [
        command,
        f"--config.file={settings}",
        f"--storage.tsdb.path={folder / 'prometheus'}",
        f"--web.listen-address={LOOPBACK}:{port}",
        f"--rules.alert.resend-delay={_duration(watching.resend_seconds)}",
        "--log.level=warn",
    ]
    return Child("Prometheus", arguments, folder / "prometheus.log")


def _settings(watching: Watching, port: int) -> dict[str, Any]:
    every = _duration(watching.every_seconds)
    targets = {JOBS.worker: watching.metrics_ports, JOBS.prometheus: [port]}
    if watching.intake_port is not None and JOBS.intake is not None:
        targets[JOBS.intake] = [watching.intake_port]
    alerting: dict[str, Any] = {}
    if watching.alertmanager_port is not None:
        targets[JOBS.alertmanager] = [watching.alertmanager_port]
        alerting = {"alertmanagers": [{"static_configs": [{"targets": _addresses([watching.alertmanager_port])}]}]}
    return {
        "global": {"scrape_interval": every, "scrape_timeout": every, "evaluation_interval": every},
        "rule_files": sorted(watching.rules),
        "alerting": alerting,
        "scrape_configs": [
            {"job_name": job, "static_configs": [{"targets": _addresses(ports)}]} for job, ports in targets.items()
        ],
    }


def _addresses(ports: Sequence[int]) -> list[str]:
    return [f"{LOOPBACK}:{port}" for port in ports]


def _duration(seconds: float) -> str:
    return f"{round(seconds * 1000)}ms"
