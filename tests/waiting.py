"""Waiting for what other processes and threads do: as short as it takes, and a failure that says what never came."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from local_stack.child import Child

PATIENCE_SECONDS = 60.0
"""Far more than anything takes, on a busy machine too: a test that waits so long fails."""


def eventually(
    is_so: Callable[[], object], what: str, child: Child | None = None, *, seconds: float = PATIENCE_SECONDS
) -> None:
    """Return as soon as `is_so()`. The test fails, saying `what` was waited for, when that takes too long or when the
    `child` that should bring it ends before."""
    deadline = time.monotonic() + seconds
    while not is_so():
        ended = child is not None and not child.running()
        if ended or time.monotonic() > deadline:
            when = f"before {child.name} ended" if child and ended else f"within {seconds:.0f} s"
            raise AssertionError(f"not {when}: {what}" + (f"\n{child.log_tail()}" if child else ""))
        time.sleep(0.05)


async def until(is_so: Callable[[], object], what: str, *, seconds: float = PATIENCE_SECONDS) -> None:
    """The same in an event loop."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        await asyncio.sleep(0.01)
