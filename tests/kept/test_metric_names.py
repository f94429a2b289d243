"""The metrics are a closed set with names as https://prometheus.io/docs/practices/naming asks for."""

from __future__ import annotations

import re

import pytest

from kept.indicators.definitions import DEFINITIONS
from kept.metric_names import (
    INDICATOR_METRICS,
    INTAKE_METRICS,
    METRICS,
    PIPELINE_METRICS,
    SIGNAL_METRICS,
    SUMMARY_METRICS,
    Metric,
    metric_of,
)

UNITS = ("_seconds", "_ratio", "_cases", "_points", "_money", "_money_per_week")
ids = {"ids": lambda metric: metric.name}


@pytest.mark.parametrize("metric", METRICS, **ids)
def test_a_name_is_valid_prefixed_and_in_lower_case(metric: Metric) -> None:
    assert re.fullmatch(r"kept_[a-z][a-z0-9]*(_[a-z0-9]+)*", metric.name)


@pytest.mark.parametrize("metric", METRICS, **ids)
def test_counters_end_in_total_and_gauges_do_not(metric: Metric) -> None:
    assert metric.kind in ("gauge", "counter")
    assert metric.name.endswith("_total") == (metric.kind == "counter")


@pytest.mark.parametrize("metric", METRICS, **ids)
def test_labels_are_valid_and_carry_nothing_of_a_person(metric: Metric) -> None:
    for label in metric.labels:
        assert re.fullmatch(r"[a-z][a-z_]*", label)
        assert label not in ("le", "quantile", "job", "instance", "case", "subject", "resource")
    assert len(set(metric.labels)) == len(metric.labels)


@pytest.mark.parametrize("metric", METRICS, **ids)
def test_help_is_one_line(metric: Metric) -> None:
    assert metric.help.strip() == metric.help != ""
    assert "\n" not in metric.help


@pytest.mark.parametrize("metric", INDICATOR_METRICS.values(), **ids)
def test_an_indicator_ends_in_its_unit(metric: Metric) -> None:
    assert metric.name.endswith(UNITS)


def test_no_name_is_given_twice() -> None:
    names = [metric.name for metric in METRICS]
    assert len(set(names)) == len(names)


def test_base_units_only() -> None:
    for metric in METRICS:
        assert not re.search(r"_(days|hours|minutes|milliseconds|ms|percent|kilobytes)(_|$)", metric.name), metric.name


def test_every_indicator_has_its_metric_and_the_rest_is_signals_pipeline_intake_and_summary() -> None:
    assert list(INDICATOR_METRICS) == [definition.name for definition in DEFINITIONS]
    assert {metric.name for metric in METRICS} == {
        m.name
        for m in (*INDICATOR_METRICS.values(), *SIGNAL_METRICS, *PIPELINE_METRICS, *INTAKE_METRICS, *SUMMARY_METRICS)
    }


def test_money_says_its_currency() -> None:
    for definition in DEFINITIONS:
        assert ("currency" in metric_of(definition).labels) == definition.unit.startswith("money")


def test_the_accounts_of_events_can_be_reconciled_from_the_metrics() -> None:
    by_name = {metric.name: metric for metric in PIPELINE_METRICS}
    assert by_name["kept_events_total"].labels == ("partition", "account")
    assert "reason" in by_name["kept_dead_letters_total"].labels
