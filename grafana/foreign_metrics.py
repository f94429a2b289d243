"""Metrics that boards read and Kept does not make: a closed set too, with who makes them and with which labels."""

from __future__ import annotations

from typing import Final

from kept.metric_names import Metric

WORKER_JOB: Final = "kept-worker"
INTAKE_JOB: Final = "kept-intake"
PROMETHEUS_JOB: Final = "prometheus"
ALERTMANAGER_JOB: Final = "alertmanager"
"""Names of the scrape jobs, as the rules know them."""

UP = Metric("up", "Prometheus, on every scrape: 1 when the target answered, else 0", ())
SCRAPE_SECONDS = Metric("scrape_duration_seconds", "Prometheus, on every scrape: how long it took", ())
_OF_RULES = ("alertname", "severity", "component", "service", "signal", "about", "topic", "owner", "simulated")
"""Labels that the generated rules give to alerts, and the name."""
ALERTS = Metric("ALERTS", "Prometheus, for each alert that is pending or fires: 1", (*_OF_RULES, "alertstate"))
ALERTS_SINCE = Metric(
    "ALERTS_FOR_STATE",
    "Prometheus, for the same alerts: the time (s) since which the rule's condition holds",
    _OF_RULES,
)
MEMORY = Metric("process_resident_memory_bytes", "Every process, by its client library: memory it holds", ())
PROCESSOR_SECONDS = Metric(
    "process_cpu_seconds_total", "Every process, by its client library: processor time it has used", (), "counter"
)
STARTED = Metric("process_start_time_seconds", "Every process, by its client library: when it began", ())
RULE_FAILURES = Metric(
    "prometheus_rule_evaluation_failures_total",
    "Prometheus: evaluations of rules that failed",
    ("rule_group",),
    "counter",
)
RULE_SECONDS = Metric(
    "prometheus_rule_group_last_duration_seconds", "Prometheus: how long the last evaluation took", ("rule_group",)
)
NOTIFICATIONS_SENT = Metric(
    "prometheus_notifications_sent_total", "Prometheus: alerts handed to Alertmanager", ("alertmanager",), "counter"
)
NOTIFICATIONS_DROPPED = Metric(
    "prometheus_notifications_dropped_total", "Prometheus: alerts it gave up to hand over", (), "counter"
)
NOTIFICATION_ERRORS = Metric(
    "prometheus_notifications_errors_total", "Prometheus: calls that Alertmanager refused", ("alertmanager",), "counter"
)
DELIVERIES = Metric(
    "alertmanager_notifications_total", "Alertmanager: messages it tried to deliver", ("integration",), "counter"
)
DELIVERIES_FAILED = Metric(
    "alertmanager_notifications_failed_total",
    "Alertmanager: messages it gave up, by what carries them and, in newer releases, why",
    ("integration", "reason"),
    "counter",
)
FOREIGN: Final = (
    UP,
    SCRAPE_SECONDS,
    ALERTS,
    ALERTS_SINCE,
    MEMORY,
    PROCESSOR_SECONDS,
    STARTED,
    RULE_FAILURES,
    RULE_SECONDS,
    NOTIFICATIONS_SENT,
    NOTIFICATIONS_DROPPED,
    NOTIFICATION_ERRORS,
    DELIVERIES,
    DELIVERIES_FAILED,
)
