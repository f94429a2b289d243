"""What is stated of false alarms is what signals were made for; every alert that tells somebody has a number."""

from __future__ import annotations

import pytest

from alert_rules.false_alarms import of_pipeline, of_service
from alert_rules.options import RuleOptions
from alert_rules.pipeline import pipeline_alerts
from catalogue import CITY
from kept.catalogue import read_catalogue
from kept.signals.budget_numbers import number
from kept.signals.kinds import BY_NAME, KINDS

SERVICES = read_catalogue([CITY])


@pytest.mark.parametrize(
    ("signal", "made_for"),
    [
        ("promise_budget_fast", "false_pages_a_year"),
        ("promise_budget_slow", "false_tickets_a_year"),
        ("cases_at_risk", "false_warnings_a_year"),
    ],
)
def test_the_level_of_a_budget_follows_from_the_stated_number(signal: str, made_for: str) -> None:
    assert BY_NAME[signal].false_alarms_per_service_year == number(made_for)


def test_every_alert_that_tells_somebody_has_a_number() -> None:
    assert [kind.name for kind in KINDS if kind.severity != "info" and kind.false_alarms_per_service_year is None] == []


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_wakes_somebody_for_nothing_at_most_once_in_ten_years_and_has_one_false_ticket_a_year(
    service: str,
) -> None:
    pages, tickets = (of_service(SERVICES[service], severity) for severity in ("page", "ticket"))
    assert (pages.unstated, tickets.unstated) == ((), ())
    assert pages.total <= 0.1
    assert tickets.total <= 1.1


def test_the_pipeline_states_facts() -> None:
    for severity in ("page", "ticket"):
        assert of_pipeline(pipeline_alerts(SERVICES, RuleOptions()), severity).unstated == ()
