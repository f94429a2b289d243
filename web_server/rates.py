"""How many requests a client may send: beyond that it is told when to come again."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from typing import Final

from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from web_server.buckets import Buckets
from web_server.clients import Network, client_of

SECONDS_AT_ONCE: Final = 10
"""A client that was silent may send at once what it may send in so many seconds."""


class Rates:
    """Lets through `per_second` requests a client in the long run, and refuses the others before any work."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        per_second: float,
        proxies: Sequence[Network] = (),
        refuse: Callable[[float], Response] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`refuse` makes the answer from the seconds to wait; 429 in plain words unless given."""
        self._app = app
        self._buckets = Buckets(per_second, max(1.0, per_second * SECONDS_AT_ONCE))
        self._proxies = proxies
        self._refuse = refuse or too_many_requests
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers 429 itself."""
        if scope["type"] == "http":
            wait = self._buckets.take(client_of(scope, self._proxies), self._clock())
            if wait:
                await self._refuse(wait)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def too_many_requests(wait: float) -> PlainTextResponse:
    """429, with the seconds to wait."""
    return PlainTextResponse("Too many requests came from here; come again later.\n", 429, retry_after(wait))


def retry_after(wait: float) -> dict[str, str]:
    """The header that tells to come again after `wait` seconds."""
    return {"retry-after": str(math.ceil(wait))}
