"""Closings by their distance from the due: a bar for each band beside it, and the due as a line."""

from __future__ import annotations

from typing import Final

from kept import target_margins as m
from kept.indicators.near_due import NearDue
from kept.signals import integrity
from summaries import wording
from summaries.vega import Spec, Theme, colours

WIDTH: Final = 720
NARROW: Final = 350
"""For telephones: the same picture with the same letters."""
HEIGHT: Final = 260
EDGE: Final = m.BANDS_A_SIDE * m.BAND_PERCENT


def closings_by_margin(near: NearDue, theme: Theme, width: int = WIDTH) -> Spec:
    """The picture of the counts of one window, so many pixels wide; dashed: what the check allows."""
    palette = colours(theme)
    bars: list[dict[str, float | str]] = []
    tallest = max(near.closings[1:-1])
    for band in m.BANDS:
        if band.far is None:
            continue
        sign = -1 if band.side == "before" else 1
        left, right = sorted((sign * band.near, sign * band.far))
        last = band.number == m.JUST_BEFORE
        bars.append(
            {
                "left": left + 0.25,
                "right": right - 0.25,
                "closings": near.closings[band.number],
                "band": f"last {m.BAND_PERCENT} % before the due" if last else "other bands",
            }
        )
    allowed = integrity.BUNCHING_RATIO * max(near.closings[number] for number in (*m.BESIDE, m.JUST_AFTER))
    top = max(1.0, allowed, tallest) * 1.12
    x: Spec = {
        "field": "left",
        "type": "quantitative",
        "title": "before and after the due, in % of the promised time",
        "scale": {"domain": [-EDGE, EDGE], "nice": False},
        "axis": {
            "values": list(range(-EDGE, EDGE + 1, m.BAND_PERCENT)),
            "grid": False,
            "labelExpr": "datum.value == 0 ? 'due' : abs(datum.value)",
        },
    }
    y: Spec = {
        "field": "closings",
        "type": "quantitative",
        "title": "closings",
        "scale": {"domain": [0, top], "nice": False},
    }
    y["axis"] = {"tickMinStep": 1, "tickCount": 5}
    return {
        "width": width - 90,
        "height": HEIGHT - 100,
        "layer": [
            {
                "data": {"values": bars},
                "mark": {"type": "bar"},
                "encoding": {
                    "x": x,
                    "x2": {"field": "right"},
                    "y": y,
                    "y2": {"datum": 0},
                    "color": {
                        "field": "band",
                        "type": "nominal",
                        "scale": {
                            "domain": [f"last {m.BAND_PERCENT} % before the due", "other bands"],
                            "range": [palette["blue"], palette["soft"]],
                        },
                        "legend": {"title": None, "orient": "top"},
                    },
                },
            },
            {
                "data": {"values": [{"left": 0}]},
                "mark": {"type": "rule", "strokeWidth": 2, "color": palette["ink"]},
                "encoding": {"x": x},
            },
            {
                "data": {"values": [{"closings": allowed}]},
                "mark": {"type": "rule", "strokeWidth": 1.5, "strokeDash": [5, 4], "color": palette["ink"]},
                "encoding": {"y": y},
            },
            *([_label(allowed, x, y, theme)] if width == WIDTH else []),
        ],
    }


def _label(allowed: float, x: Spec, y: Spec, theme: Theme) -> Spec:
    words = "as many would be no question"
    return {
        "data": {"values": [{"left": EDGE, "closings": allowed, "words": words}]},
        "mark": {"type": "text", "align": "right", "dy": -7, "color": colours(theme)["ink"]},
        "encoding": {"x": x, "y": y, "text": {"field": "words"}},
    }


def in_words(near: NearDue) -> str:
    """What the picture says, for those who do not see it."""
    beside = max(near.closings[number] for number in m.BESIDE)
    return (
        f"Closings by distance from the due: {wording.number(near.just_before)} in the last {m.BAND_PERCENT} % of the "
        f"promised time before it, at most {wording.number(beside)} in each of the four bands before that, "
        f"{wording.number(near.closings[m.JUST_AFTER])} in the first {m.BAND_PERCENT} % after it."
    )
