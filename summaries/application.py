"""The web application: the pages of `summaries/pages`, read only but for decisions where that is switched on.

No cookies, no external request; every page answers with a policy under which nothing but its own style sheet and
scripts runs. Who may see it: `summaries.access`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType

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
from summaries.access import Access, Login
from summaries.known import HistoryReader, OpenHistory
from summaries.limits import Limits
from summaries.pages import (
    changes,
    checks,
    compare,
    counted,
    decisions,
    definitions,
    equity,
    later,
    live,
    number,
    objectives,
    promises,
    series,
    service,
    service_pictures,
    waste,
    week,
)
from summaries.site import Asked, Recording, Site
from summaries.watch import Watch, state_of
from web_server.clients import Network
from web_server.rates import Rates

HOSTS = ["127.0.0.1", "localhost"]
"""Names under which the page answers, so that a page elsewhere cannot reach it under a name of its own."""
HEADERS = {
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    # Nothing is told to other sites; the board's own forms must say where they come from.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}
PAGES: tuple[ModuleType, ...] = (
    live,
    week,
    decisions,
    changes,
    objectives,
    compare,
    equity,
    waste,
    checks,
    promises,
    counted,
    definitions,
    later,
    number,
    series,
    service,
    service_pictures,
)
"""In the order of the navigation."""
CHANGES = "/live/changes"
"""Where pages hear that there is something new."""


def application(
    catalogue: Catalogue,
    open_history: OpenHistory,
    *,
    clock: Callable[[], float] = time.time,
    names: Sequence[str] = (),
    access: Access | None = None,
    recording: Recording | None = None,
    requests_per_second: float = 1000.0,
    trusted_proxies: Sequence[Network] = (),
) -> Starlette:
    """The web application. `open_history` opens a store for reading; it is called again after each `Retry`.

    Without `recording` it writes nothing; with it, decisions and nothing else.

    It answers under `HOSTS` and `names` alone, to whom `access` lets in (None: nobody needs to log in). `state.watch`
    must be ended before the server stops. A client may send `requests_per_second`; which client a request behind one of
    `trusted_proxies` comes from is read from X-Forwarded-For.
    """
    site = Site(catalogue, HistoryReader(open_history), clock, recording)
    watch = Watch(lambda: state_of(site.history))
    site.nav = [page.NAV for page in PAGES if page.NAV is not None]

    async def healthz(request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def not_found(request: Request, error: Exception | None) -> Response:
        asked = Asked(path=request.url.path, parts={}, query={})
        return await run_in_threadpool(site.not_found, asked)

    pages = Starlette(
        routes=[
            *(route for page in PAGES for route in page.routes(site)),
            Route("/healthz", healthz),
            Route(CHANGES, watch),
            Mount("/static", StaticFiles(directory=Path(__file__).with_name("static"))),
        ],
        exception_handlers={404: not_found},
        middleware=[
            Middleware(_Headers),
            Middleware(Rates, per_second=requests_per_second, proxies=trusted_proxies),
            Middleware(TrustedHostMiddleware, allowed_hosts=[*HOSTS, *names]),
            Middleware(Limits, names=names),
            Middleware(Login, access=access or Access(), trusted_proxies=trusted_proxies),
        ],
    )
    pages.state.watch = watch
    return pages


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
