"""Is the promise missed more than its error budget allows: `promise_budget_fast`, `promise_budget_slow`; and where
there is no budget each breach: `promise_breached`, `promise_breach_old`. The rules come from `kept.signals.budgets`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal

from msgspec import Struct

from kept import counters as c
from kept.buckets import DAY_SECONDS, HOUR_SECONDS
from kept.catalogue import Promise
from kept.durations import DAY_MS, SECOND_MS, in_words
from kept.signals.budget_numbers import FAST, SLOW, PeriodDays, number
from kept.signals.budgets import Rule, plan
from kept.signals.due_cohort import Due, DueCohort
from kept.signals.hourly_counts import HourlyCounts
from kept.signals.situation import Situation
from kept.signals.verdict import Verdict

PERIODS: Final[Mapping[Literal["28d", "91d"], PeriodDays]] = {"28d": 28, "91d": 91}
_PERIOD_WORDS: Final[Mapping[PeriodDays, str]] = {28: "the four weeks' budget", 91: "the quarter's budget"}
_DAY_HOURS: Final = 24
_LONGEST_SINCE: Final = 91 * DAY_SECONDS


class Judged(Struct, frozen=True, kw_only=True):
    """A rule and what its two windows hold."""

    rule: Rule
    long: Due
    short_hours: int
    short: Due
    chance: float
    fired: bool


def judge(situation: Situation) -> Iterable[Verdict]:
    """Verdicts on the promise of the whole service; none without promise, without volume, or before it is known."""
    promise = situation.service.promise
    if promise is None:
        return
    if promise.target_share == 1:
        yield from _breaches(situation)
        return
    cohort = DueCohort(situation)
    period_days = PERIODS[promise.period]
    cases_a_year = cohort.cases_a_year(period_days)
    if cases_a_year is None:
        return
    planned = plan(promise.target_share, cases_a_year, period_days)
    for signal in (FAST, SLOW):
        judged = [
            _judged(rule, cohort) for rule in planned.rules if rule.signal == signal and cohort.covers(rule.long_hours)
        ]
        if judged:
            yield _verdict(situation, signal, promise, cases_a_year, judged, cohort)


def _judged(rule: Rule, cohort: DueCohort) -> Judged:
    long = cohort.last(rule.long_hours)
    short_hours = cohort.short_window(rule)
    short = cohort.last(short_hours)
    fired = rule.is_bad(long.bad, long.n) and not rule.is_over(short.bad, short.n)
    return Judged(
        rule=rule, long=long, short_hours=short_hours, short=short, chance=rule.chance(long.bad, long.n), fired=fired
    )


def _verdict(
    situation: Situation,
    signal: str,
    promise: Promise,
    cases_a_year: float,
    judged: Sequence[Judged],
    cohort: DueCohort,
) -> Verdict:
    """Told by the shortest window that fired, else by the shortest."""
    told = next((one for one in judged if one.fired), judged[0])
    rule, n, bad = told.rule, told.long.n, told.long.bad
    return Verdict(
        service=situation.service.id,
        signal=signal,
        at=situation.at,
        active=told.fired,
        since=cohort.worse_since(rule) if told.fired else None,
        value=(n - bad) / n if n else None,
        expected=promise.target_share,
        cases=n,
        chance=told.chance,
        words=_words(told, promise),
        test=f"exact binomial, alpha {rule.alpha:.1g}, {rule.long_hours} h and {told.short_hours} h, "
        f"burn {rule.factor:.3g} or more",
        evidence={
            "period": promise.period,
            "expected_cases_a_year": cases_a_year,
            "windows": [_evidence(one) for one in judged],
        },
    )


def _words(told: Judged, promise: Promise) -> str:
    n, bad = told.long.n, told.long.bad
    hours = told.rule.long_hours
    window = "the last 24 h" if hours == _DAY_HOURS else f"the last {hours // _DAY_HOURS} days"
    if n == 0:
        return f"No promise fell due in {window}"
    kept = f"{n - bad} of {n} promises due in {window} were kept ({_percent((n - bad) / n)}"
    kept = f"{kept}, promised {_percent(promise.target_share)})"
    if not told.fired:
        return kept
    period_days = PERIODS[promise.period]
    lasts = in_words(round(period_days / told.rule.burn(bad, n) * DAY_MS))
    return f"{kept}: {_PERIOD_WORDS[period_days]} would be gone in {lasts}; chance {told.chance:.1g} if all were well"


def _percent(share: float) -> str:
    return f"{100 * share:.1f}".removesuffix(".0") + " %"


def _evidence(one: Judged) -> dict[str, Any]:
    rule = one.rule
    windows = {"long": (rule.long_hours, one.long), "short": (one.short_hours, one.short)}
    return {
        **{
            name: {
                "hours": hours,
                "cases": due.n,
                "missed": due.bad,
                "burn": round(rule.burn(due.bad, due.n), 3) if due.n else None,
            }
            for name, (hours, due) in windows.items()
        },
        "chance": one.chance,
        "alpha": rule.alpha,
        "factor": round(rule.factor, 3),
        "fired": one.fired,
    }


def _breaches(situation: Situation) -> Iterable[Verdict]:
    cohort = DueCohort(situation)
    if cohort.first_day is None:
        return
    at, view = situation.at, situation.whole.view("24h")
    counts = HourlyCounts(situation, (c.OVERDUE_ENTERED, c.OVERDUE_LEFT))
    overdue = max(0, view.stock(c.OVERDUE_ENTERED, c.OVERDUE_LEFT))
    today = cohort.last(_DAY_HOURS)
    old_hours = int(number("breach_old_hours"))
    # Who became overdue since then explains at most so many of those who are; the rest have been so for longer.
    old = max(0, overdue - counts.count(c.OVERDUE_ENTERED, at - old_hours * HOUR_SECONDS, at))
    since = _overdue_since(counts, overdue, at)
    active = overdue > 0 or today.bad > 0
    if today.bad and not overdue:
        since = at - _DAY_HOURS * HOUR_SECONDS
    first = (
        f"{overdue} open cases are past their promised time, {today.bad} of {today.n} due in the last 24 h were missed"
    )
    age = in_words(old_hours * SECOND_MS * HOUR_SECONDS)
    evidence = {"overdue": overdue, "missed_in_24h": today.bad, "overdue_for_longer": old, "longer_hours": old_hours}
    common: dict[str, Any] = {"service": situation.service.id, "at": at, "expected": 0.0, "evidence": evidence}
    yield Verdict(
        signal="promise_breached",
        active=active,
        since=since if active else None,
        value=float(max(overdue, today.bad)),
        cases=max(overdue, today.bad),
        words=f"{first}; none may be",
        test="every breach of a promise for all cases counts",
        **common,
    )
    yield Verdict(
        signal="promise_breach_old",
        active=old > 0,
        since=since if old else None,
        value=float(old),
        cases=old,
        words=f"At least {old} open cases have been past their promised time for more than {age}"
        if old
        else f"No open case is known to have been past its promised time for more than {age}",
        test=f"more cases are overdue than became so in the last {old_hours} h",
        **common,
    )


def _overdue_since(counts: HourlyCounts, overdue: int, at: int) -> int | None:
    """The full hour (s) since which somebody has been overdue at every hour; a quarter back at most."""
    since = None
    for end in reversed(counts.hours(at - _LONGEST_SINCE, at)):
        then = overdue - counts.count(c.OVERDUE_ENTERED, end, at) + counts.count(c.OVERDUE_LEFT, end, at)
        if then <= 0:
            break
        since = end
    return since
