"""What Prometheus sees: names from the closed set, no value series for what has no value, gone when moved away."""

from __future__ import annotations

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

import catalogue
from kept import metric_names
from kept.catalogue import read_catalogue
from kept.indicators.point import Point
from kept.partition import PartitionState
from stream_processors.sinks.metrics import Metrics


def point(
    indicator: str,
    value: float | None,
    *,
    unit: str = "share",
    slice_of: tuple[tuple[str, str], ...] = (),
    n: int | None = None,
) -> Point:
    return Point(
        service="permits",
        slice=slice_of,
        indicator=indicator,
        window="28d",
        window_start=0,
        window_end=2_419_200,
        value=value,
        unit=unit,
        numerator=None,
        denominator=None,
        n=n,
        low=None,
        high=None,
        definition=f"{indicator}@1",
        state="not_applicable" if value is None else "value",
    )


def samples(metrics: Metrics) -> dict[str, list[tuple[dict[str, str], float]]]:
    found: dict[str, list[tuple[dict[str, str], float]]] = {}
    for family in text_string_to_metric_families(generate_latest(metrics.registry).decode()):
        for sample in family.samples:
            found.setdefault(sample.name, []).append((sample.labels, sample.value))
    return found


def test_a_value_is_a_gauge_and_a_missing_one_is_only_a_state() -> None:
    metrics = Metrics()
    metrics.show("permits", [point("promise_kept", 0.75), point("satisfied_share", None)])
    seen = samples(metrics)
    assert seen["kept_promise_kept_ratio"] == [({"service": "permits", "window": "28d"}, 0.75)]
    assert "kept_satisfied_share_ratio" not in seen
    states = {labels["indicator"]: labels["state"] for labels, _ in seen["kept_indicator_state"]}
    assert states == {"promise_kept": "value", "satisfied_share": "not_applicable"}


def test_days_are_exposed_in_seconds_and_money_with_its_currency() -> None:
    metrics = Metrics()
    metrics.show("permits", [point("oldest_open", 2.0, unit="days"), point("cost_per_outcome", 9.5, unit="EUR")])
    seen = samples(metrics)
    assert seen["kept_oldest_open_seconds"][0][1] == 172_800
    assert seen["kept_cost_per_outcome_money"] == [({"service": "permits", "window": "28d", "currency": "EUR"}, 9.5)]


def test_slices_are_left_to_the_history_store() -> None:
    metrics = Metrics()
    metrics.show("permits", [point("promise_kept", 0.5, slice_of=(("channel", "web"),))])
    assert "kept_promise_kept_ratio" not in samples(metrics)


def test_gauges_of_a_service_that_moved_away_disappear_at_once() -> None:
    metrics = Metrics()
    metrics.show("permits", [point("promise_kept", 0.75)])
    metrics.forget(["permits"])
    assert "kept_promise_kept_ratio" not in samples(metrics)


def test_series_beyond_the_budget_are_counted_not_exposed(monkeypatch: object) -> None:
    metrics = Metrics()
    metrics.show("permits", [point(name, 0.5) for name in ("promise_kept", "satisfied_share", "response_rate")])
    budget = metric_names.SERIES_BUDGET
    try:
        metric_names.SERIES_BUDGET = 2
        seen = samples(metrics)
    finally:
        metric_names.SERIES_BUDGET = budget
    assert seen["kept_series_over_budget"][0][1] == 4
    assert len(seen["kept_indicator_state"]) == 1


def test_what_a_figure_rests_on_is_shown_for_those_that_are_read_alone() -> None:
    metrics = Metrics()
    metrics.show(
        "permits",
        [
            point("satisfaction_score", 81.5, unit="points", n=12),
            point("promise_kept", None, n=0),
            point("satisfied_share", 0.9, n=12),
        ],
    )
    assert samples(metrics)["kept_indicator_cases"] == [
        ({"service": "permits", "indicator": "satisfaction_score", "window": "28d"}, 12),
        ({"service": "permits", "indicator": "promise_kept", "window": "28d"}, 0),
    ]


def test_when_the_budget_is_short_values_come_before_what_they_rest_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metric_names, "SERIES_BUDGET", 3)
    metrics = Metrics()
    metrics.show("permits", [point("promise_kept", 0.75, n=40)])
    metrics.show("passports", [point("promise_kept", None, n=0)])
    seen = samples(metrics)
    assert len(seen["kept_indicator_state"]) == 2
    assert "kept_indicator_cases" not in seen
    assert seen["kept_series_over_budget"] == [({}, 2)]


def test_accounts_of_a_partition_are_counters() -> None:
    metrics = Metrics()
    state = PartitionState(3, {})
    state.accounts.received, state.accounts.applied, state.accounts.dead_lettered = 5, 4, {"invalid": 1}
    metrics.partitions = lambda: [state]
    seen = samples(metrics)
    by_account = {labels["account"]: value for labels, value in seen["kept_events_total"]}
    assert by_account == {"received": 5, "applied": 4, "duplicate": 0, "beyond_retention": 0, "dead_lettered": 1}
    assert seen["kept_dead_letters_total"] == [({"partition": "3", "reason": "invalid"}, 1)]


def test_points_that_the_store_refuses_are_counted_by_reason() -> None:
    metrics = Metrics()
    metrics.points_written(7)
    metrics.refused = lambda: {"outside_retention": 2, "type_conflict": 1}
    seen = samples(metrics)
    assert seen["kept_history_points_total"] == [({}, 7)]
    by_reason = {labels["reason"]: value for labels, value in seen["kept_history_points_refused_total"]}
    assert by_reason == {"outside_retention": 2, "type_conflict": 1, "unreadable": 0}


def test_every_exposed_name_is_in_the_closed_set() -> None:
    metrics = Metrics()
    known = {metric.name for metric in metric_names.METRICS}
    for family in metrics.collect():
        name = family.name + ("_total" if family.type == "counter" else "")
        assert name in known


def test_a_service_says_its_name_its_promise_and_whether_it_is_simulated() -> None:
    city = read_catalogue([catalogue.CITY])
    metrics = Metrics(city)
    metrics.show("waste-pickup", [point("promise_kept", 0.75)])
    metrics.show("passports", [])
    seen = samples(metrics)
    told = {labels["service"]: (labels["name"], labels["simulated"]) for labels, _ in seen["kept_service_info"]}
    entry = city["waste-pickup"]
    assert entry.promise is not None
    assert told == {"waste-pickup": (entry.name, "true"), "passports": ("passports", "false")}
    assert seen["kept_promise_target_ratio"] == [({"service": "waste-pickup"}, entry.promise.target_share)]
    words = {"service": "waste-pickup", "promise": entry.promise.words, "counted_in": entry.promise.counted_in}
    assert seen["kept_promise_info"] == [(words, 1)]
