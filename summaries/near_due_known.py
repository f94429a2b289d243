"""What was known of a service near its due, from the points of the history. Pure: points in, counts out."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from kept.buckets import DAY_SECONDS
from kept.indicators.near_due import MARGIN, NearDue, from_placed
from kept.indicators.near_due_definitions import DEFINITIONS
from kept.indicators.point import STALE, Point

NAMES = frozenset(definition.name for definition in DEFINITIONS)
OLDEST_SECONDS = DAY_SECONDS
"""They are published by the hour, and say of when they are; older ones are no answer to what happens now."""


class NearDueKnown(Struct, frozen=True, kw_only=True):
    """The counts of one window, and since when and until when (s); `few` are (indicator, place) that may not be shown,
    which are 0 in the counts."""

    near: NearDue
    start: int
    end: int
    few: frozenset[tuple[str, str]]
    stale: bool


def near_due_known(points: Iterable[Point], window: str, published: int | None) -> NearDueKnown | None:
    """The newest counts of `window` among the latest points of a service; None where
    nothing was closed in it, or the counts are more than a day older than what was `published` last (s)."""
    ours = [
        point
        for point in points
        if point.indicator in NAMES and point.window == window and point.slice and point.slice[0][0] == MARGIN
    ]
    end = max((point.window_end for point in ours), default=None)
    if end is None or published is None or end < published - OLDEST_SECONDS:
        return None
    ours = [point for point in ours if point.window_end == end]
    values = {
        (point.indicator, point.slice[0][1]): (
            int(point.numerator or 0),
            None if point.denominator is None else int(point.denominator),
        )
        for point in ours
    }
    near = from_placed(values)
    if near is None:
        return None
    few = frozenset((point.indicator, point.slice[0][1]) for point in ours if point.reason == "few_people")
    stale = any(point.reason == STALE for point in ours)
    return NearDueKnown(near=near, start=ours[0].window_start, end=end, few=few, stale=stale)
