"""HTTP for strangers: uvicorn's own, but a request's head must arrive in time, and only so many may be connected."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextlib import contextmanager

import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS = 10.0
HEAD_BYTES = 16 * 1024
IDLE_SECONDS = 5
"""A connection without a request is kept so long."""
CONNECTIONS = 1000
"""Open connections at most; uvicorn answers 503 beyond."""
GRACE_SECONDS = 10


class ImpatientProtocol(H11Protocol):
    """Closes a connection whose next request is not there in full, up to its body, after `HEAD_SECONDS`.

    uvicorn has a time-out only for a connection that says nothing between two requests.
    """

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A connection: the clock runs."""
        super().connection_made(transport)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Gone: nothing to wait for."""
        self._unwatch()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """A piece of a request; dribbling does not set the clock back."""
        super().data_received(data)
        if self._between_requests():
            self._watch()
        else:
            self._unwatch()

    def _between_requests(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _watch(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(HEAD_SECONDS, self._give_up)

    def _unwatch(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        self._deadline = None
        if self._between_requests():
            self.transport.abort()


class IntakeServer(uvicorn.Server):
    """A uvicorn server that leaves signals to the intake."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """No handlers."""
        yield


def server_of(app: Starlette) -> IntakeServer:
    """The server of `app`: no access log (ids are in no log), no lifespan, bounded heads and connections."""
    return IntakeServer(
        uvicorn.Config(
            app,
            http=ImpatientProtocol,
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            log_level="warning",
            server_header=False,
            h11_max_incomplete_event_size=HEAD_BYTES,
            timeout_keep_alive=IDLE_SECONDS,
            limit_concurrency=CONNECTIONS,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
    )
