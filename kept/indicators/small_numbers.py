"""Small-number suppression: nothing is shown to people of a slice in which there are only a few of them."""

from __future__ import annotations

import msgspec

from kept.indicators.point import Point

DEFAULT_BELOW = 5
"""Fewer people than this are not shown, unless the catalogue says otherwise (`suppress_below`)."""


def suppressed(point: Point, below: int = DEFAULT_BELOW) -> Point:
    """The point as it may be shown: without any number when it tells of 1 to `below` - 1 people in a slice.

    For pages and tables. The history and a replay of a file of one's own keep the numbers.
    """
    if not point.slice or point.n is None or not 0 < point.n < below:
        return point
    return msgspec.structs.replace(
        point, value=None, numerator=None, denominator=None, n=None, low=None, high=None,
        state="not_applicable", reason="few_people",
    )  # fmt: skip
