"""What stands in for the people on call takes what Alertmanager sends, and shows it as text."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from alert_rules.alertmanager import configuration
from catalogue import CITY
from kept.owners import read_owners
from local_stack.inbox import Inbox, received_here, serving
from local_stack.ports import LOOPBACK, free_port

LABELS = {"alertname": "KeptSourceSilent", "service": "street-lights", "severity": "page"}
BODY = {
    "version": "4",
    "status": "firing",
    "alerts": [{"status": "firing", "labels": LABELS, "annotations": {"summary": "Nothing\u001b[2J is heard"}}],
}


@pytest.fixture
def server() -> Iterator[tuple[Inbox, int]]:
    inbox, port = Inbox(), free_port()
    with serving(inbox, port):
        yield inbox, port


def send(port: int, path: str, body: Any) -> int:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(f"http://{LOOPBACK}:{port}{path}", data)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def shown(port: int) -> tuple[str, str]:
    with urllib.request.urlopen(f"http://{LOOPBACK}:{port}/", timeout=10) as answer:
        return answer.headers["Content-Type"], answer.read().decode()


def test_a_message_is_remembered_with_its_address_and_shown(server: tuple[Inbox, int]) -> None:
    inbox, port = server
    assert send(port, "/pages", BODY) == 200
    (message,) = inbox.messages()
    assert (message.to, message.alerts[0].status, message.alerts[0].labels) == ("pages", "firing", LABELS)
    kind, text = shown(port)
    assert kind.startswith("text/plain")
    assert "pages      firing    KeptSourceSilent street-lights" in text
    assert "\x1b" not in text
    assert "Nothing?[2J is heard" in text


def test_of_the_heartbeat_only_the_last_one_is_shown(server: tuple[Inbox, int]) -> None:
    inbox, port = server
    for _ in range(3):
        send(port, "/heartbeat", BODY)
    assert len(inbox.messages()) == 3
    assert shown(port)[1].count("heartbeat") == 1


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [("/elsewhere", BODY, 404), ("/pages", b"no JSON", 400), ("/pages", {"alerts": [{"status": "odd"}]}, 400)],
)
def test_what_is_no_message_is_refused(server: tuple[Inbox, int], path: str, body: Any, code: int) -> None:
    inbox, port = server
    assert send(port, path, body) == code
    assert inbox.messages() == []


def test_all_addresses_of_the_citys_owners_are_here_and_the_hours_stay_theirs() -> None:
    owners = read_owners([CITY])
    here = received_here(owners, 9999)
    written = json.dumps(configuration(here))
    assert "example" not in written
    assert f"http://{LOOPBACK}:9999/pages" in written
    assert {name: owner.working_hours for name, owner in here.items()} == {
        name: owner.working_hours for name, owner in owners.items()
    }
    always = received_here(owners, 9999, at_any_hour=True)
    assert all(set(owner.working_hours.values()) == {"00:00-24:00"} for owner in always.values())
