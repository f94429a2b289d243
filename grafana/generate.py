"""The catalogue -> the boards' files. Pure: the same catalogue gives the same texts."""

from __future__ import annotations

from collections.abc import Callable

from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana.board import as_json
from grafana.dashboards import flow, on_call, overview, pipeline_health, service
from grafana.runbooks import RUNBOOKS_AT, with_runbooks_at
from kept.catalogue import Catalogue

BOARDS: tuple[Callable[[Catalogue], Dashboard], ...] = (
    overview.board,
    service.board,
    flow.board,
    pipeline_health.board,
    on_call.board,
)


def dashboards(catalogue: Catalogue, runbooks: str = RUNBOOKS_AT) -> list[Dashboard]:
    """Every board, in the order in which they are read; `runbooks` is the address at which docs/runbooks.md is read."""
    in_order = dict(sorted(catalogue.items()))
    return [with_runbooks_at(runbooks, board(in_order)) for board in BOARDS]


def dashboard_files(catalogue: Catalogue, runbooks: str = RUNBOOKS_AT) -> dict[str, str]:
    """File name -> JSON text (Classic, as file provisioning takes it), by board."""
    return {f"{board.uid}.json": as_json(board) for board in dashboards(catalogue, runbooks)}
