"""Honest error budgets: from a promise and its volume to rules that can fire, or a reason why there is none.

With target t the budget is EB = 1 - t: the share of due cases that may be missed. The burn of a window is its missed
share divided by EB; it is never more than 1 / EB. A rule fires when its long window is missed more often than chance
explains (exact binomial) and burns at the factor or faster, and the short window does not show that it is over. Why it
is so: docs/alert-budgets.md.
"""

from __future__ import annotations

import functools
import math
from bisect import bisect_left
from collections.abc import Mapping
from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace
from scipy.special import bdtr, bdtrc

from kept.signals.budget_numbers import BURNS, FAST, SLOW, BudgetSignal, Burn, PeriodDays, number
from kept.signals.kinds import BY_NAME

Reason = Literal["no_target", "no_volume", "too_few_cases"]
REASONS: Final[Mapping[Reason, str]] = {
    "no_target": "no share is promised, so nothing can be said to be missed too often; give the promise a target_share",
    "no_volume": "no case falls due, so there is nothing to judge",
    "too_few_cases": "even the longest window holds so few cases that missing some of them, or all, is no evidence; "
    "watch the open cases near their due, or make the period a quarter",
}
"""Why there is no rule, and what to do."""
YEAR_DAYS: Final = 365.25
HOURS_A_DAY: Final = 24
_ROUNDS: Final = 3
_TIE: Final = 1e-9
"""A burn that is the factor but for the last digit of a float is the factor."""


class Rule(Struct, frozen=True, kw_only=True):
    """Fires when the long window is missed significantly often and burns fast, unless the short one says it is over.

    The short window is `short_hours`, and as much longer as it takes to hold `short_cases` due cases, at most the long
    one. So a night without due cases neither ends a signal nor brings one back.
    """

    signal: BudgetSignal
    budget: float
    """EB, the share of due cases that may be missed."""
    long_hours: int
    short_hours: int
    short_cases: int
    factor: float
    """The least burn; 1 uses up the period's budget in exactly the period."""
    alpha: float
    """Significance that a single look must have."""

    def burn(self, bad: int, n: int) -> float:
        """How many times faster than planned the budget is used."""
        return bad / n / self.budget

    def burns(self, bad: int, n: int) -> bool:
        """Whether a window of `n` > 0 due cases, `bad` of them missed, burns at the factor or faster."""
        return bad >= self.factor * self.budget * n - _TIE

    def chance(self, bad: int, n: int) -> float:
        """P(X >= bad) of `n` cases when each is missed with the budget's probability."""
        return chance_of_as_many(bad, n, self.budget)

    def is_over(self, bad: int, n: int) -> bool:
        """Whether a short window of `n` due cases shows that the budget no longer burns at the factor."""
        return n == 0 or bdtr(bad, n, min(1.0, self.factor * self.budget)) < number("short_doubt")

    def is_bad(self, bad: int, n: int) -> bool:
        """Whether `bad` of `n` due cases in the long window are enough to fire."""
        return n > 0 and self.burns(bad, n) and self.chance(bad, n) < self.alpha


class Plan(Struct, frozen=True, kw_only=True):
    """The rules of one promise; of each signal without a rule, the reason."""

    target: float | None
    cases_a_year: float
    period_days: PeriodDays
    zero_budget: bool = False
    """Target 100 %: every breach counts by itself, and there are no windows."""
    rules: tuple[Rule, ...] = ()
    refused: Mapping[BudgetSignal, Reason] = {}


def plan(target: float | None, cases_a_year: float | None, period_days: PeriodDays = 28) -> Plan:
    """Rules for a promise that is to hold for the share `target` of so many cases that fall due in a year.

    None or 0 stand for what nobody stated. Raises `ValueError` for a target that is no share and a negative volume.
    """
    if target is not None and not 0 <= target <= 1:
        raise ValueError(f"target {target!r} is not valid; valid: a share from 0 to 1, or None")
    if cases_a_year is not None and not 0 <= cases_a_year < math.inf:
        raise ValueError(f"cases_a_year {cases_a_year!r} is not valid; valid: 0 or more, or None")
    cases = cases_a_year or 0.0
    signals: tuple[BudgetSignal, ...] = (FAST, SLOW)
    if not target or not cases:
        reason: Reason = "no_volume" if target else "no_target"
        refused = dict.fromkeys(signals, reason)
        return Plan(target=target or None, cases_a_year=cases, period_days=period_days, refused=refused)
    if target == 1:
        return Plan(target=target, cases_a_year=cases, period_days=period_days, zero_budget=True)
    rules = {signal: _rules(signal, 1 - target, cases, period_days) for signal in signals}
    return Plan(
        target=target,
        cases_a_year=cases,
        period_days=period_days,
        rules=rules[FAST] + rules[SLOW],
        refused={signal: "too_few_cases" for signal in signals if not rules[signal]},
    )


