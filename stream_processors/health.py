"""/metrics and /healthz of a worker. Healthy means that work is being done, not that the process is there."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Generator
from contextlib import contextmanager

import uvicorn
from prometheus_client.exposition import choose_encoder
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from kept.errors import ConfigurationError
from kept.settings import Settings
from stream_processors.sinks.metrics import Metrics

log = logging.getLogger("kept.health")


class Health:
    """Unhealthy when there was work and nothing moved for `stall_seconds`."""

    def __init__(self, stall_seconds: float) -> None:
        self._stall_seconds = stall_seconds
        self._moved = time.monotonic()
        self._lag = 0

    def moved(self) -> None:
        """A batch was dealt with."""
        self._moved = time.monotonic()

    def observe(self, lag: int) -> None:
        """How many records are waiting."""
        if lag == 0:
            self._moved = time.monotonic()
        self._lag = lag

    def report(self) -> tuple[bool, dict[str, float | int | str]]:
        """(healthy, what to say)."""
        still = time.monotonic() - self._moved
        healthy = still < self._stall_seconds
        status = "ok" if healthy else "stalled"
        return healthy, {"status": status, "lag_records": self._lag, "seconds_without_progress": round(still, 1)}


async def serve(settings: Settings, metrics: Metrics, health: Health) -> None:
    """Serve until cancelled. Raises `ConfigurationError` when the port is taken."""

    async def healthz(_: Request) -> JSONResponse:
        healthy, body = health.report()
        return JSONResponse(body, status_code=200 if healthy else 503)

    async def exposition(request: Request) -> Response:
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(metrics.registry), headers={"content-type": content_type})

    app = Starlette(routes=[Route("/healthz", healthz), Route("/metrics", exposition)])
    server = _Server(uvicorn.Config(app, log_level="warning", lifespan="off", access_log=False))
    with _listen(settings.metrics_host, settings.metrics_port) as listener:
        host, port = listener.getsockname()[:2]
        log.warning("worker %s serves http://%s:%s/metrics and /healthz", settings.worker_id, host, port)
        await server.serve(sockets=[listener])


class _Server(uvicorn.Server):
    """Leaves signals to Faust: a worker stops as a whole."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


def _listen(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise ConfigurationError(
            f"KEPT_METRICS_PORT: {host}:{port} cannot be used ({error.strerror}); set a free port, or 0 for any"
        ) from error
    return listener
