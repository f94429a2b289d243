"""Quantiles and intervals against the libraries that are the reference for them."""

from __future__ import annotations

import math
import warnings
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtri
from scipy.stats import binom, binomtest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # lifelines and its plotting dependencies warn while they are imported
    from lifelines import KaplanMeierFitter
    from lifelines.utils import qth_survival_times

from kept.counters import FAMILY_SIZE
from kept.durations import DAY_MS, HOUR_MS, MINUTE_MS
from kept.events import EARLIEST_MS, LATEST_MS
from kept.histogram import GROWTH, bin_of, midpoint_ms, nearest_rank
from kept.indicators.definitions import QUANTILES
from kept.indicators.delivery import closed_quantile, kaplan_meier
from kept.indicators.intervals import log_log_bounds, quantile_ranks, wilson
from kept.indicators.windows import OpenCohort
from tests.kept.city import PLAIN, Board, City, event
from tests.kept.lives import START_MS

BIN_ERROR = math.sqrt(GROWTH) - 1 + 1e-9
"""A geometric midpoint is within half a bin, about 0.5 %, of everything in the bin."""
LARGEST_MS = 10 * 365 * DAY_MS


def bins_of(durations_ms: list[int]) -> dict[int, int]:
    bins: dict[int, int] = {}
    for duration in durations_ms:
        bins[bin_of(duration)] = bins.get(bin_of(duration), 0) + 1
    return bins


# histogram


@given(st.integers(1, LARGEST_MS))
def test_the_midpoint_of_a_bin_is_within_half_a_per_cent_of_each_duration_in_it(duration_ms: int) -> None:
    assert midpoint_ms(bin_of(duration_ms)) == pytest.approx(duration_ms, rel=BIN_ERROR)


@given(st.integers(1, LARGEST_MS), st.integers(1, LARGEST_MS))
def test_longer_durations_are_in_later_bins_and_one_bin_spans_one_per_cent_at_most(a: int, b: int) -> None:
    short, long = sorted((a, b))
    assert bin_of(short) <= bin_of(long)
    if bin_of(short) == bin_of(long):
        assert long / short <= GROWTH * (1 + 1e-9)


@given(st.integers(2, 2500))
def test_a_midpoint_lies_in_its_own_bin(index: int) -> None:
    midpoint = midpoint_ms(index)
    if midpoint > 200:  # below that, whole milliseconds are coarser than bins
        assert bin_of(round(midpoint)) == index


@pytest.mark.parametrize("duration_ms", [0, -1, -DAY_MS])
def test_durations_of_zero_and_below_share_the_zero_bin(duration_ms: int) -> None:
    assert bin_of(duration_ms) == 0
    assert midpoint_ms(0) == 0.0


def test_every_duration_between_the_first_and_the_last_valid_moment_has_a_bin_within_its_family() -> None:
    assert bin_of(LATEST_MS - EARLIEST_MS) < FAMILY_SIZE


@given(st.lists(st.integers(0, LARGEST_MS), min_size=1, max_size=200), st.sampled_from(QUANTILES))
def test_the_nearest_rank_over_bins_is_within_one_per_cent_of_the_exact_one(
    durations_ms: list[int], quantile: tuple[str, float]
) -> None:
    name, share = quantile
    exact = float(np.quantile(durations_ms, share, method="inverted_cdf"))
    measured = closed_quantile(f"delivery_time_closed_{name}", bins_of(durations_ms), share)
    assert measured.value == pytest.approx(exact / 1000, rel=0.01)
    assert measured.n == len(durations_ms)


def test_a_rank_beyond_the_count_is_refused() -> None:
    with pytest.raises(ValueError, match="rank 3 of 2"):
        nearest_rank({1: 2}, 3)


@pytest.mark.parametrize(("name", "share"), QUANTILES)
def test_the_nearest_rank_never_suffers_from_binary_fractions(name: str, share: float) -> None:
    exact = Fraction(str(share))
    for n in range(1, 5000):
        assert math.ceil(n * share) == math.ceil(n * exact), n


# intervals


