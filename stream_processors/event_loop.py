"""The event loop of a worker: uvloop, which is a fifth faster, but does not wait half a minute for a TLS goodbye."""

from __future__ import annotations

import asyncio
from typing import Any

import uvloop

GOODBYE_SECONDS = 0.5
"""For the broker to confirm that a TLS connection ends; nothing is sent any more by then."""


class WorkerLoop(uvloop.Loop):
    """uvloop whose TLS connections end soon.

    A Kafka broker may never confirm the end. uvloop would wait 30 s for it, each time a client closes: a restore would
    take so long, and a worker be killed by its supervisor before it has stopped.
    """

    async def create_connection(self, *args: Any, ssl: Any = None, **options: Any) -> Any:
        """As the loop's own."""
        if ssl is not None:
            options.setdefault("ssl_shutdown_timeout", GOODBYE_SECONDS)
        return await super().create_connection(*args, ssl=ssl, **options)


class WorkerLoopPolicy(uvloop.EventLoopPolicy):  # type: ignore[misc]
    """Every loop of the process, that of Faust's consumer thread too, is a `WorkerLoop`."""

    def _loop_factory(self) -> WorkerLoop:
        return WorkerLoop()


def install() -> None:
    """Make it the kind of every loop made from now on."""
    asyncio.set_event_loop_policy(WorkerLoopPolicy())
