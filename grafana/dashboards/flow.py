"""The board for those who change the work: where the time goes, by step."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.models.common import BigValueTextMode
from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana import promql
from grafana.as_of import as_of
from grafana.board import FLOW, ON_CALL, OVERVIEW, PIPELINE, SERVICE, Board, service_variable, window_variable
from grafana.choices import slice_variable
from grafana.dashboards.flow_steps import place_steps, steps_told
from grafana.dashboards.flow_time import place_queue, place_time
from grafana.dashboards.service_board.now import STOCK_WINDOW
from grafana.in_words import about
from grafana.panels import Panel, number, of_unit, words
from kept.catalogue import Catalogue

HOW_TO_READ: Final = """
**Steps** are what the service's system reports of its work (`case.step`). A service whose system reports none has no
values by step; the table *Can this board speak of the steps?* then says so in words, and nothing here is broken.

**Waiting** of a step is from the end of the step before it, or from the opening, to its start. It needs only starts.
**Work** needs starts and ends. Work is not told by step, so no panel sets the two against each other by step.

**Medians do not add up.** The sum over the steps is not the whole time of a case: see *Service* for that.
"""


def board(catalogue: Catalogue) -> Dashboard:
    """The board; small numbers are those of `catalogue`."""
    made = Board(FLOW, "Where the time of a service's cases goes, by step.", time_from="now-28d", refresh="5m")
    made.variables(service_variable(), window_variable(), slice_variable())
    made.links(OVERVIEW, SERVICE, ON_CALL, PIPELINE)
    made.annotate()
    made.row(100, "Now (the whole service)")
    made.place(1, as_of(promql.SERVICE), width=5, height=6)
    made.place(2, steps_told(), width=9, height=6)
    made.place(3, _efficiency(), width=3, height=6)
    made.place(4, _queue(), width=7, height=6)
    made.row(101, "By step of the work")
    place_steps(made, catalogue)
    made.row(102, "Waiting against work ($slice)")
    place_time(made, catalogue)
    made.row(103, "The queue ($slice)")
    place_queue(made, catalogue)
    made.place(90, words("How is this board to be read?", HOW_TO_READ), width=24, height=8)
    return made.build()


def _efficiency() -> Panel:
    return number(
        "How much of the time is work? ($window)",
        "Time in which someone worked on a case, over all its time from opening to completion. The rest is waiting, "
        f"and few services have less of it than work.\n\n{about('flow_efficiency')}",
        "percentunit",
        [promql.now(f"max({promql.indicator('flow_efficiency')})", "work")],
    ).text_mode(BigValueTextMode.VALUE)


def _queue() -> Panel:
    shown = {"backlog": "open", "paused": "of them paused", "oldest_open": "oldest open", "backlog_days": "queue of"}
    panel = number(
        "How long is the queue?",
        "Open cases, those whose clock is stopped, the age of the oldest, and how long it would take to complete all "
        "that is open at the pace of the last 28 days if nothing new came.\n\n"
        f"{about('backlog', 'paused', 'oldest_open', 'backlog_days')}",
        "short",
        [promql.now(f"max({promql.indicator(name, window=STOCK_WINDOW)})", words) for name, words in shown.items()],
    )
    for name in ("oldest_open", "backlog_days"):
        panel = panel.override_by_name(shown[name], of_unit("s"))
    return panel
