"""A panel's PromQL as Grafana sends it to a real Prometheus, and what its transformations then make of the answers."""

from __future__ import annotations

import json
import re
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from typing import Any

DEADLINE_SECONDS = 30.0
Row = dict[str, Any]


class Prometheus:
    """Grafana's Prometheus data source, with the board's variables."""

    def __init__(self, url: str, **variables: str) -> None:
        self._url = url
        self._variables = variables

    def rows(self, expression: str) -> list[Row]:
        """The newest values, one row each: the labels, and `Value`. Raises `AssertionError` when it is refused."""
        for name, value in self._variables.items():
            expression = expression.replace(f"${name}", value)
        body = urllib.parse.urlencode({"query": expression}).encode()
        try:
            with urllib.request.urlopen(f"{self._url}/api/v1/query", body, timeout=30) as answer:
                found = json.load(answer)["data"]["result"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{expression}: {error.read().decode()}") from error
        return [{**each["metric"], "Value": float(each["value"][1])} for each in found]

    def wait(self, until: Callable[[], bool]) -> None:
        """Return when `until` is true; the next scrapes may make it so."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not until():
            assert time.monotonic() < deadline, "it did not become true"
            time.sleep(0.1)

    def table(self, panel: dict[str, Any]) -> list[Row]:
        """The rows that people see: title of a column -> label or number; None: no value."""
        frames = [
            [
                {("Value #" + target["refId"] if name == "Value" else name): cell for name, cell in row.items()}
                for row in self.rows(target["expr"])
            ]
            for target in panel["targets"]
        ]
        return transformed(frames, panel["transformations"])


def transformed(frames: list[list[Row]], transformations: list[dict[str, Any]]) -> list[Row]:
    """What Grafana's transformations of `grafana.tables` make of tables; others are refused."""
    for transformation in transformations:
        options = transformation["options"]
        match transformation["id"]:
            case "filterFieldsByName":
                pattern = options["include"]["pattern"].strip("/")
                frames = [
                    [{name: cell for name, cell in row.items() if re.search(pattern, name)} for row in frame]
                    for frame in frames
                ]
            case "joinByField":
                frames = [_joined(frames, options["byField"])]
            case "sortBy":
                (by,) = options["sort"]
                frames = [sorted(frame, key=lambda row: row[by["field"]], reverse=by["desc"]) for frame in frames]
            case "organize":
                frames = [[_organized(row, options) for row in frame] for frame in frames]
            case other:
                raise AssertionError(f"the transformation {other} is not known here")
    (only,) = frames
    return only


def _joined(frames: list[list[Row]], key: str) -> list[Row]:
    """An outer join. A key twice in a table, or a field in two tables, would give people rows or columns twice."""
    names: dict[str, None] = {}
    rows: dict[Any, Row] = {}
    for frame in frames:
        fields = {name for row in frame for name in row} - {key}
        twice = fields & names.keys()
        assert not twice, f"in two tables: {twice}"
        names |= dict.fromkeys(fields)
        keys = [row[key] for row in frame]
        assert len(set(keys)) == len(keys), f"twice in a table: {sorted(keys)}"
        for row in frame:
            rows.setdefault(row[key], {key: row[key]}).update(row)
    return [{key: row[key]} | {name: row.get(name) for name in names} for row in rows.values()]


def _organized(row: Row, options: dict[str, Any]) -> Row:
    shown = [name for name in row if not options["excludeByName"].get(name)]
    shown.sort(key=lambda name: options["indexByName"].get(name, len(row)))
    return {options["renameByName"].get(name, name): row[name] for name in shown}
