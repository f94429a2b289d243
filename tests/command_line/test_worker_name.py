"""Replicas of one container have the same environment: each takes its name from its machine."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import pytest

from command_line import worker as command
from command_line.worker import named_by_machine
from kept.settings import Settings, read_settings


@pytest.mark.parametrize(
    ("told", "named"), [("hostname", "3f2a9c1d77e0"), ("worker-7", "worker-7"), ("my-hostname", "my-hostname")]
)
def test_hostname_stands_for_the_name_of_the_machine(told: str, named: str) -> None:
    settings = read_settings({"KEPT_WORKER_ID": told})
    assert named_by_machine(settings, "3f2a9c1d77e0").worker_id == named


def test_two_containers_have_two_names() -> None:
    settings = read_settings({"KEPT_WORKER_ID": "hostname"})
    names = {named_by_machine(settings, machine).worker_id for machine in ("3f2a9c1d77e0", "b07a11c0ffee")}
    assert len(names) == 2


def test_the_command_asks_the_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    started: list[Settings] = []

    def run_worker(settings: Settings, *arguments: Any, **options: Any) -> None:
        started.append(settings)

    for name in [name for name in os.environ if name.startswith("KEPT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("KEPT_WORKER_ID", "hostname")
    monkeypatch.setenv("KEPT_WORK_FOLDER", str(tmp_path))
    monkeypatch.setattr(command, "run_worker", run_worker)
    command.worker()
    assert [settings.worker_id for settings in started] == [socket.gethostname()]
