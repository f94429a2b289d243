"""Asks what a board asks, as Grafana would: variables first, then every query with the values chosen."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any, NamedTuple

from influxdb_client.client.influxdb_client import InfluxDBClient

from tests.grafana import grafana_variables
from tests.grafana.board_checks import LABEL_VALUES, QUERY_RESULT
from tests.grafana.board_queries import Board, Query, queries, variable_queries
from tests.grafana.filled_stores import Stores
from tests.grafana.grafana_variables import All, Asked

CHOSEN = {"service": "housing-benefit", "slice": "whole", "charted": "promise_kept"}
"""What a reader chooses where a variable offers what is there: a service with every kind of indicator, its promise."""
NOW_SECONDS = 300
"""Prometheus has been there for a minute or two: this is what a reader would choose to see it."""
AT_ONCE = 4
NOT_SHOWN = ("_start", "_stop", "result", "table")
_LABEL = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_AGO = re.compile(r"now-(\d+)([mhdwMy])")
_SECONDS = {"m": 60, "h": 3600, "d": 86_400, "w": 604_800, "M": 2_592_000, "y": 31_536_000}


class Row(NamedTuple):
    """A value of an answer: the labels or texts beside it, the column it stands in, and its time (s) if it has one."""

    beside: Mapping[str, str]
    column: str
    time: float | None
    value: float
    is_time: bool = False
    """Whether it is a moment (in `time`), and no number."""


class Answer(NamedTuple):
    """What came back; `rows` counts what there is, texts without a number too."""

    query: Query
    rows: int
    values: list[Row]


class Reader:
    """Reads both stores as Grafana's data sources do, with the right to read alone."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores
        self._influx = InfluxDBClient(
            stores.influxdb.influxdb_url, stores.influxdb.influxdb_token or "", org=stores.influxdb.influxdb_org
        )

    def close(self) -> None:
        self._influx.close()

    def answers(self, board: Board) -> Iterator[Answer]:
        """Those of all panels, with each variable as it is when the board is opened."""
        chosen = _first_of_each(self.variables(board))
        with ThreadPoolExecutor(AT_ONCE) as pool:
            yield from pool.map(lambda query: self._answer(board, query, chosen), queries(board))

    def variables(self, board: Board) -> Mapping[str, list[str]]:
        """Variable -> what it offers, that which is chosen first."""
        asked = dict(variable_queries(board))
        found: dict[str, list[str]] = {}
        for variable in board["templating"]["list"]:
            name = variable["name"]
            if name in asked:
                offered = self._offered(board, asked[name], _first_of_each(found))
                first = _chosen_at_first(variable, offered)
                found[name] = [first, *(value for value in offered if value != first)] if offered else []
            else:
                found[name] = _fixed_values(variable)
        return found

    def measurements(self) -> set[str]:
        """All that the history has."""
        bucket = self._stores.influxdb.influxdb_bucket
        found = self._ask_flux(f'import "influxdata/influxdb/schema" schema.measurements(bucket: "{bucket}")')
        return {str(record["_value"]) for record in found}

    def _offered(self, board: Board, query: Query, chosen: Mapping[str, str]) -> list[str]:
        if query.language == "flux":
            records = self._ask_flux(self._flux(board, query, chosen))
            return sorted({str(record["_value"]) for record in records})
        text = grafana_variables.promql(query.text, chosen, self._asked())
        found = LABEL_VALUES.fullmatch(text)
        if found is None:
            result = QUERY_RESULT.fullmatch(text)
            assert result is not None, text
            series = self._stores.ask_prometheus("query", query=result[1])["result"]
            return sorted(str(one["metric"]) for one in series)
        selected = {"match[]": found[1]} if found[1] else {}
        return sorted(self._stores.ask_prometheus(f"label/{found[2]}/values", **selected))

    def _answer(self, board: Board, query: Query, chosen: Mapping[str, str]) -> Answer:
        if query.language == "flux":
            records = self._ask_flux(self._flux(board, query, chosen))
            return Answer(query, len(records), [row for record in records for row in _of_record(record)])
        asked = self._asked()
        text = grafana_variables.promql(query.text, chosen, asked)
        if query.instant:
            found = self._stores.ask_prometheus("query", query=text, time=str(asked.end))
        else:
            step = asked.interval_ms / 1000
            found = self._stores.ask_prometheus(
                "query_range", query=text, start=str(asked.start), end=str(asked.end), step=str(step)
            )
        values = [row for series in found["result"] for row in _of_series(series, query.legend)]
        return Answer(query, len(values), values)

    def _flux(self, board: Board, query: Query, chosen: Mapping[str, str]) -> str:
        now = time.time()
        found = _AGO.fullmatch(board["time"]["from"])
        assert found is not None, board["time"]
        asked = Asked(now - int(found[1]) * _SECONDS[found[2]], now)
        settings = self._stores.influxdb
        return grafana_variables.flux(query.text, chosen, asked, settings.influxdb_bucket, settings.influxdb_org)

    def _ask_flux(self, text: str) -> list[Mapping[str, Any]]:
        return [record.values for table in self._influx.query_api().query(text) for record in table.records]

    @staticmethod
    def _asked() -> Asked:
        now = time.time()
        return Asked(now - NOW_SECONDS, now)


def _first_of_each(variables: Mapping[str, list[str]]) -> Mapping[str, str]:
    """What is chosen; a variable that offers nothing is empty, as in Grafana."""
    return {name: next(iter(values), "") for name, values in variables.items()}


def _chosen_at_first(variable: Mapping[str, Any], offered: list[str]) -> str:
    if variable.get("current", {}).get("value") == "$__all":
        return All(variable["allValue"])
    wanted = CHOSEN.get(variable["name"])
    return wanted if wanted in offered else next(iter(offered), "")


def _fixed_values(variable: Mapping[str, Any]) -> list[str]:
    """Of a variable that asks nothing: the present one first."""
    if variable["type"] != "custom":
        return [variable["query"]]
    offered = [option.rsplit(" : ", 1)[-1].strip() for option in variable["query"].split(",")]
    first = variable.get("current", {}).get("value", offered[0])
    return [first, *(value for value in offered if value != first)]


def _of_series(series: Mapping[str, Any], legend: str) -> Iterator[Row]:
    name = _LABEL.sub(lambda found: series["metric"].get(found[1], ""), legend) or "Value"
    for at, value in series.get("values", [series.get("value")]):
        yield Row(series["metric"], name, float(at), float(value))


def _of_record(record: Mapping[str, Any]) -> Iterator[Row]:
    shown = {name: value for name, value in record.items() if name not in NOT_SHOWN and value is not None}
    at = shown.get("_time")
    when = at.timestamp() if isinstance(at, datetime) else None
    beside = {name: value for name, value in shown.items() if isinstance(value, str)}
    for name, value in shown.items():
        if isinstance(value, int | float) and not isinstance(value, bool):
            yield Row(beside, name, when, float(value))
        elif isinstance(value, datetime):
            yield Row(beside, name, value.timestamp(), 0.0, is_time=True)
