"""All alerts of the pipeline itself: without them a silent pipeline would look like a quiet city."""

from __future__ import annotations

from alert_rules import pipeline_delivery, pipeline_workers
from alert_rules.options import RuleOptions
from alert_rules.pipeline_alert import PipelineAlert
from alert_rules.rule_text import Group
from kept.catalogue import Catalogue


def pipeline_alerts(catalogue: Catalogue, options: RuleOptions) -> tuple[PipelineAlert, ...]:
    """The alerts of the pipeline that counts for this catalogue."""
    return tuple(alert for _, alerts in _families(catalogue, options) for alert in alerts)


def pipeline_groups(catalogue: Catalogue, options: RuleOptions) -> tuple[Group, ...]:
    """The same as rule groups; one that cannot be evaluated leaves the others alone."""
    return tuple(
        Group(name=f"kept-pipeline-{name}", rules=tuple(alert.rule(options) for alert in alerts))
        for name, alerts in _families(catalogue, options)
        if alerts
    )


def _families(catalogue: Catalogue, options: RuleOptions) -> tuple[tuple[str, tuple[PipelineAlert, ...]], ...]:
    silences = tuple(service.expected_silence for service in catalogue.values())
    return (
        ("presence", pipeline_workers.presence(options)),
        ("progress", pipeline_workers.progress(options, silences)),
        ("accounts", pipeline_workers.accounts(options)),
        ("history", pipeline_delivery.history(options)),
        ("watching", pipeline_delivery.watching(options)),
        ("intake", pipeline_delivery.intake(options)),
        ("summary", pipeline_delivery.summary(options)),
    )
