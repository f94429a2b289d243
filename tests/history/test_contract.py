"""What every history store promises (history/store.py), held against each store of conftest.py."""

from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kept.errors import Stop
from kept.indicators.known_at import as_known_at
from kept.indicators.point import Amendment, Point
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


@pytest.mark.parametrize("field", ["value", "numerator", "denominator", "n", "low", "high"])
def test_a_whole_number_comes_back_to_its_last_digit_or_is_refused(open_store: OpenStore, field: str) -> None:
    store = open_store()
    for number in (2**53 + 1, -(2**63), 2**63 - 1):
        store.write([point(**{field: number})])
        assert getattr(store.read("street-repairs")[0], field) == number
    with pytest.raises(Stop, match=f"{field} cannot be stored"):
        store.write([point(window="7d"), point(**{field: 2**80})])
    assert [each.window for each in store.read("street-repairs")] == ["28d"]


def test_each_number_may_be_there_or_not_whatever_was_written_before(open_store: OpenStore) -> None:
    store = open_store()
    fields = ("value", "numerator", "denominator", "n", "low", "high")
    for chosen in [*itertools.combinations(fields, 2), fields, ()]:
        written = point(**{name: 7 if name in chosen else None for name in fields})
        store.write([written])
        assert store.read("street-repairs") == store.latest("street-repairs") == [written]


def test_a_store_counts_what_it_refuses_and_refuses_nothing_that_is_well_formed(open_store: OpenStore) -> None:
    store = open_store()
    store.write([point()])
    assert dict(store.refused()) == {}


def test_what_is_asked_for_is_a_value_and_never_part_of_a_query(open_store: OpenStore) -> None:
    store = open_store()
    store.write([point(), point(service="parking")])
    for text in ('x" or true or r.service == "', "' OR 1=1 --", "street-repairs' --", "\\", "a, b", "%", "*"):
        assert store.read(text) == store.latest(text) == store.amendments(text) == []
        assert store.read("street-repairs", indicator=text, window=text, slice=((text, text),)) == []


def test_a_range_that_ends_before_it_begins_holds_nothing(open_store: OpenStore) -> None:
    store = open_store()
    store.write([point()])
    store.amend([Amendment(NOON + 1, point(), point(value=0.5))])
    assert store.read("street-repairs", since=NOON, until=NOON - 1) == []
    assert store.amendments("street-repairs", since=NOON, until=NOON - 1) == []
    assert store.latest("street-repairs", at=-1) == []


def test_an_amendment_puts_the_new_point_in_place_and_remembers_the_old(open_store: OpenStore) -> None:
    store = open_store()
    #               12:00   12:05
    # written         a       b
    # known 13:00     c
    # known 14:00     unknown
    other = point(window_end=NOON + 300)
    a, c, gone = point(value=0.75), point(value=0.7, numerator=70), unknown()
    store.write([a, other])
    first, second = Amendment(NOON + 3600, a, c), Amendment(NOON + 7200, c, gone)
    store.amend([first])
    assert store.read("street-repairs") == [c, other]
    store.amend([second])
    assert open_store().read("street-repairs") == [gone, other]
    assert open_store().amendments("street-repairs") == [first, second]
    assert store.latest("street-repairs", at=NOON) == [gone]
    assert dict(store.refused()) == {}


def test_amending_again_changes_nothing(open_store: OpenStore) -> None:
    store = open_store()
    amendments = [Amendment(NOON + 3600 * n, point(value=n), point(value=n + 1)) for n in range(3)]
    store.write([point(value=0)])
    for _ in range(2):
        store.amend(amendments)
        store.amend([])
    store.amend(amendments[2:])
    assert store.amendments("street-repairs") == amendments
    assert store.read("street-repairs") == [point(value=3)]


def test_two_amendments_at_one_moment_are_one_from_the_first_old_to_the_last_new(open_store: OpenStore) -> None:
    a, b, c, d = (point(value=n / 10) for n in range(4))
    store = open_store()
    store.write([a])
    store.amend([Amendment(NOON + 600, a, b), Amendment(NOON + 600, b, c)])
    assert store.amendments("street-repairs") == [Amendment(NOON + 600, a, c)]
    store.amend([Amendment(NOON + 600, c, d)])
    assert store.amendments("street-repairs") == [Amendment(NOON + 600, a, d)]
    assert store.read("street-repairs") == [d]


def test_amendments_narrow_by_window_end_and_service_and_come_in_the_order_of_their_keys(open_store: OpenStore) -> None:
    store = open_store()
    ends = [NOON + step * FIVE_MINUTES for step in range(4)]
    amendments = [
        Amendment(known_at, point(window_end=end, slice=cut), point(window_end=end, slice=cut, value=0.5))
        for cut in (SLICE, ())
        for known_at in (NOON + 7200, NOON + 3600, NOON)
        for end in ends
    ]
    store.amend(random.Random(7).sample(amendments, len(amendments)))
    store.amend([Amendment(NOON, point(service="parking"), point(service="parking", value=0.5))])
    found = store.amendments("street-repairs", since=ends[1], until=ends[2])
    expected = [each for each in amendments if each.new.window_end in ends[1:3]]
    assert found == sorted(expected, key=Amendment.key)
    assert len(store.amendments("street-repairs")) == len(amendments)
    assert [each.new.service for each in store.amendments("parking")] == ["parking"]


def test_what_cannot_be_stored_cannot_be_remembered_either(open_store: OpenStore) -> None:
    store = open_store()
    with pytest.raises(Stop, match="value"):
        store.amend([Amendment(NOON, point(value=float("nan")), point())])
    assert store.amendments("street-repairs") == store.read("street-repairs") == []


def test_writing_nothing_is_allowed(open_store: OpenStore) -> None:
    store = open_store()
    store.write([])
    store.amend([])
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
        assert _types(found) == _types(sorted(points, key=lambda each: each.key()))
    finally:
        store.close()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_amendments_come_back_and_lead_back_to_what_was_written(open_store: OpenStore, data: st.DataObject) -> None:
    service = f"any-{next(serial)}"
    points = data.draw(any_points(service))
    newer = {each.key(): each for each in data.draw(any_points(service))}
    amendments = [Amendment(NOON + 86400, each, newer[each.key()]) for each in points if each.key() in newer]
    store = open_store()
    try:
        store.write(points)
        store.amend(amendments)
        assert store.amendments(service) == sorted(amendments, key=Amendment.key)
        before = as_known_at(store.read(service), store.amendments(service), NOON + 86399)
        assert before == sorted(points, key=lambda each: each.key())
        assert store.read(service) == [newer.get(each.key(), each) for each in before]
    finally:
        store.close()


def _types(points: list[Point]) -> list[tuple[type, ...]]:
    return [
        tuple(type(number) for number in (each.value, each.numerator, each.denominator, each.n, each.low, each.high))
        for each in points
    ]
