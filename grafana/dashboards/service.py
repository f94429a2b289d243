"""The board for one service: is its promise kept, what do people wait for, what does it cost, and what has changed."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana.board import FLOW, ON_CALL, OVERVIEW, PIPELINE, SERVICE, Board, service_variable, window_variable
from grafana.choices import charted_variable, slice_variable
from grafana.dashboards.service_board import chart, delivery, money, now, people, promise, queue, slices
from grafana.panels import words
from grafana.runbooks import runbooks_variable
from kept.catalogue import Catalogue

HOW_TO_READ: Final = """
**Whole service or one slice.** *Now* and the control charts speak of the whole service, the rest of the slice chosen
above. Where a slice tells of fewer people than its catalogue entry allows (5 if it does not say), nothing is shown.

**What is still open counts.** Figures of closed cases alone leave out who still waits, and look better the longer they
wait. Here they are drawn in grey dashes, only beside the figure that counts open cases too.

**A gap is a gap.** Where a line is broken nothing was known; *no value* is never zero. The last row says why.

**Windows.** A point tells of the window that ends there. Delivery time needs openings of four weeks, cost of a week or
four: they take the nearest window that is long enough.

**Bands** are 95 % intervals: two values whose bands overlap widely may well be the same.
"""


def board(catalogue: Catalogue) -> Dashboard:
    """The board; small numbers and currencies are those of `catalogue`."""
    made = Board(
        SERVICE, "One service: its promise, its queue, its cost, its people.", time_from="now-26w", refresh="5m"
    )
    made.variables(service_variable(), window_variable(), slice_variable(), charted_variable(), runbooks_variable())
    made.links(OVERVIEW, FLOW, ON_CALL, PIPELINE)
    made.annotate()
    made.row(100, "Now (the whole service)")
    now.place(made, catalogue)
    made.row(101, "The promise ($slice)")
    promise.place(made, catalogue)
    made.row(102, "How long people wait ($slice)")
    delivery.place(made, catalogue)
    made.row(103, "The queue ($slice)")
    queue.place(made, catalogue)
    made.row(104, "What it costs ($slice)")
    money.place(made, catalogue)
    made.row(105, "What people say, and whether it was right the first time ($slice)")
    people.place(made, catalogue)
    made.row(106, "Usual ups and downs, or more? (the whole service, by week)")
    chart.place(made, catalogue)
    made.row(107, "Where, how and for what the promise is missed")
    slices.place(made, catalogue)
    made.place(90, words("How is this board to be read?", HOW_TO_READ), width=24, height=9)
    return made.build()
