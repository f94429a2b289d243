"""Ways from a panel to the section of docs/runbooks.md that says what to do.

Where people read that page differs from place to place: it is the value of a variable of the board.
"""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.models import dashboard

VARIABLE: Final = "runbooks"
RUNBOOKS: Final = "docs/runbooks.md"
"""The default: that of `kept rules generate`."""


def runbooks_variable(address: str = RUNBOOKS) -> builders.TextBoxVariable:
    """Where docs/runbooks.md can be read; `#` and an alert's name in lower case are put after it."""
    return builders.TextBoxVariable(VARIABLE).label("Runbooks at").default_value(address)


def runbook(alert: str) -> builders.DashboardLink:
    """A link to the section of an alert; the board needs `runbooks_variable`."""
    return (
        builders.DashboardLink(f"What to do at {alert}")
        .type(dashboard.DashboardLinkType.LINK)
        .url(f"${{{VARIABLE}:raw}}#{alert.lower()}")
        .target_blank(True)
    )
