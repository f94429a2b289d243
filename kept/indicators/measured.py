"""A value before it is published: what a family module returns for one definition in one window."""

from __future__ import annotations

from typing import NamedTuple

from kept.indicators.definitions import BY_NAME
from kept.indicators.intervals import wilson
from kept.indicators.point import STALE, Point, Slice, State
from kept.indicators.windows import View

Number = float | int


class Measured(NamedTuple):
    """Name of the definition, and the parts of a `Point` that are its own."""

    name: str
    value: Number | None
    numerator: Number | None = None
    denominator: Number | None = None
    n: int | None = None
    low: Number | None = None
    high: Number | None = None
    state: State = "value"
    reason: str | None = None
    binned: bool = False
    """Read from histograms, whose far edge is a full hour."""


def amount(name: str, value: Number, n: int | None = None) -> Measured:
    """A plain number: a count or a stock."""
    return Measured(name, value, numerator=value, n=n if n is not None else int(value))


def share(name: str, numerator: int, denominator: int) -> Measured:
    """A share with its Wilson interval; not applicable without a denominator."""
    if denominator <= 0:
        return absent(name, "no_volume", numerator=numerator, denominator=denominator, n=max(denominator, 0))
    low, high = wilson(numerator, denominator) if 0 <= numerator <= denominator else (None, None)
    return Measured(name, numerator / denominator, numerator, denominator, denominator, low, high)


def absent(
    name: str, reason: str, *, numerator: Number | None = None, denominator: Number | None = None, n: int | None = None
) -> Measured:
    """No value that could be given, although the source provides what it is made of."""
    return Measured(name, None, numerator, denominator, n, state="not_applicable", reason=reason)


def missing(name: str, reason: str) -> Measured:
    """The source does not provide what the indicator is made of."""
    return Measured(name, None, state="not_provided", reason=reason)


def as_point(measured: Measured, view: View, currency: str | None, *, stale: bool = False) -> Point:
    """The published form of a measured value; `stale` says that its service is silent, which marks its shares."""
    definition = BY_NAME[measured.name]
    is_marked = stale and definition.unit == "share" and measured.value is not None
    dimension, value = view.series[1:]
    slice_of: Slice = ((dimension, value),) if dimension else ()
    return Point(
        service=view.series[0],
        slice=slice_of,
        indicator=measured.name,
        window=view.window,
        window_start=view.binned_start if measured.binned else view.start,
        window_end=view.end,
        value=measured.value,
        unit=definition.unit.replace("money", currency or "money"),
        numerator=measured.numerator,
        denominator=measured.denominator,
        n=measured.n,
        low=measured.low,
        high=measured.high,
        definition=definition.label,
        state=measured.state,
        reason=STALE if is_marked else measured.reason,
    )
