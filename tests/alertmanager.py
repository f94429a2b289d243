"""A real Alertmanager for tests, and local servers that receive what it sends. Deadlines, never fixed waits."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from alert_rules.alertmanager import Delivery, as_yaml, configuration
from command_line.alertmanager_config import write_config
from kept.owners import Owners
from local_stack.alertmanager import (
    INSTALL_COMMAND,
    alertmanager,
    alertmanager_command,
    alertmanager_url,
    wait_until_ready,
)
from local_stack.ports import LOOPBACK, free_port

PUBLIC_URL = "https://alerts.example.org"
AT_ONCE = Delivery(
    page_wait="1s",
    page_interval="1s",
    page_repeat="1h",
    ticket_wait="1s",
    ticket_interval="1s",
    ticket_repeat="1h",
    heartbeat="1s",
    smtp_tls=False,
)
"""As an installation sends, with seconds for minutes."""
MISSING = f"no Alertmanager on PATH: {INSTALL_COMMAND}"
Labels = Mapping[str, str]


def required_program() -> str:
    """Path of Alertmanager; skips the test when there is none."""
    command = alertmanager_command()
    if command is None:
        pytest.skip(MISSING)
    return command


def amtool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run amtool; skips the test when there is none."""
    command = shutil.which("amtool")
    if command is None:
        pytest.skip(f"no amtool on PATH: {INSTALL_COMMAND}")
    return subprocess.run([command, *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False)


class Running:
    """An Alertmanager that answers."""

    def __init__(self, port: int) -> None:
        self.url = alertmanager_url(port)

    def post(self, *alerts: Mapping[str, Any]) -> None:
        """Hand over alerts, as Prometheus does."""
        body = json.dumps(alerts).encode()
        request = urllib.request.Request(f"{self.url}/api/v2/alerts", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert answer.status == 200

    def alerts(self) -> list[dict[str, Any]]:
        """The alerts it knows, with their status."""
        with urllib.request.urlopen(f"{self.url}/api/v2/alerts", timeout=10) as answer:
            return list(json.load(answer))


@contextmanager
def running(folder: Path, owners: Owners, delivery: Delivery = AT_ONCE) -> Iterator[Running]:
    """Alertmanager with the configuration of `owners`, in `folder`."""
    config = write_config(folder / "config", as_yaml(configuration(owners, delivery)))
    port = free_port()
    child = alertmanager(required_program(), folder, port, config, public_url=PUBLIC_URL)
    child.start()
    try:
        wait_until_ready(child, port)
        yield Running(port)
    finally:
        child.kill()


@dataclass
class Inbox:
    """What arrived at local servers: requests by path, and mails."""

    port: int
    smtp_port: int
    requests: list[tuple[str, dict[str, Any], str | None]] = field(default_factory=list)
    """(path, JSON body, Authorization header)."""
    mails: list[EmailMessage] = field(default_factory=list)
    logins: list[tuple[str, str]] = field(default_factory=list)
    """Names and passwords at the mail server, which takes any."""

    def url(self, path: str) -> str:
        """Where requests are taken."""
        return f"http://{LOOPBACK}:{self.port}{path}"

    def at(self, path: str) -> list[dict[str, Any]]:
        """Bodies that arrived at `path`, oldest first."""
        return [body for at, body, _ in list(self.requests) if at == path]

    def mails_to(self, address: str) -> list[EmailMessage]:
        """Mails to `address`, oldest first."""
        return [mail for mail in list(self.mails) if address in str(mail["To"])]


@contextmanager
def inbox() -> Iterator[Inbox]:
    """A local HTTP server and a local SMTP server that keep all they are sent."""
    kept = Inbox(free_port(), free_port())

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            kept.requests.append((self.path, body, self.headers["Authorization"]))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *arguments: Any) -> None:
            return

    class Mailbox:
        async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
            mail = message_from_bytes(envelope.content, policy=policy.default)
            assert isinstance(mail, EmailMessage)
            kept.mails.append(mail)
            return "250 kept"

    web = ThreadingHTTPServer((LOOPBACK, kept.port), Handler)
    thread = threading.Thread(target=web.serve_forever, daemon=True)
    thread.start()

    def log_in(server: Any, session: Any, envelope: Any, mechanism: str, shown: LoginPassword) -> AuthResult:
        kept.logins.append((shown.login.decode(), shown.password.decode()))
        return AuthResult(success=True)

    mail = Controller(
        Mailbox(),
        hostname=LOOPBACK,
        port=kept.smtp_port,
        authenticator=log_in,
        auth_require_tls=False,
        # Its words for LOGIN are not those that Alertmanager waits for.
        auth_exclude_mechanism=["LOGIN"],
    )
    mail.start()
    try:
        yield kept
    finally:
        mail.stop()
        web.shutdown()
        web.server_close()
        thread.join()
