"""Everything that a board asks: targets of panels and query variables, read from the JSON that Grafana gets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

Board = dict[str, Any]
"""A dashboard as JSON."""


class Query(NamedTuple):
    """One query and where it stands; `unit` is that of the panel's values."""

    board: str
    panel: int
    title: str
    ref: str
    language: Literal["promql", "flux"]
    text: str
    instant: bool = False
    unit: str = "none"
    legend: str = ""
    """What Grafana calls each series, with `{{label}}` in it; empty: it has no name of its own."""

    @property
    def place(self) -> str:
        """How a failing check names it, and the id of its test."""
        return f"{self.board}-{self.panel}{self.ref}"


def panels(board: Board) -> Iterator[dict[str, Any]]:
    """All panels, those in folded rows too, rows themselves left out."""
    for panel in board["panels"]:
        yield from panel.get("panels", ())
        if panel["type"] != "row":
            yield panel


def queries(board: Board) -> Iterator[Query]:
    """The targets of all panels."""
    for panel in panels(board):
        unit = panel.get("fieldConfig", {}).get("defaults", {}).get("unit", "none")
        for target in panel.get("targets", ()):
            where = (board["uid"], panel["id"], panel["title"], target["refId"])
            yield _query(where, target, target["datasource"], unit)


def variable_queries(board: Board) -> Iterator[tuple[str, Query]]:
    """(name of the variable, what it asks) of every variable that asks a data source."""
    for variable in board["templating"]["list"]:
        if variable["type"] != "query":
            continue
        asked = variable["query"]
        target = asked if isinstance(asked, Mapping) else {"query": asked}
        where = (board["uid"], 0, f"variable {variable['name']}", variable["name"])
        yield variable["name"], _query(where, target, variable["datasource"], "none")


def texts_with_variables(board: Board) -> Iterator[str]:
    """Every text of the board in which Grafana replaces variables."""
    yield from _texts({name: value for name, value in board.items() if name != "templating"})
    yield from (query.text for _, query in variable_queries(board))


def sources(board: Board) -> Iterator[Mapping[str, str]]:
    """Every reference to a data source, wherever it stands."""
    yield from _under_key(board, "datasource")


def links(board: Board) -> Iterator[str]:
    """Every address: links of the board, of panels and of values."""
    yield from (address for address in _under_key(board, "url") if isinstance(address, str) and address)


def _query(where: tuple[str, int, str, str], target: Mapping[str, Any], source: Mapping[str, str], unit: str) -> Query:
    if source["type"] == "influxdb":
        return Query(*where, "flux", target["query"], unit=unit)
    text = target["expr"] if "expr" in target else target["query"]
    legend = target.get("legendFormat", "").removeprefix("__auto")
    return Query(*where, "promql", text, bool(target.get("instant")), unit, legend)


def _under_key(node: Any, key: str) -> Iterator[Any]:
    if isinstance(node, Mapping):
        for name, value in node.items():
            if name == key:
                yield value
            yield from _under_key(value, key)
    elif isinstance(node, Sequence) and not isinstance(node, str):
        for value in node:
            yield from _under_key(value, key)


def _texts(node: Any) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, Mapping):
        for value in node.values():
            yield from _texts(value)
    elif isinstance(node, Sequence):
        for value in node:
            yield from _texts(value)
