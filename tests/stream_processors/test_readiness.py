"""A restore that fails or is cut off by a rebalance: the first ends the worker, the second nothing but the restore."""

from __future__ import annotations

import asyncio

import pytest

from kept.errors import Retry
from stream_processors.readiness import is_ready, when_ready


async def _restores() -> int:
    return 7


async def _hangs() -> int:
    await asyncio.Event().wait()
    return 7


async def _fails() -> int:
    raise Retry("the log does not answer")


def test_a_partition_is_ready_when_its_restore_is_through() -> None:
    async def run() -> None:
        restore = asyncio.create_task(_restores())
        assert not is_ready(restore)
        assert await when_ready(restore)
        assert is_ready(restore)

    asyncio.run(run())


def test_a_failed_restore_is_told_to_whoever_asks() -> None:
    async def run() -> None:
        restore = asyncio.create_task(_fails())
        with pytest.raises(Retry, match="does not answer"):
            await when_ready(restore)
        with pytest.raises(Retry, match="does not answer"):
            is_ready(restore)

    asyncio.run(run())


def test_a_restore_that_is_cut_off_does_not_cancel_who_waits_for_it() -> None:
    async def run() -> None:
        restore = asyncio.create_task(_hangs())
        waiting = asyncio.create_task(when_ready(restore))
        await asyncio.sleep(0)
        restore.cancel()
        assert await waiting is False
        assert not is_ready(restore)

    asyncio.run(run())


def test_what_has_no_restore_is_not_ready() -> None:
    assert not is_ready(None)
