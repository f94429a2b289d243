"""When a backlog will breach: by hand, against simulated futures, at balanced rates, and with half the capacity."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import bdtrc, ndtr

from kept.signals.backlog_growth import Growth, chance_of_stock, dispersion, growth, passing
from tests.kept.signals.flows import FIVE_DAYS, Service

WEEK_SHAPE = np.array([1.3, 1.2, 1.1, 1.1, 1.0, 0.7, 0.6])
TWENTY_DAYS = FIVE_DAYS.replace("5d", "20d")
HOURS = '[calendar]\ncountry = "NL"\n'


def of_days(generator: np.random.Generator, rate: float, days: int, dispersion: float = 1.0) -> list[int]:
    """Daily counts with the week's shape and a variance of `dispersion` times the mean."""
    means = np.resize(WEEK_SHAPE, days) * rate
    if dispersion == 1.0:
        return [int(count) for count in generator.poisson(means)]
    return [int(count) for count in generator.negative_binomial(means / (dispersion - 1), 1 / dispersion)]


def test_growth_by_hand() -> None:
    seen = growth([60] * 28, [47] * 28, 28)
    assert (seen.entered, seen.left, seen.dispersion) == (1680, 1316, 1.0)
    assert seen.per_day == 13
    # 1.96 x sqrt((60 + 47) / 28) = 3.83
    assert seen.interval == (pytest.approx(13 - 3.83, abs=0.005), pytest.approx(13 + 3.83, abs=0.005))
    # z = 364 / sqrt(2996) = 6.65
    assert seen.chance == pytest.approx(ndtr(-6.65), rel=0.1)


def test_the_time_to_a_limit_by_hand() -> None:
    # gap 160: 160 / 13 = 12.3 d. t^2 (13^2 - 411.0/28) - t (2 x 160 x 13 + 411.0) + 160^2 = 0, 411.0 = 1.96^2 x 107:
    # t = (4571.0 +- sqrt(4571.0^2 - 4 x 154.3 x 25600)) / (2 x 154.3) = 7.50 or 22.12
    ahead = passing(160, growth([60] * 28, [47] * 28, 28))
    assert ahead.central == pytest.approx(12.31, abs=0.005)
    assert (ahead.earliest, ahead.latest) == (pytest.approx(7.50, abs=0.01), pytest.approx(22.12, abs=0.02))


def test_growth_that_chance_explains_may_never_pass_the_limit() -> None:
    ahead = passing(500, growth([52] * 28, [50] * 28, 28))
    assert ahead.central == 250
    assert ahead.earliest is not None and ahead.earliest < 100
    assert ahead.latest is None
    assert passing(500, growth([40] * 28, [60] * 28, 28)) == (None, None, None)
    assert passing(0, growth([40] * 28, [60] * 28, 28)) == (0, 0, 0)


@settings(deadline=None)
@given(st.integers(0, 400), st.integers(0, 400))
def test_the_chance_of_growth_is_the_exact_binomial_one(entered: int, left: int) -> None:
    seen = Growth(7, entered, left, 1.0)
    exact = 1.0 if entered == 0 else float(bdtrc(entered - 1, entered + left, 0.5))
    assert seen.chance == pytest.approx(exact, rel=1e-9, abs=1e-300)


@settings(deadline=None)
@given(st.integers(1, 2000), st.integers(0, 300), st.integers(0, 300), st.floats(1, 9))
def test_the_central_time_lies_between_the_ends_of_the_interval(
    gap: int, entered: int, left: int, spread: float
) -> None:
    seen = Growth(28, entered * 28, left * 28, spread)
    ahead = passing(gap, seen)
    low = seen.interval[0]
    assert (ahead.latest is not None) is (low > 0)
    if ahead.central is not None:
        assert ahead.earliest is not None and 0 < ahead.earliest < ahead.central
    if ahead.latest is not None and ahead.central is not None:
        assert ahead.central < ahead.latest


@pytest.mark.parametrize("true", [1.0, 3.0])
def test_the_dispersion_of_daily_counts_is_found_though_the_week_has_a_shape(true: float) -> None:
    generator = np.random.default_rng(1)
    found = [dispersion(of_days(generator, 40, 28, true), of_days(generator, 40, 28, true)) for _ in range(200)]
    assert np.mean(found) == pytest.approx(true, rel=0.3)


