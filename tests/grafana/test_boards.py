"""Every board of the example city, without servers: names, sources, links, variables, annotations, strict decoding."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

import catalogue
from grafana.board import TITLES
from grafana.datasources import INFLUXDB, PROMETHEUS
from grafana.generate import dashboard_files
from kept.catalogue import read_catalogue
from tests.alert_rules import promtool
from tests.conftest import ROOT
from tests.grafana.board_checks import complaints, decoding
from tests.grafana.board_queries import queries
from tests.grafana.grafana_variables import Asked, named, promql
from tests.grafana.provisioned import provisioned_sources

BOARDS: dict[str, dict[str, Any]] = {
    board["uid"]: board for board in map(json.loads, dashboard_files(read_catalogue([catalogue.CITY])).values())
}
CITY = ROOT / "grafana" / "city"


def test_all_boards_are_there() -> None:
    assert list(BOARDS) == list(TITLES)


def test_nothing_is_wrong_with_any_board() -> None:
    assert complaints(BOARDS.values()) == []


@pytest.mark.parametrize("uid", TITLES)
def test_the_sdk_drops_nothing(uid: str) -> None:
    assert list(decoding(BOARDS[uid])) == []


def test_the_sources_of_the_boards_are_those_that_are_provisioned() -> None:
    assert provisioned_sources() == {PROMETHEUS.uid: PROMETHEUS.type_val, INFLUXDB.uid: INFLUXDB.type_val}


def test_prometheus_can_read_every_query(tmp_path: Path) -> None:
    """As recording rules, since promtool of Prometheus 2.42 checks nothing smaller."""
    at = Asked(0, 3600)
    asked = [query for board in BOARDS.values() for query in queries(board) if query.language == "promql"]
    rules = [
        {"record": f"query_{number}", "expr": promql(query.text, dict.fromkeys(named(query.text), "x"), at)}
        for number, query in enumerate(asked)
    ]
    file = tmp_path / "queries.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}), encoding="utf-8")
    checked = promtool.run("check", "rules", "--lint=none", str(file))
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert f"{len(asked)} rules found" in checked.stdout


Node = Any


def _replace(old: str, new: str) -> Callable[[Node], Node]:
    """The JSON with a text in it replaced, wherever it stands."""

    def changed(node: Node) -> Node:
        if isinstance(node, str):
            return node.replace(old, new)
        if isinstance(node, dict):
            return {key: changed(value) for key, value in node.items()}
        return [changed(value) for value in node] if isinstance(node, list) else node

    return changed


def _at_all(change: Callable[[dict[str, Any]], None]) -> Callable[[Node], Node]:
    def changed(boards: Node) -> Node:
        copied = copy.deepcopy(boards)
        for board in copied:
            change(board)
        return copied

    return changed


def _unknown_option(board: dict[str, Any]) -> None:
    next(panel for panel in board["panels"] if panel["type"] != "row")["fieldConfig"]["defaults"]["colour"] = "red"


def _unknown_type(board: dict[str, Any]) -> None:
    next(panel for panel in board["panels"] if panel["type"] != "row")["type"] = "speedometer"


def _number_twice(board: dict[str, Any]) -> None:
    board["panels"][1]["id"] = board["panels"][0]["id"]


def _no_variables(board: dict[str, Any]) -> None:
    board["templating"]["list"] = []


RENAMES = {
    "a metric": (_replace("kept_lag_records", "kept_lag_messages"), "no metric 'kept_lag_messages'"),
    "an indicator's metric": (_replace("kept_promise_kept_ratio", "kept_promises_ratio"), "no metric 'kept_promises"),
    "a metric of Prometheus": (_replace("prometheus_notifications_dropped", "prometheus_dropped"), "no metric 'prom"),
    "a label in a selector": (_replace("{account=", "{became="), "kept_events_total has no label 'became'"),
    "a label that is grouped by": (_replace("by (reason)", "by (cause)"), "has the label 'cause'"),
    "the uid of Prometheus": (_replace("kept-prometheus", "prometheus-1"), "no data source 'prometheus-1'"),
    "the uid of a board": (_replace("/d/kept-on-call", "/d/on-call"), "leads to no board"),
    "the variable": (_at_all(_no_variables), "names the variable"),
    "an option": (_at_all(_unknown_option), "dropped by the SDK"),
    "a type of panel": (_at_all(_unknown_type), "unknown type 'speedometer'"),
    "a number of a panel": (_at_all(_number_twice), "is there twice"),
    "a tag of annotations": (_replace("change", "alteration"), "asks for ['kept', 'alteration'"),
}
"""What is renamed in the boards -> how, and what is said of it."""


@pytest.mark.parametrize("what", RENAMES)
def test_a_rename_is_noticed(what: str) -> None:
    rename, said = RENAMES[what]
    renamed = rename(list(BOARDS.values()))
    assert any(said in complaint for complaint in complaints(renamed)), complaints(renamed)[:5]


FLUX = """\
from(bucket: v.defaultBucket) |> range(start: v.timeRangeStart, stop: v.timeRangeStop)
  |> filter(fn: (r) => r._measurement == "indicator" and r.service == ${service:doublequote} and r.slice == "whole"
    and r.indicator == "promise_kept" and r.window == "28d")
  |> filter(fn: (r) => r._field == "value" or r._field == "state")
  |> pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value")
  |> filter(fn: (r) => r.state == "value" and exists r.value)
  |> keep(columns: ["_time", "value"]) |> rename(columns: {value: "kept now"})
"""
FLUX_RENAMES = {
    "the measurement": ('"indicator" and', '"indicators" and', "no measurement 'indicators'"),
    "a tag": ("r.window", "r.width", "no tag or field 'width'"),
    "a field that is chosen": ('r._field == "value"', 'r._field == "number"', "has no field 'number'"),
    "a field that is read": ("exists r.value", "exists r.number", "no tag or field 'number'"),
    "a column that is kept": ('"_time", "value"', '"_time", "number"', "no tag or field 'number'"),
    "a column that is renamed": ("{value:", "{number:", "no tag or field 'number'"),
    "an indicator": ("promise_kept", "promise_held", "no indicator 'promise_held'"),
    "a window": ("28d", "4w", "no window '4w'"),
    "the uid of InfluxDB": ("kept-influxdb", "influxdb", "no data source 'influxdb'"),
}


def _with_flux() -> dict[str, Any]:
    """The board Service with one more query, in Flux."""
    board = copy.deepcopy(BOARDS["kept-service"])
    panel = next(panel for panel in board["panels"] if panel.get("targets"))
    source = {"type": "influxdb", "uid": "kept-influxdb"}
    panel["targets"] = [{"refId": "A", "datasource": source, "query": FLUX}]
    panel["datasource"] = source
    return board


def test_a_query_in_flux_is_read() -> None:
    assert complaints([BOARDS[uid] if uid != "kept-service" else _with_flux() for uid in BOARDS]) == []


@pytest.mark.parametrize("what", FLUX_RENAMES)
def test_a_rename_in_flux_is_noticed(what: str) -> None:
    old, new, said = FLUX_RENAMES[what]
    renamed = _replace(old, new)([_with_flux()])
    assert any(said in complaint for complaint in complaints(renamed)), complaints(renamed)[:5]
