"""What a real Alertmanager has of the signals: firing, silenced, muted by another, or nothing; and what is none."""

from __future__ import annotations

import datetime
import http.server
import json
import threading
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from command_line.alertmanager import Alerts, read_alerts
from kept.errors import ConfigurationError, Retry, Stop
from kept.settings import Settings
from kept.signals.raised import Raised
from local_stack.alertmanager import (
    INSTALL_COMMAND,
    alertmanager,
    alertmanager_command,
    alertmanager_url,
    wait_until_ready,
)
from local_stack.ports import LOOPBACK, free_port
from tests.kept.signals.raised_signals import raised

CONFIG = """
route: {receiver: nobody}
receivers: [{name: nobody}]
inhibit_rules:
  - source_matchers: ['signal = source_silent']
    target_matchers: ['signal = cases_at_risk']
    equal: [service]
"""


def labels(of: Raised, **more: str) -> dict[str, str]:
    """As the generated rules label the alert of a signal: without an empty `about`."""
    verdict = of.verdict
    about = {"about": verdict.about} if verdict.about else {}
    return {"alertname": "K", "service": verdict.service, "signal": verdict.signal, **about, **more}


def send(url: str, body: object) -> Any:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=5) as answer:
        return answer.read()


@pytest.fixture
def running(tmp_path: Path) -> Iterator[str]:
    """A real Alertmanager, by its address."""
    command = alertmanager_command()
    if command is None:
        pytest.skip(f"no Alertmanager on this machine; {INSTALL_COMMAND}")
    config, port = tmp_path / "alertmanager.yml", free_port()
    config.write_text(CONFIG)
    child = alertmanager(command, tmp_path, port, config)
    child.start()
    try:
        wait_until_ready(child, port)
        yield alertmanager_url(port)
    finally:
        child.stop()


def test_each_signal_stands_as_the_real_alertmanager_says(running: str) -> None:
    silent, at_risk = raised("source_silent"), raised("cases_at_risk")
    north, south = (raised("area_gap", about=f"area={name}") for name in ("North", "South"))
    elsewhere = raised("cases_at_risk", service="parking")
    told = [silent, at_risk, north, elsewhere]
    send(
        f"{running}/api/v2/alerts", [{"labels": labels(one)} for one in told] + [{"labels": {"alertname": "Watchdog"}}]
    )
    now = datetime.datetime.now(datetime.UTC)
    matcher = {"name": "about", "value": "area=North", "isRegex": False, "isEqual": True}
    send(
        f"{running}/api/v2/silences",
        {
            "matchers": [matcher], "createdBy": "a test", "comment": "known",
            "startsAt": (now - datetime.timedelta(minutes=1)).isoformat(),
            "endsAt": (now + datetime.timedelta(hours=1)).isoformat(),
        },
    )  # fmt: skip
    # Alertmanager takes note of what mutes another a moment after it has taken the alert.
    deadline = time.monotonic() + 20
    alerts = read_alerts(Settings(), f"{running}/")
    while alerts.standing(at_risk) == "firing" and time.monotonic() < deadline:
        alerts = read_alerts(Settings(), f"{running}/")
    assert [alerts.standing(one) for one in (silent, at_risk, north, south, elsewhere)] == [
        "firing", "inhibited", "silenced", "absent", "firing",
    ]  # fmt: skip
    assert alerts.without_signal([silent, at_risk]) == [("parking", "cases_at_risk", "")]
    assert alerts.without_signal(told) == []


def test_of_two_alerts_of_one_signal_the_one_that_reaches_people_counts() -> None:
    one = raised()
    key = ("street-lights", "promise_budget_slow", "")
    assert Alerts([(key, "silenced"), (key, "firing"), (key, "inhibited")]).standing(one) == "firing"
    assert Alerts([(key, "inhibited"), (key, "silenced")]).standing(one) == "silenced"


@contextmanager
def server(status: int, body: bytes, headers: Mapping[str, str] = {}) -> Iterator[str]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer((LOOPBACK, 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://{LOOPBACK}:{running.server_address[1]}"
        finally:
            running.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (404, b"not here", "answers 404"),
        (200, b"<html>", "something else than is documented"),
        (200, b'{"status": "success"}', "something else than is documented"),
        (200, b'[{"labels": {"service": "a", "signal": "b"}}]', "something else than is documented"),
        (200, b"\xff", "something else than is documented"),
        (302, b"", "answers 302"),
    ],
)
def test_what_is_no_alertmanager_stops_with_its_address(status: int, body: bytes, said: str) -> None:
    with server(status, body, {"Location": "http://127.0.0.1:1/"}) as url, pytest.raises(Stop, match=said) as stopped:
        read_alerts(Settings(), url)
    assert url in str(stopped.value)


def test_one_that_does_not_answer_can_be_asked_again() -> None:
    with pytest.raises(Retry, match="does not answer"):
        read_alerts(Settings(), f"http://{LOOPBACK}:{free_port()}")


@pytest.mark.parametrize("url", ["127.0.0.1:9093", "ftp://host", "http://user:secret@host", ""])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="--alertmanager"):
        read_alerts(Settings(), url)


def test_a_password_in_the_address_is_not_repeated() -> None:
    with pytest.raises(ConfigurationError) as refused:
        read_alerts(Settings(), "http://user:secret@host")
    assert "secret" not in str(refused.value)
