"""A board as people's browsers get it: the JSON of its file, and its panels by number."""

from __future__ import annotations

import json
from typing import Any

from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana.board import as_json


def as_read(board: Dashboard) -> dict[str, Any]:
    """The JSON of a board's file."""
    read: dict[str, Any] = json.loads(as_json(board))
    return read


def panels(board: Dashboard) -> dict[int, dict[str, Any]]:
    """The panels and rows of a board, by their numbers."""
    return {panel["id"]: panel for panel in as_read(board)["panels"]}
