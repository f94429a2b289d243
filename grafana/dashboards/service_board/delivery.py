"""How long people wait: percentiles that count who still waits, and the customary ones of closed cases beside them."""

from __future__ import annotations

from typing import Final

from grafana.board import Board
from grafana.colours import BLUE, GREY, ORANGE
from grafana.flux_parts import MATURE
from grafana.in_words import about
from grafana.looks import DOTS, SHORT_DASHES, in_colours, line, newest_in_legend
from grafana.over_time import lines
from grafana.panels import Panel, time_chart
from kept.catalogue import Catalogue

PERCENTILES: Final = {"p50": "half", "p75": "3 in 4", "p90": "9 in 10", "p95": "19 in 20"}
_COLOURS: Final = (BLUE, ORANGE)
_DASHES: Final = (SHORT_DASHES, DOTS)


def place(board: Board, catalogue: Catalogue) -> None:
    """The panels of the row."""
    board.place(20, _percentiles(catalogue), width=24, height=9)
    board.place(21, _against_closed(catalogue, "p50", "p90"), width=12, height=10)
    board.place(22, _against_closed(catalogue, "p75", "p95"), width=12, height=10)


def _percentiles(catalogue: Catalogue) -> Panel:
    shown = {f"delivery_time_{name}": f"{words} are served within" for name, words in PERCENTILES.items()}
    panel = time_chart(
        "Within what time are people served? (openings of 28 d, or 90 d where chosen)",
        "Kaplan-Meier percentiles of the cases opened in the window; who still waits counts as far as they have "
        "waited. A line ends where too many cases are still open to say: it is never extrapolated.\n\n"
        f"{about('delivery_time_p50')}",
        "s",
        [lines(catalogue, shown, MATURE)],
        gap_hours=None,
    )
    return newest_in_legend(in_colours(panel, list(shown.values())).axis_label("time since opening").axis_soft_min(0))


def _against_closed(catalogue: Catalogue, *percentiles: str) -> Panel:
    all_cases = {f"delivery_time_{name}": f"{PERCENTILES[name]}, open cases counted" for name in percentiles}
    closed = {f"delivery_time_closed_{name}": f"{PERCENTILES[name]}, closed only (flatters)" for name in percentiles}
    said = " and ".join(PERCENTILES[name] for name in percentiles)
    panel = time_chart(
        f"The gap is what open cases hide: time until {said} are served",
        "Lines: cases opened in the window, who still waits counted (Kaplan-Meier). Grey dashes of the same "
        "percentiles: cases closed in the window only, as most dashboards show them. Where the dashes lie lower, "
        "slow cases are open still; where they lie higher, old ones are being cleared.\n\n"
        f"{about(f'delivery_time_{percentiles[0]}', f'delivery_time_closed_{percentiles[0]}')}",
        "s",
        [lines(catalogue, all_cases, MATURE), lines(catalogue, closed, MATURE)],
        gap_hours=None,
    )
    for name, colour in zip(all_cases.values(), _COLOURS, strict=True):
        panel = panel.override_by_name(name, line(colour))
    for name, dash in zip(closed.values(), _DASHES, strict=True):
        panel = panel.override_by_name(name, line(GREY, dash=dash))
    return newest_in_legend(panel.axis_label("time since opening").axis_soft_min(0))
