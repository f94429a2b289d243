"""A Prometheus for the demo, when the machine has one: its settings and its command. Loopback only."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from local_stack.child import Child
from local_stack.ports import LOOPBACK

SCRAPE_SECONDS = 5
INSTALL_COMMAND = "apt-get install -y prometheus"


def prometheus_command() -> str | None:
    """Path of `prometheus`, or None."""
    return shutil.which("prometheus")


def prometheus(command: str, folder: Path, port: int, metrics_ports: Sequence[int]) -> Child:
    """The child process, not started, that scrapes the workers' /metrics."""
    targets = ", ".join(f'"{LOOPBACK}:{metrics_port}"' for metrics_port in metrics_ports)
    settings = folder / "prometheus.yml"
    settings.write_text(
        f"global:\n  scrape_interval: {SCRAPE_SECONDS}s\n  evaluation_interval: {SCRAPE_SECONDS}s\n"
        f"scrape_configs:\n  - job_name: kept-worker\n    static_configs:\n      - targets: [{targets}]\n",
        encoding="utf-8",
    )
    arguments = [
        command,
        f"--config.file={settings}",
        f"--storage.tsdb.path={folder / 'prometheus'}",
        f"--web.listen-address={LOOPBACK}:{port}",
        "--log.level=warn",
    ]
    return Child("Prometheus", arguments, folder / "prometheus.log")
