"""Two pictures of a registered change: its weeks with what would have been without it, and the placebo dates."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from kept.buckets import DAY_SECONDS, HOUR_SECONDS
from summaries.change_weeks import WeekRow
from summaries.vega import Spec, Theme, colours

WIDE: Final = 720
NARROW: Final = 344
"""Pixels: of a page, and of a telephone, where the letters stay as large."""
HEIGHT: Final = 300
THIS, WITHOUT, OTHERS, UNUSED = (
    "this figure",
    "without the change",
    "others, from the same level",
    "others, from the same level (not used)",
)
PLACEBO, REAL = "dates without a change", "the change, with its 95 % interval"


class PlaceboDate(NamedTuple):
    """A Monday, and by how much the figure moved after it (a share of the level, or in the unit)."""

    day: datetime.date
    size: float


class RealDate(NamedTuple):
    """The change: its day, its effect and the 95 % interval."""

    day: datetime.date
    size: float
    low: float
    high: float


def weeks_picture(
    rows: Sequence[WeekRow], at: datetime.date, unit: str, is_compared: bool, theme: Theme, width: int = WIDE
) -> Spec:
    """The weekly figures, solid where they count and hollow where they do not; the change is the line across.

    `is_compared`: the effect was measured on the difference to the other services.
    """
    palette = colours(theme)
    divisor, title = _readable(unit, [row.value for row in rows])
    beside = OTHERS if is_compared else UNUSED
    points: list[dict[str, Any]] = []
    for row in rows:
        day = _day(row.start)
        counts = row.role in ("before", "after")
        points.append({"day": day, "line": THIS, "value": _scaled(row.value, divisor), "counts": counts})
        if row.role == "after":
            points.append({"day": day, "line": WITHOUT, "value": _scaled(row.without, divisor)})
        if row.others is not None:
            points.append({"day": day, "line": beside, "value": _scaled(row.others, divisor)})
    lines = [name for name in (THIS, WITHOUT, beside) if any(point["line"] == name for point in points)]
    colour = {THIS: palette["ink"], WITHOUT: palette["blue"], beside: palette["vermillion"]}
    dash = {THIS: [1, 0], WITHOUT: [7, 4], beside: [2, 3]}
    legend = _legend(width)
    x = _days(rows[0].start, rows[-1].start, width)
    y = {
        "field": "value",
        "type": "quantitative",
        "title": f"{title} (the axis does not begin at 0)",
        "scale": {"zero": False, "nice": True},
        "axis": {"tickCount": 5},
    }
    return {
        **_frame(width),
        "layer": [
            _change_line(at, palette),
            {
                "data": {"values": points},
                "mark": {"type": "line", "strokeWidth": 2, "invalid": "break-paths-show-domains"},
                "encoding": {
                    "x": x,
                    "y": y,
                    "color": {
                        "field": "line",
                        "type": "nominal",
                        "scale": {"domain": lines, "range": [colour[name] for name in lines]},
                        "legend": legend,
                    },
                    "strokeDash": {
                        "field": "line",
                        "type": "nominal",
                        "scale": {"domain": lines, "range": [dash[name] for name in lines]},
                        "legend": legend,
                    },
                },
            },
            _dots([point for point in points if point.get("counts") is True], palette["ink"], palette["ink"], x, y),
            _dots([point for point in points if point.get("counts") is False], palette["sheet"], palette["ink"], x, y),
        ],
    }


def placebo_picture(
    dates: Sequence[PlaceboDate], real: RealDate, words: str, is_percentage: bool, theme: Theme, width: int = WIDE
) -> Spec:
    """The step at every earlier date beside the real one; `words` say the unit, `is_percentage`: sizes are shares."""
    palette = colours(theme)
    factor = 100.0 if is_percentage else 1.0
    rows = [{"day": _day(one.day), "size": one.size * factor, "what": PLACEBO} for one in dates]
    true = {
        "day": _day(real.day),
        "size": real.size * factor,
        "low": real.low * factor,
        "high": real.high * factor,
        "what": REAL,
    }
    first = dates[0].day if dates else real.day
    x = _days(first, real.day, width)
    y = {"field": "size", "type": "quantitative", "title": words, "axis": {"tickCount": 5}}
    what = [PLACEBO, REAL]
    kind = {
        "color": {
            "field": "what",
            "type": "nominal",
            "scale": {"domain": what, "range": [palette["soft"], palette["blue"]]},
            "legend": _legend(width),
        },
        "shape": {
            "field": "what",
            "type": "nominal",
            "scale": {"domain": what, "range": ["circle", "diamond"]},
            "legend": _legend(width),
        },
    }
    return {
        **_frame(width),
        "layer": [
            {
                "data": {"values": [{"zero": 0}]},
                "mark": {"type": "rule", "color": palette["soft"], "strokeWidth": 1.2},
                "encoding": {"y": {"field": "zero", "type": "quantitative"}},
            },
            {
                "data": {"values": [true]},
                "mark": {"type": "rule", "strokeWidth": 2.5, "color": palette["blue"]},
                "encoding": {"x": x, "y": {**y, "field": "low"}, "y2": {"field": "high"}},
            },
            {
                "data": {"values": [*rows, true]},
                "mark": {"type": "point", "filled": True, "size": 90, "opacity": 1},
                "encoding": {"x": x, "y": y, **kind},
            },
        ],
    }


def _frame(width: int) -> dict[str, Any]:
    return {"width": width, "height": HEIGHT, "autosize": {"type": "fit", "contains": "padding"}}


def _legend(width: int) -> dict[str, Any]:
    return {
        "title": None,
        "direction": "vertical" if width < WIDE else "horizontal",
        "symbolSize": 90,
        "labelLimit": 300,
    }


def _change_line(at: datetime.date, palette: dict[str, str]) -> dict[str, Any]:
    return {
        "data": {"values": [{"day": _day(at), "words": "change"}]},
        "layer": [
            {
                "mark": {"type": "rule", "color": palette["soft"], "strokeWidth": 1.5, "strokeDash": [4, 3]},
                "encoding": {"x": {"field": "day", "type": "temporal", "scale": {"type": "utc"}}},
            },
            {
                "mark": {"type": "text", "align": "left", "dx": 5, "dy": 6, "color": palette["soft"], "fontSize": 12},
                "encoding": {
                    "x": {"field": "day", "type": "temporal", "scale": {"type": "utc"}},
                    "y": {"value": 0},
                    "text": {"field": "words"},
                },
            },
        ],
    }


def _dots(points: list[dict[str, Any]], fill: str, edge: str, x: dict[str, Any], y: dict[str, Any]) -> dict[str, Any]:
    return {
        "data": {"values": points},
        "mark": {"type": "point", "filled": True, "fill": fill, "stroke": edge, "strokeWidth": 1.5, "size": 42,
                 "opacity": 1},
        "encoding": {"x": x, "y": y},
    }  # fmt: skip


def _days(first: datetime.date, last: datetime.date, width: int) -> dict[str, Any]:
    weeks = max(1, (last - first).days // 7)
    most = 4 if width < WIDE else 10
    every = max(1, -(-weeks // most))
    ticks = [_day(first + datetime.timedelta(weeks=week)) for week in range(0, weeks + 1, every)]
    return {
        "field": "day",
        "type": "temporal",
        "title": "week that begins on",
        "scale": {"type": "utc", "padding": 10},
        "axis": {"values": ticks, "format": "%-d %b", "labelOverlap": True, "grid": False},
    }


def _day(day: datetime.date) -> int:
    """Midnight of the day in UTC (ms): days are drawn, and no time zone moves them."""
    return int(datetime.datetime(day.year, day.month, day.day, tzinfo=datetime.UTC).timestamp()) * 1000


def _readable(unit: str, values: Iterable[float | None]) -> tuple[float, str]:
    """(what values are divided by, what they are then)."""
    most = max((abs(value) for value in values if value is not None), default=0.0)
    if unit == "seconds":
        return (DAY_SECONDS, "days") if most >= 2 * DAY_SECONDS else (HOUR_SECONDS, "hours")
    return (0.01, "%") if unit == "share" else (1.0, unit)


def _scaled(value: float | None, divisor: float) -> float | None:
    return None if value is None else float(f"{value / divisor:.10g}")