def test_a_change_of_level_is_no_dispersion() -> None:
    generator = np.random.default_rng(2)
    found = [
        dispersion(of_days(generator, 50, 28), of_days(generator, 50, 21) + of_days(generator, 25, 7))
        for _ in range(100)
    ]
    assert np.mean(found) < 1.8  # by the variance of the same weekdays it would be 4


@pytest.mark.parametrize(
    ("rate", "excess", "spread"), [(50, 0.15, 1.0), (50, 0.3, 3.0), (8, 0.5, 1.0), (200, 0.1, 2.0)]
)
def test_the_interval_holds_the_true_time_in_nearly_all_simulated_futures(
    rate: int, excess: float, spread: float
) -> None:
    """28 days are seen, then the same rates go on. A breach on day T is covered when T - 1 to T meets the interval."""
    generator, covered, runs, gap = np.random.default_rng(3), 0, 400, rate * 3
    for _ in range(runs):
        seen = growth(of_days(generator, rate * (1 + excess), 28, spread), of_days(generator, rate, 28, spread), 28)
        future = np.subtract(
            of_days(generator, rate * (1 + excess), 364, spread), of_days(generator, rate, 364, spread)
        ).cumsum()
        day = int(np.argmax(future >= gap)) + 1 if (future >= gap).any() else math.inf
        ahead = passing(gap, seen)
        earliest = math.inf if ahead.earliest is None else ahead.earliest
        latest = math.inf if ahead.latest is None else ahead.latest
        covered += earliest <= day and day - 1 <= latest
    assert 0.92 <= covered / runs <= 0.995


def test_a_stock_that_can_be_worked_off_on_average_is_above_it_half_the_time_and_far_above_never() -> None:
    # 280 a month of 28 days are 50 in 5 days.
    assert chance_of_stock(50, 280, 5 / 33, 1.0) == pytest.approx(0.5, abs=0.05)
    assert chance_of_stock(90, 280, 5 / 33, 1.0) < 1e-4
    assert chance_of_stock(90, 280, 5 / 33, 4.0) > 1e-3
    assert chance_of_stock(0, 0, 5 / 33, 1.0) == 1.0


def steady(before: str = "", tables: str = FIVE_DAYS, *, days: int = 50, rate: int = 47, stock: int = 0) -> Service:
    """A service in balance, with a stock from its first day on."""
    service = Service(before, tables)
    service.pass_days([rate + stock] + [rate] * (days - 1), [rate] * days)
    return service


def test_at_present_rates_the_limit_of_the_catalogue_is_passed_and_it_says_when() -> None:
    service = steady("backlog_limit = 800", stock=276)
    service.pass_days([60] * 28, [47] * 28)
    seen = service.verdict()
    assert seen is not None
    assert seen.active
    assert seen.words == (
        "At present rates (60 in, 47 out a day over 28 days) the backlog of 640 passes 800, "
        "its limit in the catalogue, in 12 days (7 to 22)"
    )
    assert (seen.value, seen.expected, seen.cases, seen.about) == (640, 800, 2996, "backlog")


def test_without_a_limit_of_its_own_it_is_what_can_be_worked_off_in_the_promised_time() -> None:
    service = steady(tables=TWENTY_DAYS, days=80, stock=340)
    service.pass_days([60] * 28, [47] * 28)
    seen = service.verdict()
    assert seen is not None and seen.active
    # 47 a day x 20 days = 940; 940 - 704 = 236; 236 / 13 = 18.2 days, and the horizon is the promised 20 days
    assert (seen.value, seen.expected) == (704, 940)
    assert "passes 940, what can be worked off in the promised 20 days, in 18 days (12 to 31)" in seen.words


def test_a_breach_beyond_the_horizon_is_not_told_yet() -> None:
    service = steady("backlog_limit = 1000", stock=276)
    service.pass_days([60] * 28, [47] * 28)  # 360 / 13 = 27.7 days; the horizon is 14 days
    seen = service.verdict()
    assert seen is not None and not seen.active
    assert seen.chance is not None and seen.chance < 1e-6


def test_a_limit_that_is_passed_already_is_told_while_the_backlog_does_not_shrink() -> None:
    service = steady("backlog_limit = 200", stock=300)
    seen = service.verdict()
    assert seen is not None and seen.active and seen.chance is None
    assert "is above 200, its limit in the catalogue, and does not grow" in seen.words
    service.pass_days([40] * 7, [47] * 7)
    seen = service.verdict()
    assert seen is not None and not seen.active


