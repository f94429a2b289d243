"""The board for …"""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana import promql
from grafana.board import ON_CALL, Board, service_variable, window_variable
from grafana.panels import number
from kept.catalogue import Catalogue


def board(catalogue: Catalogue) -> Dashboard:
    """The board."""
    made = Board(ON_CALL, "…", time_from="now-28d", refresh="1m")
    made.variables(service_variable(), window_variable())
    made.annotate()
    made.row(100, "Now")
    made.place(
        1,
        number("Is the promise kept?", "…", "percentunit", [promql.now(promql.indicator("promise_kept"))]),
        width=6,
        height=4,
    )
    return made.build()
