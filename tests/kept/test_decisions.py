"""The follow-up loop: what entries make of a decision, in any order, and what is refused."""

from __future__ import annotations

import datetime
import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from kept.decisions import (
    MOST_TEXT_CHARACTERS,
    DecisionEntry,
    checked,
    decision_id,
    decisions,
    moment_after,
)
from kept.deliveries import Delivery, delivered
from kept.errors import ConfigurationError
from tests.history.decisions import ID, any_entries, decided, delivery, said
from tests.history.points import NOON

DAY = 86400
LIFE = [
    decided(),
    said("moved", NOON + DAY, due="2012-03-01"),
    said("moved", NOON + 2 * DAY, owner="Depot South", due=None),
    said("effect", NOON + 3 * DAY, effect="helped", text="The backlog halved"),
    said("closed", NOON + 4 * DAY),
]


def test_a_decision_is_what_its_entries_leave_it() -> None:
    (one,) = decisions(LIFE)
    assert (one.id, one.signal, one.text, one.objective) == (ID, "00c0ffee", "A second van on Mondays", "Safe streets")
    assert (one.owner, one.due, one.effect, one.closed_at) == ("Depot South", "2012-03-01", "helped", NOON + 4 * DAY)
    assert one.history == tuple(LIFE)
    assert not one.is_open


def test_a_decision_is_told_as_it_stood_at_any_earlier_moment() -> None:
    # at    0 decided   1 due moved   2 owner moved   3 effect   4 closed
    stood = [
        (one.due, one.owner, one.effect, one.is_open) for day in range(5) for one in decisions(LIFE, NOON + day * DAY)
    ]
    assert stood == [
        ("2012-02-01", "Depot North", None, True),
        ("2012-03-01", "Depot North", None, True),
        ("2012-03-01", "Depot South", None, True),
        ("2012-03-01", "Depot South", "helped", True),
        ("2012-03-01", "Depot South", "helped", False),
    ]
    assert decisions(LIFE, NOON - 1) == []


def test_what_is_open_is_overdue_from_the_day_after_its_due_date() -> None:
    (still_open,), (closed,) = decisions(LIFE[:1]), decisions(LIFE)
    assert not still_open.is_overdue(datetime.date(2012, 2, 1))
    assert still_open.is_overdue(datetime.date(2012, 2, 2))
    assert not closed.is_overdue(datetime.date(2013, 1, 1))


@given(entries=any_entries(st.sampled_from(["0badcafe", "0badcaff"])), seed=st.integers())
def test_neither_order_nor_repetition_of_entries_matters(entries: list[DecisionEntry], seed: int) -> None:
    shuffled = [*entries, *entries[:4]]
    random.Random(seed).shuffle(shuffled)
    assert decisions(shuffled) == decisions(entries)


@given(entries=any_entries(st.sampled_from(["0badcafe", "0badcaff"])), moment=st.integers(NOON - 1, NOON + 6))
def test_what_stood_then_is_what_a_record_that_stopped_then_says(entries: list[DecisionEntry], moment: int) -> None:
    assert decisions(entries, moment) == decisions([entry for entry in entries if entry.at <= moment])


@pytest.mark.parametrize(
    "ignored",
    [
        pytest.param(decided(at=NOON + 9 * DAY, text="Another beginning"), id="second_beginning"),
        pytest.param(said("moved", NOON + 9 * DAY), id="after_the_end"),
        pytest.param(said("closed", NOON + 9 * DAY), id="second_end"),
        pytest.param(said("effect", NOON, decision="ffffffff"), id="unknown_decision"),
        pytest.param(said("effect", NOON - 1), id="before_it_was_decided"),
        pytest.param(said("effect", NOON + 60, effect=None), id="effect_without_one"),
        pytest.param(said("moved", NOON + 60, due=None), id="moved_nowhere"),
        pytest.param(said("moved", NOON + 60, due="2012-02-30"), id="no_date"),
    ],
)
def test_what_contradicts_is_ignored(ignored: DecisionEntry) -> None:
    assert decisions([*LIFE, ignored]) == decisions(LIFE)


def test_what_is_there_already_may_be_said_again() -> None:
    for entry in LIFE:
        assert checked(entry, LIFE) == entry


@pytest.mark.parametrize(
    ("entry", "so_far", "said_of_it"),
    [
        (decided(text="x", at=NOON + 1), LIFE, "is decided already"),
        (said("closed", NOON + 5 * DAY), LIFE, "is closed already"),
        (said("effect", NOON + 5 * DAY), [], "is no decision's id"),
        (said("effect", NOON - 1), LIFE[:1], "of a later moment"),
        (said("effect", NOON + 1, effect=None), LIFE[:1], "helped, did_not_help, cannot_tell"),
        (said("moved", NOON + 1, due=None), LIFE[:1], "none is given"),
        (decided(text=" \n "), [], "text: is empty"),
        (decided(text="x" * 501), [], "text: has 501 characters; at most 500"),
        (decided(owner=""), [], "owner: is empty"),
        (decided(owner=None), [], "an owner and a due date"),
        (decided(due="1.2.2012"), [], "'1.2.2012' is no date; valid: such as 2026-12-01"),
        (decided(due="20120201"), [], "'20120201' is no date"),
        (decided(signal="=cmd|x"), [], "is no signal's id"),
    ],
)  # fmt: skip
def test_what_cannot_be_said_is_refused_with_its_reason(
    entry: DecisionEntry, so_far: list[DecisionEntry], said_of_it: str
) -> None:
    with pytest.raises(ConfigurationError, match=said_of_it):
        checked(entry, so_far)


def test_texts_become_one_line() -> None:
    entry = checked(decided(text="  A\tvan \r\n for\x00 all‮ ", owner="Depot\nNorth"), [])
    assert (entry.text, entry.owner) == ("A van for all", "Depot North")
    longest = "é" * MOST_TEXT_CHARACTERS
    assert checked(decided(text=longest), []).text == longest


def test_what_is_said_next_comes_after_a_clock_that_was_ahead() -> None:
    (one,) = decisions(LIFE[:1])
    assert [moment_after(one, now) for now in (NOON - 9, NOON, NOON + 9)] == [NOON + 1, NOON + 1, NOON + 9]


def test_an_id_is_told_by_what_was_decided_where_when_and_by_whom() -> None:
    plain = {"at": NOON, "by": "A", "service": "parking", "text": "x"}
    others = [{"at": NOON + 1}, {"by": "B"}, {"service": "permits"}, {"text": "y"}]
    ids = {decision_id(**(plain | other)) for other in [{}, {}, *others]}  # type: ignore[arg-type]
    assert len(ids) == 5
    assert all(len(name) == 8 for name in ids)


def test_an_entry_has_a_digest_of_all_that_it_says() -> None:
    assert decided().digest == decided().digest != replace(decided(), objective=None).digest


def test_a_week_was_delivered_when_it_was_delivered_first() -> None:
    both = [delivery(at=NOON + 9), delivery(at=NOON + 5), delivery(week="2012-W01", at=NOON)]
    assert delivered(both, "2011-W52") == both[1]
    assert delivered(both, "2012-W02") is None


@pytest.mark.parametrize(
    "bad", [{"week": "2012-W54"}, {"week": "2012-W1"}, {"week": "2012-01"}, {"sha256": "x"}, {"to": 0}]
)
def test_a_delivery_that_is_none_is_refused(bad: dict[str, object]) -> None:
    make: Callable[[], Delivery] = lambda: delivery(**bad)  # noqa: E731
    with pytest.raises(ValueError, match=next(iter(bad))):
        make()
