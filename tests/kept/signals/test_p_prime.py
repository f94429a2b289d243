"""p-prime limits against their definition, and against what they must do."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from kept.signals.p_prime import p_prime
from kept.signals.spc import judge_against, xmr_limits

Counts = list[tuple[int, int]]


def by_definition(baseline: Counts, n: int) -> tuple[float, float]:
    """(mean share, half-width for n cases), step by step as Laney gives it, with 3 / 1.128 rounded to 2.66."""
    mean = sum(x for x, _ in baseline) / sum(m for _, m in baseline)
    z = [(x / m - mean) / math.sqrt(mean * (1 - mean) / m) for x, m in baseline]
    ranges = [abs(b - a) for a, b in pairwise(z)]
    usual = [one for one in ranges if one < 3.267 * sum(ranges) / len(ranges)]
    sigma_z = sum(usual) / len(usual) / 1.128 if usual else 0.0
    return mean, 3 * sigma_z * math.sqrt(mean * (1 - mean) / n)


counts = st.lists(
    st.integers(1, 3000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), min_size=2, max_size=20
)


@given(counts, st.integers(1, 3000))
def test_limits_are_those_of_the_definition(baseline: Counts, n: int) -> None:
    drawn = p_prime(baseline)
    assert drawn is not None
    assume(0 < drawn.share < 1)
    mean, half = by_definition(baseline, n)
    limits = drawn.limits(n)
    assert limits.mean == pytest.approx(mean, abs=1e-12)
    assert limits.half == pytest.approx(half, rel=5e-4)  # 2.66 for 2.6596
    assert 0 <= limits.lower <= limits.mean <= limits.upper <= 1


def test_worked_by_hand() -> None:
    # mean 500 / 1000; sigma(100) = 0.05, sigma(400) = 0.025; z = -2, 2, 0, 0; ranges 4, 2, 0; none is 3.267 x 2 or more
    drawn = p_prime([(40, 100), (60, 100), (200, 400), (200, 400)])
    assert drawn is not None
    assert drawn.share == 0.5
    assert drawn.spread == pytest.approx(2)
    assert drawn.limits(100).half == pytest.approx(2.66 * 2 * 0.05)
    assert drawn.limits(1600).half == pytest.approx(2.66 * 2 * 0.0125)


@given(counts, st.integers(1, 300))
def test_four_times_as_many_cases_have_limits_half_as_wide(baseline: Counts, n: int) -> None:
    drawn = p_prime(baseline)
    assert drawn is not None
    assert drawn.limits(4 * n).half == pytest.approx(drawn.limits(n).half / 2)


@given(st.integers(2, 500), st.lists(st.integers(0, 500), min_size=2, max_size=12))
def test_with_equal_denominators_they_are_the_xmr_limits(n: int, numerators: list[int]) -> None:
    baseline = [(min(numerator, n), n) for numerator in numerators]
    drawn, plain = p_prime(baseline), xmr_limits([x / n for x, _ in baseline], floor=0, ceiling=1)
    assert drawn is not None and plain is not None
    ranges = [abs(b - a) for (a, _), (b, _) in pairwise(baseline)]
    # A range exactly on the edge of being screened may fall either way by rounding.
    assume(not any(math.isclose(one, 3.267 * sum(ranges) / len(ranges), rel_tol=1e-9) for one in ranges))
    assert drawn.limits(n).mean == pytest.approx(plain.mean)
    assert drawn.limits(n).half == pytest.approx(plain.half, abs=1e-9)


def test_a_small_week_may_be_far_off_and_a_large_one_may_not() -> None:
    baseline = [(85, 100), (95, 100)] * 6
    drawn = p_prime(baseline)
    assert drawn is not None
    weeks = [(15, 20), (1500, 2000)]
    judged = judge_against([x / n for x, n in weeks], [drawn.limits(n) for _, n in weeks])
    assert [one.rules for one in judged] == [(), (1,)]


def test_all_alike_has_no_spread_and_one_week_no_limits() -> None:
    for everything in ([(0, 10), (0, 30)], [(10, 10), (30, 30)]):
        drawn = p_prime(everything)
        assert drawn is not None
        assert drawn.limits(50).half == 0
    assert p_prime([(3, 4)]) is None
    assert p_prime([]) is None


@pytest.mark.parametrize(("numerator", "n"), [(3, 2), (-1, 2), (0, 0)])
def test_what_is_no_share_is_refused(numerator: int, n: int) -> None:
    with pytest.raises(ValueError, match=rf"a share of {numerator} in {n}; valid: 0 to the denominator"):
        p_prime([(1, 2), (numerator, n)])
