"""Calls to the history store: each in a thread, again and again until the store accepts, or until nobody wants it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from tenacity import (
    AsyncRetrying,
    RetryCallState,
    before_sleep_log,
    retry_if_exception_type,
    wait_exponential,
    wait_random,
)

from kept.errors import Retry
from stream_processors.stage_times import StageTimes

log = logging.getLogger("kept.indicators")
WRITE_SECONDS = 3.0
"""So long a rebalance, and the end of the worker, waits for a write to the history that has begun."""
PAUSES = wait_exponential(multiplier=0.1, max=2) + wait_random(0, 0.2)
"""Seconds between two attempts at a call. A store that is back is asked soon: few calls are under way at once."""


class _GivenUp(Exception):
    """Whoever asked is not interested any more."""


class StoreCalls:
    """All calls of one worker to its history store."""

    def __init__(self, stages: StageTimes) -> None:
        """`stages` counts the time of stage `write`."""
        self._stages = stages
        self._refused_since: dict[object, float] = {}

    def waiting_seconds(self) -> float:
        """For how long a call has been refused and tried again; 0 when the store accepts."""
        return max((time.monotonic() - since for since in self._refused_since.values()), default=0.0)

    async def until_accepted(self, given_up: asyncio.Event, call: Callable[..., Any], *arguments: Any) -> Any:
        """The answer of `call`; nothing is dropped while the store refuses it with `Retry`.

        None as soon as `given_up` is set: at once between two attempts, after `WRITE_SECONDS` within one. A call that
        hangs for longer is left alone in its thread, and its answer is not heard.
        """
        call_of_its_own, started = object(), time.monotonic()

        def refused(state: RetryCallState) -> None:
            self._refused_since[call_of_its_own] = started
            before_sleep_log(log, logging.WARNING)(state)

        async def pause(seconds: float) -> None:
            with suppress(TimeoutError):
                await asyncio.wait_for(given_up.wait(), seconds)

        first: Retry | None
        try:
            # Nearly all are accepted at once: what tries again leaves kilobytes for the garbage collector each time.
            try:
                return await self._once(given_up, call, arguments)
            except Retry as error:
                first = error
            async for attempt in AsyncRetrying(
                retry=retry_if_exception_type(Retry),
                wait=PAUSES,
                before_sleep=refused,
                sleep=pause,
                reraise=True,
            ):
                with attempt:
                    if first is not None:
                        told, first = first, None
                        raise told
                    return await self._once(given_up, call, arguments)
        except _GivenUp:
            return None
        finally:
            self._refused_since.pop(call_of_its_own, None)

    async def _once(self, given_up: asyncio.Event, call: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        if given_up.is_set():
            raise _GivenUp
        with self._stages.measure("write"):
            return await _answer(given_up, call, arguments)


async def _answer(given_up: asyncio.Event, call: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    answer = asyncio.ensure_future(asyncio.to_thread(call, *arguments))
    unwanted = asyncio.ensure_future(given_up.wait())
    try:
        await asyncio.wait({answer, unwanted}, return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            await asyncio.wait({answer}, timeout=WRITE_SECONDS)
        if not answer.done():
            raise _GivenUp
        return answer.result()
    finally:
        unwanted.cancel()
        answer.cancel()
