"""A control chart as text: one line a point, from the oldest to the newest, readable without colour."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from msgspec import Struct

MOST_ROWS: Final = 40
LEAST_PLOT: Final = 20
MOST_PLOT: Final = 60
POINT, FLAGGED, MEAN, LIMIT = "●", "◆", "│", "┊"
LEGEND: Final = f"{POINT} figure   {FLAGGED} flagged   {MEAN} mean   {LIMIT} limits"


class Row(Struct, frozen=True, kw_only=True):
    """A point with what it is judged by; None where that is not known. `note`: why it is flagged, or has no value."""

    label: str
    value: float | None
    mean: float | None = None
    low: float | None = None
    high: float | None = None
    cases: int | None = None
    note: str = ""


def chart(rows: Sequence[Row], written: Callable[[float], str], width: int) -> Iterator[str]:
    """The lines of the chart, none wider than `width` as long as that leaves room to draw; figures as `written`.

    Of more than `MOST_ROWS` points the newest are drawn, and the rest is counted.
    """
    drawn = rows[-MOST_ROWS:]
    numbers = [number for row in drawn for number in (row.value, row.mean, row.low, row.high) if number is not None]
    if not numbers:
        return
    first, last = min(numbers), max(numbers)
    labels = _column([row.label for row in drawn], "<")
    values = _column(["" if row.value is None else written(row.value) for row in drawn], ">")
    cases = _column(["" if row.cases is None else f"n {row.cases:,}" for row in drawn], ">")
    notes = max(len(row.note) for row in drawn)
    room = width - len(labels[0]) - len(values[0]) - len(cases[0]) - notes - 8
    plot = max(LEAST_PLOT, min(MOST_PLOT, room))
    if len(rows) > len(drawn):
        yield f"… {len(rows) - len(drawn)} earlier points are in --json"
    for row, label, value, n in zip(drawn, labels, values, cases, strict=True):
        yield f"{label}  {n}  {value}  {_line(row, first, last, plot)}  {row.note}".rstrip()
    low, high = written(first), written(last)
    left = " " * (len(labels[0]) + len(values[0]) + len(cases[0]) + 6)
    yield f"{left}{low}{' ' * max(1, plot - len(low) - len(high))}{high}"
    yield f"{left}{LEGEND}"


def _column(texts: Sequence[str], align: str) -> list[str]:
    size = max(map(len, texts))
    return [f"{text:{align}{size}}" for text in texts]


def _line(row: Row, first: float, last: float, plot: int) -> str:
    cells = [" "] * plot
    point = FLAGGED if row.note else POINT
    for number, sign in ((row.low, LIMIT), (row.high, LIMIT), (row.mean, MEAN), (row.value, point)):
        if number is not None:
            place = 0.5 if first == last else (number - first) / (last - first)
            cells[min(plot - 1, int(place * plot))] = sign
    return "".join(cells)
