"""The promise by area, channel and category; and what of the service is not known, with the reason."""

from __future__ import annotations

from typing import Final

from grafana import newest
from grafana.board import SERVICE, Board
from grafana.flux_parts import WINDOW
from grafana.in_words import about
from grafana.looks import in_order, option
from grafana.panels import Panel, of_unit, table
from kept.catalogue import Catalogue
from kept.indicators.definitions import DEFINITIONS

SHOWN: Final = {"value": "kept, of all that fell due", "low": "95 % from", "high": "95 % to", "n": "cases due"}
TO_SLICE: Final = (
    f"/d/{SERVICE}?var-service=${{service}}&var-window=${{window}}"
    "&var-slice=${__data.fields.slice:percentencode}&${__url_time_range}"
)


def place(board: Board, catalogue: Catalogue) -> None:
    """The panels of the row."""
    board.place(70, _promise(catalogue), width=14, height=12)
    board.place(80, _unknown(), width=10, height=12)


def _promise(catalogue: Catalogue) -> Panel:
    panel = table(
        "Which slices miss the promise most? ($window)",
        "The newest values by area, channel and category, the lowest first. Slices of few cases go up and down by "
        "chance: look at the interval before the order. Slices overlap: a case has an area, a channel and a "
        "category. Of slices with too few people no number is shown. Click on one to see it on this board.\n\n"
        f"{about('promise_kept')}",
        [newest.by_slice(catalogue, "promise_kept", SHOWN)],
        "percentunit",
    )
    panel = panel.override_by_name("slice", [option("links", [{"title": "This slice", "url": TO_SLICE}])])
    panel = panel.override_by_name(SHOWN["n"], of_unit("none"))
    return in_order(panel, ["slice", *SHOWN.values(), "remark"])


def _unknown() -> Panel:
    names = {definition.name: definition.name.replace("_", " ") for definition in DEFINITIONS}
    panel = table(
        "What is not known, and why? ($slice, $window)",
        "Indicators that have no value now. Not applicable: there is nothing to tell in this window. Not provided: the "
        "service's system does not tell what it is made of. A panel above that shows no value has its reason here, "
        "but what has too few people, which has a value that is not shown.",
        [newest.why_unknown(names, WINDOW)],
    ).no_value("everything that is published has a value")
    return in_order(panel, ["what", "state", "why"])
