"""The end of a worker's process, after all its services have stopped."""

from __future__ import annotations

import asyncio

import faust

from stream_processors.worker_process import WorkerProcess


def test_a_batch_under_way_ends_and_what_waits_for_ever_is_cancelled_and_may_tidy_up() -> None:
    loop = asyncio.new_event_loop()
    process = object.__new__(WorkerProcess)
    process.loop = loop
    tidied = []

    async def batch() -> str:
        await asyncio.sleep(0.05)
        return "committed"

    async def client() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            tidied.append("client")

    under_way, waiting = loop.create_task(batch()), loop.create_task(client())
    process._under_way = lambda: {under_way}
    try:
        process._gather_all()
        assert under_way.result() == "committed"
        loop.run_until_complete(process._sentinel_task())
        assert waiting.cancelled()
        assert tidied == ["client"]
    finally:
        loop.close()


def test_faust_still_calls_what_is_overridden() -> None:
    """Private methods of a pinned dependency: an upgrade that moves them fails here."""
    told = faust.Worker._shutdown_loop.__code__.co_names
    assert {"_gather_all", "_sentinel_task"} <= set(told)
    assert {"_gather_all", "_sentinel_task", "_schedule_shutdown"} <= set(dir(faust.Worker))
