"""/metrics and /healthz of the process that sends the weekly summary, served beside its work."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from kept.settings import Settings
from summaries.post.metrics import PostMetrics
from web_server.connections import ConnectionLimits, LimitedConfig, LimitedServer, listen
from web_server.exposition import exposition
from web_server.rates import Rates

REQUESTS_PER_SECOND: Final = 20.0
"""Of one client: Prometheus and what supervises the process ask once in some seconds."""
LIMITS: Final = ConnectionLimits(connections=100, of_one_client=50, grace_seconds=1)
STALLED_SECONDS: Final = 1800.0
"""Longer than a round takes whose mail server lets every call time out."""
STOP_SECONDS: Final = 2.0


class Rounds:
    """When the last round of sending ended."""

    def __init__(self) -> None:
        """As if one had ended just now."""
        self._ended = time.monotonic()

    def ended(self) -> None:
        """A round has ended, whatever came of it."""
        self._ended = time.monotonic()

    def seconds_ago(self) -> float:
        """So long ago the last one ended."""
        return time.monotonic() - self._ended


def application(metrics: PostMetrics, rounds: Rounds) -> Starlette:
    """/healthz answers 503 when no round has ended for `STALLED_SECONDS`, /metrics the exposition."""

    async def healthz(_: Request) -> JSONResponse:
        ago = rounds.seconds_ago()
        healthy = ago < STALLED_SECONDS
        body = {"status": "ok" if healthy else "stalled", "seconds_since_last_round": round(ago, 1)}
        return JSONResponse(body, status_code=200 if healthy else 503)

    async def told(request: Request) -> Response:
        return exposition(metrics.registry, request)

    return Starlette(
        routes=[Route("/healthz", healthz), Route("/metrics", told)],
        middleware=[Middleware(Rates, per_second=REQUESTS_PER_SECOND)],
    )


@contextmanager
def serving(settings: Settings, metrics: PostMetrics, rounds: Rounds) -> Iterator[str]:
    """Serve in a thread of its own; the address as `host:port`. Raises `ConfigurationError` when the port is taken."""
    with listen("KEPT_METRICS_PORT", settings.metrics_host, settings.metrics_port) as listener:
        host, port = listener.getsockname()[:2]
        server = LimitedServer(LimitedConfig(application(metrics, rounds), LIMITS))
        thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])), daemon=True)
        thread.start()
        try:
            yield f"{host}:{port}"
        finally:
            server.should_exit = True
            thread.join(STOP_SECONDS)
