"""The board Pipeline health: complete, in data order, with the thresholds and the runbooks of the alerts."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

import catalogue
from alert_rules.options import Jobs, RuleOptions
from alert_rules.pipeline import pipeline_alerts
from grafana import foreign_metrics, promql
from grafana.generate import dashboard_files
from grafana.pipeline_panels import Limit, chart, increase, rate
from grafana.runbooks import RUNBOOKS_AT
from kept import metric_names as names
from kept import pipeline_limits as limits
from kept.catalogue import read_catalogue
from kept.durations import parse_duration
from tests.conftest import ROOT
from tests.grafana.board_queries import panels, queries
from tests.grafana.promql_names import names_of

SERVICES = read_catalogue([catalogue.CITY])
BOARD: dict[str, Any] = json.loads(dashboard_files(SERVICES)["kept-pipeline.json"])
PANELS = {panel["id"]: panel for panel in panels(BOARD)}
ELSEWHERE = {names.SERVICE, names.PROMISE, names.PROMISE_TARGET, names.INDICATOR_STATE, names.INDICATOR_CASES}
"""Metrics of workers that are about services: on other boards."""
ALERTS = {
    alert.name: alert for alert in pipeline_alerts(SERVICES, RuleOptions(jobs=Jobs(intake=foreign_metrics.INTAKE_JOB)))
}


def expressions(panel: int) -> list[str]:
    return [target["expr"] for target in PANELS[panel]["targets"]]


def test_rows_are_in_data_order() -> None:
    rows = [panel["title"] for panel in BOARD["panels"] if panel["type"] == "row"]
    assert [row.split(" (")[0] for row in rows] == [
        "At a glance", "Intake and spool", "Broker", "Case processor", "Indicator processor", "History",
        "Prometheus and Alertmanager", "Processes",
    ]  # fmt: skip
    tops = [panel["gridPos"]["y"] for panel in BOARD["panels"]]
    assert tops == sorted(tops)


def test_every_metric_of_the_pipeline_is_shown() -> None:
    shown = {selector.metric for query in queries(BOARD) for selector in names_of(query.text).selectors}
    wanted = {*names.PIPELINE_METRICS, *names.INTAKE_METRICS, *foreign_metrics.FOREIGN} - ELSEWHERE
    assert {metric.name for metric in wanted} - shown == {"ALERTS_FOR_STATE"}


def test_every_alert_of_the_pipeline_has_a_way_to_its_runbook() -> None:
    linked = {link["url"].split("#")[1] for panel in PANELS.values() for link in panel.get("links", ())}
    assert linked == {alert.lower() for alert in ALERTS}
    (variable,) = [variable for variable in BOARD["templating"]["list"] if variable["name"] == "runbooks"]
    assert variable["query"] == RUNBOOKS_AT == RuleOptions().runbooks


@pytest.mark.parametrize(
    ("panel", "alert"),
    [
        (13, "KeptSpoolFilling"),
        (13, "KeptSpoolNearlyFull"),
        (20, "KeptLagGrowing"),
        (31, "KeptDeadLettersRising"),
        (43, "KeptStreamSilent"),
        (53, "KeptHistoryNotAccepting"),
        (63, "KeptAlertmanagerCannotDeliver"),
        (70, "KeptTargetDown"),
    ],
)
def test_a_line_is_drawn_where_the_alert_fires(panel: int, alert: str) -> None:
    drawn = [found[1] for text in expressions(panel) if (found := re.fullmatch(r"vector\((.+)\)", text))]
    assert any(re.search(rf"[<>]=? {float(value):g}(\s|$)", ALERTS[alert].expr) for value in drawn), drawn
    names_drawn = [target["legendFormat"] for target in PANELS[panel]["targets"] if "vector" in target["expr"]]
    overridden = {override["matcher"]["options"] for override in PANELS[panel]["fieldConfig"]["overrides"]}
    assert set(names_drawn) <= overridden


def test_the_age_of_figures_is_held_against_the_shortest_expected_silence() -> None:
    shortest = min(parse_duration(service.expected_silence) for service in SERVICES.values()) // 1000
    assert f"vector({shortest})" in expressions(43)


def test_the_jobs_are_those_of_the_rules() -> None:
    jobs = Jobs(intake=foreign_metrics.INTAKE_JOB)
    assert jobs.all() == (
        foreign_metrics.WORKER_JOB,
        foreign_metrics.PROMETHEUS_JOB,
        foreign_metrics.ALERTMANAGER_JOB,
        foreign_metrics.INTAKE_JOB,
    )


def test_every_event_accounted_for_is_said_in_words_and_what_is_not_in_numbers() -> None:
    shown = PANELS[2]["fieldConfig"]["defaults"]
    assert shown["mappings"][0]["options"]["0"]["text"] == "every event is accounted for"
    assert shown["unit"] == "suffix: events are not"
    accounts = re.findall(r'account=~?"([^"]+)"', expressions(2)[0])
    assert accounts == ["received", "applied|duplicate|beyond_retention|dead_lettered"]


def test_each_stage_has_a_duration() -> None:
    timed = {
        stage
        for query in queries(BOARD)
        if "kept_stage_seconds_total" in query.text and "kept_stage_batches_total" in query.text
        for found in re.findall(r'stage=~"([^"]+)"', query.text)
        for stage in found.split("|")
    }
    assert timed == set(names.STAGES)


def test_numbers_of_panels_stay() -> None:
    assert sorted(PANELS) == [
        *range(1, 7), *range(10, 16), *range(20, 23), *range(30, 39), *range(40, 47), *range(50, 54),
        *range(60, 64), *range(70, 75),
    ]  # fmt: skip


def test_gaps_are_gaps_and_limits_are_named_lines() -> None:
    panel = chart("Q?", "…", "s", [promql.over_time("up")], limits=[Limit(3, "three: KeptX")], alerts=["KeptX"]).build()
    assert panel.field_config is not None
    assert panel.field_config.defaults.custom.span_nulls is False
    assert [(target.expr, target.legend_format) for target in panel.targets or []] == [  # type: ignore[attr-defined]
        ("up", "__auto"), ("vector(3)", "three: KeptX"),
    ]  # fmt: skip
    assert [link.url for link in panel.links or []] == ["${runbooks:raw}#keptx"]


def test_sums_of_counters() -> None:
    assert rate(names.LATE_EVENTS) == "sum(rate(kept_late_events_total[$__rate_interval]))"
    assert increase(names.EVENTS, limits.DEAD_WINDOW, "account", account="received") == (
        'sum by (account) (increase(kept_events_total{account="received"}[30m]))'
    )


def test_the_committed_board_is_the_generated_one() -> None:
    committed = (ROOT / "grafana" / "city" / "kept-pipeline.json").read_text(encoding="utf-8")
    assert committed == dashboard_files(SERVICES)["kept-pipeline.json"], "run `kept grafana generate`"
