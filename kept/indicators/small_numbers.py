"""Small-number suppression: nothing is shown to people of a slice in which there are only a few of them."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from kept.indicators.point import Point

DEFAULT_BELOW = 5
"""Fewer people than this are not shown, unless the catalogue says otherwise (`suppress_below`)."""


def suppressed(point: Point, below: int = DEFAULT_BELOW) -> Point:
    """The point as it may be shown: without any number when it tells of 1 to `below` - 1 people in a slice.

    For pages and tables. The history and a replay of a file of one's own keep the numbers.
    """
    if not point.slice or not any(0 < people < below for people in _people(point)):
        return point
    return msgspec.structs.replace(
        point, value=None, numerator=None, denominator=None, n=None, low=None, high=None,
        state="not_applicable", reason="few_people",
    )  # fmt: skip


def _people(point: Point) -> Iterator[float]:
    """The numbers of people that a point tells of: its n, and what can be worked out from it.

    `backlog_days` has the backlog as its numerator; half the sum of n and `net_flow` are the arrivals, half their
    difference the completions.
    """
    if point.n is None:
        return
    yield point.n
    if point.indicator == "backlog_days" and point.numerator is not None:
        yield point.numerator
    if point.indicator == "net_flow" and point.value is not None:
        yield (point.n + point.value) / 2
        yield (point.n - point.value) / 2
