"""A service of the catalogue -> its alerts: one for each kind of signal that it can have, and why it has no others."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from alert_rules.descriptions import description
from alert_rules.options import RuleOptions
from alert_rules.rule_text import AlertRule, Group, promql_string, template_text
from kept import metric_names as names
from kept.catalogue import Service
from kept.signals.kinds import KINDS, Kind, Needs

NO_PROMISE: Final = "the catalogue has no promise for it"


class Refused(Struct, frozen=True, kw_only=True):
    """An alert that can never fire for a service, and why."""

    service: str
    alert: str
    why: str


def service_group(service: Service, options: RuleOptions) -> Group:
    """The alerts of one service. Whether its volume allows one is told by the worker, which else shows no series."""
    rules = tuple(_rule(kind, service, options) for kind in KINDS if why_not(kind.needs, service) is None)
    return Group(name=f"kept-service-{service.id}", rules=rules)


def refused(service: Service) -> list[Refused]:
    """The alerts that this service can never have."""
    reasons = ((kind, why_not(kind.needs, service)) for kind in KINDS)
    return [Refused(service=service.id, alert=kind.alert, why=why) for kind, why in reasons if why is not None]


def why_not(needs: Needs, service: Service) -> str | None:
    """Why a kind with these needs is impossible for a service; None when it is possible."""
    promise = service.promise
    match needs:
        case "anything":
            return None
        case "published":
            return None if service.published else "no published figure to compare with ([[published]])"
        case "backlog_limit":
            if service.backlog_limit is not None or (promise is not None and promise.target_time is not None):
                return None
            return "neither a backlog_limit nor a promised time from which one follows"
        case "promise":
            return NO_PROMISE if promise is None else None
        case "error_budget":
            if promise is None:
                return NO_PROMISE
            if promise.target_share < 1:
                return None
            return "a target of 100 % leaves no error budget: each breach counts by itself"
        case "zero_budget":
            if promise is None:
                return NO_PROMISE
            if promise.target_share == 1:
                return None
            return f"a target of {100 * promise.target_share:g} % allows breaches: its error budget is watched instead"


def _rule(kind: Kind, service: Service, options: RuleOptions) -> AlertRule:
    selector = f"service={promql_string(service.id)},signal={promql_string(kind.name)}"
    return AlertRule(
        alert=kind.alert,
        # Without the worker's own labels: a service that moves to another worker stays the same alert.
        expr=f"max by (service, signal, about) ({names.SIGNAL_ACTIVE.name}{{{selector}}}) == 1",
        wait_seconds=options.wait_seconds,
        hold_seconds=options.hold_seconds,
        labels={
            "severity": kind.severity,
            "component": "service",
            "service": service.id,
            "signal": kind.name,
            "topic": kind.topic,
            "owner": template_text(service.owner),
            "simulated": "true" if service.simulated else "false",
        },
        annotations={
            "summary": kind.summary,
            "description": description(kind, service),
            "first": template_text(kind.first),
            "runbook_url": template_text(options.runbook(kind.alert)),
            "dashboard_url": template_text(options.dashboard(service.id)),
        },
    )
