"""The same simulated case booked by another definition: the people wait as long, and the figures say otherwise."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Literal

import msgspec

from kept import events as e
from producers.simulator.voice import Timed

Booking = Literal["completion_at_an_earlier_stage", "due_later", "refusals_as_intended"]
"""What is booked otherwise: the completion, the promise, or the outcome."""
REFUSALS: tuple[e.Outcome, ...] = ("rejected", "not_intended")
_NOT_DELIVERED: tuple[e.Outcome, ...] = ("duplicate", "withdrawn")


def otherwise(
    case: list[Timed],
    booking: Booking,
    size: float,
    *,
    dice: Callable[[e.Event], Random],
    promised_ms: Callable[[int], int],
) -> list[Timed]:
    """The events of one beginning as `booking` books them; what is no case stays as it is.

    `size` is the share of the delivery, the factor on the promised time or the share of the refusals. `dice` are those
    of one event, `promised_ms` gives the due of a case opened at a moment that brings none of its own.
    """
    opened_ms = next((ms for ms, event in case if isinstance(event, e.CaseOpened)), None)
    if opened_ms is None:
        return case
    if booking == "completion_at_an_earlier_stage":
        return _completed_earlier(case, opened_ms, size)
    if booking == "due_later":
        return _due_later(case, opened_ms, size, promised_ms)
    return [_as_intended(timed, size, dice) for timed in case]


def _completed_earlier(case: list[Timed], opened_ms: int, share: float) -> list[Timed]:
    """The first delivery after `share` of the elapsed time; a clock that stops or a due that moves later is not told.

    What was never delivered (withdrawn, a duplicate) is booked as before.
    """
    first = next((timed for timed in case if isinstance(timed[1], e.CaseCompleted)), None)
    if first is None or first[1].data.outcome in _NOT_DELIVERED:
        return case
    booked_ms = opened_ms + round((first[0] - opened_ms) * share)
    resumes_ms = next((ms for ms, event in case if isinstance(event, e.CaseResumed)), None)
    told: list[Timed] = []
    for ms, event in case:
        if event is first[1]:
            told.append((booked_ms, msgspec.structs.replace(event, time=e.moment(booked_ms))))
        elif isinstance(event, e.CasePaused | e.CaseResumed):
            # A pause that would last beyond the end is left out whole: a closed case has no clock.
            told += [(ms, event)] if resumes_ms is not None and resumes_ms <= booked_ms else []
        elif not isinstance(event, e.CaseDueChanged) or ms <= booked_ms:
            told.append((ms, event))
    return told


def _due_later(case: list[Timed], opened_ms: int, factor: float, promised_ms: Callable[[int], int]) -> list[Timed]:
    """Every due of the case later by the same time, so that the first promise is `factor` times as long."""
    own = next(event.data.due for _, event in case if isinstance(event, e.CaseOpened))
    due_ms = promised_ms(opened_ms) if own is None else e.milliseconds(own)
    later_ms = round((due_ms - opened_ms) * (factor - 1))
    told: list[Timed] = []
    for ms, event in case:
        if isinstance(event, e.CaseOpened | e.CaseDueChanged):
            before_ms = due_ms if isinstance(event, e.CaseOpened) else e.milliseconds(event.data.due)
            data = msgspec.structs.replace(event.data, due=e.moment(before_ms + later_ms))
            told.append((ms, msgspec.structs.replace(event, data=data)))
        else:
            told.append((ms, event))
    return told


def _as_intended(timed: Timed, share: float, dice: Callable[[e.Event], Random]) -> Timed:
    at_ms, event = timed
    if not isinstance(event, e.CaseCompleted) or event.data.outcome not in REFUSALS:
        return timed
    if dice(event).random() >= share:
        return timed
    return at_ms, msgspec.structs.replace(event, data=msgspec.structs.replace(event.data, outcome="intended"))
