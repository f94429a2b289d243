"""A board as Grafana reads it: its panels by number, and what their queries name."""

from __future__ import annotations

import re
from typing import Any

from grafana_foundation_sdk.models.dashboard import Dashboard

from tests.grafana.panels_of import panels

Panels = dict[int, dict[str, Any]]
_INDICATOR = re.compile(r'r\.indicator == "([a-z0-9_]+)"')


def panels_of(board: Dashboard) -> Panels:
    """Panels by number, rows left out."""
    return {number: panel for number, panel in panels(board).items() if panel["type"] != "row"}


def queries(panel: dict[str, Any]) -> list[str]:
    """The texts of a panel's queries, of either source."""
    return [target.get("query", target.get("expr")) for target in panel.get("targets", [])]


def flux(panel: dict[str, Any]) -> list[str]:
    """Those for the history."""
    return [target["query"] for target in panel.get("targets", []) if "query" in target]


def indicators(panel: dict[str, Any]) -> set[str]:
    """The indicators of the history that a panel asks for."""
    return {name for query in flux(panel) for name in _INDICATOR.findall(query)}


def overrides(panel: dict[str, Any], column: str) -> dict[str, Any]:
    """What is said of a column: option -> value."""
    found = [each for each in panel["fieldConfig"]["overrides"] if each["matcher"]["options"] == column]
    return {option["id"]: option["value"] for each in found for option in each["properties"]}


def organized(panel: dict[str, Any]) -> list[str]:
    """The order in which a panel has its columns."""
    (order,) = [one["options"]["indexByName"] for one in panel["transformations"] if one["id"] == "organize"]
    return sorted(order, key=order.__getitem__)
