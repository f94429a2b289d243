"""The whole path over TLS and SASL on a real broker, with the least rights; and what is said when it is refused."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from command_line.topics import create_topics
from kept import events as e
from kept.marks import Accounts
from kept.rights import Right, rights
from kept.settings import Settings
from local_stack.child import Child
from local_stack.environment import environment_of
from local_stack.replay import Replay, WorkerGroup, wait_for
from tests.secured_broker import PASSWORD, STRANGER, USER, SecuredBroker

pytestmark = [pytest.mark.broker, pytest.mark.timeout(120)]
ROOT = Path(__file__).resolve().parents[2]
SERVICE = "noise-complaints"
START_MS = 1_772_000_000_000 // 300_000 * 300_000


def pipeline(secured: SecuredBroker, listener: str, prefix: str, folder: Path, **more: Any) -> Settings:
    return secured.settings(
        listener,
        topic_prefix=prefix,
        partitions=2,
        history_path=str(folder / "history.sqlite"),
        live=False,
        **more,
    )


def grant_all(secured: SecuredBroker, settings: Settings, user: str = USER) -> None:
    secured.grant(user, rights(settings))


def run_through(settings: Settings, folder: Path, events: int = 20) -> Accounts:
    """Make the topics, publish, and wait until one worker has published; its accounts."""
    create_topics(settings)
    group = WorkerGroup(settings, folder, 1)
    group.start()
    try:
        replay = Replay(settings, group)
        replay.publish(opened(number) for number in range(events))
        replay.end(START_MS + 3_600_000)
        _, accounts = wait_for(settings, group, SERVICE, START_MS // 1000 + 3600)
    finally:
        group.stop()
    assert PASSWORD not in (folder / "worker-1.log").read_text()
    return accounts


def opened(number: int) -> e.Event:
    return e.CaseOpened(
        specversion="1.0",
        id=f"opened-{number}",
        source="test",
        subject=f"case-{number}",
        time=e.moment(START_MS + number * 60_000),
        data=e.CaseOpenedData(service=SERVICE),
    )


def kept(settings: Settings, *arguments: str, seconds: float = 30.0) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "command_line.main", *arguments],
        env=environment_of(settings),
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=seconds,
    )


def test_with_the_least_rights_over_tls_and_scram_every_event_arrives(
    secured_broker: SecuredBroker, topic_prefix: str, tmp_path: Path
) -> None:
    settings = pipeline(secured_broker, "SCRAM", topic_prefix, tmp_path)
    grant_all(secured_broker, settings)
    assert run_through(settings, tmp_path) == Accounts(received=20, applied=20)
    checked = kept(settings, "topics", "check", "--json")
    assert checked.returncode == 0, checked.stderr
    assert {json.loads(line)["level"] for line in checked.stdout.splitlines()} == {"ok"}


def test_with_a_client_certificate_every_event_arrives(
    secured_broker: SecuredBroker, topic_prefix: str, tmp_path: Path
) -> None:
    settings = pipeline(secured_broker, "MUTUAL", topic_prefix, tmp_path)
    assert run_through(settings, tmp_path) == Accounts(received=20, applied=20)


def test_with_a_password_in_the_clear_every_event_arrives(
    secured_broker: SecuredBroker, topic_prefix: str, tmp_path: Path
) -> None:
    settings = pipeline(secured_broker, "PLAIN", topic_prefix, tmp_path)
    grant_all(secured_broker, settings)
    assert run_through(settings, tmp_path) == Accounts(received=20, applied=20)
