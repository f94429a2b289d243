"""How long before the promise was broken an alert came; the course of the share is drawn above each assert."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kept.signals.kinds import KINDS
from kept.signals.lead_time import (
    HORIZON_SECONDS,
    TOLD_BY_THE_BREACH,
    Lead,
    PromiseCourse,
    announced,
    lead_of,
    warns,
)
from tests.kept.signals.raised_signals import DAY, HOUR, MONDAY, raised


def course(text: str, start: int = MONDAY, step: int = DAY) -> PromiseCourse:
    """A share a day: `+` at or above the target of 0.9, `-` below it, a space where there is no value."""
    shares = {"+": 0.9, "-": 0.899}
    return PromiseCourse([(start + n * step, shares[sign]) for n, sign in enumerate(text) if sign in shares], 0.9)


def lead(text: str, day: float, signal: str = "promise_budget_slow") -> Lead | None:
    return lead_of(raised(signal, MONDAY + round(day * DAY)), course(text))


def test_an_alert_before_the_fall_leads_by_the_time_to_the_first_moment_below() -> None:
    #        ++++++----
    #          ^ raised on day 2, below from day 6 on
    assert lead("++++++----", 2) == Lead("before", 4 * DAY)
    assert lead("++++++----", 5.5) == Lead("before", DAY // 2)


def test_an_alert_of_a_promise_that_is_broken_already_comes_after() -> None:
    #        +++---+----
    #             ^ day 5: broken since day 3;  day 9: broken since day 7
    assert lead("+++---+----", 5) == Lead("after", -2 * DAY)
    assert lead("+++---+----", 9.25) == Lead("after", -2 * DAY - DAY // 4)
    assert lead("+++---+----", 3) == Lead("after", 0)


def test_an_alert_that_nothing_followed_says_so_once_its_horizon_is_over() -> None:
    # raised on day 1, known until day 29 = 28 days later, or a day less
    assert lead("+" * 30, 1) == Lead("nothing")
    assert lead("+" * 29, 1) == Lead("pending")
    assert lead("+" * 30 + "-", 1) == Lead("nothing")
    assert lead("+" * 29 + "-", 1) == Lead("before", 28 * DAY)


def test_a_forecast_looks_further() -> None:
    assert lead("+" * 60 + "-", 1, "backlog_breach_ahead") == Lead("before", 59 * DAY)
    assert lead("+" * 91, 1, "backlog_breach_ahead") == Lead("pending")
    assert lead("+" * 93, 1, "backlog_breach_ahead") == Lead("nothing")


def test_a_moment_without_a_value_breaks_no_run_and_no_history_is_no_verdict() -> None:
    #        +--  --
    assert lead("+--  --", 6) == Lead("after", -5 * DAY)
    assert lead("", 6) == Lead("pending")
    assert lead("   +-", 1) == Lead("before", 3 * DAY)


def test_a_promise_without_a_budget_is_used_up_by_the_breach_itself() -> None:
    one = raised("promise_breached", MONDAY + 3 * HOUR, since=MONDAY)
    assert lead_of(one, course("+" * 40)) == Lead("after", -3 * HOUR)
    assert lead_of(raised("promise_breach_old", MONDAY, since=None), None) is None


@pytest.mark.parametrize(
    ("signal", "about", "does"),
    [
        ("promise_budget_fast", "", True),
        ("cases_at_risk", "", True),
        ("special_cause", "promise_kept", True),
        ("special_cause", "backlog", True),
        ("special_cause", "delivery_time_closed_p90", True),
        ("special_cause", "cost_per_transaction", False),
        ("special_cause", "satisfaction_score", False),
        ("special_cause", "of another version", False),
        ("area_gap", "area=North", False),
        ("source_silent", "", False),
        ("definition_drift", "satisfaction_score", False),
        ("unexplained_improvement", "promise_kept", False),
        ("chart_signal", "promise_kept", False),
        ("target_integrity", "bunching", False),
    ],
)
def test_only_what_warns_of_the_promise_has_a_lead(signal: str, about: str, does: bool) -> None:
    one = raised(signal, MONDAY, about=about)
    assert warns(one) is does
    assert (lead_of(one, course("+-")) is not None) is does
    assert lead_of(one, None) is None


def test_every_kind_has_a_stated_lead_or_is_known_to_have_none() -> None:
    none = {
        "source_silent",
        "unexplained_improvement",
        "chart_signal",
        "definition_drift",
        "area_gap",
        "gap_changed",
        "target_integrity",
    }
    assert {kind.name for kind in KINDS} == set(HORIZON_SECONDS) | TOLD_BY_THE_BREACH | none


def test_a_share_that_goes_to_and_fro_falls_once() -> None:
    #        7 days at the target, then to and fro, then 7 days at the target again
    text = "++++++++-+-++-+-+++++++++--"
    moments = [MONDAY + day * DAY for day in (8, 25)]
    assert course(text).falls(MONDAY, MONDAY + 100 * DAY) == moments
    assert course(text).falls(MONDAY + 9 * DAY, MONDAY + 100 * DAY) == moments[1:]
    assert course("----+++").falls(MONDAY, MONDAY + 100 * DAY) == []


def test_a_fall_is_announced_by_what_was_raised_before_it_and_was_not_over_long_ago() -> None:
    fall = MONDAY + 60 * DAY
    for at, ended, known in (
        (fall - HOUR, None, True),
        (fall, None, False),
        (fall - 28 * DAY, fall - 20 * DAY, True),
        (fall - 28 * DAY - 1, fall - 20 * DAY, False),
        (fall - 40 * DAY, None, True),
        (fall - 40 * DAY, fall + DAY, True),
    ):
        assert announced([fall], [raised(at=at, ended=ended)]) == known
    assert announced([fall], [raised("area_gap", at=fall - HOUR, about="area=North")]) == 0
    assert announced([fall], []) == 0


@given(st.lists(st.sampled_from("+- "), max_size=60), st.integers(0, 60 * 24))
def test_before_is_positive_after_is_not_and_the_rest_has_no_time(signs: list[str], hours: int) -> None:
    found = course("".join(signs)).lead("promise_budget_fast", MONDAY + hours * HOUR)
    match found.outcome:
        case "before":
            assert found.seconds is not None
            assert 0 < found.seconds <= HORIZON_SECONDS["promise_budget_fast"]
        case "after":
            assert found.seconds is not None
            assert found.seconds <= 0
        case _:
            assert found.seconds is None