@given(st.integers(1, 2000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.floats(0.5, 0.9999))
def test_the_wilson_interval_is_that_of_scipy(counts: tuple[int, int], confidence: float) -> None:
    successes, n = counts
    usual, asked = (binomtest(successes, n).proportion_ci(level, method="wilson") for level in (0.95, confidence))
    assert wilson(successes, n) == pytest.approx((usual.low, usual.high), abs=1e-12)
    z = float(ndtri((1 + confidence) / 2))
    assert wilson(successes, n, z) == pytest.approx((asked.low, asked.high), abs=1e-12)


@given(st.integers(30, 3000), st.sampled_from([share for _, share in QUANTILES]))
def test_the_ranks_around_a_quantile_hold_about_95_per_cent(n: int, share: float) -> None:
    low, high = quantile_ranks(n, share)
    # The interval [x_(low), x_(high)] holds the quantile when low <= B < high, B binomial.
    below = 0.0 if low is None else float(binom.cdf(low - 1, n, share))
    above = 0.0 if high is None else float(binom.sf(high - 1, n, share))
    assert below + above <= 0.06


def test_ranks_beyond_the_sample_are_unknown() -> None:
    assert quantile_ranks(10, 0.95) == (8, None)
    assert quantile_ranks(1, 0.5) == (None, None)


# survival

COHORT = st.lists(
    st.tuples(
        st.integers(1, 90 * 24 * 60).map(lambda m: m * MINUTE_MS), st.sampled_from(["done", "done", "left", "open"])
    ),
    min_size=5,
    max_size=120,
)


@settings(deadline=None, max_examples=100)
@given(COHORT)
def test_the_curve_and_its_interval_are_those_of_lifelines(cohort: list[tuple[int, str]]) -> None:
    end = 1_000_000_000
    done, left = bins_of([d for d, how in cohort if how == "done"]), bins_of([d for d, how in cohort if how == "left"])
    still_open = [OpenCohort(end - d // 1000, end - d // 1000, 1) for d, how in cohort if how == "open"]
    curve = kaplan_meier(done, left, still_open, end)
    reference = KaplanMeierFitter().fit([bin_of(d) for d, _ in cohort], [how == "done" for _, how in cohort])
    bounds = reference.confidence_interval_survival_function_
    assert curve.n == len(cohort)
    assert curve.completed == sum(how == "done" for _, how in cohort)
    for index, survival, greenwood in curve.steps:
        assert survival == pytest.approx(float(reference.predict(index)), abs=1e-12)
        low, high = log_log_bounds(survival, greenwood)
        if 0 < survival < 1:
            expected = bounds.loc[index]
            assert (low, high) == pytest.approx((expected.iloc[0], expected.iloc[1]), abs=1e-9)


@settings(deadline=None, max_examples=40)
@given(COHORT, st.integers(0, 59))
def test_quantiles_from_tallies_are_those_of_lifelines_on_the_exact_times(
    cohort: list[tuple[int, str]], minute: int
) -> None:
    #  o------------c        o------------x        o--------------- |as of
    #   completed             withdrawn             open: censored at its age, known to the hour
    as_of = START_MS + 91 * DAY_MS
    exact, events = [], []
    for number, (duration, how) in enumerate(cohort):
        subject = f"c{number}"
        opened = as_of - duration if how == "open" else START_MS + minute * MINUTE_MS
        events.append(event("case.opened", opened, subject))
        if how != "open":
            outcome = "intended" if how == "done" else "withdrawn"
            events.append(event("case.completed", opened + duration, subject, outcome=outcome))
        exact.append(duration)
    city = City(PLAIN)
    city.apply(sorted(events, key=lambda one: one.time))
    board = Board(city.points(as_of, windows=["all"], slices=False))
    completed = [how == "done" for _, how in cohort]
    # An open case is censored at its age to the hour, and any censoring to the bin of 1 %: so much sooner or later it
    # may change places with a completion. The truth lies between both.
    opens = np.array([how == "open" for _, how in cohort])
    unsure = np.where(completed, 0, 0.0101 * np.array(exact)) + np.where(opens, HOUR_MS, 0)
    for name, share in QUANTILES:
        around = []
        for shift in (-1, 0, 1):
            times = np.maximum(1, np.array(exact) + shift * unsure)
            around.append(
                float(
                    qth_survival_times(1 - share + 1e-9, KaplanMeierFitter().fit(times, completed).survival_function_)
                )
            )
        point = board(f"delivery_time_{name}")
        if point.value is None:
            assert point.reason == "too_many_open"
            assert max(around) == math.inf
        else:
            assert min(around) / 1000 * (1 - 0.011) <= point.value <= max(around) / 1000 * (1 + 0.011)


def test_a_curve_that_never_gets_there_has_no_quantile_but_keeps_what_is_known() -> None:
    #  four cases: done after 1 h and 2 h, two open for 5 h: S = 0.5, the median is 2 h, p75 is not reached
    events = [event("case.opened", START_MS, f"c{n}") for n in range(4)]
    events += [event("case.completed", START_MS + (n + 1) * HOUR_MS, f"c{n}") for n in range(2)]
    city = City(PLAIN)
    city.apply(events)
    board = Board(city.points(START_MS + 5 * HOUR_MS, windows=["28d"], slices=False))
    median, later = board("delivery_time_p50", "28d"), board("delivery_time_p75", "28d")
    assert median.value == pytest.approx(2 * 3600, rel=0.01)
    assert (median.numerator, median.denominator, median.n) == (2, 4, 4)
    assert (later.value, later.state, later.reason) == (None, "not_applicable", "too_many_open")
    assert (later.numerator, later.n) == (2, 4)


def test_a_survival_curve_without_completions_has_no_steps() -> None:
    curve = kaplan_meier({}, {3: 2}, [], 0)
    assert (curve.steps, curve.n, curve.completed) == ([], 2, 0)


def test_the_bounds_of_a_curve_at_one_and_at_zero_are_the_curve_itself() -> None:
    assert log_log_bounds(1.0, 0.0) == (1.0, 1.0)
    assert log_log_bounds(0.0, 0.3) == (0.0, 0.0)
