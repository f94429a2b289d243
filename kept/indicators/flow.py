"""Arrivals, completions and what is waiting: flows in the window, stocks at its end."""

from __future__ import annotations

from collections.abc import Iterator

from kept import counters as c
from kept.buckets import DAY_SECONDS
from kept.indicators.definitions import AGE_BANDS
from kept.indicators.measured import Measured, absent, amount
from kept.indicators.windows import View

COMPLETIONS = tuple(range(c.COMPLETED, c.WITHDRAWN))
"""Counters of completions by outcome, withdrawals left out."""


def measure(view: View, last_28_days: View) -> Iterator[Measured]:
    """All flow indicators; `last_28_days` gives the rate of completions that the backlog is compared with."""
    arrivals, completions = view.count(c.OPENED), view.count(*COMPLETIONS)
    backlog = view.stock(c.BACKLOG_ENTERED, c.BACKLOG_LEFT)
    yield amount("arrivals", arrivals)
    yield amount("completions", completions)
    yield amount("withdrawals", view.count(c.WITHDRAWN))
    yield amount("net_flow", arrivals - completions, n=arrivals + completions)
    yield amount("backlog", backlog)
    yield amount("paused", view.stock(c.PAUSED_ENTERED, c.PAUSED_LEFT))
    for name, low, high in AGE_BANDS:
        below = None if high is None else high * DAY_SECONDS
        in_band = sum(
            cohort.cases
            for cohort in view.open_ever
            if view.end - cohort.end >= low * DAY_SECONDS and (below is None or view.end - cohort.end < below)
        )
        yield amount(f"backlog_age_{name}", in_band)
    yield _oldest(view)
    yield _backlog_days(backlog, last_28_days)


def _backlog_days(backlog: int, last_28_days: View) -> Measured:
    completed, days = last_28_days.count(*COMPLETIONS), last_28_days.known_days
    if completed <= 0:
        return absent("backlog_days", "no_completions", numerator=backlog, denominator=completed, n=completed)
    if days <= 0:
        return absent("backlog_days", "no_time", numerator=backlog, denominator=0, n=completed)
    return Measured("backlog_days", backlog * days / completed, backlog, completed / days, completed)


def _oldest(view: View) -> Measured:
    if not view.open_ever:
        return absent("oldest_open", "nothing_open", n=0)
    age = view.end - min(cohort.end for cohort in view.open_ever)
    return Measured("oldest_open", age / DAY_SECONDS, age, DAY_SECONDS, sum(cohort.cases for cohort in view.open_ever))
