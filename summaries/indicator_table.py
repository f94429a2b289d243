"""All indicators of one service as a table: a row an indicator, a column a window. Pure: points in, words out."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from kept.indicators.definitions import DEFINITIONS
from kept.indicators.near_due_definitions import DEFINITIONS as NEAR_DUE
from kept.indicators.point import STALE, Point
from kept.indicators.windows import WINDOWS
from summaries import wording
from summaries.service_card import LatestPoints

BY_PLACE_ONLY = frozenset({"waiting_by_step_p50", *(definition.name for definition in NEAR_DUE)})
"""Indicators that have no value for a whole service, but for its steps or for places around the due."""


class Cell(Struct, frozen=True):
    """One value in words; `detail` holds the interval and the number of cases behind it, `point` all of it."""

    text: str
    detail: str
    known: bool
    span: int = 1
    point: Point | None = None


class Row(Struct, frozen=True):
    """One indicator: its name, formula and trap, and a cell a window (one wide cell for a stock)."""

    name: str
    formula: str
    trap: str
    cells: tuple[Cell, ...]


class Family(Struct, frozen=True):
    """Indicators that belong together."""

    name: str
    rows: tuple[Row, ...]


def make_table(points: Iterable[Point]) -> tuple[Family, ...]:
    """The families of indicators in the order of their definitions; each window has a cell."""
    latest = LatestPoints(points)
    families: dict[str, list[Row]] = {}
    for definition in DEFINITIONS:
        if definition.name in BY_PLACE_ONLY:
            continue
        cells: tuple[Cell, ...]
        if definition.stock:
            cells = (_cell(latest.stock(definition.name), len(WINDOWS)),)
        else:
            cells = tuple(_cell(latest.of(definition.name, window)) for window in WINDOWS)
        row = Row(wording.label(definition.name), definition.formula, definition.trap, cells)
        families.setdefault(definition.family, []).append(row)
    return tuple(Family(name, tuple(rows)) for name, rows in families.items())


def _cell(point: Point | None, span: int = 1) -> Cell:
    if point is None or point.value is None:
        return Cell(wording.shown(point), "", False, span, point)
    spread = wording.interval(point)
    parts = [] if spread is None else [spread]
    if point.n is not None and point.unit != "cases":
        parts.append(f"n{wording.NBSP}{wording.number(point.n)}")
    if point.reason == STALE:
        parts.append("stale")
    return Cell(wording.shown(point), ", ".join(parts), True, span, point)
