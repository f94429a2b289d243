"""Values in words and digits for pages: one way to write a share, a time or an amount, and why a value is not known.

Text that belongs together is joined by no-break spaces, so that a line never ends between a number and its unit.
"""

from __future__ import annotations

import datetime
import zoneinfo
from typing import Literal

from kept.durations import in_words
from kept.indicators.point import Point
from kept.indicators.reasons import REASONS

NBSP = "\N{NO-BREAK SPACE}"
MINUS = "\N{MINUS SIGN}"

WINDOWS: dict[str, str] = {
    "1h": "last hour",
    "24h": "last 24 hours",
    "7d": "last 7 days",
    "28d": "last 28 days",
    "90d": "last 90 days",
    "365d": "last 365 days",
    "week": "this week",
    "all": "since the first event",
}


def number(value: float | int, decimals: int = 0) -> str:
    """Digits in groups of three, a real minus sign, no negative zero."""
    text = f"{value:,.{decimals}f}"
    if text.startswith("-"):
        text = text[1:] if not text.strip("-0.,") else MINUS + text[1:]
    return text


def share(value: float) -> str:
    """A share as a percentage with one decimal; what is not quite all or nothing never looks like it."""
    if 0.9995 <= value < 1:
        return f"over{NBSP}99.9{NBSP}%"
    if 0 < value < 0.0005:
        return f"under{NBSP}0.1{NBSP}%"
    return f"{number(value * 100, 1)}{NBSP}%"


def target_share(value: float) -> str:
    """A target as it was promised, without a decimal that nobody promised: 80 %, 99.5 %."""
    return f"{value * 100:.6g}{NBSP}%"


def duration(seconds: float) -> str:
    """A length of time in its natural unit, with one decimal."""
    return in_words(round(seconds * 1000)).replace(" ", NBSP)


def points_apart(difference: float) -> str:
    """A difference of two shares, in percentage points without a sign."""
    size = abs(difference) * 100
    return f"{'under' + NBSP if 0 < size < 0.1 else ''}{number(max(size, 0.1) if size else 0, 1)}{NBSP}points"


def quantity(value: float | int, unit: str) -> str:
    """`value` with its `unit`, as a page shows it. What is none of the units below is a currency."""
    if unit == "share":
        return share(value)
    if unit == "seconds":
        return duration(value)
    if unit == "cases":
        return f"{number(value)}{NBSP}{'case' if value == 1 else 'cases'}"
    if unit == "days":
        return f"{number(value, 1)}{NBSP}days"
    if unit == "points":
        return f"{number(value, 1)} of{NBSP}100"
    currency, _, rest = unit.partition(" ")
    digits = f"{currency}{NBSP}{number(value, 2 if abs(value) < 1000 else 0)}"
    return f"{digits} {rest.replace(' ', NBSP)}".rstrip()


def shown(point: Point | None) -> str:
    """The point's value in words; what is not known is said, never 0 and never blank."""
    if point is None:
        return "no value yet"
    if point.value is None:
        return why_unknown(point)
    return quantity(point.value, point.unit)


def why_unknown(point: Point) -> str:
    """Why there is no value: `not provided`, `not known yet` or `not applicable`, and the reason."""
    kind: Literal["not provided", "not known yet", "not applicable"]
    if point.state == "not_provided":
        kind = "not provided"
    else:
        kind = "not known yet" if point.reason in ("immature", "too_many_open") else "not applicable"
    if point.reason is None:
        return kind
    return f"{kind}: {REASONS.get(point.reason, point.reason.replace('_', ' '))}"


def interval(point: Point | None) -> str | None:
    """The 95 % interval in words, or None where there is none."""
    if point is None or point.value is None or point.low is None or point.high is None:
        return None
    if point.unit == "share":
        return f"{number(point.low * 100, 1)}{NBSP}to{NBSP}{number(point.high * 100, 1)}{NBSP}%"
    if point.unit == "points":
        return f"{number(point.low, 1)}{NBSP}to{NBSP}{number(point.high, 1)}"
    low, high = quantity(point.low, point.unit), quantity(point.high, point.unit)
    return low if low == high else f"{low} to {high}"


def moment(epoch_seconds: int, zone: zoneinfo.ZoneInfo) -> str:
    """A moment in the service's own time, with the zone's name."""
    local = datetime.datetime.fromtimestamp(epoch_seconds, zone)
    return f"{local:%a} {local.day}{NBSP}{local:%b} {local:%Y}, {local:%H:%M} ({zone.key})"


def moment_briefly(epoch_seconds: int, zone: zoneinfo.ZoneInfo) -> str:
    """A moment where the zone is said nearby."""
    local = datetime.datetime.fromtimestamp(epoch_seconds, zone)
    return f"{local:%a} {local.day}{NBSP}{local:%b} {local:%Y}, {local:%H:%M}"


def shortened(text: str, most: int) -> str:
    """`text` in one line of at most `most` characters; what is left out shows as an ellipsis."""
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 1].rstrip()}…"


def label(indicator: str) -> str:
    """The name of an indicator as words."""
    return indicator.replace("_", " ")


def day(epoch_seconds: int, zone: zoneinfo.ZoneInfo) -> str:
    """The local date of a moment: `22 Nov 2026`."""
    local = datetime.datetime.fromtimestamp(epoch_seconds, zone)
    return f"{local.day}{NBSP}{local:%b}{NBSP}{local:%Y}"


def week_of(epoch_seconds: int, zone: zoneinfo.ZoneInfo) -> str:
    """The calendar week of a moment with its last day: `2026-W47 (to 22 Nov 2026)`."""
    local = datetime.datetime.fromtimestamp(epoch_seconds, zone)
    year, number_of, weekday = local.isocalendar()
    sunday = local + datetime.timedelta(days=7 - weekday)
    return f"{year}-W{number_of:02} (to {sunday.day}{NBSP}{sunday:%b}{NBSP}{sunday:%Y})"


def utc(epoch_seconds: int) -> str:
    """A moment as addresses have it: `2026-11-16T09:05Z`."""
    return f"{datetime.datetime.fromtimestamp(epoch_seconds, datetime.UTC):%Y-%m-%dT%H:%MZ}"
