"""The funnel: a mark for each unit at its volume and share, and the limits as lines that narrow to the right."""

from __future__ import annotations

from typing import Any, Final

from kept.comparison.funnel import INNER, OUTER, Funnel, Place, volumes
from summaries.compared import short_name
from summaries.vega import Spec, Theme, colours

WIDTH: Final = 720
NARROW: Final = 350
"""For telephones: the same picture with the same letters."""
HEIGHT: Final = 360
LABELLED: Final = 8
"""So many units have their name beside the mark; of more those beyond a limit, if they are not too many either."""
WIDE_RANGE: Final = 20
"""From this ratio of largest to smallest volume on, volumes are drawn by their logarithm."""
KINDS: Final[dict[Place, str]] = {
    "within": "within the limits",
    "below_95": "beyond 95 %",
    "above_95": "beyond 95 %",
    "below_998": "beyond 99.8 %",
    "above_998": "beyond 99.8 %",
}


def funnel_plot(funnel: Funnel, theme: Theme, width: int = WIDTH) -> Spec:
    """The picture of a funnel with one unit or more; limits are those it judges by."""
    palette = colours(theme)
    legend = {"title": None, "direction": "vertical" if width < WIDTH else "horizontal"}
    drawn_at = volumes(funnel.units)
    sizes = [unit.cohort.due for unit in funnel.units]
    x: dict[str, Any] = {
        "field": "volume",
        "type": "quantitative",
        "title": "cases that fell due",
        "scale": {
            "type": "log" if max(sizes) > WIDE_RANGE * min(sizes) else "linear",
            "nice": False,
            "zero": False,
            "domain": [drawn_at[0], drawn_at[-1]],
        },
        "axis": {"grid": False, "format": ",d", "tickCount": 6 if width == WIDTH else 3, "labelOverlap": True},
    }
    y = {
        "field": "share",
        "type": "quantitative",
        "title": "share kept",
        "scale": {"zero": False, "domain": _domain(funnel)},
        "axis": {"format": ".0%", "tickCount": 6},
    }
    kinds, marks = list(dict.fromkeys(KINDS.values())), _marks(funnel)
    return {
        "width": width - 90,
        "height": HEIGHT - 100,
        "layer": [
            {
                "data": {"values": _lines(funnel)},
                "mark": {"type": "line", "clip": True, "strokeWidth": 1.3, "color": palette["soft"]},
                "encoding": {
                    "x": x,
                    "y": y,
                    "detail": {"field": "line"},
                    "strokeDash": {
                        "field": "limit",
                        "type": "nominal",
                        "scale": {"domain": ["95 %", "99.8 %"], "range": [[5, 4], [1, 0]]},
                        "legend": {**legend, "symbolType": "stroke", "symbolStrokeColor": palette["soft"]},
                    },
                },
            },
            {
                "data": {"values": [{"share": funnel.centre}]},
                "mark": {"type": "rule", "strokeWidth": 1.5, "color": palette["ink"]},
                "encoding": {"y": y},
            },
            {
                "data": {"values": marks},
                "mark": {"type": "point", "filled": True, "size": 75, "opacity": 1},
                "encoding": {
                    "x": x,
                    "y": y,
                    "shape": {
                        "field": "kind",
                        "type": "nominal",
                        "scale": {"domain": kinds, "range": ["circle", "triangle-up", "square"]},
                        "legend": legend,
                    },
                    "color": {
                        "field": "kind",
                        "type": "nominal",
                        "scale": {"domain": kinds, "range": [palette["ink"], palette["blue"], palette["vermillion"]]},
                        "legend": legend,
                    },
                },
            },
            {
                "data": {"values": marks},
                "mark": {"type": "text", "align": "left", "dx": 8, "dy": -7, "fontSize": 11, "color": palette["ink"]},
                "encoding": {"x": x, "y": y, "text": {"field": "name"}},
            },
        ],
    }


def _lines(funnel: Funnel) -> list[dict[str, Any]]:
    """Both limits at every volume drawn."""
    lines = []
    for volume in volumes(funnel.units):
        for level, name in ((INNER, "95 %"), (OUTER, "99.8 %")):
            edge = funnel.limits(volume, level)
            lines += [
                {"volume": volume, "share": edge.lower, "limit": name, "line": f"{name} below"},
                {"volume": volume, "share": edge.upper, "limit": name, "line": f"{name} above"},
            ]
    return lines


def _marks(funnel: Funnel) -> list[dict[str, Any]]:
    """A unit each, with its name where there is room for it."""
    beyond = {unit.name for unit in funnel.units if unit.place != "within"}
    everybody = {unit.name for unit in funnel.units}
    named = next((names for names in (everybody, beyond) if len(names) <= LABELLED), set())
    return [
        {
            "volume": unit.cohort.due,
            "share": unit.cohort.share,
            "kind": KINDS[unit.place],
            "name": short_name(unit.name, 24) if unit.name in named else "",
        }
        for unit in funnel.units
    ]


def _domain(funnel: Funnel) -> list[float]:
    """Shares drawn: every mark and the inner limits of the smallest unit, and a little more; lines beyond are cut."""
    edges = [unit.outer for unit in funnel.units]
    shares = [unit.cohort.share for unit in funnel.units]
    low = min(*(edge.lower for edge in edges), *shares, funnel.centre)
    high = max(*(edge.upper for edge in edges), *shares, funnel.centre)
    room = max(0.01, 0.05 * (high - low))
    return [max(0.0, low - room), min(1.0, high + room) if high < 1 else 1.0]
