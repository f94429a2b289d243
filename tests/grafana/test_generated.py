"""The boards of the simulated city, as they are committed, are those that the catalogue gives."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from grafana_foundation_sdk.models.dashboard import Dashboard

import catalogue
import grafana
from grafana.board import as_json
from grafana.flux_query import FluxQuery
from grafana.generate import dashboard_files, dashboards
from grafana.runbooks import RUNBOOKS
from kept.catalogue import read_catalogue

CITY = Path(grafana.__file__).parent / "city"
SERVICES = read_catalogue([catalogue.CITY])
FILES = dashboard_files(SERVICES)


@pytest.mark.parametrize("name", FILES)
def test_a_committed_board_is_what_the_catalogue_gives(name: str, update_golden: bool) -> None:
    path = CITY / name
    if update_golden:
        path.parent.mkdir(exist_ok=True)
        path.write_text(FILES[name], encoding="utf-8")
    assert path.read_text(encoding="utf-8") == FILES[name]


def test_no_other_board_is_committed() -> None:
    assert {path.name for path in CITY.glob("*.json")} <= set(FILES)


def test_the_same_catalogue_in_another_order_gives_the_same_boards() -> None:
    assert dashboard_files(dict(reversed(SERVICES.items()))) == FILES


@pytest.mark.parametrize("name", FILES)
def test_a_board_is_classic_json_that_the_sdk_reads_back(name: str) -> None:
    read = json.loads(FILES[name])
    assert read["schemaVersion"] == 42
    for panel in read["panels"]:
        for target in panel.get("targets", []):
            if "query" in target:
                FluxQuery.from_json(target)
    assert json.loads(as_json(Dashboard.from_json(read)))["uid"] == read["uid"]


def test_the_runbooks_are_where_one_is_told() -> None:
    there = "https://docs.example.org/kept/runbooks"
    for board in dashboards(SERVICES, there):
        found = json.loads(as_json(board))["templating"]["list"]
        assert [each["query"] for each in found if each["name"] == RUNBOOKS] in ([], [there])
    assert there in dashboard_files(SERVICES, there)["kept-on-call.json"]
