"""A service system as the intake knows it: sends events, and sends the same again until they are accepted."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Sequence

from local_stack.chaos.parts import BODY_BYTES
from local_stack.chaos.town import Told
from local_stack.ports import LOOPBACK
from local_stack.producer import TOKEN

ANSWER_SECONDS = 2.0
"""A producer that is frozen does not answer; the same is sent again, and counted once."""
PAUSE_SECONDS = 0.1
_BATCH = "application/cloudevents-batch+json"


class Stopped(Exception):
    """The story is over before everything was told."""


class Sender:
    """Sends to the intake on loopback `port`. `stop` ends every wait."""

    def __init__(self, port: int, stop: threading.Event) -> None:
        self._port = port
        self._stop = stop
        self.refused_full = 0
        """Requests that were refused because the spool was full."""

    def send(self, told: Sequence[Told]) -> None:
        """Return when all are accepted; raises `Stopped`."""
        batch: list[bytes] = []
        size = 2
        for one in told:
            if batch and size + len(one.value) + 1 > BODY_BYTES:
                self.send_batch(batch)
                batch, size = [], 2
            batch.append(one.value)
            size += len(one.value) + 1
        if batch:
            self.send_batch(batch)

    def until_delivered(self) -> None:
        """Return when the broker has acknowledged what was accepted; raises `Stopped`."""
        while True:
            status, body = self._ask("GET", "/healthz", None)
            if status and json.loads(body)["spool"]["events"] == 0:
                return
            self._pause()

    def send_batch(self, batch: Sequence[bytes]) -> None:
        """Return when the events are accepted as one request; raises `Stopped`."""
        body = b"[" + b",".join(batch) + b"]"
        while True:
            status, answer = self._ask("POST", "/events", body)
            if status == http.HTTPStatus.ACCEPTED:
                return
            if status == http.HTTPStatus.TOO_MANY_REQUESTS:
                self.refused_full += b"full" in answer
            elif status and status < http.HTTPStatus.INTERNAL_SERVER_ERROR:
                raise AssertionError(f"the intake refuses what it must accept ({status}): {answer[:300]!r}")
            self._pause()

    def _ask(self, method: str, path: str, body: bytes | None) -> tuple[int, bytes]:
        """(status, body) of the answer; status 0 when there is none."""
        connection = http.client.HTTPConnection(LOOPBACK, self._port, timeout=ANSWER_SECONDS)
        try:
            headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": _BATCH}
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            return 0, b""
        finally:
            connection.close()

    def _pause(self) -> None:
        if self._stop.wait(PAUSE_SECONDS):
            raise Stopped
