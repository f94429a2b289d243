"""Alerts of the pipeline about what comes after counting: history, Prometheus, Alertmanager, summary; and intake."""

from __future__ import annotations

from alert_rules.descriptions import DURATION
from alert_rules.options import RuleOptions
from alert_rules.pipeline_alert import FACT, PipelineAlert
from alert_rules.rule_text import duration, promql_string
from kept import metric_names as names
from kept import pipeline_limits as limits


def history(options: RuleOptions) -> tuple[PipelineAlert, ...]:
    """Does the store take what it is given?"""
    refused = names.POINTS_REFUSED.name
    return (
        PipelineAlert(
            name="KeptHistoryNotAccepting",
            severity="page",
            summary="The history store takes nothing: boards and signals of its services stand still",
            condition=f"a write has waited for more than {limits.HISTORY_WAITING_SECONDS // 60} minutes",
            description=f"Points have waited for {{{{ $value | {DURATION} }}}}; none is lost.",
            first="Free the lock or the disk of the history file, or start InfluxDB again",
            expr=f"max({names.HISTORY_WAITING.name}) > {limits.HISTORY_WAITING_SECONDS}",
            wait_seconds=limits.HISTORY_WAIT,
            sibling="KeptWorkersDown",
            false_alarms_per_year=0,
            budget_from=FACT,
        ),
        PipelineAlert(
            name="KeptHistoryRefusesPoints",
            severity="ticket",
            summary="The history store will never take some points: they are missing from it",
            condition=f"points refused within {limits.REFUSED_WINDOW}",
            description='{{ $value | printf "%.0f" }} points were refused; reason: {{ $labels.reason }}.',
            first="Raise the retention of the bucket when they are too old for it; else see the reason",
            # A counter that begins above 0 has not increased, as far as Prometheus can tell.
            expr=f"sum by (reason) (increase({refused}[{limits.REFUSED_WINDOW}])) > 0 or sum by (reason) "
            f"({refused} unless {refused} offset {limits.REFUSED_WINDOW}) > 0",
            wait_seconds=0,
            sibling="KeptWorkersDown",
            false_alarms_per_year=0,
            budget_from=FACT,
        ),
    )


def watching(options: RuleOptions) -> tuple[PipelineAlert, ...]:
    """Prometheus evaluates and hands over, Alertmanager delivers, and someone outside hears that they do."""
    prometheus = f"{{job={promql_string(options.jobs.prometheus)}}}"
    alertmanager = f"{{job={promql_string(options.jobs.alertmanager)}}}"
    return (
        PipelineAlert(
            name="KeptRuleEvaluationFails",
            severity="page",
            summary="Prometheus cannot evaluate rules: their alerts cannot fire",
            condition=f"failed evaluations within {limits.RULES_WINDOW}, for {duration(limits.RULES_WAIT)}",
            description="Rules of {{ $labels.rule_group }} keep failing.",
            first="Read the log of Prometheus for the rule and the reason; check the rule files with promtool",
            expr=f"sum by (rule_group) (increase(prometheus_rule_evaluation_failures_total{prometheus}"
            f"[{limits.RULES_WINDOW}])) > 0",
            wait_seconds=limits.RULES_WAIT,
            sibling="KeptTargetAbsent",
            false_alarms_per_year=0,
            budget_from=FACT,
        ),
        PipelineAlert(
            name="KeptPrometheusCannotNotify",
            severity="page",
            summary="Prometheus cannot hand alerts over to Alertmanager",
            condition=f"alerts dropped or refused within {limits.RULES_WINDOW}, or no Alertmanager known, for "
            f"{duration(limits.RULES_WAIT)}",
            description="Alerts do not reach Alertmanager, or only one of several: this one may come late.",
            first="See whether Alertmanager runs and whether Prometheus has its address",
            expr=f"sum(increase(prometheus_notifications_dropped_total{prometheus}[{limits.RULES_WINDOW}])) > 0 or "
            f"sum(increase(prometheus_notifications_errors_total{prometheus}[{limits.RULES_WINDOW}])) > 0 or "
            f"max(prometheus_notifications_alertmanagers_discovered{prometheus}) < 1",
            wait_seconds=limits.RULES_WAIT,
            sibling="KeptWatchdog",
            false_alarms_per_year=0,
            budget_from=FACT,
        ),
        PipelineAlert(
            name="KeptAlertmanagerCannotDeliver",
            severity="page",
            summary="Alertmanager could not deliver alerts to people",
            condition=f"{limits.DELIVERIES_FAILED} deliveries given up within {limits.DELIVERY_WINDOW}, for "
            f"{duration(limits.DELIVERY_WAIT)}",
            description='{{ $value | printf "%.0f" }} deliveries by {{ $labels.integration }} failed for good.',
            first="See which receiver it is and try its address and secret by hand; read the log of Alertmanager",
            expr=f"sum by (integration) (increase(alertmanager_notifications_failed_total{alertmanager}"
            f"[{limits.DELIVERY_WINDOW}])) >= {limits.DELIVERIES_FAILED}",
            wait_seconds=limits.DELIVERY_WAIT,
            sibling="KeptTargetAbsent",
            false_alarms_per_year=0,
            budget_from=FACT,
        ),
        PipelineAlert(
            name="KeptConfigReloadFailed",
            severity="ticket",
            summary="A configuration could not be loaded: the former one is still in force",
            condition=f"the last reload of Prometheus or Alertmanager failed, for {duration(limits.RELOAD_WAIT)}",
            description="{{ $labels.job }} at {{ $labels.instance }} could not load its configuration.",
            first="Check the files with promtool and amtool, mend them, reload",
            expr=f"prometheus_config_last_reload_successful{prometheus} == 0 or "
            f"alertmanager_config_last_reload_successful{alertmanager} == 0",
            wait_seconds=limits.RELOAD_WAIT,
            sibling="KeptTargetAbsent",
            false_alarms_per_year=0,
            budget_from=FACT,
        ),
        PipelineAlert(
            name="KeptWatchdog",
            severity="none",
            summary="Always firing: when it stops arriving, no alert can reach anyone",
            condition="always",
            description="Alerts travel. A receiver outside must notice when this one no longer comes.",
            first="Nothing, as long as it is heard",
            expr="vector(1)",
            wait_seconds=0,
            false_alarms_per_year=0,
            budget_from="wakes nobody by itself",
        ),
    )


