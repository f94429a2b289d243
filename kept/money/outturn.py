"""The budget year: what was booked of it so far, and where it will end if weeks go on as they did. Pure.

Forecast = booked so far + weeks left x mean weekly cost. Its 95 % prediction interval holds what is not known of the
mean and what the weeks left bring by chance: variance = (R^2 / n + R) s^2, with n the weeks seen, each worth as many
independent ones as their autocorrelation leaves of it (`moves.independent_share`), and R the weeks left.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Sequence
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct
from scipy.special import stdtrit

from kept.buckets import WEEK_SECONDS
from kept.money.booked import TOLERANCE_SECONDS, Booked, Total, total_at
from kept.money.moves import LEAST_WEEKS, independent_share, mean, variance

MOST_WEEKS: Final = 26
"""The forecast goes by the last half-year at most: older weeks tell of another price level."""


class BudgetYear(Struct, frozen=True):
    """(start, end] in s: midnights of the service's local time."""

    start: int
    end: int


class Spent(Struct, frozen=True):
    """Cost booked (minor units) in (since, at] (s). `whole`: `since` is the beginning of the budget year."""

    since: int
    at: int
    minor_units: int
    whole: bool


class Outturn(Struct, frozen=True):
    """Where the cost since `Spent.since` will stand at the year's end: minor units, 95 % interval, weeks behind it."""

    expected: float
    low: float
    high: float
    weeks: int


def budget_year(at: int, zone: ZoneInfo, first_month: int) -> BudgetYear:
    """The budget year that the moment `at` (s) lies in, beginning on the first of `first_month` (1 to 12)."""
    local = datetime.datetime.fromtimestamp(at - 1, zone)
    year = local.year if local.month >= first_month else local.year - 1
    start, end = (datetime.datetime(one, first_month, 1, tzinfo=zone) for one in (year, year + 1))
    return BudgetYear(int(start.timestamp()), int(end.timestamp()))


def spent(known: Sequence[Total], year: BudgetYear) -> Spent | None:
    """What was booked since the year began, or since totals are known; None when none in the year is."""
    if not known or known[-1].at <= year.start:
        return None
    last = known[-1]
    if last.since >= year.start - TOLERANCE_SECONDS:
        return Spent(last.since, last.at, last.minor_units, last.since <= year.start)
    first = total_at(known, year.start) or next(total for total in known if total.at > year.start)
    if first.at >= last.at:
        return None
    return Spent(first.at, last.at, last.minor_units - first.minor_units, first.at <= year.start)


def outturn(so_far: Spent, year: BudgetYear, weeks: Sequence[Booked]) -> Outturn | None:
    """The forecast from `weeks` (by time, up to now); None for fewer than `LEAST_WEEKS`."""
    rates = [one.minor_units / one.weeks for one in weeks[-MOST_WEEKS:]]
    if len(rates) < LEAST_WEEKS:
        return None
    left = max(0.0, (year.end - so_far.at) / WEEK_SECONDS)
    worth = independent_share(rates)
    seen = len(rates) * worth
    spread = math.sqrt((left * left / seen + left / worth) * variance(rates))
    half = float(stdtrit(max(1.0, seen - 1), 0.975)) * spread
    expected = so_far.minor_units + left * mean(rates)
    return Outturn(expected, expected - half, expected + half, len(rates))


def budget_share(so_far: Spent, year: BudgetYear) -> float:
    """The part of the budget year that the forecast is about: 1 for the whole year."""
    return 1.0 if so_far.whole else (year.end - so_far.since) / (year.end - year.start)
