"""What On-call says of alerts, asked of a real Prometheus with the rules of a catalogue loaded."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from alert_rules.options import Jobs, RuleOptions, anchor
from alert_rules.rules import PIPELINE_FILE, SERVICES_FILE, rule_files
from grafana.alert_rows import PIPELINE_ALERTS, SERVICE_ALERTS, WATCHDOG
from grafana.dashboards import on_call
from grafana.runbooks import RUNBOOKS, RUNBOOKS_AT
from kept.signals.verdict import Verdict
from stream_processors.sinks.metrics import Metrics
from tests.alert_rules.city import SMALL_CITY
from tests.alert_rules.promtool import rules_of
from tests.grafana.panels_of import as_read, panels
from tests.grafana.prometheus_answers import Prometheus, Row
from tests.grafana.scraped import scraped
from tests.history.signals import raised
from tests.summaries.figures import NOW, point, service

FIRES, WAITS = (service(each, each.title()) for each in ("fires", "waits"))
CITY = {each.id: each for each in (FIRES, WAITS)}
PANELS = panels(on_call.board(CITY))
RUNBOOKS_PAGE = Path(__file__).resolve().parents[2] / "docs" / "runbooks.md"
EVIDENCE = {"since": NOW - 86_400, "value": 0.7, "expected": 0.8, "cases": 90, "chance": 1e-4}


def worker() -> Metrics:
    """A page about one service, a ticket about one of its figures, information about another; a page of `waits`."""
    metrics = Metrics(CITY)
    told = {
        "fires": [
            raised(service="fires", signal="promise_budget_fast", **EVIDENCE),
            raised(service="fires", signal="special_cause", about="oldest_open", **EVIDENCE | {"value": 12.5}),
            raised(service="fires", signal="chart_signal", about="cost_per_outcome", **EVIDENCE | {"chance": None}),
        ],
        "waits": [raised(service="waits", signal="source_silent", **EVIDENCE | {"value": 7200.0})],
    }
    for identity, signals in told.items():
        metrics.show(identity, [point(identity, "promise_kept", 0.7)])
        now: list[Verdict] = [each.verdict for each in signals]
        metrics.signals.show(identity, now, {each.verdict.key(): each for each in signals})
    return metrics


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    at_once, never = RuleOptions(wait_seconds=0), RuleOptions(wait_seconds=86_400)
    rules = {
        "fires.yml": rule_files({"fires": FIRES}, at_once)[SERVICES_FILE],
        "waits.yml": rule_files({"waits": WAITS}, never)[SERVICES_FILE],
        PIPELINE_FILE: rule_files(CITY, at_once)[PIPELINE_FILE],
    }
    until = " and on () ".join(
        [
            'count(ALERTS{service="fires"}) == 3',
            'count(ALERTS{service="waits"}) == 1',
            f'ALERTS{{alertname="{WATCHDOG}"}}',
        ]
    )
    with scraped(tmp_path_factory.mktemp("prometheus"), worker(), until, rules, service=".*") as prometheus:
        yield prometheus


@pytest.fixture(scope="module")
def firing(asked: Prometheus) -> list[Row]:
    return asked.table(PANELS[5])


def test_what_fires_is_one_row_each_the_most_urgent_first(firing: list[Row]) -> None:
    assert [(row["Urgency"], row["service"], row["Alert"], row["About"]) for row in firing] == [
        ("page", "fires", "KeptPromiseBudgetBurnsFast", None),
        ("ticket", "fires", "KeptSpecialCause", "oldest_open"),
        ("info", "fires", "KeptChartSignal", "cost_per_outcome"),
    ]


def test_the_evidence_stands_beside_it_in_the_unit_of_what_it_is_about(firing: list[Row]) -> None:
    numbers = [(row["Seen"], row["Judged against"], row["Unit"], row["Cases"], row["Chance"]) for row in firing]
    assert numbers == [
        (0.7, 0.8, "share", 90, 1e-4),
        (12.5, 0.8, "days", 90, 1e-4),
        (0.7, 0.8, "money", 90, None),
    ]


def test_the_clock_of_the_rule_and_that_of_the_data_are_told_apart(firing: list[Row]) -> None:
    for row in firing:
        assert row["The data show it since"] == 1000 * EVIDENCE["since"]
        assert row["The rule holds since"] > 1000 * NOW


def test_what_is_about_to_fire_stands_apart(asked: Prometheus) -> None:
    (row,) = asked.table(PANELS[6])
    assert (row["service"], row["Alert"], row["Unit"], row["Seen"]) == ("waits", "KeptSourceSilent", "seconds", 7200)


def test_counts_are_by_urgency_and_zero_only_while_rules_are_evaluated(asked: Prometheus) -> None:
    def counts(panel: int) -> list[float]:
        return [row["Value"] for target in PANELS[panel]["targets"] for row in asked.rows(target["expr"])]

    assert counts(2) == [1, 1, 1]
    assert counts(3) == [1, 0, 0]
    without_rules = [target["expr"].replace(WATCHDOG, "KeptNoSuchAlert") for target in PANELS[3]["targets"]]
    assert [asked.rows(expression) for expression in without_rules[1:]] == [[], []]
    assert counts(4)[0] == 1


def test_one_service_can_be_chosen(asked: Prometheus) -> None:
    def chosen(expression: str) -> str:
        return expression.replace("$service", "waits")

    assert [asked.rows(chosen(target["expr"])) for target in PANELS[5]["targets"]] == [[]] * len(PANELS[5]["targets"])
    assert len(asked.rows(chosen(PANELS[6]["targets"][0]["expr"]))) == 1


def test_the_pipelines_own_alerts_are_a_row_each(asked: Prometheus) -> None:
    # The columns of a table are asked one after another: the alert may begin to fire in between.
    asked.wait(
        lambda: any(
            row["Alert"] == "KeptTargetAbsent" and None not in (row["How many"], row["The rule holds since"])
            for row in asked.table(PANELS[12])
        )
    )
    (row,) = [row for row in asked.table(PANELS[12]) if row["Alert"] == "KeptTargetAbsent"]
    assert (row["What to do"], row["Urgency"], row["How many"]) == ("kepttargetabsent", "ticket", 1)
    assert row["The rule holds since"] > 1000 * NOW


def test_every_alert_leads_to_its_section_of_the_runbooks(asked: Prometheus, firing: list[Row]) -> None:
    assert [row["What to do"] for row in firing] == [anchor(row["Alert"]) for row in firing]
    sections = {line.removeprefix("## ").lower() for line in RUNBOOKS_PAGE.read_text().splitlines()}
    for alert in (*SERVICE_ALERTS, *PIPELINE_ALERTS):
        assert anchor(alert) in sections
        table = PANELS[5] if alert in SERVICE_ALERTS else PANELS[12]
        assert f'"{anchor(alert)}", "alertname", "{alert}"' in table["targets"][0]["expr"]


def test_the_board_knows_every_alert_that_rules_can_make() -> None:
    files = rule_files(SMALL_CITY, RuleOptions(jobs=Jobs(intake="kept-intake")))
    assert {rule["alert"] for rule in rules_of(files[PIPELINE_FILE])} == {*PIPELINE_ALERTS, WATCHDOG}
    assert {rule["alert"] for rule in rules_of(files[SERVICES_FILE])} <= set(SERVICE_ALERTS)


def test_the_runbooks_are_where_the_rules_say() -> None:
    (variable,) = [each for each in as_read(on_call.board(CITY))["templating"]["list"] if each["name"] == RUNBOOKS]
    assert variable["query"] == RUNBOOKS_AT == RuleOptions().runbooks
