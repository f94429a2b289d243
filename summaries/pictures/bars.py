"""Amounts side by side as bars from zero, each with its value in words; what is not known has no bar."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from summaries import wording
from summaries.pictures.frame import WIDE, Frame, label_width
from summaries.vega import Spec, Theme, colours

ROW: Final = 28
MOST_LABEL: Final = 30


class Bar(Struct, frozen=True):
    """One amount; `words` stand at its end. None is not known: `words` say why. `hollow` bars are of another kind, such
    as modelled beside booked."""

    label: str
    value: float | None
    words: str
    hollow: bool = False


def bars(rows: Sequence[Bar], theme: Theme, *, width: int = WIDE) -> Spec:
    """The bars in their order, none of them below zero; raises `ValueError` without one."""
    if not rows:
        raise ValueError("a picture of bars has one bar at least")
    if any(row.value is not None and row.value < 0 for row in rows):
        raise ValueError("an amount below zero has no bar; draw what may be negative as lines")
    palette = colours(theme)
    narrow = width < 500
    labels = [wording.shortened(row.label, 18 if narrow else MOST_LABEL) for row in rows]
    words = [wording.shortened(row.words, 24 if narrow else 48) for row in rows]
    frame = Frame(
        width=width,
        height=ROW * len(rows) + 16,
        left=label_width(labels) + 4,
        right=label_width([text for text, row in zip(words, rows, strict=True) if row.value is not None]),
        top=8,
        bottom=8,
    )
    largest = max((row.value for row in rows if row.value is not None), default=0) or 1
    values = [
        {"place": place, "label": labels[place], "words": words[place], "value": row.value, "hollow": row.hollow}
        for place, row in enumerate(rows)
    ]
    y = {"field": "place", "type": "ordinal", "axis": None, "scale": {"paddingInner": 0.35, "paddingOuter": 0.15}}
    x = {"field": "value", "type": "quantitative", "axis": None, "scale": {"domain": [0, largest], "nice": False}}
    return {
        **frame.spec(),
        "layer": [
            {
                "name": "bars",
                "data": {"values": [row for row in values if row["value"] is not None]},
                "mark": {"type": "bar", "stroke": palette["soft"], "strokeWidth": 1.5},
                "encoding": {
                    "y": y,
                    "x": x,
                    "fill": {
                        "condition": {"test": "datum.hollow", "value": palette["sheet"]},
                        "value": palette["soft"],
                    },
                },
            },
            {
                "name": "labels",
                "data": {"values": values},
                "mark": {"type": "text", "align": "right", "dx": -6, "fontSize": 11, "color": palette["ink"]},
                "encoding": {"y": y, "x": {"value": 0}, "text": {"field": "label"}},
            },
            {
                "name": "words",
                "data": {"values": [{**row, "value": row["value"] or 0} for row in values]},
                "mark": {"type": "text", "align": "left", "dx": 6, "fontSize": 11, "color": palette["ink"]},
                "encoding": {"y": y, "x": x, "text": {"field": "words"}},
            },
        ],
    }
