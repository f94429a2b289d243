"""Who mutes whom, over the labels that the generated rules really have."""

from __future__ import annotations

import pytest

from alert_rules.inhibition import INHIBITIONS, NO_WORKER, muted_by
from alert_rules.options import Jobs, RuleOptions
from alert_rules.pipeline import pipeline_alerts
from alert_rules.rules import rule_files
from kept.signals.kinds import KINDS
from tests.alert_rules.city import SMALL_CITY
from tests.alert_rules.promtool import rules_of

FILES = rule_files(SMALL_CITY, RuleOptions(jobs=Jobs(intake="kept-intake", summary="kept-summary")))
OF_SERIES = {"instance", "about"}
"""Labels that an alert takes from its series."""


def alert(name: str, service: str | None = None, **more: str) -> dict[str, str]:
    """An alert as it reaches Alertmanager."""
    found = [
        {"alertname": rule["alert"], **rule["labels"], **more}
        for text in FILES.values()
        for rule in rules_of(text)
        if rule["alert"] == name and (service is None or rule["labels"]["service"] == service)
    ]
    assert found
    return found[0]


PERMITS, LIBRARY = "parking-permits", "library"
SILENT = alert("KeptSourceSilent", PERMITS)
FAST, SLOW = alert("KeptPromiseBudgetBurnsFast", PERMITS), alert("KeptPromiseBudgetBurnsSlowly", PERMITS)
STUCK = {**alert("KeptWatermarkStuck"), "service": PERMITS}


@pytest.mark.parametrize(
    ("source", "target", "muted"),
    [
        (SILENT, FAST, True),
        (SILENT, alert("KeptAreaGap", PERMITS, about="area=North"), True),
        (SILENT, alert("KeptSpecialCause", LIBRARY, about="backlog"), False),
        (SILENT, alert("KeptDefinitionDrift", LIBRARY, about="satisfaction_score"), False),
        (FAST, SLOW, True),
        (FAST, alert("KeptCasesAtRisk", PERMITS), True),
        (FAST, alert("KeptBacklogBreachAhead", PERMITS), False),
        (FAST, SILENT, False),
        (SLOW, FAST, False),
        (alert("KeptPromiseBreachOld"), alert("KeptPromiseBreached"), True),
        (alert("KeptSpecialCause", PERMITS, about="backlog"), alert("KeptChartSignal", PERMITS, about="backlog"), True),
        (
            alert("KeptSpecialCause", PERMITS, about="backlog"),
            alert("KeptChartSignal", PERMITS, about="overdue"),
            False,
        ),
        (alert("KeptWorkersDown"), FAST, True),
        (alert("KeptWorkersDown"), alert("KeptTargetDown", instance="a", job="kept-worker"), True),
        (alert("KeptWorkersAbsent"), SILENT, True),
        (alert("KeptWorkersDown"), alert("KeptAlertmanagerCannotDeliver"), False),
        (alert("KeptTargetDown", instance="a", job="kept-worker"), FAST, False),
        (STUCK, FAST, True),
        (STUCK, SILENT, True),
        (STUCK, alert("KeptSourceSilent", LIBRARY), False),
        (STUCK, alert("KeptLagGrowing"), False),
        (alert("KeptStreamSilent"), SILENT, True),
        (alert("KeptStreamSilent"), FAST, False),
        (alert("KeptHistoryNotAccepting"), STUCK, True),
        (alert("KeptHistoryNotAccepting"), FAST, False),
        (alert("KeptSpoolNearlyFull", instance="i"), alert("KeptSpoolFilling", instance="i"), True),
        (alert("KeptSpoolNearlyFull", instance="i"), alert("KeptSpoolFilling", instance="k"), False),
        (alert("KeptWatchdog"), FAST, False),
    ],
    ids=lambda value: value["alertname"] if isinstance(value, dict) else str(value),
)
def test_who_mutes_whom(source: dict[str, str], target: dict[str, str], muted: bool) -> None:
    assert bool(muted_by(target, [source])) is muted


def test_every_name_and_every_signal_is_one_that_is_there() -> None:
    known = {
        "alertname": {rule["alert"] for text in FILES.values() for rule in rules_of(text)},
        "signal": {kind.name for kind in KINDS},
        "component": {"service", "pipeline"},
        "severity": {"page", "ticket", "info"},
    }
    for one in INHIBITIONS:
        for labels in (one.source, one.target):
            for label, values in labels.items():
                assert set(values) <= known[label], one.why


def test_both_sides_carry_every_label_that_must_be_equal() -> None:
    every = [{"alertname": rule["alert"], **rule["labels"]} for text in FILES.values() for rule in rules_of(text)]
    for one in INHIBITIONS:
        for labels in (one.source, one.target):
            fitting = [rule for rule in every if all(rule.get(label) in values for label, values in labels.items())]
            assert fitting, one.why
            for rule in fitting:
                assert set(one.equal) <= set(rule) | OF_SERIES, (one.why, rule["alertname"])


def test_nothing_mutes_itself_or_its_own_cause() -> None:
    every = [{"alertname": rule["alert"], **rule["labels"]} for text in FILES.values() for rule in rules_of(text)]
    for one in every:
        for other in every:
            assert not (muted_by(one, [other]) and muted_by(other, [one])), (one["alertname"], other["alertname"])


def test_the_watchdog_and_a_dead_pipeline_are_never_muted() -> None:
    every = [{"alertname": rule["alert"], **rule["labels"]} for text in FILES.values() for rule in rules_of(text)]
    for name in ("KeptWatchdog", *NO_WORKER, "KeptAlertmanagerCannotDeliver", "KeptRuleEvaluationFails"):
        assert muted_by(alert(name), every) == []


def test_pages_of_the_pipeline_that_mute_services_have_a_runbook_of_their_own() -> None:
    pages = {one.name for one in pipeline_alerts(SMALL_CITY, RuleOptions()) if one.severity == "page"}
    assert {*NO_WORKER, "KeptWatermarkStuck"} <= pages
