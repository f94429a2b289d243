"""Slow services whose true performance is known, judged at every hour by the test of `kept.signals.leading`.

Of the cases that are opened some are still open at 80 % of their promised time (`near`), a part of these is late; the
others close at any moment before their due. What a service may bear is taken from its past anew each day.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from scipy.special import bdtrc

from kept.indicators.definitions import RISK_SHARE_DIVISOR
from kept.signals.leading import MONTH_SECONDS, MONTHS, Past, alpha_of, bearable_share
from tests.kept.signals.budget_simulation import YEAR_HOURS, DueCases, newly_raised

HISTORY_HOURS = MONTHS * MONTH_SECONDS // 3600


class Slow(Struct, frozen=True, kw_only=True):
    """A service with an error budget `budget`, of whose cases the share `near` is open at 80 % of their time."""

    budget: float
    cases_a_year: float
    promised_days: int
    near: float

    @property
    def horizon(self) -> int:
        """A fifth of the promised time, in hours."""
        return self.promised_days * 24 // RISK_SHARE_DIVISOR

    @property
    def lead(self) -> int:
        """Hours from the first opening to the first look, at which the last three months are known."""
        return self.promised_days * 24 + HISTORY_HOURS


class Cases(NamedTuple):
    """Of each case the hours at which it comes near its due, closes if it does by then, and falls due; and its fate."""

    entry: Any
    closes: Any
    due: Any
    near: Any
    late: Any


class Watched(Struct, frozen=True, kw_only=True):
    """What was seen from hour 0, the first look, on."""

    active: NDArray[np.bool_]
    due: DueCases
    """One row; also of the hours before the first look, which are the first `lead` columns."""
    cases: Cases


def watch(slow: Slow, hours: int, random: np.random.Generator, worse: Callable[[Any], Any] | None = None) -> Watched:
    """One service for so many hours; `worse` says by opening hour (the first look is 0) which share is missed.

    A case is as often near its due as it must be so that the same part of those near turns out late.
    """
    total = slow.lead + hours
    per_hour = random.poisson(slow.cases_a_year / YEAR_HOURS, total)
    opened = np.repeat(np.arange(total), per_hour)
    missed = np.full(len(opened), slow.budget) if worse is None else worse(opened - slow.lead)
    near_share = np.minimum(1.0, slow.near * missed / slow.budget)
    dice = random.random(len(opened))
    late = dice < missed
    near = late | (dice < np.maximum(near_share, missed))
    due = opened + slow.promised_days * 24
    entry = due - slow.horizon
    closes = np.where(late, due, np.minimum(due, entry + 1 + random.integers(0, slow.horizon, len(opened))))

    def count(times: Any) -> NDArray[np.int64]:
        return np.bincount(times[times < total], minlength=total)

    is_open = np.cumsum(count(entry[near]) - count(closes[near]))
    passed = np.cumsum(count(entry))
    n = passed - np.concatenate([np.zeros(slow.horizon, np.int64), passed[: -slow.horizon]])
    due_n, due_bad, entered = count(due), count(due[late]), count(entry[near])
    bearable = np.repeat(
        [
            _bearable(slow, *(np.cumsum(one) for one in (due_n, entered, due_bad)), at)
            for at in range(slow.lead, total, 24)
        ],
        24,
    )[:hours]
    looks = slice(slow.lead, total)
    chance = np.where(is_open[looks] > 0, bdtrc(is_open[looks] - 1, n[looks], bearable), 1.0)
    active = (chance < alpha_of(slow.cases_a_year)) & (bearable < 1)
    due_cases = DueCases(due_n[np.newaxis], due_bad[np.newaxis])
    return Watched(active=active, due=due_cases, cases=Cases(entry, closes, due, near, late))


def false_warnings(slow: Slow, years: int, seed: int) -> int:
    """How often `cases_at_risk` is raised in so many years of a service that keeps its promise just as promised."""
    random = np.random.default_rng(seed)
    active = np.stack([watch(slow, YEAR_HOURS, random).active for _ in range(years)])
    return int(newly_raised(active, "cases_at_risk").sum())


def _bearable(slow: Slow, due: Any, near: Any, missed: Any, at: int) -> float:
    def between(sums: Any, start: int, end: int) -> int:
        return int(sums[end - 1] - (sums[start - 1] if start else 0))

    def past(start: int, end: int) -> Past:
        return Past(
            due=between(due, start, end),
            near=between(near, start - slow.horizon, end - slow.horizon),
            missed=between(missed, start, end),
        )

    step = HISTORY_HOURS // MONTHS
    edges = [at - back * step for back in range(MONTHS, -1, -1)]
    return bearable_share(slow.budget, past(edges[0], at), [past(*pair) for pair in pairwise(edges)])
