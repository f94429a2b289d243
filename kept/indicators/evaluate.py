"""All indicators of a service as of one moment: which series, which windows, which definitions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from kept import counters as c
from kept.buckets import STEP_SECONDS
from kept.indicators import cost, delivery, flow, near_due, promises, satisfaction, work
from kept.indicators.freshness import is_stale
from kept.indicators.measured import Measured, amount, as_point, share
from kept.indicators.near_due_definitions import WINDOWS as NEAR_DUE_WINDOWS
from kept.indicators.point import Point
from kept.indicators.windows import STEPS, WINDOWS, SeriesReader, View
from kept.intake import Rules
from kept.tallies import MergedTallies, Series

_RESULTS = tuple(range(c.TRANSACTION_RESULTS, c.TRANSACTION_RESULTS + len(c.RESULT_INDEX)))


def evaluate(
    tallies: MergedTallies,
    rules: Rules,
    at: int,
    *,
    windows: Iterable[str] = WINDOWS,
    slices: bool = True,
) -> list[Point]:
    """Points of one service at `at` (s, a whole 5 minutes), with those of `evaluate_slices` unless told otherwise.

    `windows` are names in `WINDOWS` or any other length such as `14d`. Raises `ValueError` when `at` is not a whole
    5 minutes, or for a window that makes no sense.
    """
    if at % STEP_SECONDS:
        raise ValueError(f"{at} is not a whole 5 minutes")
    chosen = tuple(windows)
    whole = [series for series in tallies.series_of(rules.service.id) if series[1] == ""]
    points = _points(tallies, rules, at, chosen, whole)
    return [*points, *evaluate_slices(tallies, rules, at, windows=chosen)] if slices else points


def evaluate_slices(tallies: MergedTallies, rules: Rules, at: int, *, windows: Iterable[str]) -> list[Point]:
    """Points of the slices of one service at the last full local hour before or at `at` (s); errors as `evaluate`."""
    chosen, moment = tuple(windows), rules.local_time.hour_start(at)
    slices = [series for series in tallies.series_of(rules.service.id) if series[1] != ""]
    around = [window for window in chosen if window in NEAR_DUE_WINDOWS]
    return [*_points(tallies, rules, moment, chosen, slices), *_near_due(tallies, rules, moment, around)]


def _points(
    tallies: MergedTallies, rules: Rules, at: int, windows: Iterable[str], chosen: Iterable[Series]
) -> list[Point]:
    readers = [SeriesReader(tallies, series, rules.local_time, at) for series in chosen]
    currency, stale = currency_of(rules), bool(is_stale(tallies, rules, at))
    return [
        as_point(measured, view, currency, stale=stale)
        for window in windows
        for reader, view in ((reader, reader.view(window)) for reader in readers)
        for measured in measure(view, reader, rules)
    ]


def due_windows(previous: int | None, at: int, rules: Rules) -> tuple[tuple[str, ...], bool]:
    """(windows to publish, whether slices too) when the published moment moves from `previous` to `at` (s)."""
    if previous is None:
        return WINDOWS, True
    local = rules.local_time
    new_hour = local.hour_start(at) > local.hour_start(previous)
    new_day = local.day_start(at) > local.day_start(previous)
    due = [
        window for window in WINDOWS if STEPS.get(window) == STEP_SECONDS or (new_day if window == "365d" else new_hour)
    ]
    return tuple(due), new_hour


def currency_of(rules: Rules) -> str | None:
    """The currency of a service's costs, if it has any."""
    return rules.service.costs.currency if rules.service.costs is not None else None


def measure(view: View, reader: SeriesReader, rules: Rules) -> Iterator[Measured]:
    """Every indicator of one series in one window."""
    if view.series[1] == "step":
        yield from work.measure_step(view)
        return
    yield from flow.measure(view, reader.view("28d"))
    yield from delivery.measure(view)
    yield from promises.measure(view)
    yield from cost.measure(view, rules.service)
    yield from satisfaction.measure_satisfaction(view)
    yield from satisfaction.measure_digital(view, _timed_out(view, reader, rules))
    yield from work.measure(view)


def _near_due(tallies: MergedTallies, rules: Rules, at: int, windows: Iterable[str]) -> Iterator[Point]:
    """The places around the due, each as a slice of its own. Shares are told of all closings, counts of their cases."""
    stale = bool(is_stale(tallies, rules, at))
    reader = SeriesReader(tallies, (rules.service.id, "", ""), rules.local_time, at)
    for window in windows:
        view = reader.view(window)
        for value in near_due.placed(near_due.near_due(view)):
            if value.indicator in ("closings_by_margin", "reopened_by_margin"):
                measured = share(value.indicator, value.numerator, value.denominator or 0)
            else:
                measured = amount(value.indicator, value.numerator)._replace(denominator=value.denominator)
            point = as_point(measured._replace(binned=True), view, None, stale=stale)
            yield msgspec.structs.replace(point, slice=((near_due.MARGIN, value.margin),))


def _timed_out(view: View, reader: SeriesReader, rules: Rules) -> int:
    """Transactions of the window that are past their time-out without a result, in buckets that are wholly past it."""
    if not view.provided(c.TRANSACTIONS):
        return 0
    mature = reader.sum_of_whole_buckets(view.start, view.end - rules.transaction_timeout // 1000)
    return max(0, mature.get(c.TRANSACTIONS, 0) - sum(mature.get(number, 0) for number in _RESULTS))
