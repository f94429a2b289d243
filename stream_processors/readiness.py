"""Is a partition's state there? Its restore runs as a task of its own, which may fail or be cut off by a rebalance."""

from __future__ import annotations

import asyncio
from typing import Any


def is_through(restore: asyncio.Task[Any] | None) -> bool:
    """Whether the restore is through; False too when it failed, which is for others to raise."""
    return restore is not None and restore.done() and not restore.cancelled() and restore.exception() is None


def is_ready(restore: asyncio.Task[Any] | None) -> bool:
    """Whether the restore is through; raises what made it fail."""
    if restore is None or not restore.done() or restore.cancelled():
        return False
    restore.result()
    return True


async def when_ready(restore: asyncio.Task[Any] | None) -> bool:
    """Wait for the end of a restore: False when the partition was taken away meanwhile; raises what made it fail.

    Awaiting the task itself would cancel the caller, an agent of Faust, together with it.
    """
    if restore is not None:
        await asyncio.wait([restore])
    return is_ready(restore)
