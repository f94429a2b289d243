"""Panels about the pipeline itself: live series from Prometheus, thresholds of the alerts as named lines, runbooks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.builders.stat import Panel as Stat
from grafana_foundation_sdk.builders.timeseries import Panel as TimeSeries
from grafana_foundation_sdk.models import common, dashboard

from grafana import promql
from grafana.board import COLUMNS, Board
from grafana.colours import BLUE, VERMILLION
from grafana.panels import dashed, number, time_chart
from grafana.runbooks import runbook
from kept.metric_names import Metric

PER = "$__rate_interval"
_ANY = 1e15
"""Bounds of every number: a range without bounds is read in different ways by different releases."""


class Limit(NamedTuple):
    """A threshold of an alert: where the line is drawn and what it is called."""

    value: float
    words: str


def chart(
    title: str,
    description: str,
    unit: str,
    queries: Sequence[Dataquery],
    *,
    alerts: Sequence[str] = (),
    limits: Sequence[Limit] = (),
) -> TimeSeries:
    """Lines over time, those of `limits` dashed and named; `alerts` are those whose runbooks it links to."""
    lines = [promql.over_time(f"vector({limit.value:g})", limit.words) for limit in limits]
    # Prometheus says how far apart its points are: a scrape that failed is a gap without being told.
    panel = time_chart(title, description, unit, [*queries, *lines], gap_hours=None)
    for limit in limits:
        panel = panel.override_by_name(limit.words, dashed(VERMILLION))
    return panel.axis_soft_min(0).links([runbook(alert) for alert in alerts])


def third(
    board: Board,
    panel: int,
    title: str,
    description: str,
    unit: str,
    queries: Sequence[Dataquery],
    *,
    alerts: Sequence[str] = (),
    limits: Sequence[Limit] = (),
) -> None:
    """Put a `chart` next on the board as panel number `panel`, a third of a row wide."""
    lines = chart(title, description, unit, queries, alerts=alerts, limits=limits)
    board.place(panel, lines, width=COLUMNS // 3, height=7)


def state(
    title: str,
    description: str,
    unit: str,
    queries: Sequence[Dataquery],
    *,
    alerts: Sequence[str] = (),
    all_well: Mapping[int, str] | None = None,
) -> Stat:
    """The newest value; a value in `all_well` is said in these words, every other one is a number in vermillion."""
    panel = number(title, description, unit, queries).links([runbook(alert) for alert in alerts])
    if all_well is None:
        return panel
    words = {str(value): dashboard.ValueMappingResult(text=said, color=BLUE) for value, said in all_well.items()}
    other = dashboard.DashboardRangeMapOptions(
        from_val=-_ANY, to=_ANY, result=dashboard.ValueMappingResult(color=VERMILLION)
    )
    panel = panel.color_mode(common.BigValueColorMode.VALUE)
    return panel.mappings([dashboard.ValueMap(options=words), dashboard.RangeMap(options=other)])


def rate(metric: Metric, by: str = "", **labels: str) -> str:
    """How much a counter rises in a second, summed over its series, or for each value of the labels `by`."""
    return summed(f"rate({promql.series(metric, **labels)}[{PER}])", by)


def increase(metric: Metric, window: str, by: str = "", **labels: str) -> str:
    """How much a counter rose within `window`, summed likewise."""
    return summed(f"increase({promql.series(metric, **labels)}[{window}])", by)


def summed(expression: str, by: str = "") -> str:
    """The sum of all series, or of those that agree in the labels `by`."""
    return f"sum by ({by}) ({expression})" if by else f"sum({expression})"
