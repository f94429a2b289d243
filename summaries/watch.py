"""Says when there is something new: one look at the history per interval for all viewers, told to each as it happens.

An address answers with a stream of events (`text/event-stream`): `changed` once at the start, and whenever a moment was
published, a signal was raised or ended, or the history went away or came back; `here` now and then, so that silence
means a broken connection.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Callable
from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from kept.errors import KeptError
from summaries.known import HistoryReader

log = logging.getLogger(__name__)
LOOK_SECONDS: Final = 2.0
HERE_SECONDS: Final = 15.0
"""refresh.js takes a stream for broken that says nothing for three times as long."""
MOST_STREAMS: Final = 256
"""One open connection each; more are told to ask for the page now and then instead."""
_OPENING: Final = b"retry: 3000\n\n"


def state_of(history: HistoryReader) -> str:
    """A digest of what a page may show: another one means that there is something new."""
    try:
        published = history.read(lambda store: sorted(store.published().items()))
        signals = history.read(lambda store: [(one.key(), one.quiet_since) for one in store.open_signals()])
        seen = repr((published, signals))
    except KeptError as error:
        seen = str(error)
    return hashlib.blake2b(seen.encode(), digest_size=8).hexdigest()


class Watch:
    """An ASGI application: each viewer's stream of what is new. Belongs to one event loop."""

    def __init__(
        self, look: Callable[[], str], *, look_seconds: float = LOOK_SECONDS, most: int = MOST_STREAMS
    ) -> None:
        """`look` gives a digest, is called in a thread, and only while somebody is watching."""
        self._look = look
        self._look_seconds = look_seconds
        self._most = most
        self._streams: set[asyncio.Queue[str | None]] = set()
        self._looking: asyncio.Task[None] | None = None
        self._last: str | None = None
        self._ended = False

    @property
    def streams(self) -> int:
        """How many are open."""
        return len(self._streams)

    def end(self) -> None:
        """Close all streams, so that the server can stop; new ones are refused."""
        self._ended = True
        for stream in self._streams:
            stream.put_nowait(None)
        if self._looking is not None:
            self._looking.cancel()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers 503 when there are too many streams already."""
        if self._ended or len(self._streams) >= self._most:
            words = f"{len(self._streams)} streams are open; ask for the page itself now and then.\n"
            await PlainTextResponse(words, 503, {"retry-after": "60"})(scope, receive, send)
            return
        stream: asyncio.Queue[str | None] = asyncio.Queue()
        self._streams.add(stream)
        gone = asyncio.ensure_future(_gone(receive))
        try:
            if self._looking is None:
                self._looking = asyncio.create_task(self._look_again_and_again())
                self._looking.add_done_callback(self._on_end_of_looking)
            elif self._last is not None:
                stream.put_nowait(self._last)
            headers = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"x-accel-buffering", b"no")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            if scope["method"] != "HEAD":
                await self._tell(stream, gone, send)
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        except OSError:
            log.debug("a viewer has left")
        finally:
            gone.cancel()
            self._streams.discard(stream)
            if not self._streams and self._looking is not None:
                self._looking.cancel()
                self._looking = self._last = None

    async def _tell(self, stream: asyncio.Queue[str | None], gone: asyncio.Future[None], send: Send) -> None:
        """Until the viewer is `gone` or the watch has ended."""
        words: bytes | None = _OPENING
        while words is not None:
            await send({"type": "http.response.body", "body": words, "more_body": True})
            news = asyncio.ensure_future(stream.get())
            either: set[asyncio.Future[Any]] = {news, gone}
            await asyncio.wait(either, timeout=HERE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            if gone.done():
                news.cancel()
                return
            if not news.done():
                news.cancel()
                words = b"event: here\ndata:\n\n"
                continue
            state = news.result()
            words = None if state is None else f"event: changed\nid: {state}\ndata: {state}\n\n".encode()

    async def _look_again_and_again(self) -> None:
        while True:
            state = await run_in_threadpool(self._look)
            if state != self._last:
                self._last = state
                for stream in self._streams:
                    stream.put_nowait(state)
            await asyncio.sleep(self._look_seconds)

    def _on_end_of_looking(self, looking: asyncio.Task[None]) -> None:
        """Without it nothing new would ever be told: viewers come again, and start it anew."""
        if looking.cancelled():
            return
        log.error("the watch stopped looking", exc_info=looking.exception())
        self._looking = self._last = None
        for stream in self._streams:
            stream.put_nowait(None)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
