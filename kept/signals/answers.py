"""What people made of a raised signal, from all that they said of it in any order."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

from kept.signals.raised import Response

Judgement = Literal["useful", "noise"]


class Answer(Struct, frozen=True, kw_only=True):
    """The first acknowledgement and the last judgement, both with their wall clock (s); None where there is none."""

    acknowledged_at: int | None = None
    judged: Judgement | None = None
    judged_at: int | None = None


UNANSWERED = Answer()


def answers(responses: Iterable[Response]) -> dict[str, Answer]:
    """The answer to each signal, by its id. Of two judgements in one second `useful` stands, whatever their order."""
    acknowledged: dict[str, int] = {}
    judged: dict[str, tuple[int, Judgement]] = {}
    for response in responses:
        if response.says == "acknowledged":
            acknowledged[response.id] = min(response.at, acknowledged.get(response.id, response.at))
        else:
            said = (response.at, response.says)
            judged[response.id] = max(said, judged.get(response.id, said))
    return {
        signal: Answer(
            acknowledged_at=acknowledged.get(signal),
            judged=judged[signal][1] if signal in judged else None,
            judged_at=judged[signal][0] if signal in judged else None,
        )
        for signal in acknowledged.keys() | judged.keys()
    }
