"""A real InfluxDB server for tests: one that is named, or one started from a binary that is there already."""

from __future__ import annotations

import json
import ssl
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path
from typing import Any, NamedTuple

from history.influxdb import InfluxHistory
from history.influxdb_connection import InfluxConnection
from local_stack.influxd import server
from local_stack.ports import LOOPBACK, free_port

OPERATOR_TOKEN = "operator-token-of-a-test"
START_SECONDS = 60.0


MISSING = (
    "no InfluxDB server: name one in KEPT_TEST_INFLUXDB_URL (and KEPT_TEST_INFLUXDB_TOKEN), "
    "or an influxd in KEPT_TEST_INFLUXD or on PATH"
)


class Tls(NamedTuple):
    """What a server shows, and which authority its clients trust."""

    certificate: Path
    key: Path
    authority: Path


class Server:
    """An InfluxDB server that answers, with an operator token and an organization of this run."""

    def __init__(self, url: str, token: str = OPERATOR_TOKEN) -> None:
        self.url = url
        self.token = token
        self.org = f"test-{uuid.uuid4().hex[:12]}"
        self.org_id = ""
        self.tls: Tls | None = None

    def make_org(self) -> None:
        """Make the organization in which the buckets of tests live."""
        self.org_id = self.ask("POST", "/api/v2/orgs", {"name": self.org})["id"]

    def make_bucket(self, retention_seconds: int = 0) -> str:
        """A new bucket; its name."""
        name = f"b-{uuid.uuid4().hex[:12]}"
        rules = [{"type": "expire", "everySeconds": retention_seconds}] if retention_seconds else []
        self.ask("POST", "/api/v2/buckets", {"orgID": self.org_id, "name": name, "retentionRules": rules})
        return name

    def make_token(self, *rights: tuple[str, str]) -> str:
        """A token with (action, bucket name) rights."""
        permissions = []
        for action, bucket in rights:
            found = self.ask("GET", f"/api/v2/buckets?org={self.org}&name={bucket}")["buckets"][0]
            resource = {"type": "buckets", "id": found["id"], "orgID": self.org_id}
            permissions.append({"action": action, "resource": resource})
        made = self.ask("POST", "/api/v2/authorizations", {"orgID": self.org_id, "permissions": permissions})
        return str(made["token"])

    def connection(self, token: str | None = None, **options: Any) -> InfluxConnection:
        """A connection with the operator's token, or another."""
        trusted = {"ca_file": str(self.tls.authority)} if self.tls else {}
        return InfluxConnection(self.url, self.org, token or self.token, **{**trusted, **options})

    def history(self, bucket: str, token: str | None = None, **options: Any) -> InfluxHistory:
        """A store in a bucket."""
        return InfluxHistory(self.connection(token, **options), bucket)

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """The answer of the server's own interface."""
        request = urllib.request.Request(
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Token {self.token}"},
        )
        context = ssl.create_default_context(cafile=self.tls.authority) if self.tls else None
        with urllib.request.urlopen(request, timeout=30, context=context) as answer:
            return json.loads(answer.read() or b"null")


class OwnServer(Server):
    """A server started here, on data of its own; it can be stopped, frozen and started again."""

    def __init__(self, program: Path, folder: Path, tls: Tls | None = None) -> None:
        self.port = free_port()
        super().__init__(f"{'https' if tls else 'http'}://{LOOPBACK}:{self.port}")
        self.tls = tls
        folder.mkdir(parents=True, exist_ok=True)
        shown = (f"--tls-cert={tls.certificate}", f"--tls-key={tls.key}") if tls else ()
        self.process = server(program, folder, self.port, *shown)

    def start(self) -> None:
        """Start it; returns when it answers."""
        self.process.start()
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            try:
                if self.ask("GET", "/health")["status"] == "pass":
                    return
            except (OSError, urllib.error.URLError):
                time.sleep(0.05)
        raise AssertionError(f"influxd does not answer:\n{self.process.log_tail()}")

    def set_up(self) -> None:
        """The first set-up, with the token that tests know."""
        body = {"username": "operator", "password": uuid.uuid4().hex, "org": "first", "bucket": "first"}
        self.ask("POST", "/api/v2/setup", {**body, "token": self.token})
