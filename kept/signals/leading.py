"""Will the promise be missed: open cases near their due, for services whose due cohort tells it weeks too late.

`cases_at_risk` looks at the cases that fall due within the next fifth of the promised time: all of them have used up
80 % of it, and how many are still open is known now. Who is judged: a promise of 7 days or more with an error budget, and
as many cases as make the test reachable. Shorter promises learn it from their due cohort within hours or days.

The test. Let S be the share of cases that are still open at 80 % of their promised time, and L the share of those that
turn out late; S x L is missed. A service that just keeps its promise has S x L = EB, so S = EB / L. With L taken from its
own last 90 days (at the low end of its 95 % interval, which makes the test slower, never falser), each case of the cohort
is open with a probability of at most EB / L, since its age is 80 % or more; cases are independent; so their number is at
most binomial. Where hardly anyone turned out late and L is not known, S itself is: its high end, but half at least.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from kept import counters as c
from kept.buckets import DAY_SECONDS, HOUR_SECONDS
from kept.durations import DAY_MS, SECOND_MS, in_words
from kept.indicators.definitions import RISK_SHARE_DIVISOR
from kept.indicators.intervals import wilson
from kept.signals.budget_numbers import number
from kept.signals.budgets import YEAR_DAYS, chance_of_as_many, most_looks
from kept.signals.due_cohort import DueCohort
from kept.signals.hourly_counts import HourlyCounts
from kept.signals.situation import Situation
from kept.signals.verdict import Verdict

SIGNAL = "cases_at_risk"
HISTORY_SECONDS = 90 * DAY_SECONDS


class Past(Struct, frozen=True, kw_only=True):
    """What became of the cases of the last 90 days: `due`, `near` of them were open at 80 %, `late` were missed."""

    due: int
    near: int
    late: int


def bearable_share(budget: float, past: Past) -> float:
    """The share of cases that may be open at 80 % of the promised time while the promise is just kept; 1 if unknown."""
    if not past.due or not past.near:
        return 1.0
    # A case that was paused or reopened near its due enters twice.
    late_of_near, _ = wilson(min(past.late, past.near), past.near)
    _, near_of_due = wilson(min(past.near, past.due), past.due)
    usual = max(number("most_bad_share"), near_of_due)
    return min(1.0, usual, budget / late_of_near if late_of_near > 0 else 1.0)


def alpha_of(cases_a_year: float) -> float:
    """Significance of one look."""
    return number("false_warnings_a_year") / most_looks(cases_a_year)


def is_reachable(cases: int, bearable: float, alpha: float) -> bool:
    """Whether a cohort of so many cases is evidence if all of them are still open."""
    return cases > 0 and chance_of_as_many(cases, cases, bearable) < alpha


def judge(situation: Situation) -> Iterable[Verdict]:
    """One verdict on a slow service with an error budget; none where the test cannot be significant."""
    promise, rules, at = situation.service.promise, situation.rules, situation.at
    if promise is None or promise.target_share == 1 or rules.target_ms is None:
        return
    now_ms = at * SECOND_MS
    if rules.clock.add(now_ms, rules.target_ms) - now_ms < number("leading_least_days") * DAY_MS:
        return
    cohort = DueCohort(situation)
    cases_a_year = cohort.cases_a_year(28)
    if not cases_a_year or cohort.first_day is None:
        return
    horizon = _hours_to(rules.clock.add(now_ms, rules.target_ms // RISK_SHARE_DIVISOR) - now_ms)
    past = _past(situation, cohort, cohort.first_day, horizon)
    bearable = bearable_share(1 - promise.target_share, past)
    alpha = alpha_of(cases_a_year)
    expected = int(cases_a_year * horizon / (YEAR_DAYS * DAY_SECONDS))
    if not is_reachable(expected, bearable, alpha):
        return
    near = cohort.due(at, at + horizon)
    chance = chance_of_as_many(near.bad, near.n, bearable)
    active = chance < alpha
    yield Verdict(
        service=situation.service.id,
        signal=SIGNAL,
        at=at,
        active=active,
        since=at - horizon if active else None,
        value=near.bad / near.n if near.n else None,
        expected=bearable,
        cases=near.n,
        chance=chance,
        words=_words(near.bad, near.n, horizon, bearable, past),
        test=f"exact binomial, alpha {alpha:.1g}, share {bearable:.3g}, cases due within {horizon // HOUR_SECONDS} h",
        evidence={
            "horizon_hours": horizon // HOUR_SECONDS,
            "cases": near.n,
            "open": near.bad,
            "bearable_share": bearable,
            "alpha": alpha,
            "last_90_days": {"due": past.due, "near_their_due": past.near, "missed": past.late},
        },
    )


def _past(situation: Situation, cohort: DueCohort, first_day: int, horizon: int) -> Past:
    """Cases that came near their due up to a horizon ago have fallen due by now."""
    at = situation.at
    start = max(at - HISTORY_SECONDS + horizon, first_day)
    due = cohort.due(start, at)
    near = HourlyCounts(situation, (c.RISK_ENTERED,)).count(c.RISK_ENTERED, start - horizon, at - horizon)
    return Past(due=due.n, near=near, late=due.bad)


def _hours_to(duration_ms: int) -> int:
    """Whole hours in seconds, never more than the duration: nobody younger than 80 % may be in the cohort."""
    return duration_ms // SECOND_MS // HOUR_SECONDS * HOUR_SECONDS


def _words(still_open: int, cases: int, horizon: int, bearable: float, past: Past) -> str:
    within = in_words(horizon * SECOND_MS)
    if not cases:
        return f"No case falls due within {within}"
    told = f"{still_open} of {cases} cases that fall due within {within} are still open ({100 * still_open / cases:.0f} %)"
    near = f"of {past.near} cases that came so near their due {past.late} were missed"
    return f"{told}; the promise can bear {100 * bearable:.0f} %, since {near}"
