"""The web application on a port. What it answers is `summaries.application`'s."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence

import uvicorn
from msgspec.structs import replace
from starlette.applications import Starlette

from kept.catalogue import Catalogue
from kept.settings import Settings
from summaries.access import Access
from summaries.application import CHANGES, application
from summaries.known import OpenHistory
from summaries.site import Recording
from web_server.clients import networks_of
from web_server.connections import ConnectionLimits, LimitedConfig

LIMITS = ConnectionLimits(endless=frozenset({CHANGES}), grace_seconds=5)
"""Streams of what is new are among the connections (`watch.MOST_STREAMS`)."""


class Server(uvicorn.Server):
    """Ends the streams of its viewers first, so that it stops at once and not when they leave."""

    def __init__(self, app: Starlette, host: str, port: int, limits: ConnectionLimits = LIMITS) -> None:
        """Nothing is bound before `run` or `serve`."""
        super().__init__(LimitedConfig(app, limits, host=host, port=port))
        self._app = app

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close everything."""
        self._app.state.watch.end()
        await super().shutdown(sockets)


def serve(
    settings: Settings,
    catalogue: Catalogue,
    open_history: OpenHistory,
    names: Sequence[str] = (),
    access: Access | None = None,
    recording: Recording | None = None,
) -> None:
    """Serve the pages on the board's host and port, under `names` too, to whom `access` lets in, until told to end."""
    proxies = networks_of("KEPT_TRUSTED_PROXIES", settings.trusted_proxies)
    app = application(
        catalogue,
        open_history,
        names=names,
        access=access,
        recording=recording,
        requests_per_second=settings.board_requests_per_second,
        trusted_proxies=proxies,
    )
    limits = replace(LIMITS, proxies=proxies)
    asyncio.run(Server(app, settings.board_host, settings.board_port, limits).serve())