def chance_of_as_many(bad: int, n: int, share: float) -> float:
    """P(X >= bad) for X binomial with `n` trials of probability `share` (exact, by the incomplete beta function)."""
    if bad <= 0:
        return 1.0
    return float(bdtrc(bad - 1, n, share)) if bad <= n else 0.0


@functools.lru_cache(maxsize=100_000)
def least_bad(rule: Rule, n: int) -> int | None:
    """The least number of missed cases of `n` due that makes the long window bad; None when not even all do."""
    if n <= 0 or not rule.is_bad(n, n):
        return None
    # More missed cases always burn faster and are never less significant.
    return bisect_left(range(n), True, lo=1, key=lambda bad: rule.is_bad(bad, n))


def expected_cases(cases_a_year: float, hours: int) -> float:
    """Due cases in a window of so many hours."""
    return cases_a_year * hours / (HOURS_A_DAY * YEAR_DAYS)


def most_looks(cases_a_year: float) -> float:
    """How many looks a year can newly fire, at most: every full hour, and only when something changed."""
    return min(number("looks_a_year"), max(1.0, number("changes_a_case") * cases_a_year))


def false_signals_a_year(rule: Rule, n: int, cases_a_year: float) -> float:
    """An upper bound of how often a year the rule is newly raised when cases are missed with the budget's probability.

    For a long window with exactly `n` cases. Looks overlap, so one that fires is seldom alone. A signal that was raised
    ends only after quiet hours; so while the long window stays bad it is raised at most once in that time. And the long
    window becomes bad only when a missed case comes in as a kept one leaves and exactly one was lacking: with `k` the
    least number that fires, at a rate of k (1 - EB) P(X = k) / long_hours. Or simply: no look is more than one signal.
    """
    least = least_bad(rule, n)
    if least is None:
        return 0.0
    size = chance_of_as_many(least, n, rule.budget)
    exactly = size - chance_of_as_many(least + 1, n, rule.budget)
    hours = number("looks_a_year")
    becomes_bad = hours / rule.long_hours * least * (1 - rule.budget) * exactly
    stays_bad = hours / (BY_NAME[rule.signal].quiet_hours + 1) * size
    return min(most_looks(cases_a_year) * size, becomes_bad + stays_bad)


def _rules(signal: BudgetSignal, budget: float, cases_a_year: float, period_days: PeriodDays) -> tuple[Rule, ...]:
    """Rules of one signal; windows that widen to the same length become one, which may use up all that is allowed."""
    allowed = number("false_pages_a_year" if signal == FAST else "false_tickets_a_year")
    burns = [burn for burn in BURNS if burn.signal == signal]
    rules = [_rule(burn, budget, cases_a_year, period_days, allowed / len(burns)) for burn in burns]
    found = [rule for rule in rules if rule is not None]
    if len({rule.long_hours for rule in found}) < len(burns):
        alone = _rule(burns[-1], budget, cases_a_year, period_days, allowed)
        return () if alone is None else (alone,)
    return tuple(found)


def _rule(burn: Burn, budget: float, cases_a_year: float, period_days: PeriodDays, allowed: float) -> Rule | None:
    """The rule of the shortest long window, from `burn.days` on, that expects a missed case and can be significant."""
    longest = int(number("longest_page_days")) if burn.signal == FAST else period_days
    for days in range(burn.days, longest + 1):
        n = expected_cases(cases_a_year, days * HOURS_A_DAY)
        if budget * n < number("least_expected_bad"):
            continue
        most = number("most_bad_share") / budget
        factor = max(number("least_burn"), min(burn.shares[period_days] * period_days / days, most))
        rule = Rule(
            signal=burn.signal,
            budget=budget,
            long_hours=days * HOURS_A_DAY,
            short_hours=max(1, round(days * HOURS_A_DAY / number("short_part"))),
            short_cases=math.ceil(number("short_expected_bad") / (factor * budget)),
            factor=factor,
            alpha=min(1.0, allowed / most_looks(cases_a_year)),
        )
        rule = _with_all_that_is_allowed(rule, int(n), cases_a_year, allowed)
        if least_bad(rule, int(n)) is not None:
            return rule
    return None


def _with_all_that_is_allowed(rule: Rule, n: int, cases_a_year: float, allowed: float) -> Rule:
    """The rule with the largest alpha that keeps to `allowed` false signals a year by their bound.

    Looks count less the fewer missed cases are needed, so what is right for the former alpha is safe for a larger one.
    """
    for _ in range(_ROUNDS):
        least = least_bad(rule, n)
        size = 0.0 if least is None else chance_of_as_many(least, n, rule.budget)
        if size == 0:
            return rule
        looks = false_signals_a_year(rule, n, cases_a_year) / size
        rule = replace(rule, alpha=min(1.0, allowed / looks))
    return rule
