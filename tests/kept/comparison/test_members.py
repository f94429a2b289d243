"""Who is compared, and who must stay hidden: a few people, and those by whom they could be found."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kept.comparison.members import Members, guards_of, slices_of
from kept.indicators.point import Point
from kept.indicators.small_numbers import suppressed
from kept.signals.gaps import Cohort


def point(kept: int, due: int, *slice: tuple[str, str], indicator: str = "promise_kept") -> Point:
    return Point(
        service="lights", slice=slice, indicator=indicator, window="28d", window_start=0, window_end=3600,
        value=kept / due if due else None, unit="share", numerator=kept, denominator=due, n=due, low=None, high=None,
        definition="promise_kept@1", state="value" if due else "not_applicable", reason=None if due else "no_volume",
    )  # fmt: skip


def areas(counts: Mapping[str, tuple[int, int]], total: tuple[int, int] | None = None, below: int = 5) -> Members:
    points = [point(kept, due, ("area", name)) for name, (kept, due) in counts.items()]
    return slices_of(points + ([point(*total)] if total else []), "area", below)


def test_slices_are_by_name_with_their_counts_and_the_whole_beside_them() -> None:
    found = areas({"West": (8, 10), "East": (90, 100)}, (110, 125))
    assert [(one.name, one.cohort) for one in found.shown] == [("East", Cohort(100, 90)), ("West", Cohort(10, 8))]
    assert found.total == Cohort(125, 110)
    assert found.together == Cohort(110, 98)


def test_other_indicators_other_dimensions_and_crossed_slices_take_no_part() -> None:
    points = [
        point(8, 10, ("area", "West")),
        point(8, 10, ("channel", "Web")),
        point(8, 10, ("area", "North"), indicator="promise_kept_closed"),
        point(8, 10, ("area", "South"), ("channel", "Web")),
    ]
    assert [one.name for one in slices_of(points, "area", 5).shown] == ["West"]


def test_nothing_due_is_said_and_is_no_number() -> None:
    found = areas({"West": (8, 10), "East": (9, 10), "Hill": (0, 0)})
    assert found.without == ("Hill",)
    assert [one.name for one in found.shown] == ["East", "West"]


def test_the_only_hidden_slice_takes_the_next_smallest_with_it() -> None:
    found = areas({"West": (80, 100), "East": (18, 20), "Hill": (30, 40), "Harbour": (1, 4)})
    assert (found.few, found.guards) == (("Harbour",), ("East",))
    assert [one.name for one in found.shown] == ["Hill", "West"]


def test_two_hidden_slices_of_enough_people_guard_each_other() -> None:
    found = areas({"West": (80, 100), "Hill": (30, 40), "Harbour": (1, 4), "Dike": (0, 3)}, (111, 147))
    assert (found.few, found.guards) == (("Dike", "Harbour"), ())


def test_hidden_slices_that_are_a_few_people_together_take_another_with_them() -> None:
    found = areas({"West": (80, 100), "Hill": (30, 40), "Harbour": (1, 2), "Dike": (0, 1)}, (111, 143))
    assert (found.few, found.guards) == (("Dike", "Harbour"), ("Hill",))


def test_with_nobody_hidden_nobody_is_guarded_and_with_none_to_hide_behind_nothing_is_shown() -> None:
    assert areas({"West": (80, 100), "Hill": (30, 40)}).guards == ()
    assert areas({"West": (80, 100), "Harbour": (1, 4)}).shown == ()


def test_points_that_are_suppressed_already_are_known_as_such() -> None:
    points = [point(80, 100, ("area", "West")), point(30, 40, ("area", "Hill")), point(18, 20, ("area", "East"))]
    few = suppressed(point(1, 4, ("area", "Harbour")))
    assert few.value is None
    found = slices_of([*points, few], "area", 5)
    assert (found.few, found.guards) == (("Harbour",), ("East",))


def test_a_whole_of_another_window_than_its_slices_is_no_total_and_takes_nothing_from_them() -> None:
    """Slices of the last 28 days reach back to midnight, the whole to the hour: asked at 15:00 it lacks 15 hours."""
    counts = {"West": (80, 100), "Hill": (30, 40), "Harbour": (1, 4), "Dike": (0, 3)}
    whole = msgspec.structs.replace(point(97, 120), window_start=3000)
    slices = [point(kept, due, ("area", name)) for name, (kept, due) in counts.items()]
    found = slices_of([whole, *slices], "area", 5)
    assert (found.total, found.guards) == (None, ())
    assert slices_of([whole], "area", 5).total == Cohort(120, 97)
    ever = [msgspec.structs.replace(one, window="all") for one in (whole, *slices)]
    assert slices_of(ever, "area", 5).total == Cohort(120, 97)


@pytest.mark.parametrize(("harbour", "guards"), [(3, ("Hill",)), (4, ())])
def test_without_a_total_hidden_slices_are_as_many_people_as_they_tell_of(
    harbour: int, guards: tuple[str, ...]
) -> None:
    found = areas({"West": (80, 100), "Hill": (30, 40), "Harbour": (1, harbour), "Dike": (0, 1)})
    assert (found.few, found.guards) == (("Dike", "Harbour"), guards)


@given(st.dictionaries(st.text("abcdefgh", min_size=1, max_size=2), st.integers(1, 40), min_size=1, max_size=12))
def test_nobody_can_subtract_a_hidden_number(counts: dict[str, int]) -> None:
    few = {name for name, n in counts.items() if n < 5}
    large = {name: n for name, n in counts.items() if n >= 5}
    guards = guards_of(large, few, sum(counts.values()), 5)
    shown = set(large) - guards
    hidden = set(counts) - shown
    if few and shown:
        assert len(hidden) >= 2
        assert sum(counts[name] for name in hidden) >= 5
    if not few:
        assert guards == frozenset()
    # No more than needed: without the last guard one of both would not hold.
    if guards:
        last = max(guards, key=lambda name: (large[name], name))
        left = hidden - {last}
        assert len(left) < 2 or sum(counts[name] for name in left) < 5
