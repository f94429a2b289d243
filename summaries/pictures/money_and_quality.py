"""Cost per outcome, promise kept and satisfaction on one time axis: three lines under each other, a scale for each.

Thin line: the weeks. Thick lines: the means of the two stretches that are compared. A hollow point is a week that is
not compared. An upright line is a registered change.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

from kept.money.compared import Comparison, Week
from kept.money.moves import Move
from kept.registered_changes import RegisteredChange
from summaries.vega import Spec, Theme, colours

WIDTH, NARROW, PANEL_HEIGHT = 540, 270, 110
"""Of a panel in pixels, without its axis."""


def money_and_quality(
    weeks: Sequence[Week],
    changes: Sequence[RegisteredChange],
    comparison: Comparison,
    *,
    zone: ZoneInfo,
    minor_digits: int,
    currency: str,
    target: float | None,
    theme: Theme,
    is_narrow: bool = False,
) -> Spec:
    """The specification; `target` is that of the promise, as a share; `is_narrow` is for telephones."""
    found = comparison.trade_off
    scale = 10**minor_digits
    panels = [
        _panel(f"{currency} per intended outcome", ",.2~f", [_row(w, zone, w.cost, None, None, scale) for w in weeks],
               _means(comparison, found.cost, zone, scale), None, theme),
        _panel("Promises kept", ".0%", [_row(w, zone, w.promise, w.promise_low, w.promise_high, 1) for w in weeks],
               _means(comparison, found.promise, zone, 1), target, theme),
        _panel("Satisfaction score", ",~g",
               [_row(w, zone, w.satisfaction, w.satisfaction_low, w.satisfaction_high, 1) for w in weeks],
               _means(comparison, found.satisfaction, zone, 1), None, theme),
    ]  # fmt: skip
    edges = [_date(weeks[0].start, zone), _date(weeks[-1].end, zone)] if weeks else []
    marks = [
        {"at": _date(change.at, zone)} for change in changes if weeks and weeks[0].start < change.at <= weeks[-1].end
    ]
    palette = colours(theme)
    upright = {
        "data": {"values": marks},
        "mark": {"type": "rule", "strokeDash": [2, 3], "color": palette["soft"]},
        "encoding": {"x": {"field": "at", "type": "temporal", "scale": {"type": "utc", "domain": edges}}},
    }
    for panel in panels:
        panel["width"] = NARROW if is_narrow else WIDTH
        panel["layer"].append(upright)
    return {"vconcat": panels, "spacing": 14, "resolve": {"scale": {"x": "shared"}}}


def _panel(
    title: str, format: str, rows: list[dict[str, Any]], means: list[dict[str, Any]], target: float | None, theme: Theme
) -> dict[str, Any]:
    palette = colours(theme)
    x = {"field": "week", "type": "temporal", "scale": {"type": "utc"}, "title": None,
         "axis": {"format": "%-d %b", "tickCount": 8, "labelOverlap": True, "grid": False}}  # fmt: skip
    y = {"field": "value", "type": "quantitative", "scale": {"zero": False}, "title": None,
         "axis": {"format": format, "tickCount": 4, "minExtent": 44, "maxExtent": 44}}  # fmt: skip
    layers: list[dict[str, Any]] = [
        {
            "data": {"values": [row for row in rows if row["low"] is not None]},
            "mark": {"type": "rule", "color": palette["grid"], "strokeWidth": 3},
            "encoding": {"x": x, "y": {**y, "field": "low"}, "y2": {"field": "high"}},
        },
        {"data": {"values": rows}, "mark": {"type": "line", "strokeWidth": 1, "color": palette["soft"]},
         "encoding": {"x": x, "y": y}},
        {
            "data": {"values": [row for row in rows if row["value"] is not None]},
            "mark": {"type": "point", "size": 28, "strokeWidth": 1.2},
            "encoding": {
                "x": x,
                "y": y,
                "fill": {"condition": {"test": "datum.compared", "value": palette["ink"]}, "value": palette["sheet"]},
                "stroke": {"value": palette["ink"]},
            },
        },
        {
            "data": {"values": means},
            "mark": {"type": "rule", "strokeWidth": 3, "color": palette["blue"]},
            "encoding": {"x": {**x, "field": "from"}, "x2": {"field": "to"}, "y": y},
        },
    ]  # fmt: skip
    if target is not None:
        layers.append(
            {
                "data": {"values": [{"value": target}]},
                "mark": {"type": "rule", "strokeDash": [6, 4], "color": palette["vermillion"]},
                "encoding": {"y": y},
            }
        )
    named = f"{title} (dashed: the target)" if target is not None else title
    return {
        "title": {"text": named, "anchor": "start", "fontSize": 13, "fontWeight": "normal", "color": palette["ink"]},
        "height": PANEL_HEIGHT,
        "layer": layers,
    }


def _row(
    week: Week, zone: ZoneInfo, value: float | None, low: float | None, high: float | None, scale: int
) -> dict[str, Any]:
    return {
        "week": _date(week.end, zone),
        "value": None if value is None else value / scale,
        "low": low,
        "high": high,
        "compared": week.gap is None,
    }


def _means(comparison: Comparison, move: Move | None, zone: ZoneInfo, scale: int) -> list[dict[str, Any]]:
    if move is None:
        return []
    return [
        {"from": _date(start, zone), "to": _date(end, zone), "value": value / scale}
        for (start, end), value in ((comparison.before, move.before), (comparison.after, move.after))
    ]


def _date(epoch_seconds: int, zone: ZoneInfo) -> str:
    return datetime.datetime.fromtimestamp(epoch_seconds - 1, zone).date().isoformat()
