"""What was known at an earlier moment: published points with their later amendments taken back."""

from __future__ import annotations

from collections.abc import Iterable

from kept.indicators.point import Amendment, Point, Slice


def as_known_at(points: Iterable[Point], amendments: Iterable[Amendment], moment: int) -> list[Point]:
    """Each of `points` as it was known at `moment` (s since 1970 UTC), in their order.

    That is the `old` of its first amendment after `moment`, or the point as it is when there is none. An amendment is
    known from its `known_at` on, that second included. Which points had been published by then the caller says: read
    them with `until=moment`.
    """
    first: dict[tuple[str, Slice, str, str, int], Amendment] = {}
    for amendment in amendments:
        if amendment.known_at > moment:
            key = amendment.new.key()
            earlier = first.get(key)
            if earlier is None or amendment.known_at < earlier.known_at:
                first[key] = amendment
    return [first[key].old if (key := point.key()) in first else point for point in points]
