"""Interrupted time series: by how much the level of a weekly figure changed, and how sure that is.

Least squares with a step at the change, and the variance of Newey and West (Econometrica 55, 1987), as statsmodels
computes it. In short series that variance is too small: with t quantiles, 12 weeks before, 6 after and
autocorrelation 0.4 a 95 % interval holds the truth 79 times in 100. So the t value is compared with what the same
regression on the same weeks gives where nothing happens: simulated series in which each week carries 0.4 of the one
before, or more where the residuals show more. That is the idea of fixed-b critical values (Kiefer and Vogelsang,
Econometric Theory 21, 2005), for the very design at hand.
"""

from __future__ import annotations

from functools import cache, lru_cache
from importlib import import_module
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]
LEAST_AUTOCORRELATION: Final = 0.4
"""Weekly figures of a service are taken to hang together at least so much."""
MOST_AUTOCORRELATION: Final = 0.8
CONFIDENCE: Final = 0.95
REFERENCE_SERIES: Final = 4000
REFERENCE_SEED: Final = 20_070_423
_WARM_UP: Final = 30
_STEP: Final = 1
_SLOPE: Final = 1


class Estimate(NamedTuple):
    """The step on the scale of the values, with its 95 % interval.

    `critical` is how many standard errors the interval reaches to each side; `autocorrelation` that of the residuals
    from week to week, corrected for the short series; `trend` (a week) None where none is in the regression. `without`
    are the values that the regression expects of each week had there been no step.
    """

    effect: float
    low: float
    high: float
    standard_error: float
    critical: float
    autocorrelation: float
    lags: int
    trend: float | None
    without: Numbers


def step(values: Numbers, times: Numbers, before: int, weights: Numbers, *, trend: bool) -> Estimate:
    """The step after the first `before` values; `times` are in weeks, `weights` positive."""
    design = _design(times, before, trend)
    fitted = _fit(values, design, weights)
    effect, error = float(fitted.params[_STEP]), float(fitted.bse[_STEP])
    correlation = autocorrelation(np.asarray(fitted.resid), design.shape[1])
    critical = _critical(design, _STEP, correlation)
    without = np.asarray(values - fitted.resid) - design[:, _STEP] * effect
    return Estimate(
        effect=effect,
        low=effect - critical * error,
        high=effect + critical * error,
        standard_error=error,
        critical=critical,
        autocorrelation=correlation,
        lags=lags(len(values)),
        trend=float(fitted.params[2]) if trend else None,
        without=without,
    )


def plain_step(values: Numbers, times: Numbers, before: int, weights: Numbers, *, trend: bool) -> float:
    """The same step without its uncertainty: fast."""
    if not trend:
        after, earlier = slice(before, None), slice(before)
        means = [float(values[part] @ weights[part] / weights[part].sum()) for part in (earlier, after)]
        return means[1] - means[0]
    root = np.sqrt(weights)
    design = _design(times, before, trend)
    found, *_ = np.linalg.lstsq(design * root[:, None], values * root, rcond=None)
    return float(found[_STEP])


def has_trend(values: Numbers, times: Numbers, weights: Numbers) -> bool:
    """Whether the values rise or fall by more than chance, judged as a step is."""
    design = np.column_stack([np.ones(len(times)), times - times.mean()])
    fitted = _fit(values, design, weights)
    slope, error = float(fitted.params[_SLOPE]), float(fitted.bse[_SLOPE])
    correlation = autocorrelation(np.asarray(fitted.resid), 2)
    return abs(slope) > _critical(design, _SLOPE, correlation) * error


def lags(weeks: int) -> int:
    """Weeks over which the variance takes errors to hang together: 4 (weeks / 100) to the power of 2/9."""
    return int(4 * (weeks / 100) ** (2 / 9))


def autocorrelation(residuals: Numbers, parameters: int) -> float:
    """From one week to the next. Residuals of a short series show too little of it: about `parameters`/n, and 3/n of
    what there is, are added (Marriott and Pope, Biometrika 41, 1954)."""
    n = len(residuals)
    square = float(residuals @ residuals)
    if square <= 0:
        return 0.0
    return (float(residuals[1:] @ residuals[:-1]) / square + parameters / n) / (1 - 3 / n)


def _design(times: Numbers, before: int, trend: bool) -> Numbers:
    after = (np.arange(len(times)) >= before).astype(np.float64)
    columns = [np.ones(len(times)), after]
    return np.column_stack([*columns, times - times[:before].mean()] if trend else columns)


def _fit(values: Numbers, design: Numbers, weights: Numbers) -> Any:
    options = {"maxlags": lags(len(values)), "use_correction": True}
    return _least_squares()(values, design, weights=weights).fit(cov_type="HAC", cov_kwds=options, use_t=True)


@cache
def _least_squares() -> Any:
    """The model of statsmodels, loaded with the first change that is judged.

    It takes a second and 90 MB, and every `kept` command, a worker too, imports the pages.
    """
    return import_module("statsmodels.regression.linear_model").WLS


def _critical(design: Numbers, column: int, correlation: float) -> float:
    usual = round(min(max(correlation, LEAST_AUTOCORRELATION), MOST_AUTOCORRELATION), 1)
    return _reference(design.tobytes(), design.shape[0], column, usual)


@lru_cache(maxsize=512)
def _reference(design: bytes, weeks: int, column: int, correlation: float) -> float:
    """The size of t that a series without any step exceeds 5 times in 100."""
    matrix = np.frombuffer(design, dtype=np.float64).reshape(weeks, -1)
    noise = _series(weeks, correlation)
    inverse = np.linalg.inv(matrix.T @ matrix)
    found = noise @ matrix @ inverse
    scores = (noise - found @ matrix.T) * (matrix @ inverse)[:, column]
    variance = (scores * scores).sum(axis=1)
    most = lags(weeks)
    for lag in range(1, most + 1):
        variance += 2 * (1 - lag / (most + 1)) * (scores[:, lag:] * scores[:, :-lag]).sum(axis=1)
    variance *= weeks / (weeks - matrix.shape[1])
    return float(np.quantile(np.abs(found[:, column]) / np.sqrt(variance), CONFIDENCE))


@lru_cache(maxsize=64)
def _series(weeks: int, correlation: float) -> Numbers:
    """Quiet series, one a row. The stream of numpy's RandomState is frozen: every release draws the same."""
    dice = np.random.RandomState(REFERENCE_SEED)
    noise: Numbers = dice.standard_normal((REFERENCE_SERIES, weeks + _WARM_UP))
    for week in range(1, weeks + _WARM_UP):
        noise[:, week] += correlation * noise[:, week - 1]
    return noise[:, _WARM_UP:]
