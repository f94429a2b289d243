"""A table of a page: its cells are texts, or published numbers that lead to their definition and counts."""

from __future__ import annotations

from msgspec import Struct

from kept.indicators.point import Point

Cell = str | Point | None
"""None is a number that was never published."""


class Table(Struct, frozen=True, kw_only=True):
    """`rows` have a cell for each of `head`; the first is the row's header. `csv` and `json` are addresses.
    In a `dated` table a number leads to its own moment, in others to the newest one.
    """

    id: str
    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    csv: str | None = None
    json: str | None = None
    dated: bool = False
