"""What must hold for every board, as far as its JSON and Kept's own names tell: each check gives its complaints.

They are functions of the JSON, so that a test can rename something in it and see that it is noticed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.cog.runtime import DataqueryConfig, Runtime, register_dataquery_variant
from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana.board import TITLES
from grafana.datasources import GRAFANA, INFLUXDB, MIXED, PROMETHEUS, PROVISIONED
from grafana.flux_query import FluxQuery
from grafana.foreign_metrics import FOREIGN
from grafana.promql import PROMETHEUS_LABELS
from kept.indicators.definitions import INDICATOR_NAMES
from kept.indicators.windows import WINDOWS
from kept.metric_names import METRICS
from kept.signals.kinds import BY_NAME
from tests.grafana import flux_names, promql_names
from tests.grafana.board_queries import (
    Board,
    Query,
    links,
    panels,
    queries,
    sources,
    texts_with_variables,
    variable_queries,
)
from tests.grafana.grafana_variables import FORMATS, REFERENCE, named
from tests.grafana.history_names import measurements
from tests.grafana.provisioned import provisioned_sources

KNOWN = {metric.name: frozenset(metric.labels) | PROMETHEUS_LABELS for metric in (*METRICS, *FOREIGN)}
"""Metric -> its labels."""
VALUES_OF = {"indicator": set(INDICATOR_NAMES), "window": set(WINDOWS), "signal": set(BY_NAME)}
"""Tag -> all that it can be, where that is a closed set."""
LABEL_VALUES = re.compile(r"label_values\(\s*(?:(.+),\s*)?(\w+)\s*\)\s*", re.DOTALL)
QUERY_RESULT = re.compile(r"query_result\((.*)\)\s*", re.DOTALL)
ANNOTATED = {"signal", "change"}
"""What `kept grafana annotate` writes beside the tag `kept` and the service's id."""
ADDED = "is added by the SDK"
ADDED_BY_SDK = re.compile(r"(\.panels\[\d+\])?\.links\[\d+\]\.placement")
"""What the SDK adds by itself when it reads a board: it has no way to say that a link is in no menu."""
OF_DATA = {"__data", "__value", "__field", "__series"}
"""What links of values may name beside variables, and Grafana's own `__url_time_range` and the like."""


def complaints(boards: Iterable[Board]) -> list[str]:
    """Everything that is wrong, board by board."""
    boards = list(boards)
    return [
        f"{board['uid']}: {wrong}"
        for board in boards
        for check in (names, datasources, variables, ways(boards), annotations, panel_types, decoding, manners)
        for wrong in check(board)
    ]


def names(board: Board) -> Iterator[str]:
    """Every metric, label, measurement, tag, field, indicator, window and signal is one that there is."""
    for query in (*queries(board), *(query for _, query in variable_queries(board))):
        check = _flux if query.language == "flux" else _promql
        try:
            yield from (f"{query.place} {query.title!r}: {wrong}" for wrong in check(query))
        except ValueError as error:
            yield f"{query.place} {query.title!r}: {error}"


def _promql(query: Query) -> Iterator[str]:
    text, asked = query.text, set()
    if query.panel == 0:
        found = LABEL_VALUES.fullmatch(text)
        result = QUERY_RESULT.fullmatch(text)
        if found is None and result is None:
            yield f"{text!r} is neither label_values(metric, label) nor query_result(query)"
            return
        if found is not None:
            text, asked = found[1] or "", {found[2]}
        elif result is not None:
            text = result[1]
    read = promql_names.names_of(text)
    at_hand = set(PROMETHEUS_LABELS) | read.made
    for metric, labels in read.selectors:
        if metric not in KNOWN:
            yield f"no metric {metric!r} in kept.metric_names or grafana.foreign_metrics"
            continue
        at_hand |= KNOWN[metric]
        for label in sorted(labels - KNOWN[metric]):
            yield f"{metric} has no label {label!r}"
    for label in sorted((read.grouped | asked) - at_hand):
        yield f"no metric of this query has the label {label!r}"


