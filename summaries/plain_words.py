"""Values as the public page says them: units people use, shares out of 10 or 100, dates written out. Pure.

No more digits than a reader can use: what is said to be "or less" is rounded up, so that it stays true.
"""

from __future__ import annotations

import datetime
import math
from typing import Final, Literal
from zoneinfo import ZoneInfo

from kept.indicators.point import Point
from summaries.wording import NBSP, number

Round = Literal["nearest", "up", "down"]
MINUTE: Final = 60
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
WEEK: Final = 7 * DAY
_UNITS: Final = ((4 * WEEK, WEEK, "week"), (36 * HOUR, DAY, "day"), (2 * HOUR, HOUR, "hour"), (0, MINUTE, "minute"))
"""(from so many seconds on, seconds of the unit, its name). Below four weeks people count in days."""
HALVES_BELOW: Final = 5
"""Below so many of a unit halves are told."""
WIDE: Final = 0.15
"""A share whose interval is wider than this is told out of 10, not out of 100."""


def time_words(seconds: float, rounded: Round = "nearest", beside: float | None = None) -> str:
    """A length of time in the unit that people use for it: `2.5 days`, `12 weeks`; or for the time `beside` it (s)."""
    length = seconds if beside is None else beside
    size, name = next((size, name) for least, size, name in _UNITS if length >= least or not least)
    step = 0.5 if size != MINUTE and seconds / size < HALVES_BELOW else 5 if size == MINUTE else 1
    amount = _rounded(seconds / (size * step), rounded) * step
    if amount <= 0 and rounded != "down":
        amount = step
    return f"{amount:g}{NBSP}{name}{'' if amount == 1 else 's'}"


def range_words(low: float, high: float) -> str:
    """`between 2 days and 3 days`; one of them where both are told alike."""
    first, last = time_words(low, "down", high), time_words(high, "up")
    return f"about {first}" if first == last else f"between {first} and {last}"


def out_of(point: Point, aim: float | None) -> int:
    """Whether a share is told out of 100, or out of 10: its interval is wide, and the aim is a whole number of 10."""
    if point.low is None or point.high is None or aim is None or round(aim * 1000) % 100:
        return 100
    return 10 if point.high - point.low > WIDE else 100


def share_words(share: float, whole: int) -> str:
    """`75 of 100`; what is not quite all or nothing never looks like it."""
    count = math.floor(share * whole + 0.5)
    if share < 1 and count >= whole:
        return f"more than {whole - 1} of{NBSP}{whole}"
    if share > 0 and count <= 0:
        return f"fewer than 1 of{NBSP}{whole}"
    return f"{count} of{NBSP}{whole}"


def share_range_words(low: float, high: float, whole: int) -> str:
    """`between 73 and 77 of 100`, rounded outwards."""
    least, most = math.floor(low * whole + 1e-9), math.ceil(high * whole - 1e-9)
    return f"{least} of{NBSP}{whole}" if least == most else f"between {least} and {most} of{NBSP}{whole}"


def aim_words(share: float, whole: int = 100) -> str:
    """A target without a decimal that nobody promised: `85 of 100`, `99.5 of 100`."""
    return f"{share * whole:.6g} of{NBSP}{whole}"


def moment_words(epoch_seconds: int, zone: ZoneInfo) -> str:
    """`Tuesday 24 November 2026, 17:05`, in the service's own time."""
    local = datetime.datetime.fromtimestamp(epoch_seconds, zone)
    return f"{local:%A} {local.day}{NBSP}{local:%B} {local:%Y}, {local:%H:%M}"


def count_words(count: float, name: str, decimals: int = 0) -> str:
    """`1 request`, `9,879 requests`; with `decimals` `1.4 requests`, and what is not quite nothing never looks so."""
    text = number(count, decimals)
    if decimals:
        text = text.rstrip("0").rstrip(".")
        if text == "0" and count > 0:
            text = f"fewer than {0.1**decimals:.{decimals}f}"
    return f"{text}{NBSP}{name}{'' if text == '1' else 's'}"


def _rounded(value: float, rounded: Round) -> int:
    if rounded == "up":
        return math.ceil(value - 1e-9)
    if rounded == "down":
        return math.floor(value + 1e-9)
    return math.floor(value + 0.5)
