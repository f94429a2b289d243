"""More partitions underneath: what was known is split among the new ones, and no indicator changes."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kept import events as e
from kept.errors import StateError
from kept.partition import PartitionState
from kept.partition_split import split
from tests.kept.city import City, event
from tests.kept.lives import cities, end_of, long_cities

thorough = settings(
    deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


@thorough
@given(events=cities(), data=st.data())
def test_growing_at_any_moment_changes_no_indicator_and_finds_every_duplicate(
    events: list[e.Event], data: st.DataObject
) -> None:
    whole = City()
    whole.apply(events)
    partitions, factor = data.draw(st.integers(1, 3)), data.draw(st.integers(2, 3))
    cut, batch = data.draw(st.integers(0, len(events))), data.draw(st.integers(1, 20))
    grown = City(partitions=partitions)
    grown.apply(events[:cut], batch=batch)
    grown.grow(partitions * factor)
    grown.apply(events, batch=batch)  # all again: nothing that was known may count twice
    assert grown.points(end_of(events, 6.0)) == whole.points(end_of(events, 6.0))
    assert grown.register == whole.register
    assert grown.registered == whole.registered
    assert grown.accounts.duplicate == cut + whole.accounts.duplicate
    assert grown.accounts.received == cut + len(events)
    assert grown.accounts.reconciles()
    grown.restart()
    grown.apply(events)
    assert grown.points(end_of(events, 6.0)) == whole.points(end_of(events, 6.0))


@settings(thorough, max_examples=15)
@given(events=long_cities(days=230.0), data=st.data())
def test_growing_twice_within_a_long_life_changes_no_indicator(events: list[e.Event], data: st.DataObject) -> None:
    whole = City()
    whole.apply(events, batch=10)
    cuts = sorted([data.draw(st.integers(0, len(events))), data.draw(st.integers(0, len(events)))])
    grown = City(partitions=1)
    grown.apply(events[: cuts[0]], batch=10)
    grown.grow(2)
    grown.apply(events[cuts[0] : cuts[1]], batch=10)
    grown.grow(6)
    grown.apply(events[cuts[1] :], batch=10)
    assert grown.points(end_of(events, 230.0)) == whole.points(end_of(events, 230.0))


def test_a_key_of_a_new_batch_never_meets_one_that_was_inherited() -> None:
    city = City()
    ratings = [event("feedback.given", f"2024-06-03 09:{n:02}", id=f"r{n}", rating=5) for n in range(4)]
    city.apply(ratings[:2], batch=1)
    city.grow(2)
    city.apply(ratings[2:], batch=1)  # the same hour, the same offsets
    city.restart()
    city.apply(ratings, batch=1)
    assert city.accounts.duplicate == 4


def test_a_case_under_a_foreign_key_is_refused_before_anything_is_moved() -> None:
    city = City(partitions=2)
    city.apply([event("case.opened", "2024-06-03 09:00", f"case-{n}") for n in range(8)])
    with pytest.raises(StateError, match=r"partition 0 does not belong there by its subject.*publish the events again"):
        split(0, city.records[0], [0, 2], lambda subject: 1)


def test_cases_without_a_mark_were_never_a_whole_state() -> None:
    city = City()
    city.apply([event("case.opened", "2024-06-03 09:00", "case-1")])
    state = PartitionState(0, city.rules)
    state.restore((key, value) for key, value in city.records[0].items() if key != b"m")
    with pytest.raises(StateError, match=r"holds 1 cases but no mark.*kept topics grow"):
        state.restored()
