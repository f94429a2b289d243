"""The promise over time: the due cohort against its target, and who is next to be let down."""

from __future__ import annotations

from typing import Final

from grafana import promql
from grafana.board import Board
from grafana.colours import BLUE, GREY, ORANGE, VERMILLION
from grafana.in_words import about
from grafana.looks import DOTS, between, line, newest_in_legend
from grafana.over_time import Interval, lines, with_interval
from grafana.panels import Panel, time_chart
from kept import metric_names as names
from kept.catalogue import Catalogue

KEPT: Final = Interval("kept, of all that fell due", "95 % from", "95 % to")
CLOSED: Final = "of closed cases only (flatters)"
TARGET: Final = "target"
STOCKS: Final = {"overdue": "overdue", "at_risk": "at risk"}
STOCK_WINDOW: Final = "7d"
"""Stocks are the same under every window; under this one there is a point for every hour."""


def place(board: Board, catalogue: Catalogue) -> None:
    """The panels of the row."""
    board.place(10, _due_cohort(catalogue), width=14, height=10)
    board.place(11, _stocks(catalogue), width=10, height=10)


def target() -> str:
    """PromQL: the target as it is promised today, for the whole time range."""
    return f"max({promql.series(names.PROMISE_TARGET, service=promql.SERVICE)} @ end())"


def _due_cohort(catalogue: Catalogue) -> Panel:
    panel = time_chart(
        "Does the promise hold for the share it was made for? ($window)",
        "Each point tells of the cases that fell due in the window that ends there: the share completed in time, "
        "with its 95 % interval. The dashed line is the target as it is promised today, its figure in the legend. "
        "The grey dots are what one would see of closed cases alone: the gap is late and still open.\n\n"
        f"{about('promise_kept', 'promise_kept_closed')}",
        "percentunit",
        [
            with_interval(catalogue, "promise_kept", KEPT),
            lines(catalogue, {"promise_kept_closed": CLOSED}),
            promql.over_time(target(), TARGET),
        ],
        gap_hours=None,
    )
    panel = between(panel, KEPT.low, KEPT.high, BLUE).override_by_name(KEPT.value, line(BLUE))
    panel = panel.override_by_name(CLOSED, line(GREY, dash=DOTS)).override_by_name(TARGET, line(GREY, dash=(12, 6)))
    return newest_in_legend(panel.axis_label("share of cases").axis_soft_max(1))


def _stocks(catalogue: Catalogue) -> Panel:
    panel = time_chart(
        "Are more people kept waiting beyond the promise?",
        "Open cases past their due, and those that soon will be: less than a fifth of the promised time is left. At "
        f"risk is a warning, not a failure.\n\n{about('overdue', 'at_risk')}",
        "short",
        [lines(catalogue, STOCKS, f'"{STOCK_WINDOW}"')],
        gap_hours=None,
    )
    panel = panel.override_by_name(STOCKS["overdue"], line(VERMILLION))
    panel = panel.override_by_name(STOCKS["at_risk"], line(ORANGE, dash=(8, 4)))
    return newest_in_legend(panel.axis_label("cases").axis_soft_min(0))
