"""One number with everything needed to defend it. Pure: a published point in, words out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct

from kept.indicators.point import STALE, Amendment, Point
from summaries import wording

HISTORY_HEAD: Final = ("Window to", "Value", "Counts", "95 % range", "Before it was amended")
STATES: Final = {
    "value": "a value",
    "not_applicable": "no value can be made of it",
    "not_provided": "the service does not provide it",
}


class Before(Struct, frozen=True, kw_only=True):
    """How a number stood until a moment, in words."""

    value: str
    until: str


def counts_words(point: Point) -> str:
    """Numerator, denominator and n of a number, as far as it has them."""
    parts = []
    if point.numerator is not None and point.denominator is not None:
        parts.append(f"{_count(point.numerator)} of {_count(point.denominator)}")
    if point.n is not None:
        parts.append(f"n{wording.NBSP}{wording.number(point.n)}")
    return ", ".join(parts) or "no counts"


def counts(point: Point) -> list[tuple[str, str]]:
    """(name, words) of each count and edge that belongs to the number; what there is none of says so."""
    return [
        ("Numerator", "none" if point.numerator is None else _count(point.numerator)),
        ("Denominator", "none" if point.denominator is None else _count(point.denominator)),
        ("n, what it rests on", "none" if point.n is None else wording.number(point.n)),
        ("95 % range", wording.interval(point) or _bound(point)),
        ("State", state_words(point)),
    ]


def state_words(point: Point) -> str:
    """Whether it is a value, and why not, or what is to be known beside it."""
    if point.value is None:
        return f"{STATES[point.state]}. {wording.why_unknown(point).capitalize()}"
    if point.reason == STALE:
        return "a value, but stale: the service had been silent for longer than is expected of it"
    return STATES[point.state]


def before_rows(amendments: Iterable[Amendment], point: Point, zone: ZoneInfo) -> tuple[Before, ...]:
    """How the number stood before each of its amendments, the first first."""
    own = sorted((one for one in amendments if one.new.key() == point.key()), key=lambda one: one.known_at)
    return tuple(
        Before(
            value=f"{wording.shown(one.old)} ({counts_words(one.old)})",
            until=wording.moment_briefly(one.known_at, zone),
        )
        for one in own
    )


def history_rows(points: Sequence[Point], amendments: Sequence[Amendment], zone: ZoneInfo) -> list[tuple[str, ...]]:
    """Rows below `HISTORY_HEAD`, the newest first."""
    return [
        (
            wording.moment_briefly(point.window_end, zone),
            wording.shown(point),
            counts_words(point),
            wording.interval(point) or _bound(point),
            "; ".join(f"{one.value} until {one.until}" for one in before_rows(amendments, point, zone))
            or "never amended",
        )
        for point in reversed(points)
    ]


def _bound(point: Point) -> str:
    if point.value is None and point.low is not None:
        return f"at least {wording.quantity(point.low, point.unit)}"
    return "not made"


def _count(value: float) -> str:
    return wording.number(value, 0 if value == int(value) else 2)
