"""Panels with Kept's manners: a question or claim as title, a description, a unit, gaps as gaps, colours with words.

A panel reads from one source, or from several when it compares what is now with the history.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Protocol, Self, TypeVar

from grafana_foundation_sdk.builders import common as common_builders
from grafana_foundation_sdk.builders.barchart import Panel as BarChart
from grafana_foundation_sdk.builders.stat import Panel as Stat
from grafana_foundation_sdk.builders.table import Panel as Table
from grafana_foundation_sdk.builders.text import Panel as Text
from grafana_foundation_sdk.builders.timeseries import Panel as TimeSeries
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import common, dashboard
from grafana_foundation_sdk.models.dashboard import DynamicConfigValue
from grafana_foundation_sdk.models.text import TextMode

from grafana.colours import GREY, IN_ORDER
from grafana.datasources import MIXED
from kept.durations import HOUR_MS

UNIT_OF: Final = {
    "share": "percentunit",
    "cases": "short",
    "seconds": "s",
    "days": "d",
    "points": "none",
    "money": "none",
    "money a week": "none",
}
"""Unit of a definition -> unit of Grafana. Prometheus gives days as seconds (`kept.metric_names.UNIT_SCALE`)."""
NO_VALUE: Final = "no value"
"""What a panel says when there is nothing to show: never a zero."""
_P = TypeVar("_P")
REF_IDS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Panel(Protocol):
    """What every builder of the SDK for a panel can do."""

    def id(self, id_val: int) -> Self:
        """The panel's number on its board."""

    def grid_pos(self, grid_pos: dashboard.GridPos) -> Self:
        """Where it stands."""

    def build(self) -> dashboard.Panel:
        """The panel."""


def time_chart(
    title: str,
    description: str,
    unit: str,
    queries: Sequence[Builder[Any]],
    *,
    gap_hours: float | None = 3.0,
) -> TimeSeries:
    """Lines over time. Where points are more than `gap_hours` apart the line is broken (None: only at nulls)."""
    panel = (
        TimeSeries()
        .span_nulls(False)
        .line_width(2)
        .fill_opacity(0)
        .show_points(common.VisibilityMode.AUTO)
        .legend(
            common_builders.VizLegendOptions()
            .display_mode(common.LegendDisplayMode.LIST)
            .placement(common.LegendPlacement.BOTTOM)
            .show_legend(True)
        )
        .tooltip(common_builders.VizTooltipOptions().mode(common.TooltipDisplayMode.MULTI))
    )
    if gap_hours is not None:
        panel = panel.insert_nulls(gap_hours * HOUR_MS)
    for place, (letter, query) in enumerate(zip(REF_IDS, queries, strict=False)):
        # Before the overrides of the board, which win. What the names of lines come from is known for one line alone.
        legend = str(query.build().to_json().get("legendFormat", "{{"))
        mode = "shades" if "{{" in legend or legend == "__auto" else "fixed"
        colour = IN_ORDER[place % len(IN_ORDER)]
        panel.override_by_query(
            letter, [DynamicConfigValue(id_val="color", value={"mode": mode, "fixedColor": colour})]
        )
    return _filled(panel, title, description, unit, queries)


def bars_over_time(title: str, description: str, unit: str, queries: Sequence[Builder[Any]]) -> TimeSeries:
    """Counts by day or week: a bar over the beginning of each."""
    return (
        time_chart(title, description, unit, queries, gap_hours=None)
        .draw_style(common.GraphDrawStyle.BARS)
        .fill_opacity(80)
        .decimals(0)
    )


def number(title: str, description: str, unit: str, queries: Sequence[Builder[Any]]) -> Stat:
    """The newest value of each query, large, with its name."""
    panel = (
        Stat()
        .graph_mode(common.BigValueGraphMode.NONE)
        .color_mode(common.BigValueColorMode.NONE)
        .text_mode(common.BigValueTextMode.VALUE_AND_NAME if len(queries) > 1 else common.BigValueTextMode.AUTO)
        .reduce_options(common_builders.ReduceDataOptions().calcs(["lastNotNull"]).values(False))
    )
    return _filled(panel, title, description, unit, queries)


def table(title: str, description: str, queries: Sequence[Builder[Any]], unit: str = "short") -> Table:
    """Rows; joined, named and sorted by the caller's transformations."""
    return _filled(Table().show_header(True), title, description, unit, queries)


def bars(title: str, description: str, unit: str, queries: Sequence[Builder[Any]]) -> BarChart:
    """One bar for each row of the answer."""
    return _filled(BarChart(), title, description, unit, queries)


def words(title: str, markdown: str) -> Text:
    """A text in Markdown: what a reader must know to read the board."""
    return (
        Text()
        .title(title)
        .description("What this board says, and what it does not.")
        .mode(TextMode.MARKDOWN)
        .content(markdown)
    )


def fixed_colour(colour: str) -> DynamicConfigValue:
    """An override: this colour, whatever the order of the series."""
    return DynamicConfigValue(id_val="color", value={"mode": "fixed", "fixedColor": colour})


def dashed(colour: str = GREY) -> list[DynamicConfigValue]:
    """Overrides for what is there to compare with: a target, a limit, the flattering figure."""
    return [
        fixed_colour(colour),
        DynamicConfigValue(id_val="custom.lineStyle", value={"fill": "dash", "dash": [10, 10]}),
        DynamicConfigValue(id_val="custom.lineWidth", value=1),
        DynamicConfigValue(id_val="custom.showPoints", value="never"),
    ]


def of_unit(unit: str) -> list[DynamicConfigValue]:
    """An override for a column with a unit of its own."""
    return [DynamicConfigValue(id_val="unit", value=unit)]


def _filled(panel: _P, title: str, description: str, unit: str, queries: Sequence[Builder[Any]]) -> _P:
    """Texts, unit, sources and queries, lettered in their order."""
    sources = {query.build().to_json()["datasource"].uid: query.build().to_json()["datasource"] for query in queries}
    source = next(iter(sources.values())) if len(sources) == 1 else MIXED
    if len(queries) > len(REF_IDS):
        raise ValueError(f"{title}: {len(queries)} queries; at most {len(REF_IDS)}, one for each letter")
    filled: Any = panel
    filled.title(title).description(description).unit(unit).no_value(NO_VALUE).datasource(source)
    for letter, query in zip(REF_IDS, queries, strict=False):
        filled.with_target(query.ref_id(letter))  # type: ignore[attr-defined]
    return panel