def _flux(query: Query) -> Iterator[str]:
    known = measurements()
    read = flux_names.names_of(query.text)
    wanted = read.compared.get("_measurement", set())
    if not wanted:
        yield "a Flux query that names no measurement"
    if wanted - set(known):
        yield from (f"the history has no measurement {name!r}" for name in sorted(wanted - set(known)))
        return
    chosen = [known[name] for name in wanted]
    tags = frozenset[str]().union(*(each.tags for each in chosen))
    fields = frozenset[str]().union(*(each.fields for each in chosen))
    for field in sorted(read.compared.get("_field", set()) - fields):
        yield f"{', '.join(sorted(wanted))} has no field {field!r}"
    for column in sorted(read.columns - tags - fields - flux_names.BUILT_IN - read.made):
        yield f"{', '.join(sorted(wanted))} has no tag or field {column!r}"
    for tag, values in VALUES_OF.items():
        for value in sorted(read.compared.get(tag, set()) - values):
            yield f"there is no {tag} {value!r}"


def datasources(board: Board) -> Iterator[str]:
    """Every source is one that is provisioned, of the type that it is provisioned with."""
    known = {source.uid: source.type_val for source in (*PROVISIONED, MIXED, GRAFANA)}
    for uid, kind in provisioned_sources().items():
        if known.get(uid) != kind:
            yield f"grafana/provisioning has a source {uid!r} of type {kind!r}; boards know {sorted(known)}"
    for source in sources(board):
        if known.get(source.get("uid", "")) != source.get("type"):
            yield f"no data source {source.get('uid')!r} of type {source.get('type')!r}; there are {sorted(known)}"
    for panel in panels(board):
        used = {target["datasource"]["uid"] for target in panel.get("targets", ())}
        own = panel.get("datasource", {}).get("uid")
        if used and own != (next(iter(used)) if len(used) == 1 else MIXED.uid):
            yield f"panel {panel['id']} names the source {own!r}, its queries ask {sorted(used)}"
        for target in panel.get("targets", ()):
            language = "query" if target["datasource"]["uid"] == INFLUXDB.uid else "expr"
            if not target.get(language) or target["datasource"]["uid"] not in (INFLUXDB.uid, PROMETHEUS.uid):
                yield f"panel {panel['id']} {target['refId']}: no {language!r} for {target['datasource']['uid']!r}"


def variables(board: Board) -> Iterator[str]:
    """Every variable that is named is there, in a format that Grafana knows, and has one value."""
    there = {variable["name"] for variable in board["templating"]["list"]}
    for text in texts_with_variables(board):
        for name in sorted(named(text) - there - OF_DATA):
            yield f"{text[:60]!r} names the variable {name!r}; there are {sorted(there)}"
        for found in REFERENCE.finditer(text):
            how = found[3] or found[5]
            if how is not None and how not in FORMATS:
                yield f"{text[:60]!r} asks for the format {how!r}; known: {', '.join(FORMATS)}"
    for variable in board["templating"]["list"]:
        if variable.get("multi"):
            yield f"variable {variable['name']} may have several values: queries of boards take one"


def ways(boards: Iterable[Board]) -> Any:
    """Every link leads to a board that there is, and gives it only variables that it has."""
    of = {board["uid"]: {variable["name"] for variable in board["templating"]["list"]} for board in boards}

    def check(board: Board) -> Iterator[str]:
        own = of[board["uid"]]
        for link in links(board):
            address = urlsplit(link)
            if address.path.startswith("/d/"):
                uid = address.path.split("/")[2]
                if uid not in of:
                    yield f"{link!r} leads to no board; there are {sorted(of)}"
                    continue
                given = {name.removeprefix("var-") for name, _ in parse_qsl(address.query) if name.startswith("var-")}
                for name in sorted(given - of[uid]):
                    yield f"{link!r} gives {uid} the variable {name!r}; it has {sorted(of[uid])}"
            elif not address.scheme and not named(link) & own:
                yield f"{link!r} leads neither to a board nor to an address that a variable holds"
        if board["uid"] not in TITLES or board["title"] != TITLES[board["uid"]]:
            yield f"{board['uid']!r} with the title {board['title']!r} is not in grafana.board.TITLES"

    return check


