"""The planner of error budgets: what it refuses, what its rules demand, and that each of them can fire.

long window:   |----------------------------------------|   missed often enough to be no chance, and burning
short window:                                     |-----|   still burning
                                                        at
"""

from __future__ import annotations

import csv
import gzip
import math
from collections import Counter
from fractions import Fraction
from pathlib import Path
from statistics import median

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kept.signals.budget_numbers import BURNS, FAST, SLOW, PeriodDays, number
from kept.signals.budgets import (
    REASONS,
    Plan,
    Rule,
    chance_of_as_many,
    expected_cases,
    false_signals_a_year,
    least_bad,
    most_looks,
    plan,
)
from kept.signals.kinds import BY_NAME

targets = st.one_of(st.floats(0.01, 0.9999), st.sampled_from([0.75, 0.8, 0.85, 0.9, 0.95, 0.98, 0.99, 0.999]))
volumes = st.one_of(st.floats(1, 300), st.floats(300, 1e6), st.floats(1e6, 1e11))
periods = st.sampled_from([28, 91])


def is_watched(planned: Plan) -> bool:
    """Whether anything can fire for this promise."""
    return planned.zero_budget or bool(planned.rules)


def exact_chance(bad: int, n: int, share: Fraction) -> Fraction:
    return sum(
        (math.comb(n, k) * share**k * (1 - share) ** (n - k) for k in range(bad, n + 1)),
        Fraction(0),
    )


@settings(max_examples=60)
@given(st.integers(1, 60), st.data(), st.integers(1, 99))
def test_the_chance_is_the_exact_sum_of_the_binomial(n: int, data: st.DataObject, percent: int) -> None:
    bad = data.draw(st.integers(0, n))
    exact = float(exact_chance(bad, n, Fraction(percent, 100)))
    assert chance_of_as_many(bad, n, percent / 100) == pytest.approx(exact, rel=1e-9)


def test_more_than_all_cannot_be_missed() -> None:
    assert chance_of_as_many(6, 5, 0.5) == 0
    assert chance_of_as_many(0, 0, 0.5) == 1


@pytest.mark.parametrize("target", [None, 0, 0.0])
def test_without_a_target_there_is_no_rule_whatever_the_volume(target: float | None) -> None:
    for cases in (None, 0, 5_000):
        assert plan(target, cases).refused == {FAST: "no_target", SLOW: "no_target"}


@pytest.mark.parametrize("cases", [None, 0, 0.0])
def test_without_volume_there_is_no_rule(cases: float | None) -> None:
    planned = plan(0.9, cases)
    assert planned.refused == {FAST: "no_volume", SLOW: "no_volume"}
    assert not is_watched(planned)


@pytest.mark.parametrize("target", [-0.1, 1.01, 95, math.nan])
def test_a_target_that_is_no_share_is_an_error_that_says_what_is_valid(target: float) -> None:
    with pytest.raises(ValueError, match=r"valid: a share from 0 to 1"):
        plan(target, 100)


@pytest.mark.parametrize("cases", [-1, math.inf, math.nan])
def test_a_volume_that_is_no_number_of_cases_is_an_error(cases: float) -> None:
    with pytest.raises(ValueError, match=r"valid: 0 or more"):
        plan(0.9, cases)


def test_a_promise_for_all_cases_has_no_windows_and_can_always_fire() -> None:
    planned = plan(1.0, 3)
    assert (planned.zero_budget, planned.rules, planned.refused, is_watched(planned)) == (True, (), {}, True)


def test_a_busy_service_has_the_windows_of_the_table() -> None:
    hours = [(rule.signal, rule.long_hours, rule.short_hours, round(rule.factor, 3)) for rule in plan(0.95, 1e5).rules]
    assert hours == [(FAST, 24, 2, 2.8), (FAST, 72, 6, 1.867), (SLOW, 168, 14, 1.2), (SLOW, 336, 28, 1.0)]


