"""PromQL of alerts: what fires or waits, since when, on what evidence. An alert is one row, by a key of its own.

`ALERTS` and `ALERTS_FOR_STATE` are Prometheus' own; their labels are those that the rules give.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal

from kept.indicators.definitions import DEFINITIONS
from kept.metric_names import Metric
from kept.signals.kinds import KINDS

ALERTS: Final = "ALERTS"
ALERTS_SINCE: Final = "ALERTS_FOR_STATE"
"""Its value is the time (s) at which the rule's condition began to hold without a break."""
WATCHDOG: Final = "KeptWatchdog"
PIPELINE_ALERTS: Final = (
    "KeptWorkersDown",
    "KeptWorkersAbsent",
    "KeptTargetDown",
    "KeptTargetAbsent",
    "KeptLagGrowing",
    "KeptLagUnknown",
    "KeptWatermarkStuck",
    "KeptNothingPublished",
    "KeptStreamSilent",
    "KeptDeadLettersRising",
    "KeptAccountsDoNotAddUp",
    "KeptCataloguesDiffer",
    "KeptSeriesOverBudget",
    "KeptSliceValuesFolded",
    "KeptHistoryNotAccepting",
    "KeptHistoryRefusesPoints",
    "KeptRuleEvaluationFails",
    "KeptPrometheusCannotNotify",
    "KeptAlertmanagerCannotDeliver",
    "KeptConfigReloadFailed",
    "KeptSpoolFilling",
    "KeptSpoolNearlyFull",
    "KeptBrokerNotConnected",
)
"""Alerts about the pipeline itself: those of `kept rules generate`, without the watchdog."""
SERVICE_ALERTS: Final = tuple(kind.alert for kind in KINDS)
KEY: Final = "alert"
"""The label made here that tells alerts apart."""
ANCHOR: Final = "runbook"
"""The label made here that is the alert's place in the runbooks."""
UNIT: Final = "unit"
"""The label made here that says what a signal's numbers count."""
State = Literal["firing", "pending"]
_FAR_FUTURE_MS: Final = 1e13
_SIGNAL: Final = "service, signal, about"
_OF_SERVICES: Final = 'component="service",service=~"$service"'
_OF_PIPELINE: Final = f'component="pipeline",alertname!="{WATCHDOG}"'


def of_services(state: State) -> str:
    """Alerts about the chosen services, one row each."""
    return _keyed(f"max by (alertname, severity, owner, simulated, {_SIGNAL}) ({_found(state)})")


def told_since_ms(state: State) -> str:
    """Since when (ms) the rule's condition holds, of the same alerts."""
    return _by_key(f"1000 * max by ({_SIGNAL}) ({ALERTS_SINCE}{{{_OF_SERVICES}}})", state)


def evidence(metric: Metric, state: State, scale: float = 1) -> str:
    """A number of the signal behind each of the same alerts, as the workers show it now."""
    shown = f"max by ({_SIGNAL}) ({metric.name})"
    return _by_key(shown if scale == 1 else f"{scale:g} * {shown}", state)


def most_urgent_first(state: State) -> str:
    """A number for every one of the same alerts: pages before tickets before information, of each the newest first."""
    rank = " or ".join(
        f"{rank} * max by ({KEY}) ({_keyed(_found(state, severity))})"
        for severity, rank in (("page", 3), ("ticket", 2), ("info", 1), (None, 0))
    )
    return f"({rank}) + {told_since_ms(state)} / {_FAR_FUTURE_MS:g} or {rank}"


def of_signals(expression: str, label: str = UNIT) -> str:
    """The same series with what their `signal`, or the indicator they are about, is counted in."""
    for unit in ("share", "cases", "seconds"):
        of_unit = "|".join(kind.name for kind in KINDS if kind.unit == unit)
        expression = f'label_replace({expression}, "{label}", "{unit}", "signal", "{of_unit}")'
    for unit in sorted({definition.unit for definition in DEFINITIONS}):
        of_unit = "|".join(each.name for each in DEFINITIONS if each.unit == unit)
        expression = f'label_replace({expression}, "{label}", "{unit}", "about", "{of_unit}")'
    return expression


def with_anchor(expression: str, alerts: Iterable[str]) -> str:
    """The same series with their place in the runbooks; Prometheus has no function for lower case."""
    for alert in alerts:
        expression = f'label_replace({expression}, "{ANCHOR}", "{alert.lower()}", "alertname", "{alert}")'
    return expression


def how_many(severity: str, state: State) -> str:
    """Alerts of an urgency about the chosen services; 0 only while Prometheus evaluates the rules."""
    return f"count({_found(state, severity)}) or {watchdog()} * 0"


def of_pipeline() -> str:
    """Alerts about the pipeline that fire or wait, and how many of each (partitions, targets)."""
    found = f"count by (alertname, alertstate, severity) ({ALERTS}{{{_OF_PIPELINE}}})"
    return f'label_join({found}, "{KEY}", "|", "alertname", "alertstate")'


def pipeline_since_ms() -> str:
    """Since when (ms) the condition of the oldest of them holds."""
    since = f"min by (alertname) ({ALERTS_SINCE}{{{_OF_PIPELINE}}})"
    states = f"max by (alertname, alertstate) ({ALERTS}{{{_OF_PIPELINE}}})"
    oldest = f"1000 * {states} * on (alertname) group_left () {since}"
    return f'max by ({KEY}) (label_join({oldest}, "{KEY}", "|", "alertname", "alertstate"))'


def pipeline_firing() -> str:
    """How many of them fire."""
    return f'count({ALERTS}{{alertstate="firing",{_OF_PIPELINE}}}) or {watchdog()} * 0'


def watchdog() -> str:
    """1 while Prometheus evaluates the rules and the alert that always fires does."""
    return f'max({ALERTS}{{alertname="{WATCHDOG}",alertstate="firing"}})'


def _found(state: State, severity: str | None = None) -> str:
    chosen = "" if severity is None else f',severity="{severity}"'
    return f'{ALERTS}{{alertstate="{state}"{chosen},{_OF_SERVICES}}}'


def _keyed(expression: str) -> str:
    return f'label_join({expression}, "{KEY}", "|", "service", "signal", "about")'


def _by_key(numbers: str, state: State) -> str:
    """Numbers by signal -> by the key alone, of the alerts in this state."""
    return f"max by ({KEY}) ({_keyed(f'({numbers}) and max by ({_SIGNAL}) ({_found(state)})')})"
