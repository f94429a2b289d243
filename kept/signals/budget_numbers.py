"""Every number that the error budgets rest on, with its reason; docs/alert-budgets.md shows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

PeriodDays = Literal[28, 91]
"""The period a budget is for: four weeks or a quarter."""
BudgetSignal = Literal["promise_budget_fast", "promise_budget_slow"]
FAST: Final = "promise_budget_fast"
SLOW: Final = "promise_budget_slow"


class Burn(NamedTuple):
    """A long window, and the share of a period's budget that must be gone in it, by length of the period."""

    signal: BudgetSignal
    days: int
    shares: Mapping[PeriodDays, float]


BURNS: Final = (
    Burn(FAST, 1, {28: 0.10, 91: 0.05}),
    Burn(FAST, 3, {28: 0.20, 91: 0.10}),
    Burn(SLOW, 7, {28: 0.30, 91: 0.15}),
    Burn(SLOW, 14, {28: 0.50, 91: 0.20}),
)
"""Offices work by the day and the week, so windows are days where the Google SRE workbook (chapter 5, "Alerting on
SLOs") has 1 h to 3 d. Shares grow from the 5 % and 10 % of its pages to a burn of 1, its ticket, over two weeks."""


class Number(NamedTuple):
    """A number and why it is that one."""

    value: float
    why: str


NUMBERS: Final[Mapping[str, Number]] = {
    "false_pages_a_year": Number(
        0.1, "false pages per service and year when the promise is kept exactly as often as promised: ours to choose"
    ),
    "false_tickets_a_year": Number(
        0.4, "the same for tickets of the due cohort; with the leading signal's it makes 0.5"
    ),
    "false_warnings_a_year": Number(0.1, "the same for the leading signal `cases_at_risk`"),
    "looks_a_year": Number(8766, "a service is judged at every full hour of 365.25 days"),
    "changes_a_case": Number(
        3,
        "a case can make a rule fire when it falls due, leaves the short window or leaves the long one; in between "
        "nothing changes, so three looks a case are all there are",
    ),
    "most_bad_share": Number(
        0.5, "a rule fires at the latest when half of the cases are missed, however small the target"
    ),
    "least_burn": Number(1, "slower than that the budget lasts for the whole period"),
    "least_expected_bad": Number(
        1, "a long window is widened until it expects this many missed cases at the target; fewer say nothing"
    ),
    "short_part": Number(12, "the short window is a twelfth of the long one: SRE workbook, chapter 5"),
    "short_expected_bad": Number(
        4,
        "missed cases that the short window must expect while the budget burns at the rule's factor, else it is "
        "widened: with fewer its burn is a toss of a coin, and a signal that lasts would come and go",
    ),
    "short_doubt": Number(
        0.1,
        "the short window ends a signal when as few missed cases, at the rule's factor, are less probable than this: "
        "it says that the trouble is over, not merely that its few cases went well",
    ),
    "longest_page_days": Number(
        7, "what needs more than a week to show does not need anybody at night: it is a ticket"
    ),
    "least_history_days": Number(
        7, "the volume is estimated from whole weeks of a service's own due cohorts, since weekdays differ"
    ),
    "breach_old_hours": Number(
        72, "a ticket of Friday evening is looked at on Monday: what is open after three days was not looked at"
    ),
    "leading_least_days": Number(
        7, "promised time from which the leading signal is worth it: it is a fifth of that earlier, 1.4 days or more"
    ),
}


def number(name: str) -> float:
    """The value of a number in `NUMBERS`."""
    return NUMBERS[name].value
