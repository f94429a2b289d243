"""/metrics, /healthz and /livez of a worker.

Healthy means that work is being done, not that the process is there. Alive means that its loop turns: a worker that
waits for its broker or its history is alive, and starting it again would help nobody.
"""

from __future__ import annotations

import logging
import time
from typing import Any, Literal, get_args

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from kept.settings import Settings
from stream_processors.sinks.metrics import Metrics
from web_server.connections import ConnectionLimits, LimitedConfig, LimitedServer, listen
from web_server.exposition import exposition
from web_server.rates import Rates

Processor = Literal["cases", "indicators"]
PROCESSORS: tuple[Processor, ...] = get_args(Processor)
REQUESTS_PER_SECOND = 20.0
"""Of one client: Prometheus and what supervises the worker ask once in some seconds."""
LIMITS = ConnectionLimits(connections=200, of_one_client=100)

log = logging.getLogger("kept.health")


class _Progress:
    """When a processor last had nothing to do or did something (s), and how many records wait for it."""

    def __init__(self) -> None:
        self.moved = time.monotonic()
        self.lag = 0


class Health:
    """Unhealthy when one of the processors had work, or could not know, and moved nothing for `stall_seconds`.

    Each has a clock of its own: cases that flow must not hide a history store that hangs.
    """

    def __init__(self, stall_seconds: float) -> None:
        self._stall_seconds = stall_seconds
        self._progress = {name: _Progress() for name in PROCESSORS}

    def moved(self, processor: Processor) -> None:
        """A batch was dealt with."""
        self._progress[processor].moved = time.monotonic()

    def observe(self, processor: Processor, lag: int) -> None:
        """How many records are waiting, by the broker's own account; not called when the broker does not answer."""
        progress = self._progress[processor]
        if lag == 0:
            progress.moved = time.monotonic()
        progress.lag = lag

    def report(self) -> tuple[bool, dict[str, Any]]:
        """(healthy, what to say)."""
        now = time.monotonic()
        still = {name: now - progress.moved for name, progress in self._progress.items()}
        healthy = all(seconds < self._stall_seconds for seconds in still.values())
        said: dict[str, Any] = {
            name: {"lag_records": self._progress[name].lag, "seconds_without_progress": round(seconds, 1)}
            for name, seconds in still.items()
        }
        return healthy, {"status": "ok" if healthy else "stalled", **said}


def application(metrics: Metrics, health: Health) -> Starlette:
    """/healthz answers 503 when a processor has work and makes no progress, /livez always, /metrics the exposition."""

    async def healthz(_: Request) -> JSONResponse:
        healthy, body = health.report()
        return JSONResponse(body, status_code=200 if healthy else 503)

    async def livez(_: Request) -> JSONResponse:
        return JSONResponse({"status": "alive"})

    async def told(request: Request) -> Response:
        return exposition(metrics.registry, request)

    return Starlette(
        routes=[Route("/healthz", healthz), Route("/livez", livez), Route("/metrics", told)],
        middleware=[Middleware(Rates, per_second=REQUESTS_PER_SECOND)],
    )


async def serve(settings: Settings, metrics: Metrics, health: Health) -> None:
    """Serve until cancelled. Raises `ConfigurationError` when the port is taken."""
    app = application(metrics, health)
    server = LimitedServer(LimitedConfig(app, LIMITS))
    with listen("KEPT_METRICS_PORT", settings.metrics_host, settings.metrics_port) as listener:
        host, port = listener.getsockname()[:2]
        log.warning("worker %s serves http://%s:%s/metrics and /healthz", settings.worker_id, host, port)
        await server.serve(sockets=[listener])
