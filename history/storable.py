"""What no store takes: numbers that are none, and whole numbers that come back as others."""

from __future__ import annotations

import math
from typing import Any

import msgspec

from kept.errors import Stop
from kept.indicators.point import Point
from kept.signals.chart_amendments import ChartAmendment
from kept.signals.chart_weeks import ChartWeek
from kept.signals.raised import Raised

NUMBERS = ("value", "numerator", "denominator", "low", "high")
"""Fields of a point that hold a whole or a decimal number, or nothing."""
CHART_LINES = ("mean", "lower", "upper", "near_lower", "near_upper", "p_lower", "p_upper")
CHART_NUMBERS = (*NUMBERS, "n", *CHART_LINES, "target")
"""Fields of a week of a chart that hold a number, or nothing."""
WHOLE_LIMIT = 2**63
"""Whole numbers are kept exactly within ± this limit."""

MOST_EVIDENCE_BYTES = 32_000
"""Evidence of one verdict, as JSON. A text field read from InfluxDB has 131,072 characters at most, and one character
may take three of them."""


def refuse_unstorable(point: Point) -> None:
    """Raise `Stop` for a number that no store could give back: missing has a meaning here, and so has each digit."""
    for name in (*NUMBERS, "n"):
        number = getattr(point, name)
        if number is not None:
            _refuse_number(f"{_named(point)}: {name}", number)


def refuse_unstorable_week(week: ChartWeek) -> None:
    """Raise `Stop` for a week of a chart with a number that no store could give back."""
    for name in CHART_NUMBERS:
        number = getattr(week, name)
        if number is not None:
            _refuse_number(f"{week.service} {week.indicator} chart: {name}", number)


def refuse_unstorable_amendment(amendment: ChartAmendment) -> None:
    """Raise `Stop` for an amendment of a week of a chart with a number that no store could give back."""
    for week in (amendment.old, amendment.new):
        if week is not None:
            refuse_unstorable_week(week)


def storable_signal(raised: Raised) -> Raised:
    """The signal as every store can give it back: evidence of more than `MOST_EVIDENCE_BYTES` is left out, and says so.

    Raises `Stop` for a number that is none, and for evidence that is no JSON.
    """
    verdict = raised.verdict
    named = f"{verdict.service} {verdict.signal}"
    for name in ("value", "expected", "chance", "cases"):
        number = getattr(verdict, name)
        if number is not None:
            _refuse_number(f"{named}: {name}", number)
    _refuse_in_evidence(f"{named}: evidence", verdict.evidence)
    size = len(msgspec.json.encode(verdict.evidence))
    if size <= MOST_EVIDENCE_BYTES:
        return raised
    # An alert without its points is better than a worker that cannot go on.
    evidence = {"left_out": f"{size} bytes as JSON; at most {MOST_EVIDENCE_BYTES} are kept"}
    return msgspec.structs.replace(raised, verdict=msgspec.structs.replace(verdict, evidence=evidence))


def _refuse_in_evidence(named: str, value: Any) -> None:
    if isinstance(value, dict):
        for key, held in value.items():
            if not isinstance(key, str):
                raise Stop(f"{named} cannot be stored: {type(key).__name__} as a key; JSON has texts there")
            _refuse_in_evidence(f"{named}.{key}", held)
    elif isinstance(value, list | tuple):
        for held in value:
            _refuse_in_evidence(named, held)
    elif isinstance(value, int | float):
        _refuse_number(named, value)
    elif not isinstance(value, str | None):
        raise Stop(f"{named} cannot be stored: {type(value).__name__} is no JSON value")


def _refuse_number(named: str, number: float) -> None:
    # isfinite() would turn a large whole number into a float first.
    if isinstance(number, int):
        if not -WHOLE_LIMIT <= number < WHOLE_LIMIT:
            raise Stop(f"{named} cannot be stored, it has more than 64 bits")
    elif not math.isfinite(number):
        raise Stop(f"{named} is {number}, not a finite number")


def _named(point: Point) -> str:
    return f"{point.service} {point.indicator} {point.window}"
