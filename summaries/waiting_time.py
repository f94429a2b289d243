"""How long people waited, in one sentence. Cases that are still open are counted in. Pure: points in, words out.

“Most people” are three in four: half of them would be a coin's toss. Where too many of a share of people are still
waiting there is no time yet, only one that it is not below.
"""

from __future__ import annotations

from kept.indicators.point import Point
from summaries import wording

PEOPLE: tuple[tuple[str, str], ...] = (
    ("delivery_time_p75", f"most people (3{wording.NBSP}in{wording.NBSP}4) waited"),
    ("delivery_time_p90", f"9{wording.NBSP}in{wording.NBSP}10"),
    ("delivery_time_p50", "half"),
)
"""(indicator, whom it is about), in the order of the sentence."""


def people_waited(most: Point | None, nine_in_ten: Point | None, half: Point | None) -> str:
    """`Most people (3 in 4) waited up to 3 days; 9 in 10 at least 17.7 days; half up to 1.1 days`.

    The points are `delivery_time_p75`, `_p90` and `_p50` of one window. Where none has anything to say, why.
    """
    given = list(zip((most, nine_in_ten, half), (whom for _, whom in PEOPLE), strict=True))
    parts = [f"{whom} {time}" for point, whom in given if (time := _time(point)) is not None]
    if not parts:
        return wording.shown(next((point for point, _ in given if point is not None), None))
    if _time(most) is None:
        parts.insert(0, f"{PEOPLE[0][1]}: {wording.shown(most)}")
    sentence = "; ".join(parts)
    return sentence[0].upper() + sentence[1:]


def _time(point: Point | None) -> str | None:
    """`up to 3 days`, `at least 17.7 days`, or None where nothing is known."""
    if point is None or (point.value is None and point.low is None):
        return None
    if point.value is not None:
        return f"up to{wording.NBSP}{wording.duration(point.value)}"
    assert point.low is not None
    return f"at least{wording.NBSP}{wording.duration(point.low)}"
