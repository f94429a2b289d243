"""A chart of the few series that matter most among many: numbered in the legend, each number a colour of its own.

So colours are those that everyone tells apart, whoever has them today, and the legend is in order.
"""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders.timeseries import Panel as TimeSeries

from grafana.colours import IN_ORDER
from grafana.flux import text
from grafana.panels import fixed_colour

LINES: Final = len(IN_ORDER)
NAME: Final = "name"
"""The group of a line, by which it is called: `1. Parking permits`."""


def numbered(of: str, by: str) -> str:
    """Flux: the `LINES` rows that have most of the column `by`, largest first, with `number` from 1."""
    return (
        f"{of}  |> top(n: {LINES}, columns: [{text(by)}])\n"
        "  |> map(fn: (r) => ({r with number: 1})) |> cumulativeSum(columns: [\"number\"])\n"
    )  # fmt: skip


def called(name: str) -> str:
    """A Flux expression: what the line of a row is called; `name` is one too."""
    return f'string(v: r.number) + ". " + {name}'


def in_colours(panel: TimeSeries) -> TimeSeries:
    """The colours of the numbers."""
    panel = panel.display_name(f"${{__field.labels.{NAME}}}")
    for number, colour in enumerate(IN_ORDER, start=1):
        panel = panel.override_by_regexp(f"/^{number}\\. /", [fixed_colour(colour)])
    return panel
