"""What readers of a service's boards choose beside service and window: a slice, an indicator that is charted."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.models import dashboard

from grafana.datasources import INFLUXDB
from grafana.flux import SERVICE, text
from grafana.newest import MARGIN, STEP
from history.chart_lines import CHARTS
from history.line_protocol import POINTS, WHOLE_SERVICE

FIRST_CHART: Final = "promise_kept"


def slice_variable() -> builders.QueryVariable:
    """Which slice: the whole service first, then what the history has of it; single steps are on the board Flow, and
    places around the due on the page of checks."""
    return _values(
        "slice",
        "Slice",
        WHOLE_SERVICE,
        f"r._measurement == {text(POINTS)} and r.service == {SERVICE}",
        f" |> filter(fn: (r) => not strings.hasPrefix(v: r._value, prefix: {text(STEP)})"
        f" and not strings.hasPrefix(v: r._value, prefix: {text(MARGIN)}))",
    )


def charted_variable() -> builders.QueryVariable:
    """Which control chart: those the service has, that of the promise first."""
    return _values(
        "charted", "Control chart", FIRST_CHART, f"r._measurement == {text(CHARTS)} and r.service == {SERVICE}"
    )


def _values(name: str, label: str, first: str, where: str, more: str = "") -> builders.QueryVariable:
    tag = "slice" if name == "slice" else "indicator"
    query = (
        'import "influxdata/influxdb/schema"\nimport "strings"\n\n'
        f"schema.tagValues(bucket: v.defaultBucket, tag: {text(tag)}, predicate: (r) => {where}, start: "
        f"v.timeRangeStart)\n {more}"
        f" |> map(fn: (r) => ({{r with rank: if r._value == {text(first)} then 0 else 1}}))"
        ' |> sort(columns: ["rank", "_value"]) |> keep(columns: ["_value"])'
    )
    return (
        builders.QueryVariable(name)
        .label(label)
        .datasource(INFLUXDB)
        .query(query)
        .current(dashboard.VariableOption(text=first, value=first, selected=True))
        .refresh(dashboard.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(dashboard.VariableSort.DISABLED)
        .allow_custom_value(False)
        .multi(False)
        .include_all(False)
    )
