"""The plots of the measurements: Vega-Lite specifications as SVG, on a white sheet so that they read anywhere."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import vl_convert

VEGA_LITE = "6.1"
Scale = Literal["linear", "log"]


def lines(
    rows: Sequence[dict[str, Any]], x: tuple[str, Scale], y: tuple[str, Scale], series: str, title: str
) -> dict[str, Any]:
    """A plot of `rows`: one line with points for each value of `series`."""
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "background": "white",
        "title": {"text": title, "anchor": "start"},
        "width": 420,
        "height": 220,
        "padding": {"left": 5, "top": 5, "bottom": 5, "right": 40},
        "config": {"legend": {"labelLimit": 0, "symbolType": "stroke"}},
        "data": {"values": list(rows)},
        "mark": {"type": "line", "point": True},
        "encoding": {
            "x": _channel(rows, x),
            "y": _channel(rows, y),
            "color": {"field": series, "type": "nominal", "title": None},
            "strokeDash": {"field": series, "type": "nominal", "title": None},
        },
    }


def _channel(rows: Sequence[dict[str, Any]], of: tuple[str, Scale]) -> dict[str, Any]:
    """An axis; a logarithmic one has a line at each power of ten."""
    field, scale = of
    channel: dict[str, Any] = {"field": field, "type": "quantitative", "scale": {"type": scale}}
    if scale == "log":
        values = [row[field] for row in rows]
        decades = range(math.floor(math.log10(min(values))), math.ceil(math.log10(max(values))) + 1)
        channel["axis"] = {"values": [10**decade for decade in decades], "format": ",", "labelFlush": False}
    return channel


def write_svg(specification: dict[str, Any], file: Path) -> None:
    """Draw it; the same specification gives the same bytes."""
    picture = vl_convert.vegalite_to_svg(specification, vl_version=VEGA_LITE, allowed_base_urls=[])
    file.write_text(picture, encoding="utf-8")
