"""Cost and waste: what was booked apart from what is modelled by the catalogue's rates."""

from __future__ import annotations

from typing import Final

from kept.indicators.point import Point
from summaries import wording
from summaries.pictures.bars import Bar
from summaries.service.figures import Figures
from summaries.service.tables import Cell, Table

WASTE: Final = (
    ("rework_booked", "Rework, booked"),
    ("failure_demand_booked", "Failure demand, booked"),
    ("rework_modelled", "Rework, modelled"),
    ("failure_demand_modelled", "Failure demand, modelled"),
    ("wrong_channel_modelled", "Wrong channel, modelled"),
)
WINDOWS: Final = ("28d", "90d", "365d")


def cost_table(figures: Figures) -> Table:
    """Cost a case, by window."""
    rows: list[tuple[Cell, ...]] = [
        (words, *(figures.of(name, window) for window in WINDOWS))
        for name, words in (
            ("cost_per_transaction", "Cost of a completed case"),
            ("cost_per_outcome", "Cost of an intended outcome"),
        )
    ]
    return Table(
        id="cost-per-case",
        caption="Cost a case, from booked costs. The gap between the rows is waste",
        head=("What", *(wording.WINDOWS[window] for window in WINDOWS)),
        rows=tuple(rows),
    )


def waste_table(figures: Figures) -> Table:
    """Waste a week: booked first, then modelled; the two are never added."""
    return Table(
        id="waste-a-week",
        caption="Waste, in money a week. Booked and modelled are never added: they may be the same money",
        head=("What", *(wording.WINDOWS[window] for window in WINDOWS)),
        rows=tuple(
            (words, *(figures.of(f"cost_of_waste_{kind}", window) for window in WINDOWS)) for kind, words in WASTE
        ),
    )


def waste_bars(figures: Figures) -> list[Bar]:
    """Waste of the last 28 days as bars, the modelled ones hollow."""
    return [_bar(words, figures.of(f"cost_of_waste_{kind}"), kind.endswith("modelled")) for kind, words in WASTE]


def _bar(words: str, point: Point | None, hollow: bool) -> Bar:
    return Bar(words, None if point is None else point.value, wording.shown(point), hollow)
