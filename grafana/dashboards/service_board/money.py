"""What the work costs, and what of it is waste; what is modelled and what was booked are never in one panel."""

from __future__ import annotations

from typing import Final

from grafana.board import Board
from grafana.colours import BLUE, GREEN, GREY, ORANGE, PURPLE
from grafana.flux_parts import MATURE
from grafana.in_words import about, money_unit
from grafana.looks import SHORT_DASHES, line, newest_in_legend
from grafana.over_time import lines
from grafana.panels import Panel, time_chart
from kept.catalogue import Catalogue

PER_CASE: Final = {"cost_per_outcome": "per intended outcome", "cost_per_transaction": "per completion of any kind"}
MODELLED: Final = {
    "cost_of_waste_rework_modelled": "rework, modelled",
    "cost_of_waste_failure_demand_modelled": "failure demand, modelled",
    "cost_of_waste_wrong_channel_modelled": "wrong channel, modelled",
}
BOOKED: Final = {
    "cost_of_waste_rework_booked": "rework, booked",
    "cost_of_waste_failure_demand_booked": "failure demand, booked",
}
_COLOURS: Final = (BLUE, ORANGE, GREEN, PURPLE)


def place(board: Board, catalogue: Catalogue) -> None:
    """The panels of the row."""
    board.place(40, _per_case(catalogue), width=8, height=10)
    board.place(41, _waste(catalogue, MODELLED, "modelled at the catalogue's rates", _MODELLED), width=8, height=10)
    board.place(42, _waste(catalogue, BOOKED, "as it was booked", _BOOKED), width=8, height=10)


_MODELLED: Final = (
    "Counts of repeated steps, avoidable contacts and assisted completions, times the rates that the catalogue "
    "states. It is as good as these rates. Never add it to what was booked: the same work would count twice."
)
_BOOKED: Final = (
    "Costs that were booked as rework or for failure demand. What nobody books is not here. Never add it to what is "
    "modelled: the same work would count twice."
)


def _per_case(catalogue: Catalogue) -> Panel:
    panel = time_chart(
        "What does a result cost, and how much of it is waste? (28 d, or 90 d where chosen)",
        "All cost booked, over completions with the intended outcome; in grey dashes over completions of any kind. "
        "The gap is money spent on what was rejected, withdrawn or done twice. The currency is in the legend.\n\n"
        f"{about('cost_per_outcome', 'cost_per_transaction')}",
        money_unit(catalogue),
        [lines(catalogue, PER_CASE, MATURE, currency_of=catalogue)],
        gap_hours=None,
    )
    outcome, transaction = PER_CASE.values()
    panel = panel.override_by_regexp(f"/^{outcome}/", line(BLUE))
    panel = panel.override_by_regexp(f"/^{transaction}/", line(GREY, dash=SHORT_DASHES))
    return newest_in_legend(panel.axis_label("money a case").axis_soft_min(0).decimals(2))


def _waste(catalogue: Catalogue, shown: dict[str, str], how: str, said: str) -> Panel:
    panel = time_chart(
        f"What does waste cost a week, {how}?",
        f"{said}\n\n{about(*shown)}",
        money_unit(catalogue),
        [lines(catalogue, shown, MATURE, currency_of=catalogue)],
        gap_hours=None,
    )
    for name, colour in zip(shown.values(), _COLOURS, strict=False):
        panel = panel.override_by_regexp(f"/^{name}/", line(colour))
    return newest_in_legend(panel.axis_label("money a week").axis_soft_min(0).decimals(0))
