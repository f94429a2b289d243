"""Beyond so many values a dimension is told in one slice of the rest; all that is shown stays right."""

from __future__ import annotations

import random

import msgspec
import pytest
from hypothesis import given
from hypothesis import settings as of_hypothesis
from hypothesis import strategies as st

from kept import counters as c
from kept import events as e
from kept.catalogue import parse_service
from kept.errors import ConfigurationError
from kept.indicators.point import Point
from kept.signals.situation import Situation
from kept.slice_values import FOLDED, OTHER
from kept.tallies import Tally, merged
from stream_processors.sinks.metrics import Metrics
from tests.kept.city import LIGHTS, PLAIN, City, event, ms

LIMIT = 10
DAY = "2024-06-03"
END = f"{DAY} 23:00"
TIGHT = msgspec.structs.replace(PLAIN, most_slice_values=LIMIT)


def a_day(areas: int, cases: int = 120, seed: int = 7) -> list[e.Event]:
    """Cases of so many areas, in order of time; most are worked on and completed within the day."""
    chance = random.Random(seed)
    told = []
    for number in range(cases):
        area, opened = f"Area {chance.randrange(areas)}", chance.randrange(12 * 60)
        told.append(("case.opened", opened, number, {"area": area, "channel": "Phone"}))
        told.append(("case.step", opened + 10, number, {"step": f"Step {number % areas}"}))
        if chance.random() < 0.7:
            told.append(("case.completed", opened + chance.randint(20, 300), number, {"outcome": "intended"}))
    told.sort(key=lambda one: one[1])
    start = ms(f"{DAY} 06:00")
    return [event(kind, start + minute * 60_000, f"c{number}", **data) for kind, minute, number, data in told]


def run(events: list[e.Event], *, limit: int = LIMIT, partitions: int = 1, batch: int = 20_000) -> City:
    city = City(msgspec.structs.replace(PLAIN, most_slice_values=limit), partitions=partitions)
    city.apply(events, batch=batch)
    return city


def total(city: City, dimension: str, value: str) -> Tally:
    days = city.tallies.days((LIGHTS.id, dimension, value)).values()
    return merged(*(day.total for day in days))


def values(city: City, dimension: str) -> set[str]:
    return {series[2] for series in city.tallies.series_of(LIGHTS.id) if series[1] == dimension}


def whole(points: list[Point]) -> list[Point]:
    return [point for point in points if point.slice == ()]


def test_the_first_values_are_told_apart_and_the_others_together() -> None:
    city = City(TIGHT)
    city.apply([event("case.opened", f"{DAY} 09:{n:02}", f"c{n}", area=f"Area {n}") for n in range(LIMIT + 5)])
    assert values(city, "area") == {f"Area {n}" for n in range(LIMIT)} | {OTHER}
    assert total(city, "area", OTHER)[c.OPENED] == 5
    assert total(city, "", "")[c.OPENED] == LIMIT + 5


def test_one_dimension_that_is_full_closes_no_other_one() -> None:
    city = run(a_day(areas=200))
    assert OTHER in values(city, "area") & values(city, "step")
    assert values(city, "channel") == {"Phone"}


def test_a_case_that_was_folded_leaves_the_backlog_of_the_rest_when_it_is_completed() -> None:
    city = City(TIGHT)
    city.apply([event("case.opened", f"{DAY} 09:{n:02}", f"c{n}", area=f"Area {n}") for n in range(LIMIT + 1)])
    city.restart()
    city.apply([event("case.completed", f"{DAY} 11:00", f"c{LIMIT}", outcome="intended")])
    rest = total(city, "area", OTHER)
    assert (rest[c.BACKLOG_ENTERED], rest[c.BACKLOG_LEFT]) == (1, 1)


def test_thousands_of_values_are_no_more_than_the_limit_in_memory() -> None:
    city = City(TIGHT)
    events = [event("case.opened", ms(f"{DAY} 09:00") + n * 100, f"c{n}", area=f"Street {n}") for n in range(5000)]
    city.apply(events, batch=500)
    (state,) = city.states
    assert len({series for series, *_ in state.tallies.items() if series[1] == "area"}) == LIMIT + 1
    assert list(state.tallies.folded()) == [(LIGHTS.id, "area", 5000 - LIMIT)]
    assert state.accounts.reconciles()


@pytest.mark.parametrize("partitions", [1, 2, 4])
def test_whole_services_are_the_same_with_and_without_the_limit_however_partitioned(partitions: int) -> None:
    events = a_day(areas=60)
    unlimited = whole(run(events, limit=1000).points(END))
    assert whole(run(events, partitions=partitions).points(END)) == unlimited


def test_within_the_limit_every_slice_is_the_same_however_partitioned() -> None:
    events = a_day(areas=LIMIT)
    expected = run(events).points(END)
    assert any(point.slice and point.slice[0][0] == "area" for point in expected)
    assert run(events, partitions=4).points(END) == expected


