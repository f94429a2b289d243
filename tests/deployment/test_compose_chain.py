"""The services of docker-compose.yml as processes here: their own commands and environments, other addresses.

```
influxd ── influxdb-init ──┐ tokens
kafka ──── topics ─────────┼── worker ── board
                city ──────┘
```
"""

from __future__ import annotations

import json
import signal
import stat
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from command_line.healthz import main as healthz
from history.influxdb_connection import InfluxConnection, Refused
from kept.errors import Stop
from local_stack.broker import Broker, missing
from local_stack.child import Child
from local_stack.environment import plain_environment
from local_stack.ports import LOOPBACK, free_port
from tests.deployment.compose import ROOT, command, environment, mounts, services
from tests.deployment.test_compose_settings import image_environment, kafka_settings
from tests.waiting import eventually

ADDRESSES = {
    "listeners", "advertised.listeners", "listener.security.protocol.map", "controller.listener.names",
    "inter.broker.listener.name", "controller.quorum.voters", "log.dirs",
}  # fmt: skip
"""What is different of Kafka here: where it listens and where its files are."""


class Machine:
    """Starts services of the file here; what they mount are folders, what they call are ports of loopback."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ports: dict[str, int] = {}
        self.secrets = folder / "secrets"
        self.secrets.mkdir()
        for name in ("influxdb-operator-password", "influxdb-operator-token", "board-token"):
            (self.secrets / name).write_text(f"{name}-of-a-test")

    def port(self, name: str) -> int:
        return self.ports.setdefault(name, free_port())

    def here(self, name: str, text: str) -> str:
        """`text` of the service `name`, with paths and addresses of this machine."""
        found = {mount.target: self._source(mount.kind, mount.source) for mount in mounts(services()[name])}
        found["/run/secrets"] = str(self.secrets)
        for target in sorted(found, key=len, reverse=True):
            text = text.replace(target, found[target])
        for host, port in (("kafka", 9092), ("influxdb", 8086)):
            text = text.replace(f"{host}:{port}", f"{LOOPBACK}:{self.port(host)}")
        return text

    def process(self, name: str, own: Mapping[str, str] | None = None, words: list[str] | None = None) -> Child:
        """The service as a child, not started; `own` variables and `words` win over those of the file."""
        told = {key: self.here(name, value) for key, value in environment(services()[name]).items()}
        arguments = [self.here(name, word) for word in words or command(services()[name])]
        scratch = self.folder / f"tmp-{name}"
        scratch.mkdir()
        variables = {**plain_environment(), **image_environment(), **told, **(own or {}), "TMPDIR": str(scratch)}
        entry = [sys.executable, "-m", "command_line.main"]
        return Child(name, [*entry, *arguments], self.folder / f"{name}.log", environment=variables)

    def job(self, name: str) -> None:
        """Run a service that ends by itself."""
        child = self.process(name)
        child.start()
        code = child.wait(60)
        child.kill()
        assert code == 0, child.log_tail()

    def _source(self, kind: str, source: str) -> str:
        if kind == "bind":
            return str(ROOT / source)
        folder = self.folder / "volumes" / source
        folder.mkdir(parents=True, exist_ok=True)
        return str(folder)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.fixture
def influxdb(machine: Machine, influxd_program: Path) -> Iterator[Child]:
    """The service influxdb, set up by the job for it."""
    words = [machine.here("influxdb", word) for word in command(services()["influxdb"])]
    words[0] = words[0].replace(":8086", f"{LOOPBACK}:{machine.port('influxdb')}")
    child = Child("influxdb", [str(influxd_program), *words], machine.folder / "influxdb.log")
    child.start()
    try:
        eventually(lambda: answers(f"http://{LOOPBACK}:{machine.port('influxdb')}/health"), "influxd answers", child)
        machine.job("influxdb-init")
        yield child
    finally:
        child.kill()


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def status(url: str, token: str) -> int:
    request = urllib.request.Request(url, headers={"Authorization": f"Token {token}"})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            answer.read()
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_the_history_is_set_up_with_one_token_each(machine: Machine, influxdb: Child) -> None:
    url = f"http://{LOOPBACK}:{machine.port('influxdb')}"
    files = {
        "writer": machine.folder / "volumes/influxdb-write-token/kept-write.token",
        "reader": machine.folder / "volumes/influxdb-read-token/kept-read.token",
    }
    assert {file.name for file in (machine.folder / "volumes").rglob("*.token")} == {f.name for f in files.values()}
    assert {stat.S_IMODE(file.stat().st_mode) for file in files.values()} == {0o640}
    before = {who: file.read_text().strip() for who, file in files.items()}
    writer, reader = (InfluxConnection(url, "kept", before[who]) for who in ("writer", "reader"))
    writer.write("kept", b"indicator,service=test value=1 1790000000", "s")
    assert status(f"{url}/api/v2/buckets?org=kept", before["reader"]) == 200
    with pytest.raises((Refused, Stop)):
        reader.write("kept", b"indicator,service=test value=1 1790000000", "s")
    for connection in (writer, reader):
        connection.close()
    # A backup is for the operator alone, whose token is in no file of these volumes.
    operator = (machine.secrets / "influxdb-operator-token").read_text()
    asked = {who: status(f"{url}/api/v2/backup/metadata", token) for who, token in {**before, "op": operator}.items()}
    assert asked["op"] == 200
    assert {asked["writer"], asked["reader"]} <= {401, 403}
    # Everything starts again: the job finds all there.
    (machine.folder / "tmp-influxdb-init").rmdir()
    machine.job("influxdb-init")
    assert {who: file.read_text().strip() for who, file in files.items()} == before


@pytest.mark.broker
def test_events_of_the_city_reach_the_board(machine: Machine, influxdb: Child) -> None:
    absent = missing()
    if absent is not None:
        pytest.skip(absent)
    told = {name: value for name, value in kafka_settings().items() if name not in ADDRESSES}
    with ExitStack() as stack:
        kafka = Broker(machine.folder / "kafka", port=machine.port("kafka"), settings=told, brief=True)
        stack.enter_context(kafka)
        machine.job("topics")
        loopback = {"KEPT_METRICS_HOST": LOOPBACK, "KEPT_METRICS_PORT": str(machine.port("metrics"))}
        worker = machine.process("worker", loopback)
        board = machine.process("board", {"KEPT_BOARD_HOST": LOOPBACK, "KEPT_BOARD_PORT": str(machine.port("board"))})
        words = [word.replace("--days=28", "--days=1") for word in command(services()["city"])]
        city = machine.process("city", words=words)
        for child in (worker, board, city):
            child.start()
            stack.callback(child.kill)
        page = urllib.request.Request(
            f"http://{LOOPBACK}:{machine.port('board')}/api/latest/street-lights.json",
            headers={"Authorization": f"Bearer {(machine.secrets / 'board-token').read_text()}"},
        )

        def points() -> list[Any]:
            try:
                with urllib.request.urlopen(page, timeout=10) as answer:
                    return list(json.load(answer)["points"])
            except (urllib.error.URLError, OSError):
                return []

        eventually(lambda: len(points()) > 0, "the board shows figures", worker)
        with pytest.raises(urllib.error.HTTPError, match="401"):
            urllib.request.urlopen(page.full_url, timeout=10)
        for port in ("metrics", "board"):
            assert healthz([str(machine.port(port))]) == 0
        assert city.running(), city.log_tail()
        for child in (city, worker, board):
            child.signal(signal.SIGTERM)
        grace = {name: int(services()[name]["stop_grace_period"].removesuffix("s")) for name in ("city", "worker")}
        assert city.wait(grace["city"]) is not None, city.log_tail()
        assert worker.wait(grace["worker"]) == 0, worker.log_tail()
