"""The web application: the pages of `summaries/pages`, read only but for decisions where that is switched on.

Bound to loopback, no cookies, no external request; every page answers with a policy under which nothing but its own
style sheet and scripts runs.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kept.catalogue import Catalogue
from summaries.known import HistoryReader, OpenHistory
<<<<<<< HEAD
from summaries.pages import live, service, week
from summaries.site import Asked, Site
=======
from summaries.pages import decisions, live, service
from summaries.site import Asked, Recording, Site
>>>>>>> main

HOSTS = ["127.0.0.1", "localhost"]
"""Names under which the page answers, so that a page elsewhere cannot reach it under a name of its own."""
HEADERS = {
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}
<<<<<<< HEAD
PAGES: tuple[ModuleType, ...] = (live, service, week)
=======
PAGES: tuple[ModuleType, ...] = (live, service, decisions)
>>>>>>> main
"""In the order of the navigation."""


def application(
    catalogue: Catalogue,
    open_history: OpenHistory,
    *,
    clock: Callable[[], float] = time.time,
    names: Sequence[str] = (),
    recording: Recording | None = None,
) -> Starlette:
    """The web application. `open_history` opens a store for reading; it is called again after each `Retry`.

    Without `recording` it writes nothing; with it, decisions and nothing else.

    It answers under `HOSTS` and `names` alone.
    """
    site = Site(catalogue, HistoryReader(open_history), clock, recording)
    site.nav = [page.NAV for page in PAGES if page.NAV is not None]

    async def healthz(request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def not_found(request: Request, error: Exception | None) -> Response:
        asked = Asked(path=request.url.path, parts={}, query={})
        return await run_in_threadpool(site.not_found, asked)

    return Starlette(
        routes=[
            *(route for page in PAGES for route in page.routes(site)),
            Route("/healthz", healthz),
            Mount("/static", StaticFiles(directory=Path(__file__).with_name("static"))),
        ],
        exception_handlers={404: not_found},
        middleware=[Middleware(_Headers), Middleware(TrustedHostMiddleware, allowed_hosts=[*HOSTS, *names])],
    )


def serve(
    catalogue: Catalogue,
    open_history: OpenHistory,
    port: int,
    host: str = "127.0.0.1",
    names: Sequence[str] = (),
    recording: Recording | None = None,
) -> None:
    """Serve the pages on `port` of `host`, under `names` too, until the process is told to end."""
    app = application(catalogue, open_history, names=names, recording=recording)
    config = uvicorn.Config(app, host=host, port=port, log_level="warning", access_log=False, server_header=False)
    asyncio.run(uvicorn.Server(config).serve())


class _Headers:
    """Puts `HEADERS` on every answer, also on errors and static files; a page's own policy stays."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = {name for name, _ in message["headers"]}
                ours = ((name.encode(), value.encode()) for name, value in HEADERS.items())
                message["headers"] = [*message["headers"], *(pair for pair in ours if pair[0] not in given)]
            await send(message)

        await self._app(scope, receive, with_headers)