@of_hypothesis(deadline=None, max_examples=25)
@given(
    areas=st.integers(LIMIT, 60), partitions=st.integers(1, 4), seed=st.integers(0, 10_000), batch=st.integers(1, 60)
)
def test_a_slice_that_is_shown_has_all_its_events_and_the_rest_has_the_others(
    areas: int, partitions: int, seed: int, batch: int
) -> None:
    events = a_day(areas, cases=60, seed=seed)
    unlimited = run(events, limit=1000)
    city = run(events, partitions=partitions, batch=batch)
    for dimension in ("area", "step"):
        shown = values(city, dimension)
        every = values(unlimited, dimension)
        assert shown - {OTHER} <= every
        for value in shown - {OTHER}:
            assert total(city, dimension, value) == total(unlimited, dimension, value)
        rest = merged(*(total(unlimited, dimension, value) for value in every - shown))
        assert total(city, dimension, OTHER) == rest


@of_hypothesis(deadline=None, max_examples=15)
@given(seed=st.integers(0, 10_000), cut=st.integers(1, 100))
def test_a_restart_anywhere_changes_nothing(seed: int, cut: int) -> None:
    events = a_day(areas=40, cases=50, seed=seed)
    undisturbed = run(events, partitions=2)
    city = run(events[:cut], partitions=2, batch=7)
    city.restart()
    city.apply(events[cut:])
    assert list(city.tallies.items()) == list(undisturbed.tallies.items())


def test_a_value_whose_only_case_was_told_otherwise_keeps_its_place_through_a_restart() -> None:
    opened = [event("case.opened", f"{DAY} 10:{n:02}", f"c{n}", area=f"Area {n}") for n in range(LIMIT)]
    # An earlier opening of the same case says another area: the first value has no case left.
    earlier = event("case.opened", f"{DAY} 09:00", "c0", area="Area 1")
    later = [event("case.opened", f"{DAY} 11:00", "new", area="New area")]
    cities = [City(TIGHT), City(TIGHT)]
    for city in cities:
        city.apply([*opened, earlier])
    cities[1].restart()
    for city in cities:
        city.apply(later)
        assert total(city, "area", OTHER)[c.OPENED] == 1
        assert "Area 0" not in values(city, "area")
    assert list(cities[0].tallies.items()) == list(cities[1].tallies.items())


def test_a_dimension_stays_closed_when_the_limit_is_raised_so_that_no_slice_is_half_told() -> None:
    events = a_day(areas=40)
    half = len(events) // 2
    city = run(events[:half])
    city.rules = City(msgspec.structs.replace(PLAIN, most_slice_values=1000)).rules
    city.restart()
    city.apply(events[half:])
    assert list(city.tallies.items()) == list(run(events).tallies.items())


def test_a_pipeline_that_grows_to_more_partitions_shows_no_half_slice_either() -> None:
    events = a_day(areas=40)
    half = len(events) // 2
    city = run(events[:half], partitions=2)
    city.grow(4)
    city.apply(events[half:])
    unlimited = run(events, limit=1000)
    for value in values(city, "area") - {OTHER}:
        assert total(city, "area", value) == total(unlimited, "area", value)
    every = [total(city, "area", value) for value in values(city, "area")]
    assert merged(*every)[c.OPENED] == total(city, "", "")[c.OPENED]


def test_a_folded_step_that_is_repeated_is_a_repeat_and_two_folded_steps_are_none() -> None:
    names = [f"Step {n}" for n in range(LIMIT + 3)]
    events = [event("case.opened", f"{DAY} 08:00", "c")]
    events += [event("case.step", f"{DAY} 09:{n:02}", "c", step=name) for n, name in enumerate([*names, names[-1]])]
    city = City(TIGHT)
    city.apply(events)
    assert total(city, "", "")[c.REPEATS] == 1
    assert total(city, "step", OTHER)[c.REPEATS] == 1


def test_a_value_that_is_called_like_the_rest_is_counted_with_it() -> None:
    named = [event("case.opened", f"{DAY} 08:00", "named", area=OTHER)]
    assert total(run(named), "area", OTHER)[c.OPENED] == 1
    events = [event("case.opened", f"{DAY} 09:{n:02}", f"c{n}", area=f"Area {n}") for n in range(LIMIT)]
    city = run(named + events)
    assert total(city, "area", OTHER)[c.OPENED] == 2
    assert FOLDED not in values(city, "area")


def test_the_rest_is_compared_with_no_area_and_no_channel() -> None:
    city = run(a_day(areas=40))
    (rules,) = city.rules.values()
    situation = Situation(city.tallies, rules, ms(END) // 1000)
    assert OTHER not in {series[2] for series in situation.slices("area")}


def test_what_was_folded_is_told_by_service_and_dimension() -> None:
    city = run(a_day(areas=40), partitions=2)
    metrics = Metrics()
    metrics.partitions = lambda: city.states
    (family,) = [one for one in metrics.collect() if one.name == "kept_slice_other_events"]
    told = {(one.labels["service"], one.labels["dimension"]): one.value for one in family.samples}
    held = [total for state in city.states for total in state.tallies.folded()]
    assert told == {
        (LIGHTS.id, dimension): sum(n for _, of, n in held if of == dimension) for dimension in ("area", "step")
    }


@pytest.mark.parametrize("limit", [9, 20_001, 0])
def test_a_limit_out_of_range_is_refused_with_file_key_and_range(limit: int) -> None:
    entry = f"""
id = "lights"
name = "Lights"
owner = "Works"
time_zone = "Europe/Amsterdam"
expected_silence = "1h"
most_slice_values = {limit}
[channels]
unlisted = "accept"
"""
    with pytest.raises(ConfigurationError, match=r"lights\.toml.*most_slice_values"):
        parse_service(entry, "lights.toml")
