"""What a page about money needs of one service, as it was known: weeks side by side, the budget year so far."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from kept.catalogue import Service
from kept.money.booked import TOLERANCE_SECONDS, Booked, Total, charted, stretches, totals
from kept.money.compared import QUARTER_WEEKS, YEAR_WEEKS, By, Comparison, Week, compare, side_by_side
from kept.money.outturn import BudgetYear, Outturn, Spent, budget_year, outturn, spent
from kept.registered_changes import RegisteredChange
from summaries.known import Known
from summaries.service.figures import mondays

WEEKS: Final = 40
"""Weeks that are read: enough for half a year after a registered change and a quarter before it."""


class ServiceMoney(Struct, frozen=True):
    """Money of one service as of `at` (s). `year`, `spent` and `outturn` are None where nothing tells them."""

    at: int
    weeks: tuple[Week, ...]
    changes: tuple[RegisteredChange, ...]
    comparison: Comparison
    year: BudgetYear
    spent: Spent | None
    outturn: Outturn | None


def read_money(known: Known, service: Service, by: By | None = None) -> ServiceMoney | None:
    """The money of `service`; None when nothing was published of it. Raises `Retry` as `Known` does."""
    at = known.published(service.id)
    if at is None:
        return None
    edges = mondays(at, service.zone, 1 + (WEEKS if by != "year" else YEAR_WEEKS + QUARTER_WEEKS))
    year = budget_year(at, service.zone, service.budget_year_begins)
    changes = known.changes(service.id)
    booked: list[Booked] = []
    so_far = forecast = None
    if service.costs is not None:
        digits = service.costs.minor_digits
        found = _totals(known, service.id, [*edges, year.start, at], digits)
        booked = charted(known.charts(service.id, "cost_per_outcome"), digits) or stretches(found, edges)
        so_far = spent(_of_year(known, service.id, found, year, digits), year)
        forecast = None if so_far is None else outturn(so_far, year, booked)
    weeks = side_by_side(
        edges,
        booked,
        known.charts(service.id, "promise_kept"),
        known.charts(service.id, "satisfaction_score"),
    )
    return ServiceMoney(at, tuple(weeks), tuple(changes), compare(weeks, changes, by), year, so_far, forecast)


def _totals(known: Known, service: str, moments: Sequence[int], digits: int) -> list[Total]:
    """The totals around each of `moments`: a year of hourly points is not read for the sake of fifty."""
    points = {
        point.key(): point
        for moment in moments
        for point in known.series(
            service, "cost_per_outcome", "all", since=moment - TOLERANCE_SECONDS, until=moment
        )[-1:]
    }  # fmt: skip
    return totals(points.values(), digits)


def _of_year(known: Known, service: str, found: list[Total], year: BudgetYear, digits: int) -> list[Total]:
    """The same, with the first total of the year where that of its beginning is not known."""
    if not found or found[0].at <= year.start or found[0].since >= year.start:
        return found
    months = known.series(service, "cost_per_outcome", "all", since=year.start, until=found[0].at)
    return totals(months, digits)[:1] + found if months else found