def intake(options: RuleOptions) -> tuple[PipelineAlert, ...]:
    """Where an intake runs: does what it accepted get away?"""
    if options.jobs.intake is None:
        return ()
    job = f"{{job={promql_string(options.jobs.intake)}}}"
    filled = f"{names.SPOOL_BYTES.name}{job} / {names.SPOOL_LIMIT.name}{job}"
    return (
        PipelineAlert(
            name="KeptSpoolFilling",
            severity="ticket",
            summary="Accepted events wait on disk, and the room for them is half used up",
            condition=f"more than {limits.SPOOL_SHARE:.0%} of the spool used for {duration(limits.SPOOL_WAIT)}",
            description="The spool at {{ $labels.instance }} is {{ $value | humanizePercentage }} full.",
            first="See why the broker does not take them; nothing is lost while there is room",
            expr=f"{filled} > {limits.SPOOL_SHARE}",
            wait_seconds=limits.SPOOL_WAIT,
            sibling="KeptTargetAbsent",
            false_alarms_per_year=0,
            budget_from=FACT,
        ),
        PipelineAlert(
            name="KeptSpoolNearlyFull",
            severity="page",
            summary="The spool is nearly full: soon no event will be accepted",
            condition=f"more than {limits.SPOOL_FULL_SHARE:.0%} of it used for {duration(limits.SPOOL_FULL_WAIT)}",
            description="The spool at {{ $labels.instance }} is {{ $value | humanizePercentage }} full.",
            first="Bring the broker back, or give the spool more room (KEPT_SPOOL_BYTES)",
            expr=f"{filled} > {limits.SPOOL_FULL_SHARE}",
            wait_seconds=limits.SPOOL_FULL_WAIT,
            sibling="KeptTargetAbsent",
            false_alarms_per_year=0,
            budget_from=FACT,
        ),
        PipelineAlert(
            name="KeptBrokerNotConnected",
            severity="ticket",
            summary="The intake has no connection to a broker: accepted events wait on disk",
            condition=f"no connection for {duration(limits.BROKER_WAIT)}",
            description="The intake at {{ $labels.instance }} has no connection to a broker.",
            first="Start the broker, or mend the way to it; what waits is sent oldest first",
            expr=f"max_over_time({names.BROKER_CONNECTED.name}{job}[5m]) == 0",
            wait_seconds=limits.BROKER_WAIT,
            sibling="KeptTargetAbsent",
            false_alarms_per_year=0,
            budget_from=FACT,
        ),
    )


def summary(options: RuleOptions) -> tuple[PipelineAlert, ...]:
    """Where the weekly summary is sent: did it arrive?"""
    if options.jobs.summary is None:
        return ()
    job = f"{{job={promql_string(options.jobs.summary)}}}"
    return (
        PipelineAlert(
            name="KeptSummaryMissed",
            severity="ticket",
            summary="The weekly summary was not delivered: leaders read nothing, and may take that for good news",
            condition="a week's summary has not been delivered a day after it was due",
            description='{{ $value | printf "%.0f" }} weeks have no delivered summary.',
            first="Read what `kept post` says in its log: the mail server, a recipient, or figures that are not there",
            expr=f"max({names.SUMMARY_MISSED.name}{job}) > 0",
            wait_seconds=limits.SUMMARY_WAIT,
            sibling="KeptTargetAbsent",
            false_alarms_per_year=0,
            budget_from=FACT,
        ),
    )
