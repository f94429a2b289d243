"""One run of the real parts with everything planted, and all that they wrote: name of the output -> its bytes."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
import shutil
import signal
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from itertools import product
from pathlib import Path
from typing import Any

from starlette.routing import Route

from catalogue import services_of
from command_line.topics import create_topics
from history.open import open_history
from kept.events import moment
from kept.state_records import CASE
from kept.topics import topics
from local_stack.broker import Broker
from local_stack.replay import Replay, WorkerGroup
from summaries.application import application
from summaries.pages.service_pictures import PICTURES
from tests.bad_feed import send
from tests.canaries import planted
from tests.canaries.commands import all_that_is_logged, files_in, kept
from tests.canaries.parts import BRAKE_EVENTS, Parts, batch
from tests.canaries.planted import CASES, DESKS, LAST_CASES, Desk, word
from tests.committed import all_committed
from tests.waiting import PATIENCE_SECONDS, eventually

INDICATORS = ("promise_kept", "backlog")
KAFKA_TOPICS = ("service-events", "case-state", "tallies", "dead-letters")


class Run(Parts):
    """One run of all parts."""

    def __init__(self, broker: Broker, prefix: str, folder: Path, store: Mapping[str, str] | None = None) -> None:
        """Make the topics; `store` as in `Parts`."""
        super().__init__(broker.bootstrap, prefix, folder, store)
        self.broker = broker
        self.empty_routes: set[str] = set()
        """Routes of the board that answered 200 under no address: there is nothing to show."""
        create_topics(self.settings)

    def everything(self) -> None:
        """Run it from the first event to the crash of its worker, and look everywhere."""
        with ExitStack() as stack, all_that_is_logged() as logged:
            for child in (self.worker, self.intake, self.board):
                child.start()
                stack.callback(child.stop)
            self._send_by_http()
            self._send_while_the_broker_is_away()
            self._publish_tables()
            self._write_past_the_producers()
            self._wait_until_published()
            self._look_at_what_is_served()
            self._run_commands()
            self._redrive()
            self._break()
            for child in (self.intake, self.board, self.worker):
                child.stop()
                self.note(f"log of {child.name}", child.log.read_bytes())
            self.note("log of the commands", logged.getvalue().encode())
        self._look_at_what_is_stored()

    def _send_by_http(self) -> None:
        """What is taken, and then what is refused."""
        events = [planted.change_event(desk, self.start_ms) for desk in DESKS] + self.events(range(CASES - LAST_CASES))
        assert self.post(batch(events)) == 202
        for desk in DESKS:
            for body in planted.refused_events(desk, self.start_ms):
                assert self.post(body) in (400, 422), body
        asked = word("all", "AskedOfIntake")
        good = batch(self.events(range(1)))
        assert self.post(good, authorization=f"Bearer {word('all', 'WrongToken')}") == 401
        assert self.post(good, content_type=f"text/{asked}") == 415
        assert self.post(good, content_encoding=asked) == 415
        assert self.post(asked.encode(), content_encoding="gzip") == 400
        assert self.post(b"[]", user_agent=asked, host=asked, traceparent=asked, x_forwarded_for=asked) == 202
        for method, path in (("GET", f"/{asked}"), ("POST", f"/events/{asked}?{asked}"), (asked, "/events")):
            self.note("answers of the intake", self.ask("intake", method, path)[1])

    def _send_while_the_broker_is_away(self) -> None:
        """What is accepted waits on disk: a copy is made of what is there, and one of it is damaged."""
        eventually(self._delivered, "delivery of what the spool holds")
        assert self.broker.pid is not None
        os.killpg(self.broker.pid, signal.SIGSTOP)
        try:
            assert self.post(batch(self.events(range(CASES - LAST_CASES, CASES)))) == 202
            shutil.copytree(self.folder / "spool", self.folder / "spool-then")
        finally:
            os.killpg(self.broker.pid, signal.SIGCONT)
        self.note("spool while the broker is away", files_in(self.folder / "spool-then"))
        eventually(self._delivered, "delivery of what the spool holds")

    def _delivered(self) -> bool:
        return bool(json.loads(self.ask("intake", "GET", "/healthz")[1].rpartition(b"\n")[2])["spool"]["events"] == 0)

    def _publish_tables(self) -> None:
        for desk in DESKS:
            (self.folder / f"{desk}.toml").write_text(planted.MAPPING.format(desk=desk), encoding="utf-8")
            path = self.folder / f"{desk}.csv"
            path.write_text(planted.table(desk, self.start_ms), encoding="utf-8")
            arguments = ["publish", str(path), "--mapping", str(self.folder / f"{desk}.toml"), "--no-progress"]
            assert self.kept(*arguments) == 0, self.outputs["kept publish"]
            self.kept("mapping", "new", str(path))
            lines = self.folder / f"{desk}.jsonl"
            lines.write_bytes(b"\n".join(each.replace(b"\n", b" ") for each in self._refused(desk)))
            self.kept("publish", str(lines), "--no-progress")
            self.kept("replay", str(lines), "--embedded", "--as-of", "2024-01-01T00:00")

    def _refused(self, desk: Desk) -> Iterator[bytes]:
        return (body for body in planted.refused_events(desk, self.start_ms) if not body.startswith(b"\xff"))

    def _write_past_the_producers(self) -> None:
        name = topics(self.settings.topic_prefix, 2).events.name
        for partition, desk in enumerate(DESKS):
            asyncio.run(send(self.settings, name, partition, planted.past_producers(desk, self.start_ms)))

    def _wait_until_published(self) -> None:
        Replay(self.settings, WorkerGroup(self.settings, self.folder, 0)).end(self.end_ms)

        def published() -> bool:
            assert self.worker.running(), self.worker.log_tail()
            with closing(open_history(self.settings, read_only=True)) as store:
                said = store.published()
            return all(said.get(f"{desk}-desk", 0) >= self.end_ms // 1000 for desk in DESKS)

        self.port("worker")  # it has opened the history
        eventually(published, "publication")

    def _look_at_what_is_served(self) -> None:
        for part, path in product(("intake", "worker"), ("/metrics", "/healthz", "/livez")):
            self.note(f"{part} {path}", self.ask(part, "GET", path)[1])
        login = base64.b64encode(f"someone:{self.secret('BOARD_TOKEN')}".encode()).decode()
        seen: dict[str, list[int]] = {}
        for route, address in self._addresses():
            status, said = self.ask("board", "GET", address, authorization=f"Basic {login}")
            seen.setdefault(route, []).append(status)
            self.note(f"page {route}", said)
        self.empty_routes = {route for route, statuses in seen.items() if 200 not in statuses}
        asked = word("all", "AskedOfBoard")
        for path in (f"/{asked}", f"/service/{asked}", f"/?as_of={asked}", f"/number/{asked}/{asked}?slice={asked}"):
            headers = {"authorization": f"Basic {login}"} | dict.fromkeys(("cookie", "user_agent", "referer"), asked)
            self.note("answers of the board to what is not there", self.ask("board", "GET", path, **headers)[1])
        for given in (f"Bearer {asked}", f"Basic {base64.b64encode(f'a:{asked}'.encode()).decode()}", asked):
            self.note("answers of the board without a login", self.ask("board", "GET", "/", authorization=given)[1])

    def _addresses(self) -> Iterator[tuple[str, str]]:
        """Every address of every route that is read, with its route."""
        pages = application(services_of(self.settings), lambda: open_history(self.settings, read_only=True))
        with closing(open_history(self.settings, read_only=True)) as store:
            changes = [change.id for change in store.changes()]
        asked = moment(self.end_ms).strftime("%Y-%m-%dT%H:%MZ")
        values: dict[str, list[str]] = {
            "service": ["clear-desk"], "indicator": list(INDICATORS), "picture": list(PICTURES),
            "change": [str(change) for change in changes], "week": [self.week.name],
            "currency": ["EUR"], "name": ["site.css"], "group": ["desks"],
        }  # fmt: skip
        for route in pages.routes:
            if not isinstance(route, Route) or "GET" not in (route.methods or ()) or route.path == "/live/changes":
                continue
            names = re.findall(r"\{(\w+)\}", route.path)
            for chosen in product(*(values[name] for name in names)):
                address = route.path.format(**dict(zip(names, chosen, strict=True)))
                if route.path.startswith(("/compare/", "/api/compare")):
                    address += "?by=area"
                yield route.path, f"{address}?as_of={asked}" if route.path == "/later" else address

    def _run_commands(self) -> None:
        entries, to = str(self.folder / "catalogue"), str(self.folder / "rules")
        self.kept("dead-letters", "list")
        listed = kept(["dead-letters", "list", "--json", "--limit", "1000"], self.environment)[1]
        self.note("kept dead-letters", listed)
        for address in {row["reason"]: row["address"] for row in map(json.loads, listed.splitlines())}.values():
            self.kept("dead-letters", "show", address)
        with closing(open_history(self.settings, read_only=True)) as store:
            raised = [one.id for one in store.signals()]
        assert raised
        for one in raised:
            self.kept("alerts", "why", one)
        for arguments in (
            ("indicators",), ("indicators", "--json", "--slices"), ("alerts", "--ended"), ("alerts", "--json"),
            ("alerts", "report"), ("summary",), ("summary", "--html"), ("summary", "--eml"), ("doctor",),
            ("doctor", "--json"), ("topics", "list"), ("topics", "check"), ("topics", "rights"), ("decisions",),
            ("catalogue", "check", entries), ("rules", "generate", "--output", to, "--catalogue", entries),
        ):  # fmt: skip
            self.kept(*arguments)
        self.note("rules", files_in(self.folder / "rules"))

    def _redrive(self) -> None:
        """The letters of the channel that only the producers knew, and of the one that nobody knows, are sent again."""
        name = topics(self.settings.topic_prefix, 2).events.name
        before = self._committed(name)
        assert self.kept("dead-letters", "redrive", "--reason", "unknown_channel", "--yes") == 0
        known = {(record.partition, record.offset) for record in before}
        again = [record for record in self._committed(name) if (record.partition, record.offset) not in known]
        assert len(again) > CASES // 10
        self.note("events sent again", b"\n".join(map(whole, again)))

    def _break(self) -> None:
        """A spool that is damaged, a feed that is mostly bad, a state that cannot be read: what is said of them."""
        segment = max((self.folder / "spool-then").rglob("*"), key=lambda path: path.stat().st_size * path.is_file())
        damaged = bytearray(segment.read_bytes())
        damaged[len(damaged) // 2] ^= 0xFF
        segment.write_bytes(damaged)
        self.environment["KEPT_SPOOL_FOLDER"] = str(self.folder / "spool-then")
        assert self.kept("intake") != 0
        assert b"damaged" in self.outputs["kept intake"]
        name = topics(self.settings.topic_prefix, 2)
        flood = planted.past_producers("clear", self.start_ms) * BRAKE_EVENTS
        asyncio.run(send(self.settings, name.events.name, 0, flood))
        assert self.worker.wait(PATIENCE_SECONDS) == 70
        assert "brake: " in self.worker.log.read_text()
        said = word("clear", "BrokenState").encode()
        asyncio.run(send(self.settings, name.state.name, 0, [(CASE + said, said, [])]))
        self.worker.start()
        assert self.worker.wait(PATIENCE_SECONDS) == 70
        self.note("log of worker", self.worker.log.read_bytes())

    def _look_at_what_is_stored(self) -> None:
        for name in KAFKA_TOPICS:
            full = f"{self.settings.topic_prefix}{name}"
            self.note(f"topic {name}", b"\n".join(map(whole, self._committed(full))))
        self.note("spool", files_in(self.folder / "spool"))
        self.note("temporary files", files_in(self.folder / "tmp"))
        if self.settings.history == "sqlite":
            self.note("history", files_in(self.folder / "history"))

    def _committed(self, topic: str) -> list[Any]:
        return asyncio.run(all_committed(self.settings, topic, range(2)))


def whole(record: Any) -> bytes:
    """All bytes of a record of Kafka."""
    headers = [name.encode() + b":" + (value or b"") for name, value in record.headers]
    return b" ".join([record.key or b"", record.value or b"", *headers])
