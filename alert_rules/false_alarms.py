"""The false-alarm budget: how many alerts of a year a service in which all is well brings, added up over its rules."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from msgspec import Struct

from alert_rules.pipeline_alert import PipelineAlert
from alert_rules.services import why_not
from kept.catalogue import Service
from kept.signals.kinds import KINDS, Kind, Severity


class Budget(Struct, frozen=True, kw_only=True):
    """Expected false alarms a year: what is stated, by alert, and the alerts whose number is not stated."""

    stated: Mapping[str, float]
    unstated: tuple[str, ...] = ()

    @property
    def total(self) -> float:
        """The sum of what is stated; the truth is more when something is not."""
        return math.fsum(self.stated.values())

    def __str__(self) -> str:
        """`0.35`, or `at least 0.35` with what is missing."""
        if not self.unstated:
            return f"{self.total:.3g}"
        return f"at least {self.total:.3g}; not stated: {', '.join(self.unstated)}"


def of_service(service: Service, severity: Severity, kinds: Iterable[Kind] = KINDS) -> Budget:
    """The budget of one service for alerts of one severity. A kind that it cannot have adds nothing."""
    possible = [kind for kind in kinds if kind.severity == severity and why_not(kind.needs, service) is None]
    return _sum((kind.alert, kind.false_alarms_per_service_year) for kind in possible)


def of_pipeline(alerts: Iterable[PipelineAlert], severity: Severity) -> Budget:
    """The budget of the pipeline for alerts of one severity; it is shared by all services."""
    return _sum((alert.name, alert.false_alarms_per_year) for alert in alerts if alert.severity == severity)


def _sum(numbers: Iterable[tuple[str, float | None]]) -> Budget:
    known = list(numbers)
    return Budget(
        stated={name: number for name, number in known if number is not None},
        unstated=tuple(name for name, number in known if number is None),
    )
