"""The catalogue -> rule files, or the same as objects of Kubernetes. Pure: the same input gives the same texts."""

from __future__ import annotations

from enum import StrEnum

from alert_rules.options import RuleOptions
from alert_rules.pipeline import pipeline_groups
from alert_rules.pipeline_alert import PIPELINE
from alert_rules.prometheus_rules import as_prometheus_rules
from alert_rules.rule_text import as_yaml
from alert_rules.services import Refused, refused, service_group
from kept.catalogue import Catalogue
from kept.errors import ConfigurationError

SERVICES_FILE = "services.rules.yml"
PIPELINE_FILE = "pipeline.rules.yml"
OBJECTS_FILE = "prometheus-rules.yml"


class RuleFormat(StrEnum):
    """What reads the rules: Prometheus its files, or the Prometheus operator objects of Kubernetes."""

    FILES = "files"
    PROMETHEUS_RULE = "prometheus-rule"


def rule_files(
    catalogue: Catalogue, options: RuleOptions | None = None, format: RuleFormat = RuleFormat.FILES
) -> dict[str, str]:
    """File name -> text; raises `ConfigurationError` for a service whose id stands for the pipeline itself."""
    chosen = options or RuleOptions()
    if PIPELINE in catalogue:
        raise ConfigurationError(
            f"id: {PIPELINE!r} is what alerts of the pipeline itself carry; give the service another"
        )
    services = [service_group(catalogue[service], chosen) for service in sorted(catalogue)]
    pipeline = pipeline_groups(catalogue, chosen)
    if format is RuleFormat.PROMETHEUS_RULE:
        return {OBJECTS_FILE: as_prometheus_rules([*services, *pipeline])}
    return {SERVICES_FILE: as_yaml(services), PIPELINE_FILE: as_yaml(pipeline)}


def all_refused(catalogue: Catalogue) -> list[Refused]:
    """Every alert that a service can never have, with the reason, by service."""
    return [one for service in sorted(catalogue) for one in refused(catalogue[service])]
