"""The application: POST /events, GET /healthz, GET /metrics. It answers 202 only when the events are on disk."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from kept.case_hashing import CaseHashing
from kept.errors import Retry, SpoolFull
from kept.intake import Rules
from kept.settings import Settings
from kept.tokens import Tokens
from producers.durable_publisher import DurablePublisher
from producers.intake.bodies import check_headers, read_body
from producers.intake.figures import Figures
from producers.intake.problems import Problem, ProblemName
from producers.intake.reading import BadEvents, read, split
from producers.spool import Message
from web_server.clients import client_of, networks_of
from web_server.exposition import exposition
from web_server.failed_logins import FailedLogins
from web_server.rates import Rates, retry_after

TELL_SECONDS = 60.0

log = logging.getLogger("kept.intake")


class Intake:
    """What the handlers share: the tokens, which may be replaced while it runs, and whether it is stopping."""

    def __init__(
        self,
        settings: Settings,
        rules: Mapping[str, Rules],
        publisher: DurablePublisher,
        tokens: Tokens,
        hashing: CaseHashing,
    ) -> None:
        self.tokens = tokens
        self.stopping = False
        self.figures = Figures(publisher)
        self._settings = settings
        self._rules = rules
        self._hashing = hashing
        self._publisher = publisher
        self._tell_again = 0.0
        self._failed = FailedLogins()
        self._proxies = networks_of("KEPT_TRUSTED_PROXIES", settings.trusted_proxies)

    def application(self) -> Starlette:
        """The ASGI application."""
        routes = [
            Route("/events", self.post_events, methods=["POST"]),
            Route("/healthz", self.healthz),
            Route("/metrics", self.metrics),
        ]
        app = Starlette(
            routes=routes,
            exception_handlers={Problem: self._refuse, HTTPException: self._http, Exception: self._internal},
            middleware=[
                Middleware(
                    Rates,
                    per_second=self._settings.intake_requests_per_second,
                    proxies=self._proxies,
                    refuse=self._too_many,
                )
            ],
        )
        # A redirection would go to whatever Host was sent, and take the events and the token along.
        app.router.redirect_slashes = False
        return app

    async def post_events(self, request: Request) -> Response:
        """202 with the number of events when all of them are on disk; else the `Problem`, and none is accepted."""
        if self.stopping:
            raise Problem("stopping", "send the same again when it is back")
        self._authorize(request)
        kind = check_headers(request.headers)
        if self.figures.under_way >= self._settings.intake_requests:
            raise Problem("busy", f"{self._settings.intake_requests} are; send the same again, or larger batches")
        self.figures.under_way += 1
        try:
            accepted = await self._accept(kind, await read_body(request, self._settings.intake_body_bytes))
        except ClientDisconnect:
            return Response(status_code=400)  # nobody reads it
        finally:
            self.figures.under_way -= 1
        return JSONResponse({"accepted": accepted}, status_code=202)

    async def healthz(self, _: Request) -> JSONResponse:
        """200 while events are accepted, else 503; the body says how the spool and the broker stand."""
        healthy, body = self.figures.health(self.stopping)
        return JSONResponse(body, status_code=200 if healthy else 503)

    async def metrics(self, request: Request) -> Response:
        """The exposition for Prometheus."""
        return exposition(self.figures.registry, request)

    async def _accept(self, kind: str, body: bytes) -> int:
        values = split(kind, body)
        try:
            clock_ms = time.time_ns() // 1_000_000 if self._settings.live else None
            messages = read(values, self._rules, clock_ms, self._hashing)
            await self._put_on_disk(messages)
        except Problem as problem:
            self.figures.refused += len(values)
            if isinstance(problem, BadEvents):
                self.figures.bad_events(problem.bad)
            raise
        self.figures.accepted += len(values)
        return len(values)

    async def _put_on_disk(self, messages: list[Message]) -> None:
        try:
            await asyncio.wrap_future(self._publisher.submit(messages))
        except SpoolFull as error:
            self._tell(error)
            detail = f"{self._publisher.spool.waiting} events wait for the broker; send the same again later"
            raise Problem("spool_full", detail) from error
        except Retry as error:
            self._tell(error)
            raise Problem("spool_unwritable", "its disk takes nothing; send the same again later") from error

    def _tell(self, error: Retry) -> None:
        """What a person must do is for the log, once a while: the answer goes to strangers."""
        now = time.monotonic()
        if now >= self._tell_again:
            log.error("%s", error)
            self._tell_again = now + TELL_SECONDS

    def _authorize(self, request: Request) -> None:
        given = request.headers.get("authorization")
        right = self.tokens.accept(given)
        if given is not None:
            client = client_of(request.scope, self._proxies)
            wait = self._failed.wait(client, given, right, time.monotonic())
            if wait:
                detail = "tokens from there are not looked at for a while, right or not; send the same again later"
                raise Problem("too_many_failures", detail, headers=retry_after(wait))
        if not right:
            challenge = 'Bearer realm="kept"' + ("" if given is None else ', error="invalid_token"')
            detail = "send `Authorization: Bearer TOKEN` with a token of the intake's token file"
            raise Problem("unauthorized", detail, headers={"www-authenticate": challenge})

    async def _refuse(self, _: Request, problem: Exception) -> Response:
        assert isinstance(problem, Problem)
        return self._answer(problem)

    def _too_many(self, wait: float) -> Response:
        detail = f"{self._settings.intake_requests_per_second:g} a second are taken; send larger batches"
        return self._answer(Problem("too_many_requests", detail, headers=retry_after(wait)))

    def _answer(self, problem: Problem) -> Response:
        self.figures.problems[problem.name] += 1
        return problem.response()

    async def _http(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        name: ProblemName = "method_not_allowed" if error.status_code == 405 else "not_found"
        return await self._refuse(request, Problem(name, "POST /events, GET /healthz, GET /metrics"))

    async def _internal(self, request: Request, _: Exception) -> Response:
        detail = "it is not known whether the events were accepted; send the same again"
        return await self._refuse(request, Problem("internal", detail))
