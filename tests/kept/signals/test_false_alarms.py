"""The stated number of false alarms holds in simulated years, and would not if the rules were less strict."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from msgspec.structs import replace
from scipy.special import gammaincinv

from kept.signals.budget_numbers import FAST, SLOW, BudgetSignal, number
from kept.signals.budgets import Plan, plan
from tests.kept.signals.budget_simulation import FLAT, OFFICE, false_signals
from tests.kept.signals.leading_simulation import Slow, false_warnings

pytestmark = pytest.mark.slow
YEARS = 150
SERVICES = [(0.8, 5_000), (0.95, 20_000), (0.99, 100_000)]
"""Targets and volumes at which discrete numbers of cases leave the least slack."""
SURE = 0.99


class Rate(NamedTuple):
    """The 98 % interval of a rate a year (Garwood 1936), from a number of events."""

    low: float
    high: float


def rate(events: int, years: int) -> Rate:
    low = gammaincinv(events, 1 - SURE) / years if events else 0.0
    return Rate(float(low), float(gammaincinv(events + 1, SURE)) / years)


def less_strict(planned: Plan, times: float) -> Plan:
    """The same rules with a larger alpha."""
    return replace(planned, rules=tuple(replace(rule, alpha=rule.alpha * times) for rule in planned.rules))


def measured(signal: BudgetSignal, times: float = 1.0) -> Rate:
    """False signals per service-year of services whose true performance is exactly what they promise."""
    events = sum(
        false_signals(less_strict(plan(target, cases), times), signal, YEARS, seed, rhythm)
        for seed, (target, cases) in enumerate(SERVICES)
        for rhythm in (FLAT, OFFICE)
    )
    return rate(events, 2 * YEARS * len(SERVICES))


@pytest.mark.parametrize(("signal", "stated"), [(FAST, "false_pages_a_year"), (SLOW, "false_tickets_a_year")])
def test_false_signals_are_as_rare_as_stated(signal: BudgetSignal, stated: str) -> None:
    assert measured(signal).high < number(stated)


@pytest.mark.parametrize(("signal", "stated"), [(FAST, "false_pages_a_year"), (SLOW, "false_tickets_a_year")])
def test_they_would_not_be_with_ten_times_the_alpha(signal: BudgetSignal, stated: str) -> None:
    assert measured(signal, times=10).low > number(stated)


@pytest.mark.parametrize(("target", "cases"), [(0.8, 282), (0.95, 282), (0.9, 1_000), (0.99, 5_000)])
def test_a_service_with_few_cases_raises_no_more_false_tickets(target: float, cases: int) -> None:
    assert rate(false_signals(plan(target, cases), SLOW, YEARS, 11), YEARS).high < number("false_tickets_a_year")


def test_the_leading_signal_is_as_seldom_false_as_stated() -> None:
    services = [
        Slow(budget=0.1, cases_a_year=5_000, promised_days=14, near=0.15),
        Slow(budget=0.05, cases_a_year=5_000, promised_days=56, near=0.1),
        Slow(budget=0.2, cases_a_year=20_000, promised_days=14, near=0.6),
    ]
    events = sum(false_warnings(slow, 30, seed) for seed, slow in enumerate(services))
    assert rate(events, 30 * len(services)).high < number("false_warnings_a_year")
