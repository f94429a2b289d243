"""How soon a store that is back is asked again."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from kept.errors import Retry
from stream_processors.stage_times import StageTimes
from stream_processors.store_calls import StoreCalls


@pytest.mark.parametrize("refusals", [1, 4, 12])
def test_a_store_that_is_back_is_asked_within_seconds_however_long_it_was_away(
    refusals: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    answers = iter([Retry("away")] * refusals)

    def call(value: int) -> int:
        for refusal in answers:
            raise refusal
        return value

    async def given_up_within(given_up: Any, seconds: float) -> None:
        given_up.close()
        pauses.append(seconds)
        raise TimeoutError

    async def run() -> Any:
        monkeypatch.setattr(asyncio, "wait_for", given_up_within)
        return await StoreCalls(StageTimes()).until_accepted(asyncio.Event(), call, 7)

    assert asyncio.run(run()) == 7
    assert len(pauses) == refusals
    assert 0.1 <= pauses[0] <= 0.3
    assert max(pauses) <= 2.2
    assert refusals < 12 or min(pauses[6:]) >= 2
