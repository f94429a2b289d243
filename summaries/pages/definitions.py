"""`/definitions`: every indicator by family, with its formula, its source and its trap."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import Struct
from starlette.responses import Response
from starlette.routing import BaseRoute

from kept.indicators.definitions import DEFINITIONS, Definition
from kept.indicators.windows import WINDOWS
from summaries import wording
from summaries.known import Known
from summaries.site import Asked, Site

NAV = ("/definitions", "Definitions")
UNITS: Final = {"share": "share, shown as %", "seconds": "time", "money": "money", "points": "points of 100"}
BETTER: Final = {"up": "more", "down": "less", "neutral": "neither more nor less"}


class Shown(Struct, frozen=True, kw_only=True):
    """A definition in words."""

    name: str
    words: str
    label: str
    formula: str
    unit: str
    source: str
    trap: str
    better: str
    windows: str


def routes(site: Site) -> Sequence[BaseRoute]:
    """The page's address."""

    def page(asked: Asked, known: Known) -> Response:
        families: dict[str, list[Shown]] = {}
        for definition in DEFINITIONS:
            families.setdefault(definition.family, []).append(shown(definition))
        return site.render(asked, "definitions.html", families=families)

    return [site.route("/definitions", page)]


def shown(definition: Definition) -> Shown:
    """A definition as a page shows it."""
    windows = definition.windows or WINDOWS
    return Shown(
        name=definition.name,
        words=wording.label(definition.name).capitalize(),
        label=definition.label,
        formula=definition.formula,
        unit=UNITS.get(definition.unit, definition.unit),
        source=definition.source,
        trap=definition.trap,
        better=BETTER[definition.better],
        windows="a stock: the same under every window" if definition.stock else ", ".join(windows),
    )
