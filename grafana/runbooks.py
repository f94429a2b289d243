"""Ways from a panel to the section of docs/runbooks.md that says what to do.

Where people read that page differs from place to place: it is the value of a hidden variable of the board.
"""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.models import dashboard

VARIABLE: Final = "runbooks"
RUNBOOKS: Final = "/public/kept/runbooks.md"
"""Where the page is by default: Grafana hands out the files of its folder `public` under this path."""


def runbooks_variable(address: str = RUNBOOKS) -> builders.ConstantVariable:
    """The address of docs/runbooks.md, for `runbook`."""
    return builders.ConstantVariable(VARIABLE).label("Runbooks").value(address)


def runbook(alert: str) -> builders.DashboardLink:
    """A link to the section of an alert; the board needs `runbooks_variable`."""
    return (
        builders.DashboardLink(f"What to do at {alert}")
        .type(dashboard.DashboardLinkType.LINK)
        .url(f"${{{VARIABLE}:raw}}#{alert.lower()}")
        .target_blank(True)
    )
