"""Funnels: limits that are exact, a picture that agrees with the verdict, and allowance for units that all differ."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from kept.comparison.dispersion import LEAST_MEMBERS, dispersion
from kept.comparison.funnel import INNER, OUTER, funnel, limits, place_of, volumes
from kept.comparison.members import Member
from kept.signals.gaps import Cohort
from tests.kept.comparison.comparison_simulation import beyond, spread_cohorts


@settings(deadline=None, max_examples=200)
@given(st.integers(1, 3000), st.floats(0.01, 0.99), st.data())
def test_a_share_is_beyond_a_limit_just_when_its_exact_tail_is_below_half_the_level(
    n: int, centre: float, data: st.DataObject
) -> None:
    kept = data.draw(st.integers(0, n))
    for level in (INNER, OUTER):
        edge = limits(n, centre, level)
        below, above = binom.cdf(kept, n, centre), binom.sf(kept - 1, n, centre)
        if abs(below - level / 2) > 1e-9:
            assert (kept / n < edge.lower - 1e-12) == (below < level / 2)
        if abs(above - level / 2) > 1e-9:
            assert (kept / n > edge.upper + 1e-12) == (above < level / 2)


def test_limits_by_hand() -> None:
    # 10 cases of which half should be kept: P(X <= 1) = 11/1024 and P(X <= 2) = 56/1024, so that 2.5 % lies between.
    over = (56 / 1024 - 0.025) / (45 / 1024)
    assert limits(10, 0.5, 0.05) == pytest.approx(((2 - over) / 10, 1 - (2 - over) / 10))


def test_a_promise_for_all_or_none_has_no_room_for_chance() -> None:
    assert limits(50, 1.0, OUTER) == (1.0, 1.0)
    assert limits(50, 0.0, OUTER) == (0.0, 0.0)
    found = funnel([Member("a", Cohort(50, 49)), Member("b", Cohort(50, 50))], 1.0)
    assert found is not None
    assert [unit.place for unit in found.units] == ["below_998", "within"]


def test_on_a_limit_is_within_it() -> None:
    edge = limits(100, 0.8, INNER)
    assert place_of(edge.lower, edge, limits(100, 0.8, OUTER)) == "within"


def test_units_are_by_name_around_the_share_of_all_together_or_the_target() -> None:
    members = [Member("b", Cohort(400, 300)), Member("a", Cohort(600, 540)), Member("c", Cohort(5, 2))]
    found = funnel(members)
    assert found is not None
    assert (found.centre, found.centre_is) == (842 / 1005, "overall")
    assert [(unit.name, unit.place) for unit in found.units] == [
        ("a", "above_998"),
        ("b", "below_998"),
        ("c", "within"),
    ]
    around_target = funnel(members, 0.9)
    assert around_target is not None
    assert [unit.place for unit in around_target.units] == ["within", "below_998", "below_95"]
    assert funnel([]) is None


def test_volumes_to_draw_reach_beyond_the_smallest_and_the_largest_unit() -> None:
    found = funnel([Member("a", Cohort(40, 30)), Member("b", Cohort(4000, 3000))])
    assert found is not None
    drawn = volumes(found.units)
    assert drawn == sorted(set(drawn))
    assert drawn[0] < 40 and drawn[-1] > 4000
    assert volumes([]) == []


def test_dispersion_by_hand() -> None:
    cohorts = [Cohort(100, 80), Cohort(100, 60)]
    # Around 0.7 both lie 0.1 away: two squares over one degree of freedom, 0.02 = spread^2 + 0.21 / 100.
    found = dispersion(cohorts)
    assert found.phi == pytest.approx(0.02 / 0.0021)
    assert found.spread == pytest.approx(math.sqrt(0.02 - 0.0021))
    assert not found.is_adjusted_for
    assert found.widening(100) == 1.0


def test_few_units_are_never_allowed_for_and_none_where_nothing_is_left_to_chance() -> None:
    far = [Cohort(1000, 900), Cohort(1000, 600)]
    assert not dispersion(far * (LEAST_MEMBERS // 2 - 1)).is_adjusted_for
    assert dispersion(far * (LEAST_MEMBERS // 2)).is_adjusted_for
    assert dispersion([Cohort(10, 10)] * 20) == (1.0, 0.0, 20, 1.0)
    assert dispersion([]).members == 0


def test_units_that_all_differ_are_told_apart_only_when_they_stand_out_among_them() -> None:
    cohorts = spread_cohorts(units=40, spread=0.04, seed=7)
    members = [Member(f"unit {number:02}", cohort) for number, cohort in enumerate(cohorts)]
    odd = Member("odd", Cohort(1500, 900))
    found = funnel([*members, odd])
    assert found is not None and found.is_adjusted
    assert found.dispersion.spread == pytest.approx(0.04, abs=0.015)
    assert [unit.name for unit in found.units if unit.place.endswith("998")] == ["odd"]
    around_target = funnel([*members, odd], 0.9)
    assert around_target is not None and not around_target.is_adjusted
    assert sum(unit.place != "within" for unit in around_target.units) > 10


def test_when_all_are_served_alike_no_more_lie_beyond_than_the_levels_say() -> None:
    inner, outer = beyond(units=12, spread=0.0, rounds=150, seed=3)
    assert 0.01 < inner <= INNER
    assert outer <= OUTER
