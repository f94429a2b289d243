"""Waste as bars, the most money first; booked and modelled in panels of their own, since they may be the same money."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kept.money.waste import Basis, Waste
from summaries.vega import Spec, Theme, colours

WIDTH, STEP, MOST_LABEL = 320, 34, 280
NARROW, MOST_NARROW_LABEL = 170, 140
"""Of a panel and of its longest name in pixels: for telephones."""
MOST_BARS = 12
"""In each panel; the table has the rest."""


def waste_bars(
    ranked: Mapping[Basis, Sequence[Waste]], names: Mapping[str, str], currency: str, theme: Theme,
    *, is_narrow: bool = False,
) -> Spec:  # fmt: skip
    """The specification for one currency; `names` are those of services by id; `is_narrow` is for telephones."""
    told = {basis: [one for one in rows if one.a_week][:MOST_BARS] for basis, rows in ranked.items()}
    panels = [_panel(basis, rows, names, currency, theme, is_narrow) for basis, rows in told.items() if rows]
    return {"vconcat": panels, "spacing": 18, "resolve": {"scale": {"x": "shared", "y": "independent"}}}


def _panel(
    basis: Basis, rows: Sequence[Waste], names: Mapping[str, str], currency: str, theme: Theme, is_narrow: bool
) -> dict[str, Any]:
    palette = colours(theme)
    values = [
        {
            "label": f"{' '.join(names.get(one.service, one.service).split())[:60]}\n{one.kind}",
            "place": place,
            "money": one.a_week,
        }
        for place, one in enumerate(rows)
    ]
    title = "Booked" if basis == "booked" else "Modelled, by rates of the catalogue"
    y = {
        "field": "label",
        "type": "nominal",
        "sort": {"field": "place"},
        "title": None,
        "axis": {
            "labelLimit": MOST_NARROW_LABEL if is_narrow else MOST_LABEL,
            "labelExpr": "split(datum.label, '\\n')",
            "domain": False,
            "ticks": False,
        },
    }
    x = {
        "field": "money",
        "type": "quantitative",
        "title": f"{currency} a week",
        "axis": {"tickCount": 3 if is_narrow else 5},
    }
    return {
        "title": {"text": title, "anchor": "start", "fontSize": 13, "fontWeight": "normal", "color": palette["ink"]},
        "width": NARROW if is_narrow else WIDTH,
        "height": {"step": STEP},
        "data": {"values": values},
        "mark": {"type": "bar", "color": palette["blue"] if basis == "booked" else palette["soft"]},
        "encoding": {"y": y, "x": x},
    }
