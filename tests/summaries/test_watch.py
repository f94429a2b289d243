"""One look for all viewers, told as it happens; bounded; ends when told to."""

from __future__ import annotations

import asyncio
import http.client
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from history.sqlite import SQLiteHistory
from local_stack.ports import LOOPBACK
from summaries.application import CHANGES
from summaries.known import HistoryReader
from summaries.watch import Watch, state_of
from tests.summaries.conftest import served
from tests.summaries.figures import CITY, NOW, SIGNALS

SCOPE = {"type": "http", "method": "GET", "headers": []}


class Viewer:
    """What one viewer of `watch` is told, until it leaves."""

    def __init__(self, watch: Watch) -> None:
        self._left = asyncio.Event()
        self.told: asyncio.Queue[Any] = asyncio.Queue()
        self.stream = asyncio.create_task(watch({**SCOPE}, self._receive, self.told.put))

    async def _receive(self) -> dict[str, Any]:
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def news(self) -> str:
        """The data of the next `changed`, or how the stream ended."""
        while True:
            message = await asyncio.wait_for(self.told.get(), 10)
            if message.get("status", 200) != 200 or message.get("more_body") is False:
                return f"ended {message.get('status', '')}".strip()
            if b"event: changed" in message.get("body", b""):
                return str(message["body"].decode().split("data: ")[1].strip())

    async def leave(self) -> None:
        self._left.set()
        await asyncio.wait_for(self.stream, 10)


class Looking:
    """A state to be looked at, and how often it was."""

    def __init__(self) -> None:
        self.state = "first"
        self.looks = 0

    def __call__(self) -> str:
        self.looks += 1
        if self.state == "broken":
            raise ZeroDivisionError
        return self.state


@asynccontextmanager
async def watching(looking: Looking, count: int, most: int = 256) -> AsyncIterator[tuple[Watch, list[Viewer]]]:
    watch = Watch(looking, look_seconds=0.01, most=most)
    viewers = [Viewer(watch) for _ in range(count)]
    yield watch, viewers
    watch.end()
    await asyncio.wait_for(asyncio.gather(*(viewer.stream for viewer in viewers)), 10)


def test_all_viewers_hear_of_a_change_by_one_look() -> None:
    async def run() -> None:
        looking = Looking()
        async with watching(looking, 50) as (watch, viewers):
            assert {await viewer.news() for viewer in viewers} == {"first"}
            assert watch.streams == 50
            before = looking.looks
            looking.state = "second"
            assert {await viewer.news() for viewer in viewers} == {"second"}
            # A look of each viewer would be 50.
            assert looking.looks - before < 25
            late = Viewer(watch)
            assert await late.news() == "second"
            await late.leave()

    asyncio.run(run())


def test_nobody_looks_while_nobody_watches() -> None:
    async def run() -> None:
        looking = Looking()
        async with watching(looking, 1) as (watch, viewers):
            await viewers[0].news()
            await viewers[0].leave()
            assert watch.streams == 0
            await asyncio.sleep(0.02)
            looks = looking.looks
            await asyncio.sleep(0.1)
            assert looking.looks == looks

    asyncio.run(run())


def test_there_are_only_so_many_streams() -> None:
    async def run() -> None:
        async with watching(Looking(), 2, most=2) as (watch, viewers):
            await viewers[1].news()
            assert await Viewer(watch).news() == "ended 503"
            await viewers[0].leave()
            again = Viewer(watch)
            assert await again.news() == "first"
            await again.leave()

    asyncio.run(run())


def test_a_look_that_fails_ends_the_streams_and_the_next_viewer_starts_it_anew() -> None:
    async def run() -> None:
        looking = Looking()
        async with watching(looking, 1) as (watch, viewers):
            await viewers[0].news()
            looking.state = "broken"
            assert await viewers[0].news() == "ended"
            looking.state = "mended"
            again = Viewer(watch)
            assert await again.news() == "mended"
            await again.leave()

    asyncio.run(run())


def test_the_state_is_another_when_something_is_published_raised_or_cannot_be_read(history_file: Path) -> None:
    store = SQLiteHistory(history_file)
    reader = HistoryReader(lambda: SQLiteHistory(history_file, read_only=True))
    seen = [state_of(reader), state_of(reader)]
    assert seen[0] == seen[1]
    store.publish(CITY, NOW + 300)
    seen.append(state_of(reader))
    store.record([msgspec.structs.replace(SIGNALS[0], quiet_since=NOW)])
    seen.append(state_of(reader))
    store.record([msgspec.structs.replace(SIGNALS[0], quiet_since=NOW, ended_at=NOW)])
    seen.append(state_of(reader))
    seen.append(state_of(HistoryReader(lambda: SQLiteHistory(history_file.with_name("none"), read_only=True))))
    assert len(set(seen[1:])) == len(seen) - 1
    store.close()
    reader.close()


def test_a_server_with_viewers_stops_at_once(history_file: Path) -> None:
    with served(history_file) as address:
        port = int(address.rpartition(":")[2])
        connection = http.client.HTTPConnection(LOOPBACK, port, timeout=10)
        connection.request("GET", CHANGES)
        answer = connection.getresponse()
        assert answer.status == 200
        assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.readline() == b"retry: 3000\n"
        started = time.monotonic()
    # The server's grace is 5 s; a viewer stays for hours.
    assert time.monotonic() - started < 4
    assert threading.active_count() < 50
    assert answer.read().count(b"event: changed") <= 1
    connection.close()
