"""What a sender is told at once is what the case processor would have said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kept import admission
from kept import events as e
from kept.errors import Reject
from kept.partition import PartitionState
from tests.kept.city import LIGHTS, PLAIN, event, ms
from tests.kept.lives import cities
from tests.kept.test_intake import MONDAY, REFUSED, RULES, WORKING, Rules

BY_ID = {LIGHTS.id: RULES}
ALL = [value for values in REFUSED.values() for value in values]


def said_at_once(one: e.Event | Reject, rules: dict[str, Rules], clock_ms: int | None) -> tuple[str, str] | None:
    try:
        if isinstance(one, Reject):
            raise one
        admission.check(one, rules, clock_ms)
    except Reject as rejection:
        return rejection.reason, str(rejection)
    return None


def said_by_the_processor(
    one: e.Event | Reject, rules: dict[str, Rules], clock_ms: int | None
) -> tuple[str, str] | None:
    letters = PartitionState(0, rules).apply(0, [one], clock_ms).dead_letters
    return (letters[0].rejection.reason, str(letters[0].rejection)) if letters else None


@pytest.mark.parametrize("value", ALL)
def test_what_the_processor_would_put_aside_is_refused_with_the_same_words(value: bytes | None) -> None:
    (one,) = e.decode_batch([value])
    assert said_at_once(one, BY_ID, ms(MONDAY)) == said_by_the_processor(one, BY_ID, ms(MONDAY)) is not None


@given(cities(), st.sampled_from([RULES, WORKING, Rules(PLAIN)]), st.none() | st.integers(ms(MONDAY), ms("2024-06-10")))
def test_both_say_the_same_of_any_event(events: list[e.Event], rules: Rules, clock_ms: int | None) -> None:
    by_id = {LIGHTS.id: rules}
    for one in events:
        assert said_at_once(one, by_id, clock_ms) == said_by_the_processor(one, by_id, clock_ms)


def test_a_tick_is_not_for_senders() -> None:
    assert said_at_once(e.tick(ms(MONDAY), 0), BY_ID, None) == (
        "unknown_type",
        "kept.tick is internal; no sender may say how far time has come",
    )


def test_a_good_event_is_not_refused() -> None:
    assert said_at_once(event("case.opened", MONDAY, "case-1", channel="Web"), BY_ID, ms(MONDAY)) is None
