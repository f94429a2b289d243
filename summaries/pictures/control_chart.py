"""The XmR chart as NHS "Making Data Count" draws it: every week as it was judged, with the limits that it had then.

Weeks that may not be compared stay open; limits are steps, since a week's limits are its own; trial limits are dotted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final
from zoneinfo import ZoneInfo

from kept.registered_changes import RegisteredChange
from kept.signals.chart_weeks import ChartWeek
from summaries import wording
from summaries.pictures.frame import (
    CHARACTER,
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

KINDS: Final = ("usual", "concern", "improvement", "neither", "change in the week")
"""What a week is on the chart; each has a colour and a shape of its own."""
SHAPES: Final = ("circle", "diamond", "square", "triangle-up", "circle")
LINES: Final = (("upper", "limit"), ("mean", "mean"), ("lower", "limit"), ("target", "target"))
LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
MOST_TITLE: Final = 26
RULE_ROOM: Final = 24
"""Pixels that the number of a rule takes under its week."""


def control_chart(
    weeks: Sequence[ChartWeek],
    theme: Theme,
    *,
    zone: ZoneInfo,
    title: str | None = None,
    changes: Sequence[RegisteredChange] = (),
    width: int = WIDE,
    height: int = HEIGHT,
) -> Spec:
    """The chart of one indicator's `weeks`, by time, in the service's `zone`; raises `ValueError` without a week.

    `changes` are drawn where they lie within the weeks, lettered in their order (`lettered`). A width below 500 is for
    a telephone: the same letters, fewer of them.
    """
    if not weeks:
        raise ValueError("a control chart has one week at least; show the words for no weeks instead")
    palette = colours(theme)
    newest = weeks[-1]
    scale = scale_of(
        [one for week in weeks for one in (week.value, week.mean, week.lower, week.upper, week.target)], newest.unit
    )
    frame = _frame(weeks, width, height, title)
    lowest = min((week.value for week in weeks if week.mark is not None and week.value is not None), default=None)
    scale = scale.with_room_below(scale.drawn(lowest), RULE_ROOM, frame.plot_height)
    start, end = weeks[0].week_start, newest.week_end
    x = {"type": "temporal", "scale": time_scale(start, end, zone), "axis": time_axis(start, end, zone, frame)}
    y = {"type": "quantitative", "scale": {"domain": [scale.low, scale.high], "nice": False}, "axis": scale.axis()}
    rows = list(points(weeks, scale, zone))
    layers = [
        _gaps(weeks, zone, x, palette),
        *_lines(weeks, scale, zone, x, y, palette),
        _values(rows, x, y, palette),
        *_changes(lettered(changes, weeks), zone, x, frame, palette),
        _points(rows, x, y, frame, palette),
        _rules(rows, x, y, palette),
        _line_labels(newest, scale, frame, palette),
        _unit_words(scale, frame, palette),
    ]
    heading: Spec = {} if title is None else {"title": _title(title, frame, palette)}
    return {**frame.spec(), **heading, "layer": layers}


def lettered(changes: Sequence[RegisteredChange], weeks: Sequence[ChartWeek]) -> list[tuple[str, RegisteredChange]]:
    """The changes that lie within the weeks, by time, each with its letter on the chart (after Z: AA, AB, …)."""
    if not weeks:
        return []
    within = [one for one in changes if weeks[0].week_start < one.at <= weeks[-1].week_end]
    ordered = sorted(within, key=lambda one: (one.at, one.id))
    return [(_letter(place), one) for place, one in enumerate(ordered)]


def points(weeks: Sequence[ChartWeek], scale: Scale, zone: ZoneInfo) -> Iterator[dict[str, Any]]:
    """Each week that has a value, in the middle of its week; `run` numbers stretches without a gap between them."""
    run = 0
    before: ChartWeek | None = None
    for week in weeks:
        if before is not None and (before.value is None or before.week_end != week.week_start):
            run += 1
        before = week
        if week.value is None:
            continue
        yield {
            "at": (local_ms(week.week_start, zone) + local_ms(week.week_end, zone)) // 2,
            "value": scale.drawn(week.value),
            "run": run,
            "kind": kind(week),
            "rule": "" if week.mark is None else str(week.mark.rule),
            "above": week.mean is None or week.value >= week.mean,
        }


def kind(week: ChartWeek) -> str:
    """Which of `KINDS` the week is."""
    if week.mark is not None:
        return "neither" if week.mark.meaning == "neutral" else week.mark.meaning
    return "change in the week" if week.mixed else "usual"


def steps(weeks: Sequence[ChartWeek], line: str) -> Iterator[tuple[int, int, float, bool]]:
    """The stretches of a line: (start, end, value, trial), in s and the indicator's unit; equal neighbours are one."""
    current: tuple[int, int, float, bool] | None = None
    segment = 0
    for week in weeks:
        value: float | None = getattr(week, line)
        trial = week.trial and line != "target"
        if value is None:
            continue
        joins = (
            current is not None
            and (current[1], current[2], current[3]) == (week.week_start, value, trial)
            and (week.segment == segment or line == "target")
        )
        if current is not None and joins:
            current = (current[0], week.week_end, value, trial)
        else:
            if current is not None:
                yield current
            current = (week.week_start, week.week_end, value, trial)
        segment = week.segment
    if current is not None:
        yield current


