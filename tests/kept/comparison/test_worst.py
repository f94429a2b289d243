"""Gaps to the rest, and the worst member beside a total: who is named, and what is made of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kept.comparison.funnel import INNER, OUTER
from kept.comparison.members import Member
from kept.comparison.worst import gaps_to_rest, newcombe, worst_member
from kept.signals.gaps import Cohort
from tests.kept.comparison.comparison_simulation import covered, false_worst


def members(**cohorts: tuple[int, int]) -> list[Member]:
    """(due, kept) by name."""
    return [Member(name, Cohort(*cohort)) for name, cohort in cohorts.items()]


def test_newcombes_own_example() -> None:
    # R. G. Newcombe (1998), table II, contrast (a): 56/70 - 48/80 by method 10 is 0.0524 to 0.3339.
    low, high = newcombe(Cohort(70, 56), Cohort(80, 48), 1.959964)
    assert (round(low, 4), round(high, 4)) == (0.0524, 0.3339)


def test_each_member_is_held_against_the_others_together() -> None:
    [a, b, c] = gaps_to_rest(members(c=(100, 90), a=(200, 120), b=(300, 270)))
    assert [one.name for one in (a, b, c)] == ["a", "b", "c"]
    assert (a.rest, b.rest) == (Cohort(400, 360), Cohort(300, 210))
    assert a.gap == pytest.approx(0.3)
    assert a.low < a.gap < a.high
    assert (a.surety, c.surety) == ("certain", "perhaps")


def test_two_members_have_one_gap_between_them() -> None:
    [a, b] = gaps_to_rest(members(a=(100, 80), b=(100, 90)))
    assert a.gap == -b.gap
    assert a.chance == b.chance
    assert (a.low, a.high) == pytest.approx(newcombe(Cohort(100, 90), Cohort(100, 80), 1.959963985))
    assert gaps_to_rest(members(a=(100, 80))) == ()


def test_the_worst_is_the_one_that_chance_does_not_explain_not_the_one_with_a_handful_of_cases() -> None:
    worst = worst_member(members(tiny=(6, 3), north=(400, 280), south=(2000, 1700)))
    assert worst is not None
    assert (worst.name, worst.surety) == ("north", "certain")


def test_without_any_real_gap_the_lowest_is_named_and_said_to_be_chance() -> None:
    worst = worst_member(members(tiny=(6, 4), north=(400, 335), south=(2000, 1700)))
    assert worst is not None
    assert (worst.name, worst.surety) == ("tiny", "chance")


def test_a_higher_share_is_never_the_worst_and_equal_shares_have_none() -> None:
    worst = worst_member(members(north=(400, 399), south=(2000, 1700), east=(2000, 1690)))
    assert worst is not None and worst.name in {"south", "east"}
    assert worst_member(members(north=(10, 8), south=(100, 80))) is None
    assert worst_member(members(north=(10, 8))) is None


@given(st.lists(st.tuples(st.integers(1, 300), st.floats(0, 1)), min_size=2, max_size=6))
def test_every_gap_lies_within_its_interval_and_its_chance_is_a_probability(shares: list[tuple[int, float]]) -> None:
    found = gaps_to_rest([Member(str(i), Cohort(n, round(n * share))) for i, (n, share) in enumerate(shares)])
    for one in found:
        assert -1 <= one.low <= one.gap + 1e-12 and one.gap - 1e-12 <= one.high <= 1
        assert 0 <= one.chance <= 1


def test_a_worst_member_of_units_served_alike_is_seldom_called_worse() -> None:
    said = false_worst(units=8, rounds=250, seed=5)
    assert said["certain"] <= 3 * OUTER
    assert said["perhaps"] + said["certain"] <= INNER


def test_the_intervals_of_a_dimension_hold_at_once() -> None:
    assert covered(units=8, rounds=250, seed=5) >= 0.93


def test_an_interval_that_leaves_out_0_is_never_called_chance() -> None:
    # About few cases the exact test, which is careful, and the interval need not agree.
    for due in range(10, 60):
        for kept in range(due):
            for one in gaps_to_rest(members(a=(due, kept), b=(400, 340))):
                assert one.surety != "chance" or one.low <= 0 <= one.high
