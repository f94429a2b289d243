"""The processes of one pipeline in a folder, all logging all they can, and what was heard of them so far."""

from __future__ import annotations

import http.client
import json
import re
import sys
import time
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from kept.catalogue import parse_service
from kept.durations import HOUR_MS
from kept.iso_week import last_week_over
from kept.settings import Settings
from local_stack.child import Child
from local_stack.environment import environment_of
from local_stack.ports import LOOPBACK, free_port
from tests.canaries import planted
from tests.canaries.commands import kept
from tests.canaries.planted import DESKS, word
from tests.waiting import eventually

SECRETS = {"IntakeToken": "INTAKE_TOKEN", "BoardToken": "BOARD_TOKEN", "CaseKey": "CASE_KEY"}
"""Where a secret is planted -> its setting."""
BRAKE_EVENTS = 100


class Parts:
    """An intake, a worker and a board that can be started, and their `outputs`: name -> bytes."""

    def __init__(
        self,
        brokers: str,
        prefix: str,
        folder: Path,
        store: Mapping[str, str] | None = None,
        more: Mapping[str, str] | None = None,
    ) -> None:
        """`store`: settings of another history than a file; its token is in a file. `more`: other variables."""
        self.outputs: dict[str, bytes] = {}
        self.folder = folder
        self.start_ms = (int(time.time()) // 3600 - planted.HOURS) * HOUR_MS
        self.end_ms = self.start_ms + planted.HOURS * HOUR_MS
        zone = parse_service(planted.service_toml("clear", with_letters=True), "clear-desk.toml").zone
        self.week = last_week_over(self.end_ms // 1000, zone)
        for name in ("catalogue", "narrow", "history", "tmp"):
            (folder / name).mkdir()
        for desk in DESKS:
            for name, with_letters in (("catalogue", True), ("narrow", False)):
                text = planted.service_toml(desk, with_letters=with_letters)
                (folder / name / f"{desk}-desk.toml").write_text(text, encoding="utf-8")
        fields: dict[str, Any] = {
            "brokers": brokers, "topic_prefix": prefix, "partitions": 2, "brake_events": BRAKE_EVENTS,
            "catalogue": str(folder / "catalogue"), "live": False, "spool_folder": str(folder / "spool"),
            "history_path": str(folder / "history" / "history.sqlite"), "intake_port": 0, "board_port": free_port(),
        }  # fmt: skip
        self.settings = Settings(**(fields | dict(store or {})))
        self.environment = environment_of(self.settings) | {"TMPDIR": str(folder / "tmp"), "COLUMNS": "200"}
        self.environment |= dict(more or {})
        secrets = {setting: f"{word('all', place)}{'0' * 12}" for place, setting in SECRETS.items()}
        if self.settings.influxdb_token:
            secrets["INFLUXDB_TOKEN"] = self.settings.influxdb_token
            del self.environment["KEPT_INFLUXDB_TOKEN"]
        for setting, secret in secrets.items():
            self.secret_file(setting).write_text(f"{secret}\n", encoding="utf-8")
            self.secret_file(setting).chmod(0o600)
            self.environment[f"KEPT_{setting}_FILE"] = str(self.secret_file(setting))
        self.intake = self._child("intake", KEPT_LIVE="1")
        self.worker = self._child("worker", KEPT_CATALOGUE=str(folder / "narrow"), KEPT_CASE_KEY_FILE="")
        self.board = self._child("board")
        self._ports: dict[str, int] = {"board": self.settings.board_port}

    def _child(self, name: str, **more: str) -> Child:
        command = [sys.executable, "-m", "tests.canaries.at_finest_level", name]
        return Child(name, command, self.folder / f"{name}.log", environment=self.environment | more)

    def secret_file(self, setting: str) -> Path:
        """The file of a secret."""
        return self.folder / setting.lower()

    def secret(self, setting: str) -> str:
        """What is in it."""
        return self.secret_file(setting).read_text(encoding="utf-8").strip()

    def note(self, name: str, said: bytes) -> None:
        """Add to what an output said."""
        self.outputs[name] = self.outputs.get(name, b"") + said + b"\n"

    def ask(self, part: str, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, bytes]:
        """Status, and head with body, of an answer of `intake`, `worker` or `board`."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        with closing(http.client.HTTPConnection(LOOPBACK, self.port(part), timeout=30)) as connection:
            connection.request(method, path, body, sent)
            answer = connection.getresponse()
            head = "".join(f"{name}: {value}\n" for name, value in answer.getheaders())
            return answer.status, head.encode() + answer.read()

    def port(self, part: str) -> int:
        """Where a part listens, once it says so."""
        child: Child = getattr(self, part)

        def told() -> bool:
            port = re.search(rf"http://{LOOPBACK}:(\d+)/(?:events|metrics)", child.log.read_text(encoding="utf-8"))
            if port is not None:
                self._ports[part] = int(port[1])
            return part in self._ports

        if part not in self._ports:
            eventually(told, f"where {part} listens", child)
        return self._ports[part]

    def post(self, body: bytes, **headers: str) -> int:
        """The status of the intake's answer to a body."""
        given = {"content_type": "application/json", "authorization": f"Bearer {self.secret('INTAKE_TOKEN')}"}
        status, said = self.ask("intake", "POST", "/events", body, **(given | headers))
        self.note("answers of the intake", said)
        return status

    def events(self, numbers: range) -> list[dict[str, Any]]:
        """The events of these cases, of each desk, by time."""
        found = [event for desk in DESKS for n in numbers for event in planted.case_events(desk, n, self.start_ms)]
        return sorted(found, key=lambda event: str(event["time"]))

    def kept(self, *arguments: str) -> int:
        """The exit code of a command; what it writes is one of the outputs."""
        code, said = kept(list(arguments), self.environment)
        self.note(f"kept {arguments[0]}", said)
        return code


def batch(events: Iterable[dict[str, Any]]) -> bytes:
    """A body of the intake."""
    return json.dumps(list(events)).encode()
