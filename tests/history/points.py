"""Points for tests of stores: one by hand, and any."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from kept.indicators.point import Point

NOON = 1_325_419_200
FIVE_MINUTES = 300


def point(**changes: Any) -> Point:
    """A plain point; `changes` replace its fields."""
    fields: dict[str, Any] = {
        "service": "street-repairs", "slice": (), "indicator": "promise_kept", "window": "28d",
        "window_start": NOON - 28 * 86400, "window_end": NOON, "value": 0.75, "unit": "share",
        "numerator": 75, "denominator": 100, "n": 100, "low": 0.656, "high": 0.825,
        "definition": "promise_kept@1", "state": "value",
    }  # fmt: skip
    return Point(**(fields | changes))


def unknown(**changes: Any) -> Point:
    """A point that has no value, and says why."""
    fields: dict[str, Any] = {
        "value": None, "numerator": None, "denominator": None, "n": None, "low": None, "high": None,
        "state": "not_applicable", "reason": "immature",
    }  # fmt: skip
    return point(**(fields | changes))


WHOLE_NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.sampled_from([2**53 + 1, -(2**53) - 1, 2**63 - 1])
NUMBERS = st.none() | WHOLE_NUMBERS | st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
NASTY = st.sampled_from(['a"b', "a\\", "\\", "a,b=c d", "a\nb", "\r\n", "%41&=", "é🏛", ' "', "#x", "\t", "'; drop"])
"""What a line, a query or a CSV file could trip over."""
SLICES = st.dictionaries(TEXTS | NASTY, TEXTS | NASTY, max_size=2).map(lambda pairs: tuple(sorted(pairs.items())))


def any_points(service: str) -> st.SearchStrategy[list[Point]]:
    """Lists of points of one service, each key at most once."""
    one = st.builds(
        Point,
        service=st.just(service),
        slice=SLICES,
        indicator=st.sampled_from(["backlog", "promise_kept", "cost_per_outcome"]),
        window=st.sampled_from(["1h", "28d", "all"]) | NASTY,
        window_start=st.integers(0, 2**33),
        window_end=st.integers(0, 12).map(lambda steps: NOON + steps * FIVE_MINUTES),
        value=NUMBERS,
        unit=st.sampled_from(["share", "cases", "EUR a week", ""]) | NASTY,
        numerator=NUMBERS,
        denominator=NUMBERS,
        n=st.none() | st.integers(0, 2**63 - 1),
        low=NUMBERS,
        high=NUMBERS,
        definition=st.sampled_from(["backlog@1", "promise_kept@2"]) | NASTY,
        state=st.sampled_from(["value", "not_applicable", "not_provided"]),
        reason=st.none() | st.sampled_from(["immature", "no_volume"]) | NASTY,
    )
    return st.lists(one, max_size=25, unique_by=Point.key)
