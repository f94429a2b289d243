"""Waste ranked by the money at stake, and waiting beyond the promise in person-days. Pure: points in, rows out.

Booked money (an event said so) and modelled money (a count times a rate of the catalogue) may be the same waste told
twice: they are never added, nor ranked against each other. Currencies are not added. Waiting has no rate in the
catalogue: it is told in person-days, and never as money.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final, Literal

from msgspec import Struct

from kept.buckets import DAY_SECONDS
from kept.indicators.point import Point

Basis = Literal["booked", "modelled"]
Kind = Literal["rework", "failure demand", "wrong channel"]
INDICATORS: Final[dict[str, tuple[Kind, Basis]]] = {
    "cost_of_waste_rework_booked": ("rework", "booked"),
    "cost_of_waste_failure_demand_booked": ("failure demand", "booked"),
    "cost_of_waste_rework_modelled": ("rework", "modelled"),
    "cost_of_waste_failure_demand_modelled": ("failure demand", "modelled"),
    "cost_of_waste_wrong_channel_modelled": ("wrong channel", "modelled"),
}
LONGEST_STEP_SECONDS: Final = DAY_SECONDS * 3 // 2
"""Between two known numbers of overdue cases that are further apart nothing is taken for known."""
LEAST_COVERED: Final = 0.8
"""The share of a window that must be covered."""
WEEK_DAYS: Final = 7


class Waste(Struct, frozen=True):
    """Money a week, in units of `currency`, of one kind in one service; `n` is what it was counted from."""

    service: str
    kind: Kind
    basis: Basis
    currency: str
    a_week: float
    n: int | None


class Sum(Struct, frozen=True):
    """Money a week of one kind over all services of one currency that tell it."""

    kind: Kind
    basis: Basis
    currency: str
    a_week: float
    services: int


def waste_of(points: Iterable[Point], window: str) -> tuple[list[Waste], list[Point]]:
    """The known waste of a service over `window`, and the points that tell why a kind is not known."""
    known, unknown = [], []
    for point in points:
        if point.indicator not in INDICATORS or point.window != window or point.slice:
            continue
        if point.value is None:
            unknown.append(point)
            continue
        kind, basis = INDICATORS[point.indicator]
        currency = point.unit.removesuffix(" a week")
        known.append(Waste(point.service, kind, basis, currency, float(point.value), point.n))
    return known, unknown


def ranked(waste: Iterable[Waste]) -> dict[tuple[str, Basis], list[Waste]]:
    """The most money first, for each currency and basis."""
    found: dict[tuple[str, Basis], list[Waste]] = {}
    for one in sorted(waste, key=lambda one: (-one.a_week, one.service, one.kind)):
        found.setdefault((one.currency, one.basis), []).append(one)
    return dict(sorted(found.items()))


def sums(waste: Iterable[Waste]) -> list[Sum]:
    """Each kind over all services, by currency and basis, the most money first."""
    added: dict[tuple[str, Basis, Kind], list[float]] = {}
    for one in waste:
        added.setdefault((one.currency, one.basis, one.kind), []).append(one.a_week)
    found = [
        Sum(kind, basis, currency, float(sum(sorted(amounts))), len(amounts))
        for (currency, basis, kind), amounts in added.items()
    ]
    return sorted(found, key=lambda one: (one.currency, one.basis, -one.a_week, one.kind))


def person_days_a_week(overdue: Sequence[Point], start: int, end: int) -> float | None:
    """Days that people waited beyond the promise in (start, end] (s), a week; from the `overdue` cases by time.

    Each overdue case adds a day a day, so it is the area under their number (trapezoids). None where less than
    `LEAST_COVERED` of the time is covered. Paused cases are not overdue.
    """
    told = [(point.window_end, point.value) for point in overdue if start <= point.window_end <= end]
    area, covered = 0.0, 0
    for (a, before), (b, after) in pairwise(told):
        if before is not None and after is not None and 0 < b - a <= LONGEST_STEP_SECONDS:
            area += (before + after) / 2 * (b - a)
            covered += b - a
    if covered <= 0 or covered < LEAST_COVERED * (end - start):
        return None
    return area / covered * WEEK_DAYS
