"""The checks of how a target was met: each just found and just not, and how rarely and how surely they are found."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from kept import target_margins as m
from kept.cases import ELAPSED_TIME
from kept.indicators.near_due import NearDue, from_placed, placed
from kept.signals import integrity
from kept.signals.integrity import ABOUT, LEVEL, About, bunching, checks, moved, paused, reopened, reset
from tests.kept.signals import near_due_simulation as simulation
from tests.kept.signals.near_due_simulation import HONEST, LAST_MOMENT, Gaming, Habit


def closed(just_before: int, *, before: int = 50, after: int = 50, elsewhere: int = 1000) -> NearDue:
    """So many closings in the last band before the due, in each of the four before, and in the first one after."""
    return NearDue(closings=(elsewhere, *[before] * 4, just_before, after, 0, 0, 0, 0, 0))


def test_more_than_twice_as_many_as_in_the_fullest_band_beside_are_found() -> None:
    found = bunching(closed(180), 28)
    assert found.is_found
    assert (found.seen, found.of, found.beside) == (180, 1430, 50)
    assert found.chance == pytest.approx(binom.sf(179, 230, 2 / 3))
    assert found.most == pytest.approx(100 / 1430)


@pytest.mark.parametrize(
    "near",
    [
        closed(180, before=90),  # a ramp towards the due
        closed(180, after=90),  # as many just after: no edge at the due
        NearDue(closings=(1000, 90, 50, 50, 50, 180, 50, 0, 0, 0, 0, 0)),  # the same hour of the day before is as full
        closed(110),  # more than twice, by chance
        closed(19, before=0, after=0),  # too few to matter
        closed(90, before=0, after=0, elsewhere=9),  # too few closings in all
        closed(300, elsewhere=100_000),  # too small a share of all
    ],
)
def test_what_a_deadline_chance_or_small_numbers_explain_is_not_found(near: NearDue) -> None:
    assert not bunching(near, 28).is_found


def test_closings_just_before_the_due_that_come_back_twice_as_often_are_found() -> None:
    near = NearDue(closings=(0, 250, 250, 250, 250, 200, 0, 0, 0, 0, 0, 0), reopened_just_before=30, reopened_beside=30)
    found = reopened(near, 90)
    assert found.is_found
    assert (found.share, found.share_beside, found.most) == (0.15, 0.03, 0.08)
    for fewer in (
        NearDue(closings=near.closings, reopened_just_before=30, reopened_beside=80),  # less than twice as often
        NearDue(closings=near.closings, reopened_just_before=15, reopened_beside=30),  # by less than five points
        NearDue(closings=(0, 250, 250, 250, 250, 20, 0, 0, 0, 0, 0, 0), reopened_just_before=9, reopened_beside=0),
        NearDue(closings=(0, 0, 0, 0, 0, 200, 0, 0, 0, 0, 0, 0), reopened_just_before=200),  # nothing beside
    ):
        assert not reopened(fewer, 90).is_found


@pytest.mark.parametrize("about", ["moved", "paused"])
def test_moves_and_pauses_in_the_last_fifth_may_be_three_times_those_in_the_fifth_before(about: About) -> None:
    def near(last: int, before: int) -> NearDue:
        return NearDue(closings=(0,) * 12, **{f"{about}_last_fifth": last, f"{about}_fifth_before": before})

    check = integrity.CHECKS[about]
    assert check(near(120, 8), 28).is_found
    assert check(near(120, 8), 28).chance == pytest.approx(binom.sf(119, 128, 3 / 4))
    assert not check(near(300, 100), 28).is_found
    assert not check(near(19, 0), 28).is_found
    assert check(near(40, 0), 28).is_found
    other = paused if about == "moved" else moved
    assert not other(near(120, 8), 28).is_found


def test_new_dates_for_missed_promises_are_found_beyond_one_in_ten() -> None:
    def near(after: int, overdue: int) -> NearDue:
        return NearDue(closings=(0,) * 12, moved_after_due=after, overdue=overdue)

    assert reset(near(40, 150), 28).is_found
    assert not reset(near(40, 400), 28).is_found
    assert not reset(near(19, 19), 28).is_found
    # An old backlog that is given new dates: of which share of what, cannot be told.
    assert not reset(near(40, 20), 28).is_found
    assert reset(near(40, 20), 28).chance == 1.0


def test_every_check_of_nothing_is_silent_and_certain() -> None:
    every = list(checks(NearDue(closings=(0,) * 12), 28))
    assert [check.about for check in every] == list(ABOUT)
    assert all(check.chance == 1.0 and not check.is_found and check.share == check.share_beside == 0 for check in every)


@given(st.lists(st.integers(0, 5000), min_size=12, max_size=12), st.lists(st.integers(0, 300), min_size=8, max_size=8))
def test_any_counts_give_chances_and_come_back_from_what_is_published(closings: list[int], others: list[int]) -> None:
    near = NearDue(
        closings=tuple(closings),
        reopened_just_before=min(others[0], closings[m.JUST_BEFORE]),
        reopened_beside=min(others[1], sum(closings[number] for number in m.BESIDE)),
        moved_last_fifth=others[2], moved_fifth_before=others[3], moved_after_due=others[4],
        paused_last_fifth=others[5], paused_fifth_before=others[6], overdue=others[7],
    )  # fmt: skip
    for check in checks(near, 90):
        assert 0 <= check.chance <= 1 and 0 <= check.share <= 1 and 0 <= check.most <= 1
    published = {(one.indicator, one.margin): (one.numerator, one.denominator) for one in placed(near)}
    assert from_placed(published) == (near if near.closed else None)


def test_the_simulation_counts_as_the_pipeline_does() -> None:
    generator = np.random.default_rng(5)
    due, promised = np.full(2000, 100.0), generator.uniform(5, 80, 2000)
    at = due + generator.uniform(-1, 1, 2000) * promised
    hours = 3_600_000
    ours = [
        m.band(round(one * hours), 100 * hours, round(long * hours), ELAPSED_TIME)
        for one, long in zip(at, promised, strict=True)
    ]
    assert list(simulation.bands(at, due, promised)) == ours


@pytest.mark.parametrize("habit", [HONEST[0], HONEST[3], HONEST[5], HONEST[8]], ids=lambda habit: habit.name)
def test_an_honest_service_is_silent_for_two_years(habit: Habit) -> None:
    assert simulation.false_findings_a_year(simulation.of_volume(habit, 8000), years=2, seed=11) == 0


@pytest.mark.parametrize(
    ("about", "gaming"),
    [("bunching", Gaming(closed=1.0)), ("reopened", Gaming(closed=0.5, reopened=0.5)), ("moved", Gaming(moved=0.5)),
     ("paused", Gaming(paused=0.5)), ("reset", Gaming(reset=0.5))],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_a_target_met_by_the_clock_is_found_within_a_quarter(about: About, gaming: Gaming) -> None:
    habit = simulation.of_volume(HONEST[0], 8000)
    assert simulation.hit_rate(habit, gaming, about, services=4, seed=12) == 1
    assert simulation.hit_rate(habit, Gaming(), about, services=4, seed=12) == 0


def test_an_office_that_leaves_everything_to_the_last_moment_cannot_be_told_from_one_that_games() -> None:
    assert simulation.false_findings_a_year(simulation.of_volume(LAST_MOMENT, 30_000), years=1, seed=13) > 0


def test_the_level_is_paid_for_by_windows_and_looks() -> None:
    assert pytest.approx(integrity.ALPHA) == LEVEL * len(integrity.WINDOWS_DAYS) * integrity.LOOKS
