"""Faust's process of a worker, and how it comes to its end: soon, whatever it is waiting for."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Collection
from signal import Signals
from typing import Any

import faust

STOP_SECONDS = 7.0
"""A worker that is told to stop ends within so long, whatever it is waiting for."""
LAST_SECONDS = 1.0
"""When all services of a worker have stopped, batches under way may take so long, and so may what is cancelled then."""


class WorkerProcess(faust.Worker):  # type: ignore[misc]
    """Faust's own, with an end to its patience: it waits for ever for a broker that is away."""

    def __init__(
        self,
        app: faust.App,
        *,
        overdue: Callable[[], None],
        under_way: Callable[[], Collection[asyncio.Task[None]]],
        **options: Any,
    ) -> None:
        super().__init__(app, **options)
        self.spinner = None  # it writes to terminals, and its control characters into logs
        self._overdue = overdue
        self._under_way = under_way

    def _schedule_shutdown(self, signal: Signals) -> None:
        """A thread looks at the clock: the loop may hang in a rebalance or a restore."""
        super()._schedule_shutdown(signal)
        timer = threading.Timer(STOP_SECONDS, self._overdue)
        timer.daemon = True
        timer.start()

    def _gather_all(self) -> None:
        """Batches under way may end. Clients that wait for a broker never do: Faust gives them a second for nothing."""
        batches = self._under_way()
        if batches:
            self.loop.run_until_complete(asyncio.wait(batches, timeout=LAST_SECONDS))
        for task in asyncio.all_tasks(self.loop):
            task.cancel()

    async def _sentinel_task(self) -> None:
        """The last to run: what was cancelled may end. Faust waits a second, even for nothing."""
        cancelled = asyncio.all_tasks() - {asyncio.current_task()}
        if cancelled:
            await asyncio.wait(cancelled, timeout=LAST_SECONDS)
