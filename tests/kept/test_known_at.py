"""What was known at an earlier moment, from points and their amendments."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kept.indicators.known_at import as_known_at
from kept.indicators.point import Amendment
from tests.history.points import NOON, point


def test_a_point_is_what_it_was_before_its_first_amendment_after_the_moment() -> None:
    # known at    12:00   13:00   14:00
    # value         1       2       3
    amendments = [
        Amendment(NOON + 7200, point(value=2), point(value=3)),
        Amendment(NOON + 3600, point(value=1), point()),
    ]
    known = [
        (NOON, 1), (NOON + 3599, 1), (NOON + 3600, 2), (NOON + 7199, 2), (NOON + 7200, 3), (NOON + 9000, 3),
    ]  # fmt: skip
    for moment, value in known:
        assert [each.value for each in as_known_at([point(value=3)], amendments, moment)] == [value]


def test_other_points_stay_as_they_are_and_in_their_order() -> None:
    points = [point(window="7d"), point(), point(service="parking"), point(window_end=NOON + 300)]
    amendments = [
        Amendment(NOON + 60, point(value=0.1), point()),
        Amendment(NOON + 60, point(window="1h"), point(window="1h")),
    ]
    assert as_known_at(points, amendments, NOON) == [points[0], point(value=0.1), *points[2:]]


def test_an_amendment_is_of_one_point() -> None:
    with pytest.raises(ValueError, match="differ in their keys"):
        Amendment(NOON, point(), point(window="7d"))


@given(st.lists(st.tuples(st.integers(1, 50), st.integers(0, 9)), unique_by=lambda each: each[0]), st.data())
def test_the_past_is_what_it_was_whatever_the_order_of_amendments(
    changes: list[tuple[int, int]], data: st.DataObject
) -> None:
    changes.sort()
    values = [0, *(value for _, value in changes)]
    amendments = [
        Amendment(at, point(value=old), point(value=new))
        for (at, _), old, new in zip(changes, values, values[1:], strict=False)
    ]
    shuffled = data.draw(st.permutations(amendments))
    for moment in range(52):
        expected = values[sum(at <= moment for at, _ in changes)]
        assert [p.value for p in as_known_at([point(value=values[-1])], shuffled, moment)] == [expected]
