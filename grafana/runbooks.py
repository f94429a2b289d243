"""Ways from a panel to the section of docs/runbooks.md that says what to do.

Where people read that page differs from place to place: it is the value of a variable of the board.
"""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.models import dashboard

RUNBOOKS: Final = "runbooks"
"""The variable with the address of the runbooks."""
RUNBOOKS_AT: Final = "docs/runbooks.md"
"""Its default: that of `kept rules generate`."""


def runbooks_variable() -> builders.TextBoxVariable:
    """Where docs/runbooks.md can be read; `#` and an alert's name in lower case are put after it."""
    return builders.TextBoxVariable(RUNBOOKS).label("Runbooks at").default_value(RUNBOOKS_AT)


def runbook(alert: str) -> builders.DashboardLink:
    """A link to the section of an alert; the board needs `runbooks_variable`."""
    return (
        builders.DashboardLink(f"What to do at {alert}")
        .type(dashboard.DashboardLinkType.LINK)
        .url(f"${{{RUNBOOKS}:raw}}#{alert.lower()}")
        .target_blank(True)
    )


def with_runbooks_at(address: str, board: dashboard.Dashboard) -> dashboard.Dashboard:
    """The same board, its runbooks at `address` when it leads to any."""
    for variable in (board.templating.list_val if board.templating is not None else None) or []:
        if variable.name == RUNBOOKS:
            variable.query = address
            variable.current = dashboard.VariableOption(text=address, value=address, selected=True)
    return board