def annotations(board: Board) -> Iterator[str]:
    """Annotations are asked for by the tags under which `kept grafana annotate` puts them there."""
    for asked in board["annotations"].get("list", ()):
        tags = asked.get("target", {}).get("tags", [])
        if asked["datasource"] != json.loads(JSONEncoder().encode(GRAFANA)):
            yield f"annotation {asked['name']} asks {asked['datasource']!r}, not Grafana's own store"
        if asked["target"].get("type") != "tags" or asked["target"].get("matchAny"):
            yield f"annotation {asked['name']} does not ask for all of its tags"
        if tags[:1] != ["kept"] or len(set(tags) & ANNOTATED) != 1 or not set(tags[2:]) <= {"$service"}:
            yield f"annotation {asked['name']} asks for {tags}; written are kept, signal or change, the service's id"


def panel_types(board: Board) -> Iterator[str]:
    """Every type of panel is one that the SDK knows."""
    register_default_plugins()
    for panel in board["panels"]:
        if panel["type"] != "row" and Runtime().panelcfg_config(panel["type"]) is None:
            yield f"panel {panel['id']} is of the unknown type {panel['type']!r}"


def decoding(board: Board) -> Iterator[str]:
    """The SDK reads the JSON and writes the same again: nothing in it is unknown to it."""
    register_default_plugins()
    register_dataquery_variant(DataqueryConfig(identifier=str(INFLUXDB.type_val), from_json_hook=FluxQuery.from_json))
    board = json.loads(json.dumps(board))
    for panel in panels(board):
        if panel.get("datasource", {}).get("uid") == MIXED.uid:
            # The SDK would read its queries as those of a source "mixed"; each names its own.
            del panel["datasource"]
    try:
        again = json.loads(JSONEncoder().encode(Dashboard.from_json(json.loads(json.dumps(board)))))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        yield f"the SDK cannot read it: {error!r}"
        return
    for path, what in _differences("", board, again):
        if not (what == ADDED and ADDED_BY_SDK.fullmatch(path)):
            yield f"{path} {what}"


def manners(board: Board) -> Iterator[str]:
    """Every panel has a title, a description, a unit where it shows numbers, and breaks its line at a gap."""
    numbers = [panel["id"] for panel in board["panels"]]
    if len(set(numbers)) != len(numbers):
        yield f"a number of a panel is there twice: {sorted(numbers)}"
    for panel in panels(board):
        where, shown = f"panel {panel['id']} {panel.get('title')!r}", panel.get("fieldConfig", {}).get("defaults", {})
        if not panel.get("title") or not panel.get("description"):
            yield f"{where} has no title or no description"
        if panel.get("targets") and not (shown.get("unit") and shown.get("noValue")):
            yield f"{where} does not say its unit, or what it says when there is nothing"
        if panel["type"] == "timeseries" and shown.get("custom", {}).get("spanNulls") is not False:
            yield f"{where} draws lines over gaps"


def _differences(path: str, wanted: Any, found: Any) -> Iterator[tuple[str, str]]:
    """Where two JSON values differ, and how."""
    if isinstance(wanted, Mapping) and isinstance(found, Mapping):
        for key in sorted({*wanted, *found}):
            if key not in found or key not in wanted:
                yield f"{path}.{key}", "is dropped by the SDK" if key not in found else ADDED
            else:
                yield from _differences(f"{path}.{key}", wanted[key], found[key])
    elif isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        for at, (one, other) in enumerate(zip(wanted, found, strict=True)):
            yield from _differences(f"{path}[{at}]", one, other)
    elif wanted != found or type(wanted) is not type(found):
        yield path, f"is {wanted!r}, the SDK makes {found!r} of it"
