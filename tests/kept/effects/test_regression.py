"""The step and its interval: as statsmodels computes them, and as often wrong as they say."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm

from kept.effects.regression import (
    LEAST_AUTOCORRELATION,
    autocorrelation,
    has_trend,
    lags,
    plain_step,
    step,
)


def quiet(dice: np.random.RandomState, weeks: int, correlation: float) -> np.ndarray:
    noise: np.ndarray = dice.standard_normal(weeks + 30)
    for week in range(1, weeks + 30):
        noise[week] += correlation * noise[week - 1]
    return noise[30:]


@pytest.mark.parametrize("trend", [False, True], ids=["level", "level and trend"])
@pytest.mark.parametrize("weighted", [False, True], ids=["alike", "weighted"])
def test_step_and_error_are_those_of_statsmodels(trend: bool, weighted: bool) -> None:
    dice = np.random.RandomState(5)
    times = np.array([float(week) for week in range(24) if week not in (4, 17)])
    weights = dice.uniform(0.5, 1.5, 22) if weighted else np.ones(22)
    values = quiet(dice, 22, 0.3) + (times >= 13) * 1.5
    columns = {"step": (times >= 13).astype(float), "trend": times} if trend else {"step": (times >= 13).astype(float)}
    design = sm.add_constant(np.column_stack(list(columns.values())))
    direct = sm.WLS(values, design, weights=weights).fit(
        cov_type="HAC", cov_kwds={"maxlags": lags(22), "use_correction": True}, use_t=True
    )
    ours = step(values, times, int((times < 13).sum()), weights, trend=trend)
    assert ours.effect == pytest.approx(direct.params[1])
    assert ours.standard_error == pytest.approx(direct.bse[1])
    assert (ours.low, ours.high) == pytest.approx(
        (ours.effect - ours.critical * direct.bse[1], ours.effect + ours.critical * direct.bse[1])
    )
    expected = direct.fittedvalues - columns["step"] * direct.params[1]
    assert ours.without == pytest.approx(expected)
    assert (ours.trend is None) == (not trend)
    assert plain_step(values, times, int((times < 13).sum()), weights, trend=trend) == pytest.approx(ours.effect)


def test_the_newey_west_variance_is_that_of_its_formula() -> None:
    dice = np.random.RandomState(6)
    values, before = quiet(dice, 18, 0.4), 12
    design = np.column_stack([np.ones(18), np.arange(18) >= before]).astype(float)
    bread = np.linalg.inv(design.T @ design)
    scores = design * (values - design @ bread @ design.T @ values)[:, None]
    meat = scores.T @ scores
    for lag in range(1, lags(18) + 1):
        together = scores[lag:].T @ scores[:-lag]
        meat += (1 - lag / (lags(18) + 1)) * (together + together.T)
    variance = 18 / 16 * (bread @ meat @ bread)[1, 1]
    ours = step(values, np.arange(18.0), before, np.ones(18), trend=False)
    assert ours.standard_error == pytest.approx(np.sqrt(variance))


def test_the_interval_misses_a_quiet_series_five_times_in_a_hundred_where_t_quantiles_miss_it_twenty_times() -> None:
    dice = np.random.RandomState(7)
    times, ones = np.arange(18.0), np.ones(18)
    missed = by_t = 0
    for _ in range(400):
        found = step(quiet(dice, 18, LEAST_AUTOCORRELATION), times, 12, ones, trend=False)
        missed += not found.low <= 0 <= found.high
        by_t += abs(found.effect) > 2.12 * found.standard_error
    assert missed / 400 <= 0.06
    assert by_t / 400 >= 0.15


def test_more_autocorrelation_makes_a_wider_interval() -> None:
    smooth = np.cumsum(np.random.RandomState(8).standard_normal(30))
    rough = np.random.RandomState(8).standard_normal(30)
    wide, usual = (step(line, np.arange(30.0), 20, np.ones(30), trend=False) for line in (smooth, rough))
    assert wide.autocorrelation > 0.6 > usual.autocorrelation
    assert wide.critical > usual.critical > 2.6


def test_a_line_that_falls_has_a_trend_and_one_that_jumps_about_has_none() -> None:
    dice, times, ones = np.random.RandomState(9), np.arange(20.0), np.ones(20)
    noise = dice.standard_normal(20)
    assert has_trend(noise - 0.5 * times, times, ones)
    assert not has_trend(noise, times, ones)


def test_residuals_of_nothing_have_no_autocorrelation() -> None:
    assert autocorrelation(np.zeros(10), 2) == 0.0
    assert step(np.ones(14), np.arange(14.0), 8, np.ones(14), trend=False).effect == pytest.approx(0)
