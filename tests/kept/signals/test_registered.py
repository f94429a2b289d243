"""Registered changes: how they get into the tallies, and what they are of."""

from __future__ import annotations

from kept import counters as c
from kept.counters import is_told_by_the_work
from kept.indicators.definitions import INDICATOR_NAMES
from kept.signals.registered import MOVES_WITH_DELIVERY, SAME_THING, expected, explains_improvement
from tests.kept.city import City, event
from tests.kept.signals.weeks import changed

NUMBERS = (
    "arrivals", "completions", "withdrawals", "net_flow", "backlog", "paused", "backlog_age_0_1d", "backlog_age_1_3d",
    "backlog_age_3_7d", "backlog_age_7_30d", "backlog_age_30_90d", "backlog_age_over_90d", "oldest_open",
    "backlog_days", "delivery_time_closed_p50", "delivery_time_closed_p75", "delivery_time_closed_p90",
    "delivery_time_closed_p95", "delivery_time_p50", "delivery_time_p75", "delivery_time_p90", "delivery_time_p95",
    "promise_kept_closed", "promise_kept", "at_risk", "overdue", "cost_per_transaction", "cost_per_outcome",
    "cost_of_waste_rework_modelled", "cost_of_waste_failure_demand_modelled", "cost_of_waste_wrong_channel_modelled",
    "cost_of_waste_rework_booked", "cost_of_waste_failure_demand_booked", "satisfaction_score", "satisfied_share",
    "response_rate", "completion_rate", "digital_take_up", "first_time_right", "rework_share", "failure_demand",
    "flow_efficiency", "waiting_by_step_p50",
)  # fmt: skip
"""As they are in stored tallies: add new ones at the end, never move or take one away."""


def test_numbers_of_indicators_are_what_they_were() -> None:
    assert list(c.INDICATOR_NUMBERS.items())[: len(NUMBERS)] == [(name, at) for at, name in enumerate(NUMBERS, start=1)]
    assert (c.CHANGED, c.CHANGED_DOWN, c.CHANGED_UP) == (90, 1000, 2000)


def test_every_indicator_has_a_number_of_its_own() -> None:
    assert set(c.INDICATOR_NUMBERS) == INDICATOR_NAMES
    numbers = sorted(c.INDICATOR_NUMBERS.values())
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) < c.CHANGED_UP - c.CHANGED_DOWN
    assert c.CHANGED_UP + len(numbers) < c.FAMILY_SIZE


def test_a_registered_change_is_in_the_tallies_of_its_own_time_once_and_in_no_slice() -> None:
    city = City(partitions=3)
    told = event(
        "service.changed", "2024-06-05 09:00", title="a shorter form", channel="Web", area="North",
        expected={"indicator": "delivery_time_p50", "direction": "down"},
    )  # fmt: skip
    city.apply([told, told, event("service.changed", "2024-06-06 09:00", id="other", title="new uniforms")])
    (series,) = city.tallies.series_of("street-lights")
    assert series == ("street-lights", "", "")
    counted = [tally for day in city.tallies.days(series).values() for tally in day.buckets.values()]
    assert sorted(counted, key=len) == [{c.CHANGED: 1}, {c.CHANGED: 1, c.CHANGED_DOWN + 19: 1}]
    assert (city.accounts.applied, city.accounts.duplicate) == (2, 1)


def test_it_moves_no_figure_and_is_no_work() -> None:
    quiet, told = City(), City()
    case = event("case.opened", "2024-06-05 09:00", "a", channel="Web")
    quiet.apply([case])
    told.apply([event("service.changed", "2024-05-01 09:00", title="a new form"), case])
    assert told.points("2024-06-10 00:00") == quiet.points("2024-06-10 00:00")
    assert not any(
        is_told_by_the_work(number) for number in (*changed(), *changed("backlog"), *changed("backlog", "up"))
    )
    assert is_told_by_the_work(c.OPENED) and is_told_by_the_work(c.COMPLETION_TIME + 5)
    assert not is_told_by_the_work(c.DUE)


def test_a_change_is_of_what_it_names_and_of_the_same_thing_counted_differently() -> None:
    week = changed("delivery_time_p50", "down")
    assert {name for name in INDICATOR_NAMES if expected(week, name)} == {
        f"delivery_time_{kind}p{quantile}" for kind in ("", "closed_") for quantile in (50, 75, 90, 95)
    }
    assert expected(changed("satisfied_share", "up"), "satisfaction_score") == "up"
    assert expected(changed("net_flow", "up"), "net_flow") == "up"
    assert expected(changed(), "backlog") is None
    assert all(names <= INDICATOR_NAMES for names in (*SAME_THING, MOVES_WITH_DELIVERY))
    assert sum(map(len, SAME_THING)) == len(frozenset().union(*SAME_THING))


def test_of_changes_both_ways_in_one_week_the_one_for_the_worse_counts() -> None:
    both = {**changed("failure_demand", "up"), **changed("failure_demand", "down"), c.CHANGED: 2}
    assert expected(both, "failure_demand") == "up"
    both = {**changed("promise_kept", "up"), **changed("promise_kept", "down"), c.CHANGED: 2}
    assert expected(both, "promise_kept") == "down"


def test_what_explains_an_improvement_that_was_not_named() -> None:
    faster, slower = changed("delivery_time_p90", "down"), changed("delivery_time_p90", "up")
    assert explains_improvement([{}, faster], "promise_kept")
    assert not explains_improvement([slower], "promise_kept")
    assert not explains_improvement([faster], "cost_per_transaction")
    assert explains_improvement([changed()], "cost_per_transaction")
    assert explains_improvement([{**faster, c.CHANGED: 2}], "cost_per_transaction")
    assert not explains_improvement([], "promise_kept")
