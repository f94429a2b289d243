"""Stands in for the people on call on one machine: takes what Alertmanager sends, remembers it and shows it as text.

Run as a module by the demo: `python -m local_stack.inbox PORT`. Loopback only.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal

import msgspec
from msgspec import Struct

from kept.owners import Owner, Owners, Webhook
from local_stack.ports import LOOPBACK

REMEMBERED = 10_000
"""Messages that are kept; older ones are forgotten."""
SHOWN = 100
MOST_BYTES = 8 * 1024 * 1024
ALL_WEEK = dict.fromkeys(("mon", "tue", "wed", "thu", "fri", "sat", "sun"), "00:00-24:00")
Address = Literal["pages", "tickets", "heartbeat"]
ADDRESSES: tuple[Address, ...] = ("pages", "tickets", "heartbeat")


class Told(Struct, frozen=True, rename="camel"):
    """One alert of a message, as Alertmanager tells it."""

    status: Literal["firing", "resolved"]
    labels: dict[str, str]
    annotations: dict[str, str] = {}


class Message(Struct, frozen=True):
    """What arrived at the address `to` at the wall clock `at` (s)."""

    at: float
    to: Address
    alerts: tuple[Told, ...]


class _Body(Struct):
    alerts: tuple[Told, ...]


class Inbox:
    """Messages in the order of their arrival; any thread may ask."""

    def __init__(self) -> None:
        self._messages: deque[Message] = deque(maxlen=REMEMBERED)
        self.taken = 0
        """How many arrived so far, forgotten ones included."""

    def take(self, to: Address, body: bytes) -> None:
        """Remember a message; raises `msgspec.MsgspecError` when it is none of Alertmanager's."""
        alerts = msgspec.json.decode(body, type=_Body).alerts
        self._messages.append(Message(time.time(), to, alerts))
        self.taken += 1

    def messages(self) -> list[Message]:
        """Those that are remembered, oldest first."""
        return list(self._messages)

    def page(self) -> str:
        """The last messages as text, newest first; of the heartbeat only the last."""
        told = [message for message in self.messages() if message.to != "heartbeat"]
        beats = [message for message in self.messages() if message.to == "heartbeat"][-1:]
        lines = [line for message in [*beats, *reversed(told[-SHOWN:])] for line in _in_words(message)]
        return "\n".join(["What reached the people on call, newest first.", "", *map(_plain, lines), ""])


def received_here(owners: Owners, port: int, *, at_any_hour: bool = False) -> dict[str, Owner]:
    """The same owners with all their addresses here; `at_any_hour`: tickets do not wait for working hours either."""
    return {
        name: msgspec.structs.replace(
            owner,
            pages=_here(port, "pages"),
            tickets=_here(port, "tickets"),
            heartbeat=_here(port, "heartbeat") if owner.heartbeat else (),
            working_hours=dict(ALL_WEEK) if at_any_hour else owner.working_hours,
        )
        for name, owner in owners.items()
    }


@contextmanager
def serving(inbox: Inbox, port: int) -> Iterator[None]:
    """Take messages on loopback `port` within, in threads of their own."""
    server = _server(inbox, port)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _here(port: int, address: Address) -> tuple[Webhook, ...]:
    return (Webhook(url=f"http://{LOOPBACK}:{port}/{address}"),)


def _in_words(message: Message) -> Iterator[str]:
    when = datetime.fromtimestamp(message.at).astimezone()
    for alert in message.alerts:
        yield f"{when:%H:%M:%S}  {message.to:<9}  {alert.status:<8}  {_title(alert.labels)}"
        if message.to != "heartbeat" and alert.status == "firing":
            told = {**alert.annotations, "first": f"First: {alert.annotations.get('first', '')}"}
            texts = (told.get(name, "") for name in ("summary", "description", "first", "runbook_url"))
            yield from (f"{'':10}{line}" for text in texts for line in text.splitlines())


def _title(labels: Mapping[str, str]) -> str:
    about = (labels.get(name, "") for name in ("alertname", "service", "about"))
    return " ".join(word for word in about if word)


def _plain(text: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _server(inbox: Inbox, port: int) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            address = next((one for one in ADDRESSES if self.path == f"/{one}"), None)
            said = self.headers.get("Content-Length") or ""
            length = int(said) if said.isdecimal() else 0
            if address is None or not 0 < length <= MOST_BYTES:
                self.send_error(404 if address is None else 413 if length else 411)
                return
            try:
                inbox.take(address, self.rfile.read(length))
            except msgspec.MsgspecError:
                self.send_error(400)
                return
            self._answer(b"")

        def do_GET(self) -> None:
            if self.path == "/":
                self._answer(inbox.page().encode())
            else:
                self.send_error(404)

        def _answer(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; charset=utf-8")
            self.send_header("X-Content-Type-Options", "nosniff")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:
            return

    return ThreadingHTTPServer((LOOPBACK, port), Handler)


def main(port: int) -> None:
    """Serve until the process is told to end."""
    _server(Inbox(), port).serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]))
