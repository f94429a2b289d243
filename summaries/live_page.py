"""The live page: every service's promise, backlog, delivery, cost and satisfaction, from the history store. Read only.

Bound to loopback, no cookies, no external request; every page answers with a policy under which nothing but its own
style sheet and refresh script runs.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import uvicorn
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from history.store import HistoryStore
from kept.catalogue import Catalogue, Service
from kept.errors import KeptError, Retry
from kept.indicators.point import WHOLE, Point, as_json_object
from summaries.indicator_table import COLUMNS, make_table
from summaries.service_card import VERDICT_WORDS, Card, make_card

OpenHistory = Callable[[], HistoryStore]
HOSTS = ["127.0.0.1", "localhost"]
"""Names under which the page answers, so that a page elsewhere cannot reach it under a name of its own."""
HEADERS = {
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}
SIMULATED_ALL = "The events of every service here are made up; nothing on this page describes a real city."
SIMULATED_SOME = "The events of services marked “simulated” are made up."


class Figures:
    """The latest published points of each service. Opens the history when it is there, and again after an error."""

    def __init__(self, open_history: OpenHistory) -> None:
        """Nothing is opened before the first read."""
        self._open = open_history
        self._store: HistoryStore | None = None
        self._lock = threading.Lock()

    def latest(self, service: str) -> list[Point]:
        """Points of the whole service as of its last published moment; raises `Retry` while they cannot be read."""
        with self._lock:
            try:
                if self._store is None:
                    self._store = self._open()
                at = self._store.published().get(service)
                return [] if at is None else self._store.latest(service, slice=WHOLE, at=at)
            except KeptError:
                self._close()
                raise

    def close(self) -> None:
        """Release the history."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        if self._store is not None:
            self._store.close()
            self._store = None


class Pages:
    """The pages and their data, for one catalogue and one history."""

    def __init__(self, catalogue: Catalogue, figures: Figures, clock: Callable[[], float]) -> None:
        """`clock` gives epoch seconds: it only tells how far the data are behind."""
        self._catalogue = catalogue
        self._figures = figures
        self._clock = clock
        self._templates = Environment(
            loader=PackageLoader("summaries"),
            autoescape=select_autoescape(default=True),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def live(self) -> str:
        """All services, worst promise first."""
        cards, notices = [], []
        for service in self._catalogue.values():
            points, notice = self._points(service)
            cards.append(make_card(service, points, int(self._clock())))
            notices.append(notice)
        cards.sort(key=lambda card: card.order)
        simulated = [card.simulated for card in cards]
        banner = "" if not any(simulated) else SIMULATED_ALL if all(simulated) else SIMULATED_SOME
        notice = next(filter(None, notices), "")
        return self._render("live.html", cards=cards, notice=notice, tally=tally(cards), simulated=banner)

    def service(self, service: Service) -> str:
        """All indicators of one service."""
        points, notice = self._points(service)
        card = make_card(service, points, int(self._clock()))
        return self._render("service.html", card=card, notice=notice, families=make_table(points), columns=COLUMNS)

    def not_found(self, what: str) -> str:
        """What was asked for, and what there is."""
        services = sorted(self._catalogue.values(), key=lambda service: service.name)
        return self._render("not_found.html", what=what, services=services)

    def find(self, service_id: str) -> Service | None:
        """The service with this id."""
        return self._catalogue.get(service_id)

    def points(self, service_id: str) -> list[Point]:
        """Its latest points; raises `Retry` while they cannot be read."""
        return self._figures.latest(service_id)

    def _points(self, service: Service) -> tuple[list[Point], str]:
        try:
            return self._figures.latest(service.id), ""
        except KeptError as error:
            return [], f"{error}."

    def _render(self, template: str, **values: Any) -> str:
        return self._templates.get_template(template).render(**values)


def tally(cards: list[Card]) -> str:
    """How many services stand where, in words: never one score for all."""
    counts = Counter(card.verdict for card in cards)
    services = "1 service" if len(cards) == 1 else f"{len(cards)} services"
    parts = [
        f"{VERDICT_WORDS[verdict].lower()} by {counts[verdict]}" for verdict in ("below", "kept") if counts[verdict]
    ]
    parts += [
        f"{VERDICT_WORDS[verdict].lower()}: {counts[verdict]}" for verdict in ("close", "unknown") if counts[verdict]
    ]
    return f"{services}. {'; '.join(parts).capitalize()}."


class _Headers:
    """Puts `HEADERS` on every answer, also on errors and static files."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [
                    *message["headers"],
                    *((name.encode(), value.encode()) for name, value in HEADERS.items()),
                ]
            await send(message)

        await self._app(scope, receive, with_headers)


def live_page(
    catalogue: Catalogue,
    open_history: OpenHistory,
    *,
    clock: Callable[[], float] = time.time,
    names: Sequence[str] = (),
) -> Starlette:
    """The web application. `open_history` opens a store for reading; it is called again after each `Retry`.

    It answers under `HOSTS` and `names` alone.
    """
    figures = Figures(open_history)
    pages = Pages(catalogue, figures, clock)

    async def live(request: Request) -> Response:
        return HTMLResponse(await run_in_threadpool(pages.live))

    async def service(request: Request) -> Response:
        found = pages.find(request.path_params["service"])
        if found is None:
            return await not_found(request, None)
        return HTMLResponse(await run_in_threadpool(pages.service, found))

    async def latest(request: Request) -> Response:
        found = pages.find(request.path_params["service"])
        if found is None:
            return JSONResponse({"error": "no such service", "services": sorted(catalogue)}, 404)
        try:
            points = await run_in_threadpool(pages.points, found.id)
        except Retry as error:
            return JSONResponse({"error": str(error)}, 503, headers={"retry-after": "5"})
        except KeptError as error:
            return JSONResponse({"error": str(error)}, 500)
        return JSONResponse(
            {
                "service": found.id,
                "name": found.name,
                "simulated": found.simulated,
                "points": [{**as_json_object(point), "reason": point.reason} for point in points],
            }
        )

    async def healthz(request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def not_found(request: Request, error: Exception | None) -> Response:
        asked = f"Nothing is known under {request.url.path}."
        return HTMLResponse(await run_in_threadpool(pages.not_found, asked), 404)

    return Starlette(
        routes=[
            Route("/", live),
            Route("/service/{service}", service),
            Route("/api/latest/{service}.json", latest),
            Route("/healthz", healthz),
            Mount("/static", StaticFiles(directory=Path(__file__).with_name("static"))),
        ],
        exception_handlers={404: not_found},
        middleware=[Middleware(_Headers), Middleware(TrustedHostMiddleware, allowed_hosts=[*HOSTS, *names])],
    )


def serve(
    catalogue: Catalogue, open_history: OpenHistory, port: int, host: str = "127.0.0.1", names: Sequence[str] = ()
) -> None:
    """Serve the live page on `port` of `host`, under `names` too, until the process is told to end."""
    app = live_page(catalogue, open_history, names=names)
    config = uvicorn.Config(app, host=host, port=port, log_level="warning", access_log=False, server_header=False)
    asyncio.run(uvicorn.Server(config).serve())
