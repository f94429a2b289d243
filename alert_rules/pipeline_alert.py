"""What an alert of the pipeline itself is: its condition, its texts and how often it may be wrong."""

from __future__ import annotations

from typing import Final, Literal

from msgspec import Struct

from alert_rules.options import RuleOptions
from alert_rules.rule_text import AlertRule, template_text
from kept.signals.kinds import Severity

PIPELINE: Final = "kept-pipeline"
"""Label `service` of alerts that are about no service. No service of the catalogue may have this id."""
FACT: Final = "states a fact, judges nothing"


class PipelineAlert(Struct, frozen=True, kw_only=True):
    """One alert of the pipeline.

    `condition` says `expr` in words. `description` is a Go template; `expr`'s value is its `$value`. `sibling` tells
    which alert speaks when `expr` falls silent because what it reads is gone.
    """

    name: str
    severity: Severity | Literal["none"]
    """none: for a machine outside that must hear it all the time, not for people."""
    summary: str
    condition: str
    description: str
    first: str
    expr: str
    wait_seconds: int
    hold_seconds: int = 0
    sibling: str | None = None
    labels: dict[str, str] = {}
    false_alarms_per_year: float | None
    """The stated budget: how many a year in which all is well brings, at most, on average. None: not stated."""
    budget_from: str
    """Where that number comes from."""

    def rule(self, options: RuleOptions) -> AlertRule:
        """The rule of Prometheus."""
        return AlertRule(
            alert=self.name,
            expr=self.expr,
            wait_seconds=self.wait_seconds,
            hold_seconds=self.hold_seconds,
            labels={
                "severity": self.severity,
                "component": "pipeline",
                "service": PIPELINE,
                "topic": "pipeline",
                "owner": template_text(options.pipeline_owner),
                "simulated": "false",
                **self.labels,
            },
            annotations={
                "summary": self.summary,
                "description": self.description,
                "first": self.first,
                "runbook_url": template_text(options.runbook(self.name)),
                "dashboard_url": template_text(options.pipeline_dashboard),
            },
        )
