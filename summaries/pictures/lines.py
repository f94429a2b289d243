"""Figures over time as lines: what is not known stays open, and a line that stands alone needs no colour to be told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import median_low
from typing import Any, Final
from zoneinfo import ZoneInfo

from msgspec import Struct

from kept.indicators.point import Point
from summaries.pictures.frame import (
    HEIGHT,
    WIDE,
    Frame,
    Scale,
    label_width,
    local_ms,
    scale_of,
    time_axis,
    time_scale,
)
from summaries.vega import Spec, Theme, colours

LOOKS: Final = (("ink", (1, 0), "circle"), ("blue", (7, 3), "square"), ("vermillion", (2, 2), "diamond"))
"""Colour, dashes and shape of the first line, the second and the third."""
LONGEST_STEP: Final = 1.5
"""Times so long after the one before, in usual steps, a figure is not joined to it: what lies between is not known."""


class LinePoint(Struct, frozen=True):
    """A figure at a moment (s); None where it is not known, and its 95 % interval where there is one."""

    at: int
    value: float | None
    low: float | None = None
    high: float | None = None


class Line(Struct, frozen=True):
    """A named line of points by time."""

    name: str
    points: tuple[LinePoint, ...]


def line_of(name: str, points: Sequence[Point]) -> Line:
    """The line of published points of one series, each at the end of its window."""
    ordered = sorted(points, key=lambda point: point.window_end)
    return Line(name, tuple(LinePoint(p.window_end, p.value, p.low, p.high) for p in ordered))


def lines(
    drawn: Sequence[Line],
    theme: Theme,
    *,
    unit: str,
    zone: ZoneInfo,
    target: float | None = None,
    width: int = WIDE,
    height: int = HEIGHT - 40,
) -> Spec:
    """One to three lines of figures in one `unit`; raises `ValueError` when there is nothing to draw or too much.

    With one line its 95 % intervals are drawn as a band; `target` is a line across.
    """
    known = [point for line in drawn for point in line.points if point.value is not None]
    if not known:
        raise ValueError("no point has a value; show in words why instead")
    if len(drawn) > len(LOOKS):
        raise ValueError(f"{len(drawn)} lines are too many to tell apart; draw at most {len(LOOKS)}")
    palette = colours(theme)
    with_band = len(drawn) == 1
    edges = [edge for point in known for edge in (point.low, point.high)] if with_band else []
    scale = scale_of([*(point.value for point in known), *edges, target], unit)
    moments = [point.at for line in drawn for point in line.points]
    start, end = min(moments), max(moments)
    if start == end:
        start, end = start - 86400, end + 86400
    names = [line.name for line in drawn]
    frame = Frame(
        width=width,
        height=height,
        top=40 + (18 * (len(names) if width < 500 else 1) if len(names) > 1 else 0),
        right=30 if target is None else label_width(["target"]),
    )
    x = {"type": "temporal", "scale": time_scale(start, end, zone), "axis": time_axis(start, end, zone, frame)}
    y = {"type": "quantitative", "scale": {"domain": [scale.low, scale.high], "nice": False}, "axis": scale.axis()}
    rows = [row for line in drawn for row in line_rows(line, scale, zone)]
    layers: list[Spec] = []
    if with_band:
        layers.append(_band(rows, x, y, palette))
    if target is not None:
        layers += _target(target, scale, y, frame, palette)
    layers += [*_drawn(rows, names, x, y, frame, palette), _unit(scale, frame, palette)]
    return {**frame.spec(), "layer": layers}


def line_rows(line: Line, scale: Scale, zone: ZoneInfo) -> Iterator[dict[str, Any]]:
    """The known points of a line; `run` changes where something between two of them is not known."""
    usual = _usual_step(line.points)
    run = 0
    before: LinePoint | None = None
    for point in line.points:
        if before is not None and (before.value is None or point.at - before.at > LONGEST_STEP * usual):
            run += 1
        before = point
        if point.value is not None:
            yield {
                "line": line.name,
                "run": f"{line.name}|{run}",
                "at": local_ms(point.at, zone),
                "value": scale.drawn(point.value),
                "low": scale.drawn(point.low),
                "high": scale.drawn(point.high),
            }


def _usual_step(points: Sequence[LinePoint]) -> int:
    apart = [later.at - earlier.at for earlier, later in pairwise(points)]
    return median_low(apart) if apart else 0


def _band(rows: Sequence[dict[str, Any]], x: Spec, y: Spec, palette: dict[str, str]) -> Spec:
    return {
        "name": "interval",
        "data": {"values": [row for row in rows if row["low"] is not None and row["high"] is not None]},
        "mark": {"type": "area", "color": palette["band"], "opacity": 1, "clip": True},
        "encoding": {
            "x": {**x, "field": "at"},
            "y": {**y, "field": "low"},
            "y2": {"field": "high"},
            "detail": {"field": "run"},
        },
    }


def _target(target: float, scale: Scale, y: Spec, frame: Frame, palette: dict[str, str]) -> list[Spec]:
    data = {"values": [{"value": scale.drawn(target), "words": "target"}]}
    dash = [10, 3, 2, 3]
    return [
        {
            "name": "target",
            "data": data,
            "mark": {"type": "rule", "color": palette["soft"], "strokeWidth": 1.5, "strokeDash": dash},
            "encoding": {"y": {**y, "field": "value"}},
        },
        {
            "data": data,
            "mark": {"type": "text", "align": "left", "dx": 6, "fontSize": 11, "color": palette["soft"]},
            "encoding": {
                "x": {"value": frame.plot_width},
                "y": {**y, "field": "value"},
                "text": {"field": "words"},
            },
        },
    ]


def _drawn(
    rows: Sequence[dict[str, Any]], names: Sequence[str], x: Spec, y: Spec, frame: Frame, palette: dict[str, str]
) -> list[Spec]:
    looks = LOOKS[: len(names)]
    legend: Spec | None = None
    if len(names) > 1:
        legend = {
            "orient": "none",
            "legendX": -frame.left + 8,
            "legendY": -frame.top + 6,
            "direction": "vertical" if frame.is_narrow else "horizontal",
            "columnPadding": 16,
            "labelLimit": frame.width - 40,
            "symbolSize": 60,
            "symbolStrokeWidth": 0,
        }
    ink = {
        "field": "line",
        "type": "nominal",
        "scale": {"domain": list(names), "range": [palette[ink] for ink, _, _ in looks]},
    }
    place = {"x": {**x, "field": "at"}, "y": {**y, "field": "value"}}
    return [
        {
            "name": "lines",
            "data": {"values": rows},
            "mark": {"type": "line", "strokeWidth": 1.8},
            "encoding": {
                **place,
                "color": {**ink, "legend": legend},
                "strokeDash": {
                    "field": "line",
                    "type": "nominal",
                    "scale": {"domain": list(names), "range": [list(dash) for _, dash, _ in looks]},
                    "legend": None,
                },
                "detail": {"field": "run"},
            },
        },
        {
            "name": "points",
            "data": {"values": rows},
            "mark": {"type": "point", "filled": True, "opacity": 1, "size": 30},
            "encoding": {
                **place,
                "color": {**ink, "legend": legend},
                "shape": {
                    "field": "line",
                    "type": "nominal",
                    "scale": {"domain": list(names), "range": [shape for _, _, shape in looks]},
                    "legend": legend,
                },
            },
        },
    ]


def _unit(scale: Scale, frame: Frame, palette: dict[str, str]) -> Spec:
    return {
        "name": "unit",
        "data": {"values": [{"words": scale.title}]},
        "mark": {"type": "text", "align": "left", "baseline": "bottom", "fontSize": 11, "color": palette["soft"]},
        "encoding": {
            "x": {"value": -frame.left + 8},
            "y": {"value": -12},
            "text": {"field": "words"},
        },
    }
