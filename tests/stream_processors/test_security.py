"""The whole path over TLS and SASL on a real broker, with the least rights; and what is said when it is refused."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

import producers.connection
import stream_processors.connection
from command_line.topics import create_topics
from kept import events as e
from kept.errors import KeptError
from kept.marks import Accounts
from kept.rights import Right, Role, rights
from kept.settings import Settings
from local_stack.child import Child
from local_stack.environment import environment_of
from local_stack.replay import Replay, WorkerGroup, wait_for
from stream_processors.connection import CONTACT_SECONDS
from tests.secured_broker import BY_CERTIFICATE, PASSWORD, STRANGER, USERS, SecuredBroker

pytestmark = [
    pytest.mark.broker,
    pytest.mark.timeout(120),
    # aiokafka leaves the socket of a refused connection to the garbage collector.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
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


def acting_as(role: Role, settings: Settings) -> Settings:
    return replace(settings, sasl_username=USERS[role]) if settings.uses_sasl() else settings


def run_through(settings: Settings, folder: Path, events: int = 20) -> Accounts:
    """Make the topics, publish, and wait until one worker has published; its accounts."""
    create_topics(acting_as("operator", settings))
    group = WorkerGroup(settings, folder, 1)
    group.start()
    try:
        replay = Replay(acting_as("producer", settings), group)
        replay.publish(opened(number) for number in range(events))
        replay.end(START_MS + 3_600_000)
        _, accounts = wait_for(settings, group, SERVICE, START_MS // 1000 + 3600)
    finally:
        started = time.monotonic()
        group.stop()
    # A connection's end over TLS is not waited for: a worker would be killed before it has stopped.
    assert time.monotonic() - started < 15.0
    assert group.workers[0].exit_code() == 0
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


# What is told of a way in that is wrong, and the settings that are wrong: with these a client must not connect.
WRONG: dict[str, tuple[str, dict[str, Any], str]] = {
    "password": ("SCRAM", {"sasl_password": "another"}, "refuses (this|the) login"),
    "password, as it is": ("PLAINTLS", {"sasl_password": "another"}, "refuses (this|the) login"),
    "expired": ("EXPIRED", {}, "its certificate is out of date .*renew it"),
    "authority": ("SCRAM", {"ssl_cafile": "{other}"}, "authority that is not trusted .*KEPT_SSL_CAFILE"),
    "system's authorities": ("TLS", {"ssl_cafile": None}, "trusted are those of the system"),
    "host name": ("ELSEWHERE", {}, "certificate is for another host .*KEPT_BROKERS"),
    "no certificate": ("MUTUAL", {"ssl_certfile": None, "ssl_keyfile": None}, "shown was none .KEPT_SSL_CERTFILE"),
    "strange certificate": (
        "MUTUAL",
        {"ssl_certfile": "{certificate}", "ssl_keyfile": "{key}"},
        "refuses this client's certificate, shown was the one in KEPT_SSL_CERTFILE",
    ),
    "plain to TLS": ("TLS", {"security_protocol": "PLAINTEXT"}, "may ask for TLS or a login .*KEPT_SECURITY_PROTOCOL"),
    "no login": ("SCRAM", {"security_protocol": "SSL"}, "ask for a login there: check .*KEPT_SECURITY_PROTOCOL"),
    "login where none is taken": (
        "TLS",
        {"security_protocol": "SASL_SSL", "sasl_username": "u", "sasl_password": PASSWORD},
        "takes no login there",
    ),
    "TLS to plain": ("PLAIN", {"security_protocol": "SSL", "ssl_cafile": "{own}"}, "check the port and KEPT_SECURITY"),
}


def wrong_settings(secured: SecuredBroker, name: str) -> tuple[Settings, str]:
    listener, more, says = WRONG[name]
    files = {
        "{other}": str(secured.other_authority.certificate),
        "{own}": str(secured.authority.certificate),
        "{certificate}": str(secured.stranger_certificate),
        "{key}": str(secured.stranger_key),
    }
    return secured.settings(listener, **{key: files.get(value, value) for key, value in more.items()}), says


@pytest.mark.parametrize("name", WRONG)
def test_both_clients_say_within_seconds_why_they_do_not_get_in(name: str, secured_broker: SecuredBroker) -> None:
    settings, says = wrong_settings(secured_broker, name)
    started = time.monotonic()
    publishing = producers.connection.greet(settings)
    with pytest.raises(KeptError, match=says) as processing:
        asyncio.run(stream_processors.connection.greet(settings))
    assert time.monotonic() - started < 2 * CONTACT_SECONDS
    assert re.search(says, str(publishing)), publishing
    assert PASSWORD not in f"{publishing}{processing.value}"


@pytest.mark.parametrize("listener", ["SCRAM", "TLS", "MUTUAL", "PLAIN", "PLAINTLS"])
def test_both_clients_get_in_the_right_way(listener: str, secured_broker: SecuredBroker) -> None:
    assert producers.connection.greet(secured_broker.settings(listener)) is None
    asyncio.run(stream_processors.connection.greet(secured_broker.settings(listener)))


@pytest.mark.parametrize("command", [["worker"], ["topics", "check"], ["publish", "--simulated-city", "--days", "0"]])
def test_commands_that_are_refused_end_with_2_and_one_line(
    command: list[str], secured_broker: SecuredBroker, tmp_path: Path
) -> None:
    settings, says = wrong_settings(secured_broker, "authority")
    ended = kept(replace(settings, history_path=str(tmp_path / "h.sqlite")), *command)
    assert ended.returncode == 2
    assert re.search(f"^kept: .*{says}", ended.stderr.splitlines()[-1])
    assert "Traceback" not in ended.stderr
    assert PASSWORD not in ended.stderr + ended.stdout


def test_a_worker_with_its_password_in_a_file_shows_it_to_nobody(secured_broker: SecuredBroker, tmp_path: Path) -> None:
    settings = secured_broker.settings(sasl_password=None, history_path=str(tmp_path / "h.sqlite"))
    environment = environment_of(settings) | {"KEPT_SASL_PASSWORD_FILE": str(secured_broker.password_file)}
    worker = Child(
        "worker", [sys.executable, "-m", "command_line.main", "worker"], tmp_path / "log", environment=environment
    )
    worker.start()
    try:
        # It gets in, and then waits for topics that are not there, or ends for want of rights to see them.
        assert worker.wait(20) == 2
        assert "may not even see it" in worker.log_tail(1)
        assert PASSWORD not in worker.log_tail(1000)
    finally:
        worker.stop()
    assert PASSWORD not in repr(secured_broker.settings())


def test_with_a_client_certificate_every_event_arrives(
    secured_broker: SecuredBroker, topic_prefix: str, tmp_path: Path
) -> None:
    settings = pipeline(secured_broker, "MUTUAL", topic_prefix, tmp_path)
    secured_broker.grant(BY_CERTIFICATE, rights(settings))
    assert run_through(settings, tmp_path) == Accounts(received=20, applied=20)


def test_with_a_password_as_it_is_over_tls_every_event_arrives(
    secured_broker: SecuredBroker, topic_prefix: str, tmp_path: Path
) -> None:
    settings = pipeline(secured_broker, "PLAINTLS", topic_prefix, tmp_path)
    secured_broker.grant_all(settings)
    assert run_through(settings, tmp_path) == Accounts(received=20, applied=20)


def without(lacking: str, settings: Settings) -> list[Right]:
    """The rights of a worker, of one of which only seeing the thing is left, or nothing."""
    left = []
    for right in rights(settings):
        if right.role != "worker":
            continue
        if lacking == right.resource:
            continue
        if lacking.split(" ")[-1] in right.name:
            lost = lacking.split(" ")[0].title()
            right = replace(right, operations=tuple({*right.operations, "Describe"} - {lost}))
        left.append(right)
    return left


@pytest.mark.parametrize(
    ("lacking", "code", "says"),
    [
        ("group", 2, "consumer group .*kept: this user may not read with it; `kept topics rights --role worker`"),
        ("transactional-id", 70, "refuses this user a right .*case-state-.*; `kept topics rights --role worker`"),
        ("Read service-events", 2, "topic .*service-events: this user may not read it; `kept topics rights"),
        ("Read case-state", 2, "topic .*case-state: this user may not read it; `kept topics rights"),
        ("Write tallies", 70, "refuses this user a right .*tallies.*; `kept topics rights"),
    ],
)
def test_a_worker_that_lacks_a_right_ends_and_names_it(
    lacking: str, code: int, says: str, secured_broker: SecuredBroker, topic_prefix: str, tmp_path: Path
) -> None:
    settings = pipeline(secured_broker, "SCRAM", topic_prefix, tmp_path, sasl_username=STRANGER)
    secured_broker.grant_all(settings)
    secured_broker.grant(STRANGER, without(lacking, settings))
    create_topics(acting_as("operator", settings))
    group = WorkerGroup(settings, tmp_path, 1)
    group.start()
    try:
        Replay(acting_as("producer", settings), group).publish(opened(number) for number in range(10))
        ended = group.workers[0].wait(25)
        last = group.workers[0].log_tail(1)
    finally:
        group.stop()
    assert (ended, re.search(says, last) is not None) == (code, True), last
    assert PASSWORD not in (tmp_path / "worker-1.log").read_text()
