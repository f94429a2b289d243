"""PromQL for panels.

Metrics and labels come from the closed set of names, so that a rename breaks here and not on a board.
"""

from __future__ import annotations

from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from grafana.datasources import PROMETHEUS
from kept.metric_names import INDICATOR_METRICS, Metric

PROMETHEUS_LABELS = frozenset({"job", "instance"})
"""Put on every series when it is scraped."""
SERVICE = "$service"
WINDOW = "$window"
"""Grafana's variables."""


def series(metric: Metric, **labels: str) -> str:
    """A selector: `name{label="value",...}`; a value that begins with `=` or `!` brings its own operator (`=~"a|b"`).

    Raises `ValueError` for a label that the metric does not have.
    """
    known = {*metric.labels, *PROMETHEUS_LABELS}
    if unknown := sorted(set(labels) - known):
        raise ValueError(f"{metric.name} has no label {unknown[0]!r}; it has {', '.join(sorted(known))}")
    chosen = ",".join(
        f"{label}{value}" if value[:1] in {"=", "!"} else f'{label}="{value}"' for label, value in labels.items()
    )
    return f"{metric.name}{{{chosen}}}" if chosen else metric.name


def indicator(name: str, *, window: str = WINDOW, service: str | None = SERVICE) -> str:
    """The selector of an indicator of whole services; `service` None means all.

    Raises `KeyError` for an unknown indicator.
    """
    labels = {"window": window} if service is None else {"service": service, "window": window}
    return series(INDICATOR_METRICS[name], **labels)


def over_time(expression: str, legend: str = "__auto") -> Dataquery:
    """A query whose answer is drawn over the board's time range."""
    return Dataquery().expr(expression).range().legend_format(legend).datasource(PROMETHEUS)


def now(expression: str, legend: str = "__auto") -> Dataquery:
    """A query for the newest value."""
    return Dataquery().expr(expression).instant().legend_format(legend).datasource(PROMETHEUS)


def rows(expression: str) -> Dataquery:
    """A query for the newest values as rows of a table, one for each series, its labels as columns."""
    return Dataquery().expr(expression).instant().format(PromQueryFormat.TABLE).datasource(PROMETHEUS)