def _frame(weeks: Sequence[ChartWeek], width: int, height: int, title: str | None) -> Frame:
    narrow = width < 500
    labels = [_line_label(weeks[-1], line, name, narrow=narrow) for line, name in LINES]
    kinds = {kind(week) for week in weeks if week.value is not None}
    rows = 2 if narrow and len(kinds) > 3 else 1
    return Frame(
        width=width,
        height=height,
        right=max(14, label_width([label for label in labels if label])),
        top=42 + 18 * rows + (22 if title else 0),
    )


def _line_label(week: ChartWeek, line: str, name: str, *, narrow: bool) -> str:
    value = getattr(week, line)
    if value is None:
        return ""
    said = f"trial {name}" if week.trial and name == "limit" and not narrow else name
    if narrow:
        return said
    shown = wording.target_share(value) if line == "target" else wording.quantity(value, week.unit)
    return f"{said} {shown}"


def _gaps(weeks: Sequence[ChartWeek], zone: ZoneInfo, x: Spec, palette: dict[str, str]) -> Spec:
    values = [
        {"from": local_ms(week.week_start, zone), "to": local_ms(week.week_end, zone)}
        for week in weeks
        if week.value is None
    ]
    return {
        "name": "gaps",
        "data": {"values": values},
        "mark": {"type": "rect", "color": palette["band"], "opacity": 0.8},
        "encoding": {"x": {**x, "field": "from"}, "x2": {"field": "to"}},
    }


def _lines(
    weeks: Sequence[ChartWeek], scale: Scale, zone: ZoneInfo, x: Spec, y: Spec, palette: dict[str, str]
) -> Iterator[Spec]:
    looks: dict[str, Spec] = {
        "mean": {"color": palette["soft"], "strokeWidth": 1.6},
        "upper": {"color": palette["soft"], "strokeWidth": 1.6, "strokeDash": [6, 4]},
        "lower": {"color": palette["soft"], "strokeWidth": 1.6, "strokeDash": [6, 4]},
        "target": {"color": palette["ink"], "strokeWidth": 1.6, "strokeDash": [10, 3, 2, 3]},
    }
    for line, _ in LINES:
        found = list(steps(weeks, line))
        for is_trial in (False, True):
            values = [
                {"from": local_ms(start, zone), "to": local_ms(end, zone), "value": scale.drawn(value)}
                for start, end, value, trial in found
                if trial == is_trial
            ]
            if values:
                yield {
                    "name": f"{line}{'_trial' if is_trial else ''}",
                    "data": {"values": values},
                    "mark": {"type": "rule", **looks[line], **({"strokeDash": [2, 3]} if is_trial else {})},
                    "encoding": {
                        "x": {**x, "field": "from"},
                        "x2": {"field": "to"},
                        "y": {**y, "field": "value"},
                    },
                }


def _values(rows: Sequence[dict[str, Any]], x: Spec, y: Spec, palette: dict[str, str]) -> Spec:
    return {
        "name": "values",
        "data": {"values": rows},
        "mark": {"type": "line", "color": palette["ink"], "strokeWidth": 1.4},
        "encoding": {"x": {**x, "field": "at"}, "y": {**y, "field": "value"}, "detail": {"field": "run"}},
    }


def _points(rows: Sequence[dict[str, Any]], x: Spec, y: Spec, frame: Frame, palette: dict[str, str]) -> Spec:
    shown = [name for name in KINDS if any(row["kind"] == name for row in rows)]
    inks = dict(
        zip(
            KINDS,
            (palette["ink"], palette["vermillion"], palette["blue"], palette["soft"], palette["ink"]),
            strict=True,
        )
    )
    shapes = dict(zip(KINDS, SHAPES, strict=True))
    legend = {
        "orient": "none",
        "legendX": -frame.left + 8,
        "legendY": -frame.top + (28 if frame.top > 80 else 6),
        "direction": "horizontal",
        "columns": 3 if frame.is_narrow else 5,
        "columnPadding": 12,
        "symbolStrokeWidth": 1.4,
    }
    ink = {"field": "kind", "type": "nominal", "scale": {"domain": shown, "range": [inks[name] for name in shown]}}
    hollow = {
        "field": "kind",
        "type": "nominal",
        "scale": {
            "domain": shown,
            "range": [palette["sheet"] if name == KINDS[-1] else inks[name] for name in shown],
        },
    }
    return {
        "name": "points",
        "data": {"values": rows},
        "mark": {"type": "point", "filled": True, "opacity": 1, "strokeWidth": 1.4},
        "encoding": {
            "x": {**x, "field": "at"},
            "y": {**y, "field": "value"},
            "shape": {
                "field": "kind",
                "type": "nominal",
                "scale": {"domain": shown, "range": [shapes[name] for name in shown]},
                "legend": legend,
            },
            "fill": {**hollow, "legend": legend},
            "stroke": {**ink, "legend": legend},
            "size": {"condition": {"test": "datum.rule != ''", "value": 95}, "value": 30},
        },
    }


