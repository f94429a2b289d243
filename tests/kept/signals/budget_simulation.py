"""Services whose true performance is known, judged at every hour of many years by the rules of a plan, all at once.

`fires` says the same as `kept.signals.promises` does of tallies; a test compares them hour by hour.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr

from kept.signals.budget_numbers import number
from kept.signals.budgets import Plan, Rule, least_bad
from kept.signals.kinds import BY_NAME

Counts = NDArray[np.int64]
"""Cases by service (row) and hour (column)."""
Flags = NDArray[np.bool_]
YEAR_HOURS = 8766
WEEK_HOURS = 168
FLAT = np.ones(WEEK_HOURS)
OFFICE = np.array([float(day < 5 and 9 <= hour < 17) for day in range(7) for hour in range(24)])
"""Promises counted in working time fall due while the office is open."""


class DueCases(NamedTuple):
    """Cases that fall due, and those of them that are missed."""

    n: Counts
    bad: Counts


def due_cases(
    random: np.random.Generator,
    cases_a_year: float,
    bad_share: float,
    shape: tuple[int, int],
    rhythm: NDArray[np.float64] = FLAT,
) -> DueCases:
    """A Poisson stream of cases for `shape` = (services, hours), each missed with the same probability."""
    rates = np.resize(rhythm / rhythm.mean(), shape[1]) * (cases_a_year / YEAR_HOURS)
    n = random.poisson(rates, shape)
    return DueCases(n, random.binomial(n, bad_share))


def rolling(counts: Counts, hours: int) -> Counts:
    """Sum of the last so many hours at each hour, of fewer at the beginning."""
    sums = np.cumsum(counts, axis=1)
    result = sums.copy()
    result[:, hours:] -= sums[:, :-hours]
    return result


def fires(rule: Rule, due: DueCases) -> Flags:
    """At which hours the rule fires."""
    n, bad = rolling(due.n, rule.long_hours), rolling(due.bad, rule.long_hours)
    least = np.array([least_bad(rule, cases) or 10**9 for cases in range(int(n.max()) + 1)])
    fired: Flags = bad >= least[n]
    rows, columns = np.nonzero(fired)  # seldom: only these need a look at the short window
    n_until, bad_until = (np.pad(np.cumsum(counts, axis=1), ((0, 0), (1, 0))) for counts in due)

    def last(until: Counts, hours: Counts) -> Counts:
        found: Counts = until[rows, columns + 1] - until[rows, np.maximum(columns + 1 - hours, 0)]
        return found

    short = np.full(len(rows), rule.short_hours)
    too_few = last(n_until, short) < rule.short_cases
    while too_few.any():
        short[too_few] += 1
        too_few &= (last(n_until, short) < rule.short_cases) & (short < rule.long_hours)
    chance = bdtr(last(bad_until, short), last(n_until, short), min(1.0, rule.factor * rule.budget))
    over = chance < number("short_doubt")
    fired[rows[over], columns[over]] = False
    return fired


def any_fires(rules: Sequence[Rule], due: DueCases) -> Flags:
    """At which hours one of the rules fires, each from the hour on at which its long window is full."""
    total = np.zeros(due.n.shape, bool)
    for rule in rules:
        fired = fires(rule, due)
        fired[:, : rule.long_hours - 1] = False
        total |= fired
    return total


def newly_raised(fired: Flags, signal: str) -> Flags:
    """The hours at which a signal is raised: it fires, and had been quiet for as long as it takes to end."""
    before = np.pad(fired, ((0, 0), (1, 0)))[:, :-1].astype(np.int64)
    raised: Flags = fired & (rolling(before, BY_NAME[signal].quiet_hours) == 0)
    return raised


def false_signals(plan: Plan, signal: str, years: int, seed: int, rhythm: NDArray[np.float64] = FLAT) -> int:
    """How many signals are raised in so many years of a service that keeps its promise exactly as often as promised."""
    assert plan.target is not None
    rules = [rule for rule in plan.rules if rule.signal == signal]
    lead = max(rule.long_hours for rule in rules)
    random = np.random.default_rng(seed)
    due = due_cases(random, plan.cases_a_year, 1 - plan.target, (years, lead + YEAR_HOURS), rhythm)
    return int(newly_raised(any_fires(rules, due), signal)[:, lead:].sum())


def detection_delays(
    plan: Plan, signal: str, bad_share: float, runs: int, seed: int, days: int = 91
) -> NDArray[np.float64]:
    """Hours from when missed cases become this share of those falling due to the signal; infinite when not in `days`.

    Before that the promise is kept exactly as often as promised.
    """
    assert plan.target is not None
    rules = [rule for rule in plan.rules if rule.signal == signal]
    lead = max(rule.long_hours for rule in rules)
    random = np.random.default_rng(seed)
    well = due_cases(random, plan.cases_a_year, 1 - plan.target, (runs, lead))
    ill = due_cases(random, plan.cases_a_year, bad_share, (runs, days * 24))
    due = DueCases(*(np.concatenate(parts, axis=1) for parts in zip(well, ill, strict=True)))
    fired = any_fires(rules, due)[:, lead:]
    first: Any = np.where(fired.any(axis=1), fired.argmax(axis=1) + 1.0, np.inf)
    return first  # type: ignore[no-any-return]
