"""Simulated weekly series: how often a quiet chart would give a ticket, and how soon a real change does.

The same dice give the same numbers with every release of Python: only `random()` of a seeded generator is used.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random
from typing import Final, NamedTuple

from kept.indicators.intervals import wilson
from kept.signals.grave import GravePoint, grave

WEEKS_A_YEAR: Final = 52
TRIAL: Final = range(8, 12)
"""Weeks that are judged with 8 to 11 weeks before them."""
FULL: Final = range(12, 64)
"""Weeks that are judged with 12 or more before them."""

Week = Callable[[Random, float], GravePoint]
"""One week's point from dice, at so many times the usual level."""


class Quiet(NamedTuple):
    """A kind of series in which nothing happens, and how many tickets a chart-year of it may give at most in tests."""

    name: str
    week: Week
    most_a_year: float


class Change(NamedTuple):
    """A change of level by a factor, for good or for some weeks, and the share of charts on which a ticket must come
    within two completed weeks."""

    name: str
    week: Week
    factor: float
    weeks: int
    least_found: float


class Found(NamedTuple):
    """Shares of charts with a ticket in the first completed week of a change, and in the first or second."""

    in_first_week: float
    within_two_weeks: float


def normal(dice: Random) -> float:
    """A standard normal number (Box and Muller)."""
    return math.sqrt(-2 * math.log(1 - dice.random())) * math.cos(2 * math.pi * dice.random())


def share(usual: float, n: int, beyond_chance: float = 0.0) -> Week:
    """A share of `n` cases; `beyond_chance` is the standard deviation of the true share from week to week."""

    def week(dice: Random, level: float) -> GravePoint:
        true = min(0.999, max(0.001, usual * level + beyond_chance * normal(dice)))
        drawn = (
            round(n * true + math.sqrt(n * true * (1 - true)) * normal(dice)) if n > 100 else _binomial(dice, n, true)
        )
        low, high = wilson(min(n, max(0, drawn)), n)
        return GravePoint(min(n, max(0, drawn)) / n, n, (high - low) / 2)

    return week


def money(variation: float) -> Week:
    """Money a case: lognormal from week to week, which is skewed where `variation` (of the logarithm) is large."""
    return lambda dice, level: GravePoint(level * math.exp(variation * normal(dice)), 200, None)


def median_time(spread: float, n: int) -> Week:
    """The median of `n` lognormal delivery times with the standard deviation `spread` of their logarithm."""
    error = 1.2533 * spread / math.sqrt(n)
    return lambda dice, level: GravePoint(
        level * (value := math.exp(error * normal(dice))), n, level * value * 1.96 * error
    )


def _binomial(dice: Random, n: int, share: float) -> int:
    return sum(dice.random() < share for _ in range(n))


QUIET: Final = (
    Quiet("share of 0.90, 300 cases a week", share(0.9, 300), 0.03),
    Quiet("share of 0.98, 60 cases a week", share(0.98, 60), 0.03),
    Quiet("share of 0.30, 300 cases a week, true share +- 0.04", share(0.3, 300, 0.04), 0.08),
    Quiet("median of 250 delivery times", median_time(0.6, 250), 0.08),
    Quiet("money a case, weeks differ by 5 %", money(0.05), 0.08),
    Quiet("money a case, weeks differ by 30 % (skewed)", money(0.3), 0.3),
)
CHANGES: Final = (
    Change("money a case up by 40 %, weeks differ by 3 %", money(0.03), 1.4, 99, 0.95),
    Change("money a case up by 40 %, weeks differ by 5 %", money(0.05), 1.4, 99, 0.85),
    Change("money a case up by 40 %, weeks differ by 10 %", money(0.10), 1.4, 99, 0.15),
    Change("four times the chasers for one week: failure demand from 0.30 to 0.63, 250 contacts",
           share(0.3, 250, 0.02), 0.63 / 0.3, 1, 0.8),
    Change("deliveries booked at half the time, 250 a week", median_time(0.6, 250), 0.5, 99, 0.95),
    Change("promise kept from 0.90 to 0.60, 300 cases a week", share(0.9, 300, 0.02), 2 / 3, 99, 0.95),
    Change("promise kept from 0.90 to 0.80, 300 cases a week", share(0.9, 300, 0.02), 8 / 9, 99, 0.0),
)  # fmt: skip


def false_tickets_a_year(kind: Quiet, *, chart_years: int, seed: int) -> tuple[float, float]:
    """(with trial limits, with full limits): tickets that begin, per year of a quiet chart."""
    return _rate(kind, TRIAL, chart_years, seed), _rate(kind, FULL, chart_years, seed)


def weeks_until_found(change: Change, *, charts: int, seed: int, before: int = 12) -> Found:
    """How soon a change after `before` quiet weeks gives a ticket."""
    dice = Random(f"{seed}/{change.name}")
    first = second = 0
    for _ in range(charts):
        points = [change.week(dice, 1.0) for _ in range(before)]
        for number in range(2):
            points.append(change.week(dice, change.factor if number < change.weeks else 1.0))
            if grave(points) is not None:
                first += number == 0
                second += 1
                break
    return Found(first / charts, second / charts)


def _rate(kind: Quiet, judged: range, chart_years: int, seed: int) -> float:
    dice = Random(f"{seed}/{kind.name}/{judged}")
    tickets = weeks = 0
    while weeks < chart_years * WEEKS_A_YEAR:
        points = [kind.week(dice, 1.0) for _ in range(judged.stop)]
        was = False
        for last in judged:
            now = grave(points[: last + 1]) is not None
            tickets += now and not was
            was = now
        weeks += len(judged)
    return tickets / weeks * WEEKS_A_YEAR