def test_the_factor_never_asks_for_more_than_half_of_the_cases() -> None:
    """14.4 times a budget of 25 % would be 360 % of the cases."""
    first = plan(0.75, 1e5).rules[0]
    assert first.factor * first.budget == 0.5


def test_a_quiet_service_has_one_wider_window_and_is_not_paged_for() -> None:
    """282 cases a year, the median of the Canadian file, with a promise for 95 %: 26 days hold 20 cases, one missed."""
    planned = plan(0.95, 282)
    assert planned.refused == {FAST: "too_few_cases"}
    (rule,) = planned.rules
    assert (rule.signal, rule.long_hours) == (SLOW, 26 * 24)
    assert expected_cases(282, rule.long_hours) * rule.budget >= 1 > expected_cases(282, 25 * 24) * rule.budget


def test_a_quarter_makes_a_rule_where_four_weeks_hold_too_few_cases() -> None:
    assert not is_watched(plan(0.98, 282, 28))
    assert [rule.long_hours // 24 for rule in plan(0.98, 282, 91).rules] == [65]


def test_every_refusal_says_what_to_do() -> None:
    assert set(REASONS) == {"no_target", "no_volume", "too_few_cases"}
    assert all(len(words) > 40 for words in REASONS.values())


def rule_can_fire(rule: Rule, cases_a_year: float) -> bool:
    """By computation, not by what the planner says: a window as full as expected, of which all was missed, fires."""
    n = math.floor(expected_cases(cases_a_year, rule.long_hours))
    least = least_bad(rule, n)
    if least is None or not 1 <= least <= n:
        return False
    at_once = chance_of_as_many(least, n, rule.budget) < rule.alpha and least >= rule.factor * rule.budget * n - 1e-9
    one_less = least - 1
    not_before = (
        one_less == 0
        or chance_of_as_many(one_less, n, rule.budget) >= rule.alpha
        or one_less < rule.factor * rule.budget * n - 1e-9
    )
    return at_once and not_before and chance_of_as_many(least, n, 1.0) == 1 and rule.factor <= 1 / rule.budget


@settings(max_examples=400)
@given(targets, volumes, periods)
def test_every_rule_can_fire_and_keeps_to_the_false_alarms_it_may_make(
    target: float, cases_a_year: float, period_days: PeriodDays
) -> None:
    planned = plan(target, cases_a_year, period_days)
    for signal, name in ((FAST, "false_pages_a_year"), (SLOW, "false_tickets_a_year")):
        rules = [rule for rule in planned.rules if rule.signal == signal]
        assert bool(rules) != (signal in planned.refused)
        assert len({rule.long_hours for rule in rules}) == len(rules)
        false = 0.0
        for rule in rules:
            assert rule_can_fire(rule, cases_a_year)
            assert 1 <= rule.short_hours <= rule.long_hours / 8
            false += false_signals_a_year(rule, int(expected_cases(cases_a_year, rule.long_hours)), cases_a_year)
        assert false <= number(name) * (1 + 1e-9)


@settings(max_examples=200)
@given(targets, st.floats(100, 1e6), st.integers(1, 2_000), st.data())
def test_the_least_number_is_where_firing_begins(
    target: float, cases_a_year: float, n: int, data: st.DataObject
) -> None:
    rules = plan(target, cases_a_year, 91).rules
    if not rules:
        return
    rule = data.draw(st.sampled_from(rules))
    least = least_bad(rule, n)
    bad = data.draw(st.integers(0, n))
    assert rule.is_bad(bad, n) == (least is not None and bad >= least)


@settings(max_examples=100)
@given(targets, st.floats(100, 1e5), st.integers(1, 500))
def test_one_more_case_never_needs_fewer_missed_ones(target: float, cases_a_year: float, n: int) -> None:
    for rule in plan(target, cases_a_year, 91).rules:
        least, next_least = least_bad(rule, n), least_bad(rule, n + 1)
        if least is not None:
            assert next_least is not None
            assert least <= next_least


def test_looks_are_every_hour_but_never_more_than_changes() -> None:
    assert most_looks(10) == 30
    assert most_looks(1e6) == 8766
    assert most_looks(0.1) == 1


def test_the_table_of_windows_is_one_of_known_signals_with_a_share_for_each_period() -> None:
    assert {burn.signal for burn in BURNS} == {FAST, SLOW} <= set(BY_NAME)
    assert [burn.days for burn in BURNS] == sorted(burn.days for burn in BURNS)
    for burn in BURNS:
        assert all(0 < share <= 1 and share * days / burn.days >= 1 for days, share in burn.shares.items())


def canadian_promise_years(shared_data: Path) -> list[tuple[float | None, float | None]]:
    """(target as a share, volume a year) of every row; what is no number is None."""
    with gzip.open(shared_data / "canada_service_standards_2017_2020.csv.gz", "rt", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [(share_of(row["service_std_target"]), cases_of(row["total_volume"])) for row in rows]


def cases_of(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        assert text in ("", "NA", "ND"), text
        return None


def share_of(text: str) -> float | None:
    percent = cases_of(text)
    return None if percent is None else percent / 100


def verdict_on(planned: Plan) -> str:
    if planned.zero_budget:
        return "each breach counts"
    if not planned.rules:
        return planned.refused[SLOW]
    return " and ".join(sorted({BY_NAME[rule.signal].severity for rule in planned.rules}))


CANADA: dict[PeriodDays, dict[str, int]] = {
    28: {
        "page and ticket": 1048,
        "ticket": 376,
        "each breach counts": 635,
        "too_few_cases": 771,
        "no_volume": 739,
        "no_target": 358,
    },
    91: {
        "page and ticket": 1048,
        "ticket": 732,
        "each breach counts": 635,
        "too_few_cases": 415,
        "no_volume": 739,
        "no_target": 358,
    },
}
"""What becomes of each of the 3,927 promise-years, by period of the budget."""


@pytest.mark.parametrize("period_days", [28, 91])
def test_each_canadian_promise_year_has_a_rule_that_can_fire_or_a_reason(
    shared_data: Path, period_days: PeriodDays
) -> None:
    found: Counter[str] = Counter()
    for target, cases_a_year in canadian_promise_years(shared_data):
        planned = plan(target, cases_a_year, period_days)
        found[verdict_on(planned)] += 1
        for rule in planned.rules:
            assert cases_a_year is not None
            assert rule_can_fire(rule, cases_a_year), (target, cases_a_year, rule)
        measurable = bool(target) and bool(cases_a_year)
        assert is_watched(planned) or set(planned.refused) == {FAST, SLOW}
        assert measurable == (is_watched(planned) or planned.refused.get(SLOW) == "too_few_cases")
    assert found == CANADA[period_days]
    column = 1 + (28, 91).index(period_days)
    page = (Path(__file__).parents[3] / "docs" / "alert-budgets.md").read_text(encoding="utf-8")
    rows = [line.split("|") for line in page.split("3,927 promise-years")[1].splitlines() if line.startswith("| ")][2:8]
    assert sorted(int(row[1 + column].replace(",", "")) for row in rows) == sorted(found.values())
    assert found.total() == 3927


def test_why_the_usual_burn_rates_do_not_do_for_promises_to_the_public(shared_data: Path) -> None:
    """A burn is never more than 1 / EB: 14.4 needs a target above 93.06 %, 6 one above 83.3 %."""
    measurable = [(t, n) for t, n in canadian_promise_years(shared_data) if t and n]
    share = [
        sum(is_in(target) for target, _ in measurable) / len(measurable)
        for is_in in (
            lambda target: 1 - target + 1e-9 >= 1 / 14.4,
            lambda target: 1 - target + 1e-9 >= 1 / 6,
            lambda target: target == 1,
        )
    ]
    assert len(measurable) == 2830
    assert share == pytest.approx([0.663, 0.366, 0.224], abs=0.0005)
    assert median(cases for _, cases in measurable) == 282
