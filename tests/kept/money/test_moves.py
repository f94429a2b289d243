"""A move is said to be real only beyond chance; weeks that resemble each other count for less."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ttest_ind

from kept.money.moves import LEAST_WEEKS, independent_share, move

ALTERNATING = [9.0, 11.0] * 8


def test_fewer_than_eight_weeks_on_a_side_tell_nothing() -> None:
    assert move([1.0] * (LEAST_WEEKS - 1), [2.0] * 20) is None
    assert move([1.0] * 20, [2.0] * (LEAST_WEEKS - 1)) is None
    assert move([1.0] * LEAST_WEEKS, [2.0] * LEAST_WEEKS) is not None


def test_the_interval_is_welchs_where_weeks_are_independent() -> None:
    before, after = ALTERNATING, [value * 1.5 - 3 for value in ALTERNATING[:10]]
    assert independent_share(before, after) == 1.0
    found = move(before, after)
    expected = ttest_ind(after, before, equal_var=False).confidence_interval(0.99)
    assert found is not None
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


def test_weeks_that_resemble_their_neighbours_widen_the_interval() -> None:
    apart = move(ALTERNATING, ALTERNATING)
    alike = move(sorted(ALTERNATING), sorted(ALTERNATING))
    assert apart is not None and alike is not None
    assert alike.high - alike.low > 2 * (apart.high - apart.low)


def test_equal_constant_weeks_did_not_move_and_different_ones_did() -> None:
    same, other = move([0.1 + 0.2] * 9, [0.3] * 9), move([5.0] * 9, [4.0] * 9)
    assert same is not None and same.direction is None
    assert other is not None and other.direction == "down"


values = st.lists(st.floats(0, 1000), min_size=LEAST_WEEKS, max_size=30)


@given(values, values)
def test_looked_at_backwards_it_is_the_same_move_the_other_way(before: list[float], after: list[float]) -> None:
    one, other = move(before, after), move(after, before)
    assert one is not None and other is not None
    assert (one.low, one.high) == pytest.approx((-other.high, -other.low), abs=1e-6)
    assert {one.direction, other.direction} in ({None}, {"up", "down"})


def test_false_alarms_are_rare_also_where_weeks_are_alike() -> None:
    # A seeded piece of the table in docs/money-and-quality.md: 13 weeks against 13, autocorrelation 0.3, 1,000 runs.
    chance = random.Random(7)
    false = 0
    for _ in range(1000):
        series = [chance.gauss(0, 1)]
        for _ in range(25):
            series.append(0.3 * series[-1] + chance.gauss(0, 1))
        found = move(series[:13], series[13:])
        assert found is not None
        false += found.direction is not None
    assert false <= 25
