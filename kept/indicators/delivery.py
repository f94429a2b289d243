"""How long people wait: quantiles over closed cases, and the survival-corrected ones that count open cases too."""

from __future__ import annotations

import math
from collections.abc import Iterator

from kept import counters as c
from kept.histogram import bin_of, midpoint_ms, nearest_rank
from kept.indicators.definitions import MATURE_WINDOWS, QUANTILES
from kept.indicators.intervals import log_log_bounds, quantile_ranks
from kept.indicators.measured import Measured, absent
from kept.indicators.windows import OpenCohort, View, is_long_enough


def measure(view: View) -> Iterator[Measured]:
    """delivery_time_closed_* and delivery_time_*, in seconds."""
    closed = view.histogram(c.CLOSED_TIME)
    for name, share in QUANTILES:
        yield closed_quantile(f"delivery_time_closed_{name}", closed, share)
    if not is_long_enough(view.window, MATURE_WINDOWS):
        for name, _ in QUANTILES:
            yield absent(f"delivery_time_{name}", "immature")._replace(binned=True)
        return
    curve = kaplan_meier(
        view.histogram(c.COMPLETION_TIME), view.histogram(c.WITHDRAWAL_TIME), view.open_in_window, view.end
    )
    for name, share in QUANTILES:
        yield _survival_quantile(f"delivery_time_{name}", curve, share)


def closed_quantile(name: str, bins: dict[int, int], share: float) -> Measured:
    """Nearest-rank quantile of binned durations, in seconds."""
    n = sum(bins.values())
    if n <= 0:
        return absent(name, "no_volume", n=0)._replace(binned=True)
    low, high = quantile_ranks(n, share)
    return Measured(
        name,
        _seconds(nearest_rank(bins, math.ceil(n * share))),
        n=n,
        low=None if low is None else _seconds(nearest_rank(bins, low)),
        high=None if high is None else _seconds(nearest_rank(bins, high)),
        binned=True,
    )


class Curve:
    """A Kaplan-Meier curve: at each bin with a completion, S(t) after it and Greenwood's sum."""

    def __init__(self, steps: list[tuple[int, float, float]], n: int, completed: int) -> None:
        self.steps = steps
        self.n = n
        self.completed = completed


def kaplan_meier(completed: dict[int, int], withdrawn: dict[int, int], still_open: list[OpenCohort], end: int) -> Curve:
    """S(t) = product over t_j <= t of (1 - d_j / n_j), by bin; completions come before censorings of the same bin.

    `still_open` are censored at their age at `end` (s), taken from the middle of their bucket.
    """
    censored = dict(withdrawn)
    for cohort in still_open:
        age_ms = end * 1000 - (cohort.start + cohort.end) * 500
        index = bin_of(age_ms)
        censored[index] = censored.get(index, 0) + cohort.cases
    at_risk = n = sum(completed.values()) + sum(censored.values())
    survival, greenwood = 1.0, 0.0
    steps: list[tuple[int, float, float]] = []
    for index in sorted(completed.keys() | censored.keys()):
        events = completed.get(index, 0)
        if events > 0:
            survival *= 1 - events / at_risk
            left = at_risk - events
            greenwood += events / (at_risk * left) if left else 0.0
            steps.append((index, survival, greenwood))
        at_risk -= events + censored.get(index, 0)
    return Curve(steps, n, sum(completed.values()))


def _survival_quantile(name: str, curve: Curve, share: float) -> Measured:
    if curve.n == 0:
        return absent(name, "no_volume", n=0)._replace(binned=True)
    level = 1 - share + 1e-12
    value = low = high = None
    for index, survival, greenwood in curve.steps:
        lower, upper = log_log_bounds(survival, greenwood)
        if low is None and lower <= level:
            low = _seconds(index)
        if value is None and survival <= level:
            value = _seconds(index)
        if high is None and upper <= level:
            high = _seconds(index)
            break
    if value is None:
        unresolved = absent(name, "too_many_open", numerator=curve.completed, denominator=curve.n, n=curve.n)
        return unresolved._replace(low=low, binned=True)
    return Measured(name, value, curve.completed, curve.n, curve.n, low, high, binned=True)


def _seconds(bin_index: int) -> float:
    return midpoint_ms(bin_index) / 1000
