"""How series look, as overrides: intervals, bars, dots, lines to compare with; and the order of columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar

from grafana_foundation_sdk.builders import common as common_builders
from grafana_foundation_sdk.builders.timeseries import Panel as TimeSeries
from grafana_foundation_sdk.models import common
from grafana_foundation_sdk.models.dashboard import DataTransformerConfig, DynamicConfigValue

from grafana.colours import GREY, IN_ORDER
from grafana.panels import fixed_colour

Override = list[DynamicConfigValue]
SHORT_DASHES: Final = (4, 4)
DOTS: Final = (1, 6)
_P = TypeVar("_P")


def option(name: str, value: object) -> DynamicConfigValue:
    """One override."""
    return DynamicConfigValue(id_val=name, value=value)


def line(colour: str, *, width: int = 2, dash: Sequence[int] = ()) -> Override:
    """A line of this colour; `dash` is the lengths (px) of dash and gap."""
    style = {"fill": "dash", "dash": list(dash)} if dash else {"fill": "solid"}
    return [fixed_colour(colour), option("custom.lineStyle", style), option("custom.lineWidth", width)]


def steps(colour: str = GREY, *, width: int = 1, dash: Sequence[int] = ()) -> Override:
    """A line that holds for the time before each point, without dots."""
    return [
        *line(colour, width=width, dash=dash),
        option("custom.lineInterpolation", "stepBefore"),
        option("custom.showPoints", "never"),
    ]


def dots(colour: str) -> Override:
    """Large dots without a line."""
    return [
        fixed_colour(colour),
        option("custom.drawStyle", "points"),
        option("custom.pointSize", 12),
        option("custom.showPoints", "always"),
    ]


def bar(colour: str, *, stacked: bool = False) -> Override:
    """Bars; `stacked` upon each other in the order of the columns."""
    shown = [
        fixed_colour(colour),
        option("custom.drawStyle", "bars"),
        option("custom.fillOpacity", 70),
        option("custom.lineWidth", 0),
    ]
    return [*shown, option("custom.stacking", {"mode": "normal", "group": "A"})] if stacked else shown


def between(panel: TimeSeries, low: str, high: str, colour: str) -> TimeSeries:
    """What lies between two columns, as a pale band without edges."""
    edge = [fixed_colour(colour), option("custom.lineWidth", 0), option("custom.showPoints", "never")]
    panel = panel.override_by_name(low, edge)
    return panel.override_by_name(high, [*edge, option("custom.fillBelowTo", low), option("custom.fillOpacity", 18)])


def in_colours(panel: TimeSeries, names: Sequence[str]) -> TimeSeries:
    """Each column a line of its own colour, in the order in which colours are easiest told apart."""
    for name, colour in zip(names, IN_ORDER, strict=False):
        panel = panel.override_by_name(name, line(colour))
    return panel


def newest_in_legend(panel: TimeSeries) -> TimeSeries:
    """The newest value of each line beside its name, so that no colour has to be read."""
    return panel.legend(
        common_builders.VizLegendOptions()
        .display_mode(common.LegendDisplayMode.LIST)
        .placement(common.LegendPlacement.BOTTOM)
        .calcs(["lastNotNull"])
        .show_legend(True)
    )


def in_order(
    panel: _P, names: Sequence[str], renamed: Mapping[str, str] | None = None, left_out: Sequence[str] = ()
) -> _P:
    """The columns in this order, some with other names; those of `left_out` are not shown."""
    options: dict[str, Any] = {
        "excludeByName": dict.fromkeys(left_out, True),
        "indexByName": {name: place for place, name in enumerate(names)},
        "renameByName": dict(renamed or {}),
    }
    filled: Any = panel
    filled.with_transformation(DataTransformerConfig(id_val="organize", options=options))
    return panel
