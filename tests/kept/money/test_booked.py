"""Cost in stretches: differences of published totals."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from kept.buckets import WEEK_SECONDS
from kept.indicators.definitions import BY_NAME
from kept.indicators.point import Point
from kept.money.booked import TOLERANCE_SECONDS, Total, stretches, total_at, totals

START = 1_767_567_600


def point(at: int, numerator: float | None, outcomes: int | None, **changes: Any) -> Point:
    fields: dict[str, Any] = {
        "service": "a", "slice": (), "indicator": "cost_per_outcome", "window": "all", "window_start": START,
        "window_end": at, "value": 1.0, "unit": "EUR", "numerator": numerator, "denominator": outcomes, "n": outcomes,
        "low": None, "high": None, "definition": BY_NAME["cost_per_outcome"].label, "state": "value",
    }  # fmt: skip
    return Point(**(fields | changes))


def test_totals_are_whole_minor_units_and_need_no_outcome() -> None:
    told = [
        point(START + 600, 10.1, 2),
        point(START + 300, 4.35, 0, value=None, state="not_applicable"),
        point(START, None, None, value=None, state="not_provided"),
        point(START + 900, 99.0, 3, window="28d"),
    ]
    assert totals(told, 2) == [Total(START, START + 300, 435, 0), Total(START, START + 600, 1010, 2)]


def test_a_total_stands_for_a_moment_shortly_after_it_and_for_no_other() -> None:
    one = Total(START, START + 1000, 5, 1)
    assert total_at([one], START + 999) is None
    assert total_at([one], START + 1000) == one == total_at([one], START + 1000 + TOLERANCE_SECONDS)
    assert total_at([one], START + 1001 + TOLERANCE_SECONDS) is None


def test_a_missing_moment_leaves_both_weeks_beside_it_unknown() -> None:
    edges = [START + week * WEEK_SECONDS for week in range(5)]
    known = [Total(START, edge, 100 * place, place) for place, edge in enumerate(edges) if place != 2]
    assert [one.week_end for one in stretches(known, edges)] == [edges[1], edges[4]]


amounts = st.lists(st.integers(-(10**9), 10**9), min_size=2, max_size=30)


@given(amounts)
def test_stretches_add_up_to_what_was_booked_between_first_and_last(minor_units: list[int]) -> None:
    edges = [START + week * WEEK_SECONDS for week in range(len(minor_units))]
    known = [
        Total(START, edge, total, place) for place, (edge, total) in enumerate(zip(edges, minor_units, strict=True))
    ]
    found = stretches(known, edges)
    assert sum(one.minor_units for one in found) == minor_units[-1] - minor_units[0]
    assert all(one.weeks == 1 and one.per_outcome == one.minor_units for one in found)


@given(st.integers(0, 10**12), st.integers(0, 4))
def test_minor_units_survive_the_float_they_are_published_as(minor_units: int, digits: int) -> None:
    assert totals([point(START, minor_units / 10**digits, 1)], digits)[0].minor_units == minor_units
