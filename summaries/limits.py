"""What of a request is looked at before any page: its method, its length, and whether another site sent it."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from typing import Final, Literal
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
BODY_SECONDS: Final = 20.0
"""A body that takes longer is refused."""


Sender = Literal["own_page", "other_site", "unsaid"]
"""Who sent a request: a page of the board, another site, or somebody of whom nothing is said, such as a program."""
SENDER: Final = "kept_sender"
"""The key under which `Limits` leaves the sender in the scope, for whoever takes forms."""


class TooLong(Exception):
    """The body has turned out to be longer than `MOST_BODY_BYTES`."""


class TooSlow(Exception):
    """The body is not there after `BODY_SECONDS`."""


class Limits:
    """Refuses what no page of ours asks for."""

    def __init__(self, app: ASGIApp, names: Collection[str]) -> None:
        """`names` are host names of the board behind a proxy that changes Host."""
        self._app = app
        self._names = frozenset(names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers 403, 405, 408, 413 or 414 itself."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope[SENDER] = sender(Headers(scope=scope), self._names)
        refused = self._refusal(scope)
        if refused is not None:
            await refused(scope, receive, send)
            return
        started, received, complete = False, 0, False
        until = asyncio.get_running_loop().time() + BODY_SECONDS

        async def counted() -> Message:
            nonlocal received, complete
            # Whoever only reads may listen for the end of the connection as long as it likes.
            try:
                async with asyncio.timeout_at(None if scope["method"] in READING or complete else until):
                    message = await receive()
            except TimeoutError as error:
                raise TooSlow from error
            received += len(message.get("body", b""))
            complete = not message.get("more_body", False)
            if received > MOST_BODY_BYTES:
                raise TooLong
            return message

        async def watched(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, counted, watched)
        except (TooLong, TooSlow) as error:
            if started:
                raise
            refused = _too_long() if isinstance(error, TooLong) else _too_slow()
            await refused(scope, receive, send)

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
        if scope["method"] not in READING and scope[SENDER] == "other_site":
            return PlainTextResponse("A form of another site was sent here; use the form of the board itself.\n", 403)
        return None


def sender(headers: Mapping[str, str], names: Collection[str]) -> Sender:
    """Who sent a request with `headers` (their names in small letters), where the board has `names` behind a proxy.

    A browser says where a form comes from, over plain HTTP by its Origin alone. Of a proxy that speaks TLS only name
    and port can be compared, not the scheme; of one that changes Host, only a name of `names`.
    """
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site not in (None, "same-origin", "none"):
        return "other_site"
    if origin is None:
        return "own_page" if site == "same-origin" else "unsaid"
    try:
        place = urlsplit(origin)
        is_ours = place.hostname is not None and (place.netloc == headers.get("host") or place.hostname in names)
    except ValueError:
        is_ours = False
    return "own_page" if is_ours else "other_site"


def _too_slow() -> PlainTextResponse:
    return PlainTextResponse(f"The body took more than {BODY_SECONDS:g} s.\n", 408, {"connection": "close"})


def _too_long() -> PlainTextResponse:
    return PlainTextResponse(f"The body is longer than {MOST_BODY_BYTES} bytes.\n", 413, {"connection": "close"})
