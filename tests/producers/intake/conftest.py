"""An intake that listens for real, with a double of the broker behind its spool."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from kept.case_hashing import CaseHashing
from kept.catalogue import Service
from kept.intake import Rules
from kept.settings import Settings
from kept.tokens import Tokens
from producers.durable_publisher import DurablePublisher
from producers.intake.app import Intake
from producers.intake.server import server_of
from tests.kept.city import LIGHTS
from tests.producers.broker_double import BrokerDouble

TOKEN = "correct-horse-battery"
SINGLE = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: Any


class RunningIntake(NamedTuple):
    intake: Intake
    publisher: DurablePublisher
    broker: BrokerDouble
    port: int

    def post(
        self, body: bytes | Iterator[bytes], kind: str | None = SINGLE, token: str | None = TOKEN, **headers: str
    ) -> Answer:
        """POST /events; underscores of header names become dashes."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if kind is not None:
            sent["Content-Type"] = kind
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        return self.ask("POST", "/events", body, sent)

    def ask(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, body, headers or {}, encode_chunked=isinstance(body, Iterator))
            response = connection.getresponse()
            data = response.read()
        finally:
            connection.close()
        said = {name.lower(): value for name, value in response.getheaders()}
        is_json = "json" in said.get("content-type", "")
        return Answer(response.status, said, json.loads(data) if is_json else data.decode())

    def metric(self, name: str, **labels: str) -> float | None:
        return self.intake.figures.registry.get_sample_value(name, labels)


def raw(number: int = 1, **changes: Any) -> bytes:
    """An event that can be counted, as a sender would write it."""
    fields: dict[str, Any] = {
        "specversion": "1.0", "type": "case.opened", "source": "works", "id": f"e{number}",
        "subject": f"SECRET-{number}", "time": "2024-06-03T09:00:00+02:00",
        "data": {"service": "street-lights", "channel": "Web"},
    }  # fmt: skip
    return msgspec.json.encode(fields | changes)


def batch(*events: bytes) -> bytes:
    return b"[" + b", ".join(events) + b"]"


@contextmanager
def running(
    settings: Settings, broker: BrokerDouble, service: Service = LIGHTS, key: str | None = None
) -> Iterator[RunningIntake]:
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        DurablePublisher("t", settings, client=broker) as publisher,
    ):
        hashing = CaseHashing({service.id: service}, key)
        intake = Intake(settings, {service.id: Rules(service)}, publisher, Tokens(TOKEN), hashing)
        server = server_of(intake, settings)
        serving = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])))
        serving.start()
        try:
            yield RunningIntake(intake, publisher, broker, listener.getsockname()[1])
        finally:
            server.should_exit = True
            serving.join(20)
    assert not serving.is_alive()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        spool_folder=str(tmp_path / "spool"), spool_bytes=200_000, intake_body_bytes=20_000, intake_requests=8
    )


@pytest.fixture(scope="module")
def steady(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningIntake]:
    """One for all tests of a module that leave it as it was."""
    folder = str(tmp_path_factory.mktemp("steady"))
    settings = Settings(spool_folder=folder, spool_bytes=200_000, intake_body_bytes=20_000, intake_requests=8)
    with running(settings, BrokerDouble()) as started:
        yield started


@pytest.fixture
def intake(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningIntake]:
    monkeypatch.setattr("producers.delivery.LONGEST_PAUSE", 0.1)
    with running(settings, BrokerDouble()) as started:
        yield started
