"""Gaps to the rest: a dot and its interval for each member, by name, and a line where nobody is served worse."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from kept.comparison.worst import GapToRest
from summaries.compared import short_name
from summaries.comparison_words import SURETY_WORDS
from summaries.vega import Spec, Theme, colours

WIDTH: Final = 720
NARROW: Final = 350
"""For telephones: the same picture with the same letters."""
ROW: Final = 26
MOST_ROWS: Final = 40
"""More than so many are not drawn: the picture shows those with most cases, the table has all."""


def drawn(gaps: Sequence[GapToRest]) -> list[GapToRest]:
    """The gaps that fit into the picture, by name."""
    largest = sorted(gaps, key=lambda one: (-one.cohort.due, one.name))[:MOST_ROWS]
    return sorted(largest, key=lambda one: one.name)


def height(gaps: Sequence[GapToRest]) -> int:
    """How high the picture of these gaps is, about, in pixels."""
    return ROW * len(drawn(gaps)) + 115


def gap_plot(gaps: Sequence[GapToRest], theme: Theme, width: int = WIDTH) -> Spec:
    """The picture of gaps in percentage points: to the right of the line less is kept than in the rest."""
    palette = colours(theme)
    narrow = width < WIDTH
    legend = {"title": None, "direction": "vertical" if narrow else "horizontal", "labelLimit": 260}
    rows = [
        {
            "row": number,
            "gap": 100 * one.gap,
            "low": 100 * one.low,
            "high": 100 * one.high,
            "kind": SURETY_WORDS[one.surety],
        }
        for number, one in enumerate(drawn(gaps))
    ]
    names = [short_name(one.name, 28) for one in drawn(gaps)]
    y: dict[str, Any] = {
        "field": "row",
        "type": "ordinal",
        "title": None,
        "sort": None,
        "axis": {
            "labelExpr": f"{_texts(names)}[datum.value]",
            "labelLimit": 110 if narrow else 200,
            "domain": False,
            "ticks": False,
            "labelFontSize": 12,
        },
    }
    kinds = list(SURETY_WORDS.values())
    colour = {
        "field": "kind",
        "type": "nominal",
        "scale": {"domain": kinds, "range": [palette["soft"], palette["blue"], palette["vermillion"]]},
        "legend": legend,
    }
    title: str | list[str] = "percentage points less kept than in the rest (left of 0: more)"
    if narrow:
        title = ["percentage points less kept", "than in the rest (left of 0: more)"]
    return {
        "width": width - (140 if narrow else 230),
        "height": {"step": ROW},
        "layer": [
            {
                "data": {"values": [{"zero": 0}]},
                "mark": {"type": "rule", "color": palette["ink"], "strokeWidth": 1.2},
                "encoding": {"x": {"field": "zero", "type": "quantitative"}},
            },
            {
                "data": {"values": rows},
                "mark": {"type": "rule", "strokeWidth": 2},
                "encoding": {
                    "y": y,
                    "x": {"field": "low", "type": "quantitative", "title": title},
                    "x2": {"field": "high"},
                    "color": colour,
                },
            },
            {
                "data": {"values": rows},
                "mark": {"type": "point", "filled": True, "size": 85, "opacity": 1},
                "encoding": {
                    "y": y,
                    "x": {"field": "gap", "type": "quantitative"},
                    "color": colour,
                    "shape": {
                        "field": "kind",
                        "type": "nominal",
                        "scale": {"domain": kinds, "range": ["circle", "triangle-up", "square"]},
                        "legend": legend,
                    },
                },
            },
        ],
    }


def _texts(names: Sequence[str]) -> str:
    """A list of texts in Vega's expression language, in which nothing of a name can be read as an expression."""
    return "[" + ",".join('"' + "".join(f"\\u{ord(unit):04x}" for unit in _utf16(name)) + '"' for name in names) + "]"


def _utf16(text: str) -> list[str]:
    data = text.encode("utf-16-be", "surrogatepass")
    return [chr(int.from_bytes(data[at : at + 2], "big")) for at in range(0, len(data), 2)]
