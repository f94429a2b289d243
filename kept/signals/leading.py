"""Will the promise be missed: open cases near their due, for services whose due cohort tells it weeks too late.

`cases_at_risk` looks at the cases that fall due within the next fifth of the promised time: all of them have used up
80 % of it, and how many are still open is known now. Who is judged: a promise of 7 days or more with an error budget,
and as many cases as make the test reachable. Shorter promises learn it from their due cohort within hours or days.

The test. Let S be the share of due cases that were open at 80 % of their promised time, and M the share that was
missed. A service that just keeps its promise has M = EB, and an S of S x EB / M, as long as the same part of those near
their due turns out late. S and M are those of its own last 90 days, each at that end of its 95 % interval that makes
the test slower, and the most lenient of these months counts, so that a month of trouble does not sharpen the test after
it. Where M is so small that S x EB / M says nothing, S itself is the measure, but half of the cases at least. Each case
of the cohort is open with this probability at most, since its age is 80 % or more; cases are independent; so the number
of open ones is at most binomial.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from msgspec import Struct

from kept import counters as c
from kept.buckets import DAY_SECONDS, HOUR_SECONDS
from kept.calendars import WorkingCalendar
from kept.durations import DAY_MS, SECOND_MS, in_words
from kept.indicators.definitions import RISK_SHARE_DIVISOR
from kept.indicators.intervals import wilson
from kept.intake import Rules
from kept.signals.budget_numbers import number
from kept.signals.budgets import YEAR_DAYS, chance_of_as_many, most_looks
from kept.signals.due_cohort import WEEK_DAYS, DueCohort
from kept.signals.hourly_counts import HourlyCounts
from kept.signals.situation import Situation
from kept.signals.verdict import Verdict

SIGNAL = "cases_at_risk"
MONTH_SECONDS = 30 * DAY_SECONDS
MONTHS = 3


def promised_days(rules: Rules) -> float | None:
    """The promised time in days: 80 working hours of a 40-hour week are 14. None when each case brings its own."""
    if rules.target_ms is None:
        return None
    clock = rules.clock
    return rules.target_ms / (clock.week_ms / WEEK_DAYS if isinstance(clock, WorkingCalendar) else DAY_MS)


class Past(Struct, frozen=True, kw_only=True):
    """What became of `due` cases: `near` of them were open at 80 % of their promised time, `missed` were not kept."""

    due: int
    near: int
    missed: int


def bearable_share(budget: float, past: Past, months: Sequence[Past] = ()) -> float:
    """The share of cases that may be open at 80 % of the promised time while the promise is just kept.

    1 where nothing is known. `months` are the parts of the past; a case that was paused or reopened enters twice.
    """
    if not past.due:
        return 1.0
    near = wilson(min(past.near, past.due), past.due)[1]
    missed = wilson(past.missed, past.due)[0]
    most = max(number("most_bad_share"), near)
    shares = [near * budget / missed if missed > 0 else most]
    shares += [
        month.near / month.due * budget / (month.missed / month.due) if month.missed else most
        for month in months
        if month.due
    ]
    return min(1.0, most, max(shares))


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
    days = promised_days(rules)
    if days is None or days < number("leading_least_days"):
        return
    cohort = DueCohort(situation)
    cases_a_year = cohort.cases_a_year(28)
    if not cases_a_year or cohort.first_day is None:
        return
    now_ms = at * SECOND_MS
    horizon = _hours_to(rules.clock.add(now_ms, rules.target_ms // RISK_SHARE_DIVISOR) - now_ms)
    month = max(MONTH_SECONDS, horizon)
    edges = [max(at - back * month, cohort.first_day) for back in range(MONTHS, -1, -1)]
    past = _past(situation, cohort, edges[0], at, horizon)
    months = [_past(situation, cohort, start, end, horizon) for start, end in pairwise(edges)]
    bearable = bearable_share(1 - promise.target_share, past, months)
    alpha = alpha_of(cases_a_year)
    expected = int(cases_a_year / YEAR_DAYS * days / RISK_SHARE_DIVISOR)
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
            "last_90_days": {"due": past.due, "near_their_due": past.near, "missed": past.missed},
        },
    )


def _past(situation: Situation, cohort: DueCohort, start: int, end: int, horizon: int) -> Past:
    """What fell due in (start, end] (s) had come near its due a horizon before."""
    due = cohort.due(start, end)
    near = HourlyCounts(situation, (c.RISK_ENTERED,)).count(c.RISK_ENTERED, start - horizon, end - horizon)
    return Past(due=due.n, near=near, missed=due.bad)


def _hours_to(duration_ms: int) -> int:
    """Whole hours in seconds, never more than the duration: nobody younger than 80 % may be in the cohort."""
    return duration_ms // SECOND_MS // HOUR_SECONDS * HOUR_SECONDS


def _words(still_open: int, cases: int, horizon: int, bearable: float, past: Past) -> str:
    within = in_words(horizon * SECOND_MS)
    if not cases:
        return f"No case falls due within {within}"
    told = (
        f"{still_open} of {cases} cases that fall due within {within} are still open ({100 * still_open / cases:.0f} %)"
    )
    before = f"of {past.due} cases due before, {past.near} came so near and {past.missed} were missed"
    return f"{told}; the promise can bear {100 * bearable:.0f} %: {before}"
