"""The rows of the board Flow about whole cases: waiting against work, and the queue."""

from __future__ import annotations

from typing import Final

from grafana.board import Board
from grafana.colours import BLUE, GREY, ORANGE, VERMILLION
from grafana.dashboards.service_board.queue import HOURLY, backlog, net_flow
from grafana.in_words import about
from grafana.looks import bar, in_order, line, newest_in_legend
from grafana.over_time import lines, parts
from grafana.panels import Panel, time_chart
from kept.catalogue import Catalogue
from kept.indicators.reasons import REASONS

WORK, WAITING = "work", "waiting"
NO_TIMES: Final = f"no value: {REASONS['no_step_times']}, or {REASONS['no_steps']}"
AGES: Final = {"oldest_open": "age of the oldest open case", "backlog_days": "days to complete all that is open"}


def place_time(board: Board, catalogue: Catalogue) -> None:
    """Waiting against work."""
    board.place(20, _parts(catalogue), width=14, height=10)
    board.place(21, _efficiency(catalogue), width=10, height=10)


def place_queue(board: Board, catalogue: Catalogue) -> None:
    """The queue."""
    board.place(30, backlog(catalogue), width=8, height=9)
    board.place(31, net_flow(catalogue), width=8, height=9)
    board.place(32, _ages(catalogue), width=8, height=9)


def _parts(catalogue: Catalogue) -> Panel:
    panel = time_chart(
        "Where does the time go: work, or waiting? ($window)",
        "The time of all cases completed in the window for which work was recorded, from opening to completion, "
        "split into work (the union of each case's steps) and what is left. Work is at the bottom.\n\n"
        f"{about('flow_efficiency')}",
        "s",
        [parts(catalogue, "flow_efficiency", WORK, WAITING)],
        gap_hours=None,
    )
    panel = panel.override_by_name(WORK, bar(BLUE, stacked=True)).override_by_name(WAITING, bar(GREY, stacked=True))
    panel = newest_in_legend(panel.no_value(NO_TIMES).axis_label("time of all these cases").axis_soft_min(0))
    return in_order(panel, ["_time", WORK, WAITING])


def _efficiency(catalogue: Catalogue) -> Panel:
    panel = time_chart(
        "What share of the time is work? ($window)",
        f"Work over all the time from opening to completion.\n\n{about('flow_efficiency')}",
        "percentunit",
        [lines(catalogue, {"flow_efficiency": WORK})],
        gap_hours=None,
    )
    panel = panel.override_by_name(WORK, line(BLUE)).no_value(NO_TIMES)
    return newest_in_legend(panel.axis_label("share of the time").axis_soft_min(0))


def _ages(catalogue: Catalogue) -> Panel:
    panel = time_chart(
        "Is the oldest case left lying, and how many days of work wait?",
        "Both in days. The age of the oldest open case, and how long all that is open would take at the pace of the "
        f"last 28 days.\n\n{about(*AGES)}",
        "d",
        [lines(catalogue, AGES, HOURLY)],
        gap_hours=None,
    )
    panel = panel.override_by_name(AGES["oldest_open"], line(VERMILLION))
    panel = panel.override_by_name(AGES["backlog_days"], line(ORANGE, dash=(8, 4)))
    return newest_in_legend(panel.axis_label("days").axis_soft_min(0))
