"""Every command that runs for long ends within ten seconds of Ctrl-C or SIGTERM, whatever it does or waits for."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec
import pytest

from history.sqlite import SQLiteHistory
from kept import events
from kept.settings import Settings
from local_stack.broker import Broker
from local_stack.child import Child
from local_stack.environment import environment_of
from local_stack.ports import LOOPBACK, answers, free_port
from local_stack.replay import accounts_of
from producers.pace import Pace
from producers.publisher import Publisher
from stream_processors.connection import client_settings
from stream_processors.log_reader import end_of
from summaries.application import CHANGES
from tests.kept.city import event, ms
from tests.stream_processors.pipelines import settings_of
from tests.waiting import PATIENCE_SECONDS, eventually

pytestmark = [pytest.mark.broker, pytest.mark.operations, pytest.mark.timeout(280)]

MOST_SECONDS = 10.0
SIGNALS = [pytest.param(signal.SIGTERM, id="SIGTERM"), pytest.param(signal.SIGINT, id="Ctrl-C")]
CATALOGUE = 'id = "street-lights"\nname = "Street lights"\nowner = "Works"\ntime_zone = "Europe/Amsterdam"\n' + (
    'expected_silence = "1h"\n[channels]\nunlisted = "accept"\n'
)
TOKEN = "a-token-of-16-or-more"


class Commands:
    """Commands of Kept in a folder, on one pipeline."""

    def __init__(self, broker: Broker, prefix: str, folder: Path, **more: object) -> None:
        self.folder = folder
        self.settings = settings_of(broker, prefix, folder, CATALOGUE, live=True, **more)
        (folder / "token").write_text(TOKEN)
        (folder / "token").chmod(0o600)
        self.started: list[Child] = []

    def run(self, name: str, *arguments: str, **own: str) -> Child:
        environment = environment_of(self.settings) | {"TMPDIR": str(self.folder), "PYTHONUNBUFFERED": "1"} | own
        command = [sys.executable, "-m", "command_line.main", *arguments]
        child = Child(name, command, self.folder / f"{name}.log", environment=environment)
        child.start()
        self.started.append(child)
        return child

    def worker(self, **own: str) -> Child:
        return self.run("worker", "worker", **own)

    def intake(self) -> Child:
        own = {"KEPT_INTAKE_TOKEN_FILE": str(self.folder / "token"), "KEPT_INTAKE_PORT": "0"}
        return self.run("intake", "intake", KEPT_SPOOL_FOLDER=str(self.folder / "intake-spool"), **own)

    def board(self, port: int) -> Child:
        return self.run("board", "board", KEPT_BOARD_PORT=str(port))

    def live(self) -> Child:
        arguments = ["publish", "--simulated-city", "--live", "--days", "0.05"]
        return self.run("live", *arguments, KEPT_SPOOL_FOLDER=str(self.folder / "live-spool"))

    def live_delivers(self) -> bool:
        """Whether a live event has reached the broker: its spool then knows how far (its segments come and go)."""
        return any(cursor.stat().st_size for cursor in (self.folder / "live-spool").rglob("cursor"))

    def publish(self, file: Path, *more: str) -> Child:
        return self.run("publish", "publish", str(file), *more)

    def post(self, server: str) -> Child:
        own = {"KEPT_SUMMARY_TO": "a@example.org", "KEPT_SMTP_SERVER": server, "KEPT_SMTP_SECURITY": "none"}
        return self.run("post", "post", "--every-week", **own)


@pytest.fixture
def commands(broker: Broker, topic_prefix: str, tmp_path: Path) -> Iterator[Commands]:
    made = Commands(broker, topic_prefix, tmp_path)
    yield made
    for child in made.started:
        child.kill()


def said(child: Child, pattern: str) -> Callable[[], object]:
    return lambda: re.search(pattern, child.log.read_text(errors="replace"))


def ended(children: list[Child], number: signal.Signals, codes: set[int] | None = None) -> None:
    """All get the signal at once, and each is gone in time, by itself."""
    started = time.monotonic()
    for child in children:
        child.signal(number)
    for child in children:
        code = child.wait(max(0.0, started + MOST_SECONDS - time.monotonic()))
        assert code is not None, f"{child.name} runs on after {MOST_SECONDS:g} s:\n{child.log_tail()}"
        assert code in (codes or {0, 130, 128 + number, -number}), f"{child.name}: exit {code}\n{child.log_tail()}"
        assert "Traceback" not in child.log_tail(100), child.log_tail(100)


def many_events(folder: Path, count: int) -> Path:
    """A file of events of the contract."""
    start = ms("2024-06-03 00:00")
    file = folder / "many.jsonl"
    with file.open("wb") as stream:
        for number in range(count):
            stream.write(events.encode(event("case.opened", start + number * 1000, f"case-{number}")) + b"\n")
    return file


@contextmanager
def frozen(broker: Broker) -> Iterator[None]:
    """The broker's connections are there, and nothing answers."""
    assert broker.pid is not None
    os.killpg(broker.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.killpg(broker.pid, signal.SIGCONT)


def a_history(settings: Settings) -> None:
    SQLiteHistory(Path(settings.history_path)).close()


@pytest.mark.parametrize("number", SIGNALS)
def test_with_nothing_to_do(commands: Commands, number: signal.Signals) -> None:
    a_history(commands.settings)
    port = free_port()
    worker, intake, board, live = commands.worker(), commands.intake(), commands.board(port), commands.live()
    post = commands.post(f"{LOOPBACK}:{free_port()}")
    eventually(said(worker, "/metrics"), "the worker serves", worker)
    eventually(said(intake, "takes events at"), "the intake takes events", intake)
    eventually(lambda: answers(port), "the board answers", board)
    eventually(lambda: any((commands.folder / "live-spool").rglob("*")), "events in its spool", live)
    eventually(said(post, "weekly summary goes to"), "the weekly summary waits for its hour", post)
    with urllib.request.urlopen(f"http://{LOOPBACK}:{port}{CHANGES}", timeout=5):  # a viewer who stays
        ended([worker, intake, board, live, post], number)


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("away", ["stopped", "frozen"])
def test_while_the_broker_is_away(commands: Commands, broker: Broker, number: signal.Signals, away: str) -> None:
    file = many_events(commands.folder, 150_000)
    worker, intake, live = commands.worker(), commands.intake(), commands.live()
    publish = commands.publish(file)
    eventually(said(worker, "/metrics"), "the worker serves", worker)
    eventually(said(intake, "takes events at"), "the intake takes events", intake)
    eventually(commands.live_delivers, "live events are delivered", live)
    eventually(lambda: accounts_of(commands.settings).received, "events are counted", publish)
    if away == "frozen":
        with frozen(broker):
            time.sleep(3)
            ended([worker, intake, live, publish], number, {0, 2, 128 + number})
    else:
        broker.stop()
        time.sleep(3)
        ended([worker, intake, live, publish], number, {0, 2, 128 + number})


@pytest.mark.parametrize("number", SIGNALS)
def test_before_a_broker_has_said_a_word(commands: Commands, number: signal.Signals) -> None:
    file = many_events(commands.folder, 100)
    with ExitStack() as stack:
        silent = [stack.enter_context(socket.create_server((LOOPBACK, 0))) for _ in range(4)]
        for server in silent:
            server.settimeout(PATIENCE_SECONDS)
        starts: list[Callable[[], Child]] = [
            commands.worker, commands.intake, commands.live, lambda: commands.publish(file)
        ]  # fmt: skip
        children: list[Child] = []
        for server, start in zip(silent, starts, strict=True):
            brokers = f"{LOOPBACK}:{server.getsockname()[1]}"
            commands.settings = msgspec.structs.replace(commands.settings, brokers=brokers)
            children.append(start())
        for server in silent:
            stack.enter_context(server.accept()[0])
        ended(children, number)


@pytest.mark.parametrize("number", SIGNALS)
def test_while_it_catches_up_and_while_it_restores(commands: Commands, number: signal.Signals) -> None:
    topic = f"{commands.settings.topic_prefix}service-events"
    file = many_events(commands.folder, 150_000)
    with Publisher(topic, commands.settings) as publisher:
        lines = file.read_bytes().splitlines()
        publisher.publish_all(((0, events.decode(line)) for line in lines), Pace(None))
        publisher.finish()
    small = {"KEPT_MAX_BATCH_RECORDS": "500", "KEPT_LIVE": "false"}
    worker = commands.worker(**small)
    eventually(lambda: accounts_of(commands.settings).received, "events are counted", worker)
    ended([worker], number)
    before = accounts_of(commands.settings).received
    assert 0 < before < len(lines)
    worker = commands.worker(**small)
    eventually(said(worker, r"(?s)/metrics.*/metrics"), "it serves again", worker)
    ended([worker], number)
    assert accounts_of(commands.settings).reconciles()


@pytest.mark.parametrize("number", SIGNALS)
def test_publishing_a_file_ends_between_two_events_and_says_how_many(
    commands: Commands, number: signal.Signals
) -> None:
    file = many_events(commands.folder, 2000)
    publish = commands.publish(file, "--speed", "60x", "--json")
    topic = f"{commands.settings.topic_prefix}service-events"
    eventually(lambda: asyncio.run(end_of(client_settings(commands.settings), topic, 0)), "events are there", publish)
    ended([publish], number, {0})
    told = msgspec.json.decode(publish.log.read_bytes().splitlines()[-1])
    assert told["stopped"]
    assert 0 < told["published"] == told["acknowledged"] < 2000
