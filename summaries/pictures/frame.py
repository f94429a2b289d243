"""What pictures over time share: an exact frame, an axis of local dates, an axis of values in a unit people read."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from kept.buckets import DAY_SECONDS, HOUR_SECONDS
from summaries.vega import Spec

WIDE: Final = 720
NARROW: Final = 344
"""Widths in pixels: of a page, and of a telephone held upright, where the letters stay as large."""
HEIGHT: Final = 280
CHARACTER: Final = 6.7
"""Pixels of a character of 11 px in the pictures' font, on average, rounded up."""
LEAST_OF_HIGHEST: Final = 0.4
"""An axis begins at zero when the lowest figure is below this share of the highest."""
ROOM: Final = 0.1
LEAST_SPAN: Final[dict[str, float]] = {"share": 0.05, "points": 5.0}
"""An axis spans at least so much, so that a calm figure looks calm."""


class Frame(Struct, frozen=True, kw_only=True):
    """The outer size of a picture and the room around its plot, in pixels."""

    width: int
    height: int
    left: int = 58
    right: int = 16
    top: int = 34
    bottom: int = 48

    @property
    def plot_width(self) -> int:
        """Pixels across the plot."""
        return self.width - self.left - self.right

    @property
    def plot_height(self) -> int:
        """Pixels from the bottom of the plot to its top."""
        return self.height - self.top - self.bottom

    @property
    def is_narrow(self) -> bool:
        """Whether the picture is for a telephone."""
        return self.width < 500

    def spec(self) -> Spec:
        """The part of a specification that makes the picture exactly so large."""
        return {
            "width": self.plot_width,
            "height": self.plot_height,
            "autosize": {"type": "none"},
            "padding": {"left": self.left, "right": self.right, "top": self.top, "bottom": self.bottom},
        }


class Scale(Struct, frozen=True, kw_only=True):
    """How values of a unit are drawn: divided by `divisor`, between `low` and `high` (as drawn), under `title`."""

    unit: str
    divisor: float
    low: float
    high: float
    title: str

    def drawn(self, value: float | None) -> float | None:
        """The value as the picture has it, to ten digits: the same on every machine."""
        return None if value is None else float(f"{value / self.divisor:.10g}")

    def axis(self) -> dict[str, Any]:
        """The axis of values."""
        shares = "format(datum.value * 100, '~g') + '\N{NO-BREAK SPACE}%'"
        others = "format(datum.value, '~s')" if self.high >= 100_000 else "format(datum.value, ',~g')"
        return {
            "title": None,
            "tickCount": 5,
            "labelPadding": 4,
            "labelExpr": shares if self.unit == "share" else others,
        }

    def with_room_below(self, lowest: float | None, pixels: int, plot: int) -> Scale:
        """The scale with so many of the plot's pixels under a (drawn) value, unless it begins at zero."""
        if lowest is None or self.low <= 0:
            return self
        low = (lowest - pixels / plot * self.high) / (1 - pixels / plot)
        return self if low >= self.low else msgspec.structs.replace(self, low=_round(max(0.0, low)))

    def spread(self, values: Iterable[float], pixels: int, apart: int = 14) -> list[float]:
        """Where labels of drawn `values`, in their order, stand so that no two of them touch."""
        span = self.high - self.low
        gap = apart * span / pixels
        ranked = sorted(enumerate(values), key=lambda pair: pair[1])
        places: list[float] = []
        for _, value in ranked:
            places.append(value if not places else max(value, places[-1] + gap))
        over = max(0.0, places[-1] - self.high) if places else 0.0
        for position in range(len(places) - 1, -1, -1):
            limit = places[position + 1] - gap if position + 1 < len(places) else places[position] - over
            places[position] = min(places[position], limit)
        placed = {index: place for (index, _), place in zip(ranked, places, strict=True)}
        return [placed[index] for index in range(len(placed))]


def scale_of(values: Iterable[float | None], unit: str) -> Scale:
    """The scale for all of `values` in `unit`: from zero unless that would hide what moves, and it says so."""
    known = [value for value in values if value is not None] or [0.0]
    divisor, words = _readable(unit, max(map(abs, known)))
    low, high = min(known) / divisor, max(known) / divisor
    least = LEAST_SPAN.get(unit, 0.1 * max(abs(low), abs(high)) or 1.0)
    if high - low < least:
        middle = (high + low) / 2
        low, high = middle - least / 2, middle + least / 2
    room = ROOM * (high - low)
    bottom = min(0.0, low - room) if low < LEAST_OF_HIGHEST * high or min(known) < 0 else low - room
    if min(known) >= 0:
        bottom = max(0.0, bottom)
    top = high + room
    if unit in ("share", "points") and max(known) / divisor <= (ceiling := 1.0 if unit == "share" else 100.0):
        top = min(top, ceiling)
    starts = "" if bottom <= 0 else "; the axis does not begin at 0"
    return Scale(unit=unit, divisor=divisor, low=_round(bottom), high=_round(top), title=f"{words}{starts}")


def time_axis(start: int, end: int, zone: ZoneInfo, frame: Frame) -> dict[str, Any]:
    """An axis of local Mondays between two moments (s): as many as have room, the year where it begins."""
    mondays = _mondays(start, end, zone)
    most = max(2, frame.plot_width // 62)
    every = max(1, -(-len(mondays) // most))
    ticks = mondays[::-1][::every][::-1] or [_local(start, zone).date()]
    years = [day for place, day in enumerate(ticks) if place == 0 or day.year != ticks[place - 1].year]
    return {
        "title": None,
        "values": [_day_ms(day) for day in ticks],
        "grid": False,
        "labelOverlap": False,
        "labelExpr": (
            f"indexof({[_day_ms(day) for day in years]}, time(datum.value)) >= 0"
            " ? [utcFormat(datum.value, '%-d %b'), utcFormat(datum.value, '%Y')] : utcFormat(datum.value, '%-d %b')"
        ),
    }


def time_scale(start: int, end: int, zone: ZoneInfo) -> dict[str, Any]:
    """The scale of that axis: no rounding at its ends."""
    return {"type": "utc", "nice": False, "domain": [local_ms(start, zone), local_ms(end, zone)]}


def local_ms(moment: int, zone: ZoneInfo) -> int:
    """A moment (s) as its local wall clock read as if it were UTC, in ms: the renderer knows no time zones."""
    local = _local(moment, zone)
    return int(local.replace(tzinfo=datetime.UTC).timestamp()) * 1000


def label_width(texts: Sequence[str]) -> int:
    """Pixels that the longest of `texts` takes."""
    return round(max((len(text) for text in texts), default=0) * CHARACTER) + 10


def _readable(unit: str, largest: float) -> tuple[float, str]:
    if unit == "seconds":
        return (DAY_SECONDS, "days") if largest >= 2 * DAY_SECONDS else (HOUR_SECONDS, "hours")
    return 1.0, {"share": "share", "points": "points of 100"}.get(unit, unit)


def _mondays(start: int, end: int, zone: ZoneInfo) -> list[datetime.date]:
    day = _local(start, zone).date()
    day += datetime.timedelta(days=-day.weekday() % 7)
    found = []
    while day <= _local(end, zone).date():
        found.append(day)
        day += datetime.timedelta(days=7)
    return found


def _day_ms(day: datetime.date) -> int:
    return int(datetime.datetime.combine(day, datetime.time(), datetime.UTC).timestamp()) * 1000


def _local(moment: int, zone: ZoneInfo) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(moment, zone)


def _round(value: float) -> float:
    return float(f"{value:.6g}")
