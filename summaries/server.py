"""The web application on a port. What it answers is `summaries.application`'s."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence

import uvicorn
from starlette.applications import Starlette

from kept.catalogue import Catalogue
from summaries.access import Access
from summaries.application import application
from summaries.known import OpenHistory

MOST_CONNECTIONS = 1000
"""Streams of what is new are among them (`watch.MOST_STREAMS`)."""
GRACE_SECONDS = 5
"""What is being answered when the process is told to end may take so long."""


class Server(uvicorn.Server):
    """Ends the streams of its viewers first, so that it stops at once and not when they leave."""

    def __init__(self, app: Starlette, host: str, port: int) -> None:
        """Nothing is bound before `run` or `serve`."""
        super().__init__(
            uvicorn.Config(
                app,
                host=host,
                port=port,
                log_level="warning",
                access_log=False,
                server_header=False,
                # Who connects is what decides whether a proxy's header is believed: no header may change it.
                proxy_headers=False,
                ws="none",
                limit_concurrency=MOST_CONNECTIONS,
                timeout_graceful_shutdown=GRACE_SECONDS,
            )
        )
        self._app = app

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close everything."""
        self._app.state.watch.end()
        await super().shutdown(sockets)


def serve(
    catalogue: Catalogue,
    open_history: OpenHistory,
    port: int,
    host: str = "127.0.0.1",
    names: Sequence[str] = (),
    access: Access | None = None,
) -> None:
    """Serve the pages on `port` of `host`, under `names` too, to whom `access` lets in, until told to end."""
    app = application(catalogue, open_history, names=names, access=access)
    asyncio.run(Server(app, host, port).serve())
