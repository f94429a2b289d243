"""What of a request is looked at before any page: its method, its length, and whether another site sent it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

READING: Final = frozenset({"GET", "HEAD"})
METHODS: Final = (*sorted(READING), "POST")
MOST_TARGET_BYTES: Final = 8000
"""Of path and query; a page refuses a shorter query already, with a sentence about it."""
MOST_BODY_BYTES: Final = 64 * 1024
"""A decision with all its words is a tenth of this."""


class TooLong(Exception):
    """The body has turned out to be longer than `MOST_BODY_BYTES`."""


class Limits:
    """Refuses what no page of ours asks for."""

    def __init__(self, app: ASGIApp, names: Collection[str]) -> None:
        """`names` are host names of the board behind a proxy that changes Host."""
        self._app = app
        self._names = frozenset(names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers 403, 405, 413 or 414 itself."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refused = self._refusal(scope)
        if refused is not None:
            await refused(scope, receive, send)
            return
        started, received = False, 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > MOST_BODY_BYTES:
                raise TooLong
            return message

        async def watched(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, counted, watched)
        except TooLong:
            if started:
                raise
            await _too_long()(scope, receive, send)

    def _refusal(self, scope: Scope) -> PlainTextResponse | None:
        headers = Headers(scope=scope)
        if scope["method"] not in METHODS:
            words = f"{scope['method'][:20]} is not known here; valid: {', '.join(METHODS)}.\n"
            return PlainTextResponse(words, 405, {"allow": ", ".join(METHODS)})
        if len(scope.get("raw_path") or scope["path"].encode()) + len(scope["query_string"]) > MOST_TARGET_BYTES:
            return PlainTextResponse(f"The address is longer than {MOST_TARGET_BYTES} bytes.\n", 414)
        said = headers.get("content-length", "0")
        if not said.isascii() or not said.isdigit() or len(said) > 9 or int(said) > MOST_BODY_BYTES:
            return _too_long()
        if scope["method"] not in READING and not self._is_ours(headers):
            return PlainTextResponse("A form of another site was sent here; use the form of the board itself.\n", 403)
        return None

    def _is_ours(self, headers: Headers) -> bool:
        """Whether no other site sent this: a browser says where a form comes from, a program does not."""
        if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            return False
        origin = headers.get("origin")
        if origin is None:
            return True
        try:
            place = urlsplit(origin)
            return place.netloc == headers.get("host") or place.hostname in self._names
        except ValueError:
            return False


def _too_long() -> PlainTextResponse:
    return PlainTextResponse(f"The body is longer than {MOST_BODY_BYTES} bytes.\n", 413, {"connection": "close"})