def test_paused_cases_are_not_held_against_the_promise_but_against_a_limit_of_the_catalogue() -> None:
    for before, stock in (("", 50), ("backlog_limit = 1000", 250)):
        service = Service(before)
        service.pass_days([297] + [47] * 49, [47] * 50, paused_entered=[200] + [0] * 49)
        seen = service.verdict()
        assert seen is not None
        assert seen.value == stock
        assert seen.evidence["paused"] == 200


def test_a_young_service_is_not_judged_while_its_backlog_fills_up() -> None:
    #  day 0 the first events | two promised times of 5 days | 28 days | judged from the end of day 38 on
    service = Service()
    service.pass_days([50] * 60, [0] * 5 + [50] * 55)
    assert service.verdict(day=38) is None
    assert service.verdict(day=39) is not None


def test_without_a_promised_time_and_a_limit_there_is_no_verdict() -> None:
    assert steady(tables="", days=90).verdict() is None
    assert steady(tables="", days=80, before="backlog_limit = 9").verdict() is None
    assert steady(tables="", days=90, before="backlog_limit = 9").verdict() is not None


def test_weeks_in_which_endings_may_have_been_lost_say_nothing() -> None:
    """
    |--- 50 balanced days ---|--- 4 days: nothing is told ---|- 7 days: no verdict -|--- from then on the last week -->
    """
    service = steady()
    service.pass_days([0] * 4, [0] * 4)
    service.pass_days([100] * 3, [47] * 3)
    assert service.verdict() is None
    service.pass_days([100] * 6, [47] * 6)
    told = service.verdict()
    assert told is not None
    assert told.active
    assert told.evidence["window_days"] == 7


def test_public_holidays_are_not_growth() -> None:
    #  Good Friday, 29 March, and Easter Monday, 1 April 2024: cases come in online, and nobody works on them
    open_days = [1, 1, 1, 1, 1, 0, 0]
    for tables, active in ((FIVE_DAYS, True), (FIVE_DAYS + HOURS, False)):
        service = Service(tables=tables.replace('"5d"', '"4d"'))
        worked = [140 * is_open for _ in range(12) for is_open in open_days]
        worked[81] = 0  # Friday 29 March
        service.pass_days([300] + [100] * 83, worked)
        service.pass_days([100], [0])  # Monday 1 April
        seen = service.verdict()
        assert seen is not None
        assert seen.active is active, seen.words


def simulated(generator: np.random.Generator, rate: float, spread: float, halved_after: int | None) -> list[bool]:
    """Whether the signal is active at the end of each day of a quarter, at rates that are balanced until they are not.

    Cases take half the promised five days or so; from the day on which capacity halves only half of those whose turn
    it is are done, and the others wait.
    """
    warm, days = 60, 91
    arrivals = of_days(generator, rate, warm + days, spread)
    ready, waiting, done = [0.0] * (warm + days + 40), 0, []
    for day, count in enumerate(arrivals):
        for wait in np.ceil(generator.lognormal(math.log(2.5), 0.4, count)):
            ready[day + int(wait)] += 1
        waiting += int(ready[day])
        is_halved = halved_after is not None and day >= warm + halved_after
        capacity = int(rate * WEEK_SHAPE[day % 7] / 2) if is_halved else waiting
        done.append(min(waiting, capacity))
        waiting -= done[-1]
    service = Service()
    service.pass_days(arrivals, done)
    verdicts = [service.verdict(day) for day in range(warm + 1, warm + days + 1)]
    return [verdict is not None and verdict.active for verdict in verdicts]


@pytest.mark.parametrize(("rate", "spread"), [(10, 1.0), (60, 1.0), (60, 2.0)])
def test_at_balanced_rates_hardly_any_quarter_has_a_false_alarm(rate: float, spread: float) -> None:
    generator = np.random.default_rng(4)
    alarms = sum(any(simulated(generator, rate, spread, None)) for _ in range(40))
    assert alarms <= 1


@pytest.mark.parametrize(("rate", "within"), [(20, 7), (60, 5), (200, 4)])
def test_half_the_capacity_is_told_within_days_and_stays_told(rate: float, within: int) -> None:
    generator = np.random.default_rng(5)
    delays = []
    for _ in range(15):
        active = simulated(generator, rate, 1.0, 30)
        assert not any(active[:30])
        delays.append(active.index(True) - 29)
        assert all(active[active.index(True) + 7 :])
    assert np.median(delays) <= within
