"""What every history store promises (history/store.py), held against each store of conftest.py."""

from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kept.errors import Stop
from tests.history.conftest import OpenStore
from tests.history.points import FIVE_MINUTES, NOON, any_points, point, unknown

SLICE = (("area", "North / East"), ("channel", 'Citizens\' "App" 🏛'))
serial = itertools.count()


def test_a_point_comes_back_as_it_was_written(open_store: OpenStore) -> None:
    written = [
        point(),
        point(slice=SLICE, value=0.1 + 0.2, low=None, high=None),
        point(indicator="backlog", definition="backlog@1", unit="cases", value=9879, numerator=9879, denominator=None),
        unknown(window="1h"),
        unknown(indicator="flow_efficiency", state="not_provided", reason=None),
    ]
    open_store().write(written)
    assert open_store().read("street-repairs") == sorted(written, key=lambda each: each.key())


def test_writing_a_point_again_overwrites_it_wholly(open_store: OpenStore) -> None:
    store = open_store()
    store.write([point()])
    store.write([unknown()])
    assert store.read("street-repairs") == [unknown()]
    store.write([point(definition="promise_kept@2")])
    assert store.read("street-repairs") == [point(definition="promise_kept@2")]


def test_of_points_with_one_key_in_a_batch_the_last_stays(open_store: OpenStore) -> None:
    store = open_store()
    store.write([point(value=0.5), point(value=0.6)])
    assert [each.value for each in store.read("street-repairs")] == [0.6]


def test_reading_narrows_by_slice_indicator_window_and_time(open_store: OpenStore) -> None:
    store = open_store()
    times = [NOON + step * FIVE_MINUTES for step in range(4)]
    store.write([point(window_end=moment, slice=cut) for moment in times for cut in ((), SLICE)])
    store.write([point(indicator="overdue"), point(window="7d"), point(service="parking")])
    # window_end   0    5    10   15
    #              |    [since until]  |   both ends belong to it
    ends = [
        each.window_end
        for each in store.read(
            "street-repairs", slice=(), indicator="promise_kept", window="28d", since=times[1], until=times[2]
        )
    ]
    assert ends == times[1:3]
    assert len(store.read("street-repairs", slice=SLICE)) == 4
    assert [each.window for each in store.read("street-repairs", window="7d")] == ["7d"]
    assert [each.service for each in store.read("parking")] == ["parking"]
    assert store.read("no-such-service") == []


def test_points_come_in_the_order_of_their_keys(open_store: OpenStore) -> None:
    store = open_store()
    points = [
        point(slice=cut, indicator=indicator, window_end=NOON + step)
        for cut in ((), (("area", "a"),), (("area", "a"), ("channel", "b")), (("area", "é"),))
        for indicator in ("backlog", "overdue")
        for step in (0, 300)
    ]
    random.Random(7).shuffle(points)
    store.write(points)
    assert [each.key() for each in store.read("street-repairs")] == sorted(each.key() for each in points)


def test_latest_is_the_newest_point_of_each_series(open_store: OpenStore) -> None:
    store = open_store()
    #             12:00   12:05   12:10
    # whole 28d     a       b
    # whole 7d      c
    # a slice               d       e
    store.write(
        [
            point(value=0.1),
            point(value=0.2, window_end=NOON + 300),
            point(value=0.3, window="7d"),
            point(value=0.4, slice=SLICE, window_end=NOON + 300),
            point(value=0.5, slice=SLICE, window_end=NOON + 600),
        ]
    )
    assert {each.value for each in store.latest("street-repairs")} == {0.2, 0.3, 0.5}
    assert {each.value for each in store.latest("street-repairs", slice=())} == {0.2, 0.3}
    assert {each.value for each in store.latest("street-repairs", at=NOON + 300)} == {0.2, 0.3, 0.4}
    assert {each.value for each in store.latest("street-repairs", at=NOON)} == {0.1, 0.3}
    assert store.latest("street-repairs", at=NOON - 1) == []


def test_services_are_those_with_a_point(open_store: OpenStore) -> None:
    store = open_store()
    assert store.services() == []
    store.write([point(service="parking"), point(service="births"), point(service="parking", window="7d")])
    assert store.services() == ["births", "parking"]


def test_published_never_moves_back(open_store: OpenStore) -> None:
    store = open_store()
    assert store.published() == {}
    store.publish(["parking", "births"], NOON)
    store.publish(["parking"], NOON - 300)
    store.publish(["births"], NOON + 300)
    assert open_store().published() == {"parking": NOON, "births": NOON + 300}


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("field", ["value", "numerator", "denominator", "low", "high"])
def test_what_is_no_number_is_refused_and_the_whole_batch_with_it(
    open_store: OpenStore, field: str, number: float
) -> None:
    store = open_store()
    with pytest.raises(Stop, match=field):
        store.write([point(window="7d"), point(**{field: number})])
    assert store.read("street-repairs") == []


def test_writing_nothing_is_allowed(open_store: OpenStore) -> None:
    store = open_store()
    store.write([])
    store.publish([], NOON)
    assert store.services() == []


def test_a_store_can_be_closed_twice(open_store: OpenStore) -> None:
    store = open_store()
    store.close()
    store.close()
    with pytest.raises(Stop):
        store.services()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_writing_any_points_twice_in_any_order_is_writing_them_once(open_store: OpenStore, data: st.DataObject) -> None:
    service = f"any-{next(serial)}"
    points = data.draw(any_points(service))
    shuffled = data.draw(st.permutations(points))
    cut = data.draw(st.integers(0, len(points)))
    store = open_store()
    try:
        store.write(shuffled[:cut])
        store.write(points)
        store.write(shuffled[cut:])
        found = store.read(service)
        assert found == sorted(points, key=lambda each: each.key())
        assert [type(each.value) for each in found] == [
            type(each.value) for each in sorted(points, key=lambda p: p.key())
        ]
    finally:
        store.close()
