"""Waste by money: booked and modelled apart, currencies apart; waiting in person-days."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kept.buckets import DAY_SECONDS
from kept.indicators.definitions import BY_NAME
from kept.money.waste import INDICATORS, Waste, person_days_a_week, ranked, sums, waste_of
from tests.summaries.figures import NOW, point

START = NOW - 28 * DAY_SECONDS


def waste(service: str, a_week: float, **changes: Any) -> Waste:
    fields: dict[str, Any] = {"kind": "rework", "basis": "booked", "currency": "EUR", "n": 1}
    return Waste(service=service, a_week=a_week, **(fields | changes))


def test_the_kinds_are_all_the_waste_indicators_that_there_are() -> None:
    assert set(INDICATORS) == {name for name in BY_NAME if name.startswith("cost_of_waste_")}


def test_what_is_not_known_is_kept_with_its_reason_and_slices_are_left_out() -> None:
    told, unknown = waste_of(
        [
            point("a", "cost_of_waste_rework_booked", 10.5, unit="EUR a week", n=3),
            point("a", "cost_of_waste_rework_modelled", None, state="not_provided", reason="no_rate"),
            point("a", "cost_of_waste_rework_booked", 9.0, "7d"),
            point("a", "cost_of_waste_rework_booked", 8.0, slice=(("area", "North"),)),
            point("a", "backlog", 7),
        ],
        "28d",
    )
    assert told == [waste("a", 10.5, n=3)]
    assert [one.reason for one in unknown] == ["no_rate"]


def test_currencies_and_bases_are_neither_added_nor_ranked_together() -> None:
    all_of = [
        waste("a", 5), waste("b", 7), waste("b", 9, basis="modelled"), waste("c", 100, currency="GBP"),
        waste("c", 6, kind="failure demand"),
    ]  # fmt: skip
    assert {key: [one.a_week for one in rows] for key, rows in ranked(all_of).items()} == {
        ("EUR", "booked"): [7, 6, 5],
        ("EUR", "modelled"): [9],
        ("GBP", "booked"): [100],
    }
    assert [(one.currency, one.basis, one.kind, one.a_week, one.services) for one in sums(all_of)] == [
        ("EUR", "booked", "rework", 12, 2),
        ("EUR", "booked", "failure demand", 6, 1),
        ("EUR", "modelled", "rework", 9, 1),
        ("GBP", "booked", "rework", 100, 1),
    ]


@given(st.permutations([waste("a", 0.1), waste("b", 0.2), waste("c", 0.3), waste("d", 0.7)]))
def test_sums_do_not_depend_on_order(order: list[Waste]) -> None:
    assert sums(order) == sums(sorted(order, key=lambda one: one.service))


def test_person_days_are_the_area_under_the_overdue_cases() -> None:
    #  overdue 4 ____
    #               |____ 2     half of the time each: 3 on average, 21 person-days a week
    half = [(START + hour * 3600, 4 if hour <= 336 else 2) for hour in range(673)]
    told = [point("a", "overdue", value, window_end=at) for at, value in half]
    assert person_days_a_week(told, START, NOW) == pytest.approx(21, rel=0.01)


def test_too_little_of_the_time_is_not_known() -> None:
    weekly = [point("a", "overdue", 5, window_end=START + week * 7 * DAY_SECONDS) for week in range(5)]
    assert person_days_a_week(weekly, START, NOW) is None
    late = [point("a", "overdue", 5, window_end=START + day * DAY_SECONDS) for day in range(7, 29)]
    assert person_days_a_week(late, START, NOW) is None
    assert person_days_a_week([], START, NOW) is None
