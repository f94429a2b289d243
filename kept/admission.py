"""What a sender can be told at once: whether the case processor would put an event aside.

The same question as when the event is applied; the processor asks it again, by its own catalogue and clock.
Only what needs the register (`too_many_facts`) cannot be known here.
"""

from __future__ import annotations

from collections.abc import Mapping

from kept import events as e
from kept.errors import Reject
from kept.intake import FUTURE_TOLERANCE_MS, Rules, read


def check(event: e.Event, rules: Mapping[str, Rules], clock_ms: int | None = None) -> None:
    """Raises the `Reject` that awaits `event`. `clock_ms` is the wall clock (ms), None where the future is no matter.

    A tick is refused: only Kept itself says how far time has come.
    """
    if isinstance(event, e.Tick):
        raise Reject("unknown_type", f"{e.TICK_TYPE} is internal; no sender may say how far time has come")
    read(event, rules, None if clock_ms is None else clock_ms + FUTURE_TOLERANCE_MS)