def _rules(rows: Sequence[dict[str, Any]], x: Spec, y: Spec, palette: dict[str, str]) -> Spec:
    """The number of the rule that a marked week completed, on the side away from the mean."""
    return {
        "name": "rules",
        "data": {"values": [row for row in rows if row["rule"]]},
        "mark": {
            "type": "text",
            "dy": {"expr": "datum.above ? -12 : 13"},
            "fontSize": 12,
            "fontWeight": "bold",
            "color": palette["ink"],
        },
        "encoding": {"x": {**x, "field": "at"}, "y": {**y, "field": "value"}, "text": {"field": "rule"}},
    }


def _changes(
    found: Sequence[tuple[str, RegisteredChange]], zone: ZoneInfo, x: Spec, frame: Frame, palette: dict[str, str]
) -> Iterator[Spec]:
    if not found:
        return
    first, last = x["scale"]["domain"]
    edges = [(local_ms(change.at, zone) - first) / (last - first) * frame.plot_width for _, change in found]
    values = []
    for place, (letter, change) in enumerate(found):
        until = edges[place + 1] if place + 1 < len(edges) else frame.plot_width + frame.right
        room = int((until - edges[place] - 8) / CHARACTER)
        words = f"{letter}: {wording.shortened(change.title, MOST_TITLE)}"
        values.append({"at": local_ms(change.at, zone), "label": words if len(words) <= room else letter})
    data = {"values": values}
    yield {
        "name": "changes",
        "data": data,
        "mark": {"type": "rule", "color": palette["ink"], "strokeWidth": 1.2, "strokeDash": [1, 3]},
        "encoding": {"x": {**x, "field": "at"}},
    }
    yield {
        "name": "change_labels",
        "data": data,
        "mark": {
            "type": "text", "align": "left", "dx": -3, "baseline": "bottom", "fontSize": 11, "color": palette["ink"],
        },
        "encoding": {"x": {**x, "field": "at"}, "y": {"value": -3}, "text": {"field": "label"}},
    }  # fmt: skip


def _line_labels(newest: ChartWeek, scale: Scale, frame: Frame, palette: dict[str, str]) -> Spec:
    """What each line is and, where there is room, its value of the newest week."""
    named = [
        (label, scale.drawn(getattr(newest, line)))
        for line, name in LINES
        if (label := _line_label(newest, line, name, narrow=frame.is_narrow))
    ]
    places = scale.spread([value for _, value in named if value is not None], frame.plot_height)
    span = scale.high - scale.low
    values = [
        {"label": label, "y": round((scale.high - place) / span * frame.plot_height, 1)}
        for (label, _), place in zip(named, places, strict=True)
    ]
    return {
        "name": "line_labels",
        "data": {"values": values},
        "mark": {"type": "text", "align": "left", "dx": 6, "fontSize": 11, "color": palette["soft"]},
        "encoding": {
            "x": {"value": frame.plot_width},
            "y": {"field": "y", "type": "quantitative", "scale": None},
            "text": {"field": "label"},
        },
    }


def _unit_words(scale: Scale, frame: Frame, palette: dict[str, str]) -> Spec:
    return {
        "name": "unit",
        "data": {"values": [{"words": scale.title}]},
        "mark": {
            "type": "text", "align": "left", "baseline": "bottom", "fontSize": 11, "color": palette["soft"],
        },
        "encoding": {"x": {"value": -frame.left + 8}, "y": {"value": -18}, "text": {"field": "words"}},
    }  # fmt: skip


def _title(title: str, frame: Frame, palette: dict[str, str]) -> Spec:
    most = int((frame.width - 16) / 7.6)
    return {
        "text": wording.shortened(title, most),
        "anchor": "start",
        "orient": "none",
        "fontSize": 13,
        "color": palette["ink"],
        "dx": -frame.left + 8,
        "dy": -frame.top + 4,
    }


def _letter(place: int) -> str:
    first, second = divmod(place, len(LETTERS))
    return (LETTERS[first - 1] if first else "") + LETTERS[second]
