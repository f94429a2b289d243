"""HTTP for strangers: uvicorn's own, but heads and whole requests must come to an end in time, and only so many
connections are there, of all and of one client.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Generator
from contextlib import contextmanager

import uvicorn
from msgspec import Struct
from starlette.applications import Starlette
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from kept.errors import ConfigurationError
from web_server.clients import Network, connected


class ConnectionLimits(Struct, frozen=True, kw_only=True):
    """What a connection may take. Seconds and bytes."""

    head_seconds: float = 10.0
    """From the connection, or the last answer, until a request's head is there in full."""
    request_seconds: float = 60.0
    """From a request's head until its answer is with the client: a slow body and a slow reader end here."""
    head_bytes: int = 16 * 1024
    idle_seconds: int = 5
    """A connection without a request is kept so long."""
    connections: int = 1000
    """Open at most; more are told 503."""
    of_one_client: int = 400
    """Open at most from one address that is none of `proxies`."""
    proxies: tuple[Network, ...] = ()
    endless: frozenset[str] = frozenset()
    """Paths whose answers have no end: streams of events. They bound themselves."""
    grace_seconds: int = 10
    """What is being answered when the process is told to end may take so long."""


class LimitedConfig(uvicorn.Config):
    """uvicorn's configuration with `limits`: no access log (ids are in no log), no lifespan, no header is believed."""

    def __init__(self, app: Starlette, limits: ConnectionLimits, *, host: str = "127.0.0.1", port: int = 0) -> None:
        """Host and port matter only where no socket is given to `serve`."""
        self.limits = limits
        super().__init__(
            app,
            host=host,
            port=port,
            http=ImpatientProtocol,
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            log_level="warning",
            server_header=False,
            # Who connects decides whether a proxy's header is believed: no header may change it.
            proxy_headers=False,
            h11_max_incomplete_event_size=limits.head_bytes,
            timeout_keep_alive=limits.idle_seconds,
            limit_concurrency=limits.connections,
            timeout_graceful_shutdown=limits.grace_seconds,
        )


class ImpatientProtocol(H11Protocol):
    """Closes a connection whose next request is not there in time, or whose request does not come to its end in time.

    uvicorn has a time-out only for a connection that says nothing between two requests. Dribbling sets no clock back.
    """

    _deadline: asyncio.TimerHandle | None = None
    _refused = False

    def __init__(self, config: LimitedConfig, server_state: ServerState, *arguments: object, **named: object) -> None:
        """One connection, of a server made with `config`."""
        super().__init__(config, server_state, *arguments, **named)  # type: ignore[arg-type]
        self._limits = config.limits

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A connection: the clock runs, unless its client has too many."""
        super().connection_made(transport)
        if self._is_one_too_many():
            self._refused = True
            transport.write(_TOO_MANY)
            transport.close()
            return
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Gone: nothing to wait for."""
        self._stop_clock()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """A piece of a request."""
        if self._refused:
            return
        was_waiting = self._is_between_requests()
        super().data_received(data)
        if was_waiting and not self._is_between_requests():
            self._await_end()

    def on_response_complete(self) -> None:
        """Answered: the next request may come, or is there already."""
        was = self.cycle
        super().on_response_complete()
        if self.cycle is was:
            self._await_head()
        else:
            self._await_end()

    def _is_between_requests(self) -> bool:
        return self.cycle is None or bool(self.cycle.response_complete)

    def _is_one_too_many(self) -> bool:
        name = self._client_name()
        if name is None:
            return False
        others = (one for one in self.connections if isinstance(one, ImpatientProtocol))
        return bool(sum(one._client_name() == name for one in others) > self._limits.of_one_client)

    def _client_name(self) -> str | None:
        return connected(self.client[0] if self.client else "", self._limits.proxies)

    def _await_head(self) -> None:
        self._start_clock(self._limits.head_seconds)

    def _await_end(self) -> None:
        if self.scope["path"] in self._limits.endless:
            self._stop_clock()
        else:
            self._start_clock(self._limits.request_seconds)

    def _start_clock(self, seconds: float) -> None:
        self._stop_clock()
        self._deadline = self.loop.call_later(seconds, self.transport.abort)

    def _stop_clock(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


class LimitedServer(uvicorn.Server):
    """A uvicorn server that leaves signals to the process it is a part of."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """No handlers."""
        yield


def listen(setting: str, host: str, port: int) -> socket.socket:
    """A socket that listens; raises `ConfigurationError` naming the `setting` of the port when it is taken."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen()  # at once: whoever reads the address in the log may use it
    except OSError as error:
        listener.close()
        raise ConfigurationError(
            f"{setting}: {host}:{port} cannot be used ({error.strerror}); set a free port, or 0 for any"
        ) from error
    return listener


_TOO_MANY = (
    b"HTTP/1.1 429 Too Many Requests\r\nretry-after: 5\r\nconnection: close\r\n"
    b"content-type: text/plain; charset=utf-8\r\ncontent-length: 36\r\n\r\nToo many connections from one place\n"
)
