"""The queue: how old what is open is, and whether completions keep up with arrivals."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders.timeseries import Panel as TimeSeries

from grafana.board import Board
from grafana.colours import BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, VERMILLION, YELLOW
from grafana.in_words import about
from grafana.looks import SHORT_DASHES, bar, in_order, line, newest_in_legend, steps
from grafana.over_time import lines
from grafana.panels import Panel, time_chart
from kept.catalogue import Catalogue
from kept.indicators.definitions import AGE_BANDS

HOURLY: Final = '"7d"'
"""Stocks are the same under every window; under this one there is a point for every hour."""
BAND_COLOURS: Final = (SKY, BLUE, GREEN, YELLOW, ORANGE, VERMILLION)
FLOWS: Final = {"arrivals": "arrivals", "completions": "completions"}
NET: Final = "net flow"
STOCKS: Final = {"backlog": "open", "paused": "of them paused"}


def band_words(low: int, high: int | None) -> str:
    """What a band of ages is called: `3 to 7 d`."""
    return f"over {low} d" if high is None else f"{low} to {high} d"


BANDS: Final = {f"backlog_age_{name}": band_words(low, high) for name, low, high in AGE_BANDS}
"""Indicator -> name, the youngest first."""


def place(board: Board, catalogue: Catalogue) -> None:
    """The panels of the row."""
    board.place(30, _ages(catalogue), width=12, height=10)
    board.place(31, backlog(catalogue), width=12, height=10)
    board.place(32, _flows(catalogue), width=12, height=9)
    board.place(33, net_flow(catalogue), width=12, height=9)


def _ages(catalogue: Catalogue) -> Panel:
    panel = time_chart(
        "How old is what is open?",
        "Open cases by their age, the youngest at the bottom. A queue that is served in turn has little at the top; "
        f"what grows there is left lying.\n\n{about('backlog_age_over_90d')}",
        "short",
        [lines(catalogue, BANDS, HOURLY)],
        gap_hours=None,
    )
    for name, colour in zip(BANDS.values(), BAND_COLOURS, strict=True):
        panel = panel.override_by_name(name, bar(colour, stacked=True))
    return in_order(newest_in_legend(panel.axis_label("cases")), ["_time", *BANDS.values()])


def backlog(catalogue: Catalogue) -> TimeSeries:
    """How many cases are open."""
    panel = time_chart(
        "Does the queue grow?",
        f"Cases that are open, and those of them whose clock is stopped.\n\n{about('backlog', 'paused')}",
        "short",
        [lines(catalogue, STOCKS, HOURLY)],
        gap_hours=None,
    )
    panel = panel.override_by_name(STOCKS["backlog"], line(BLUE))
    panel = panel.override_by_name(STOCKS["paused"], line(PURPLE, dash=SHORT_DASHES))
    return newest_in_legend(panel.axis_label("cases").axis_soft_min(0))


def _flows(catalogue: Catalogue) -> Panel:
    panel = time_chart(
        "Do completions keep up with arrivals? (24 h before each point, last 3 weeks)",
        "Cases opened and cases completed within the 24 hours before each point: the week's rhythm can be seen. "
        f"Compare a Monday with Mondays.\n\n{about('arrivals', 'completions')}",
        "short",
        [lines(catalogue, FLOWS, '"24h"')],
        gap_hours=None,
    )
    panel = panel.override_by_name(FLOWS["arrivals"], steps(ORANGE, width=2, dash=SHORT_DASHES))
    panel = panel.override_by_name(FLOWS["completions"], steps(BLUE, width=2))
    return newest_in_legend(panel.axis_label("cases in 24 hours").axis_soft_min(0).time_from("3w"))


def net_flow(catalogue: Catalogue) -> TimeSeries:
    """Whether more comes in than goes out, by whole weeks."""
    panel = time_chart(
        "Does more come in than goes out? (7 d before each point)",
        "Arrivals less completions within the 7 days before each point, so that every weekday is in each: above zero "
        f"the queue grows. Withdrawals and reopenings are in the backlog, not here.\n\n{about('net_flow')}",
        "short",
        [lines(catalogue, {**FLOWS, "net_flow": NET}, '"7d"')],
        gap_hours=None,
    )
    panel = panel.override_by_name(NET, bar(GREY))
    panel = panel.override_by_name(FLOWS["arrivals"], line(ORANGE, dash=SHORT_DASHES))
    panel = panel.override_by_name(FLOWS["completions"], line(BLUE))
    return newest_in_legend(panel.axis_label("cases in 7 days"))
