"""What holds for every board, whichever there are: what is asked, in which unit, as of when, and where to go on."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

import catalogue
from alert_rules.options import RuleOptions
from grafana import colours
from grafana.board import COLUMNS, PIPELINE, SERVICE, TITLES
from grafana.datasources import GRAFANA, MIXED, PROVISIONED
from grafana.generate import dashboards
from grafana.runbooks import RUNBOOKS
from kept.catalogue import read_catalogue
from tests.grafana.panels_of import as_read

BOARDS = {board.uid or "": as_read(board) for board in dashboards(read_catalogue([catalogue.CITY]))}
PANELS = [(uid, panel) for uid, board in BOARDS.items() for panel in board["panels"]]
SHOWN = [(uid, panel) for uid, panel in PANELS if panel["type"] != "row"]
MEASURED = [(uid, panel) for uid, panel in SHOWN if panel["type"] != "text"]
PALETTE = {value for name, value in vars(colours).items() if name.isupper() and isinstance(value, str)}
GIVEN_BY_GRAFANA = {"__url_time_range", "__value.raw", "__value.text", "__from", "__to"}
SHORTEST_DESCRIPTION = 40
each_board = pytest.mark.parametrize("uid", BOARDS)


def each(panels: list[tuple[str, dict[str, Any]]]) -> pytest.MarkDecorator:
    """One test a panel, named by the board's uid and the panel's number."""
    return pytest.mark.parametrize(("uid", "panel"), panels, ids=[f"{uid}-{panel['id']}" for uid, panel in panels])


def variables(uid: str) -> set[str]:
    return {variable["name"] for variable in BOARDS[uid].get("templating", {}).get("list", [])}


def every(node: Any, key: str) -> Iterator[Any]:
    """Every value of `key`, however deep."""
    if isinstance(node, dict):
        for name, value in node.items():
            if name == key:
                yield value
            yield from every(value, key)
    elif isinstance(node, list):
        for value in node:
            yield from every(value, key)


def links(node: Any) -> Iterator[str]:
    """Addresses that a board, or a panel, leads to: of links, and in its Markdown."""
    yield from every(node, "url")
    for content in every(node, "content"):
        yield from re.findall(r"\]\(([^)]+)\)", content)


def test_the_boards_are_those_that_others_lead_to() -> None:
    assert set(BOARDS) == set(TITLES)
    assert {uid: board["title"] for uid, board in BOARDS.items()} == TITLES


@each_board
def test_a_board_can_be_told_from_others_and_is_found_by_its_tag(uid: str) -> None:
    assert len(BOARDS[uid]["description"]) >= SHORTEST_DESCRIPTION
    assert "kept" in BOARDS[uid]["tags"]


@each_board
def test_panels_have_numbers_of_their_own(uid: str) -> None:
    numbers = Counter(panel["id"] for panel in BOARDS[uid]["panels"])
    assert set(numbers.values()) == {1}
    assert min(numbers) > 0


@each_board
def test_panels_lie_within_the_board_and_not_upon_each_other(uid: str) -> None:
    taken: dict[tuple[int, int], int] = {}
    for panel in BOARDS[uid]["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= COLUMNS, panel["title"]
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                assert taken.setdefault((x, y), panel["id"]) == panel["id"], panel["title"]


@each_board
def test_what_is_seen_first_says_as_of_when(uid: str) -> None:
    shown = [panel for panel in BOARDS[uid]["panels"] if panel["type"] != "row"]
    top = min(panel["gridPos"]["y"] for panel in shown)
    first = [panel for panel in shown if panel["gridPos"]["y"] == top]
    as_of = [panel for panel in first if "as of" in panel["title"].lower()]
    assert len(as_of) == 1
    assert "dateTimeAsIso" in {*every(as_of[0]["fieldConfig"], "unit"), *every(as_of[0]["fieldConfig"], "value")}


@each(SHOWN)
def test_a_panel_asks_or_claims_something_and_says_what_it_means(uid: str, panel: dict[str, Any]) -> None:
    title = re.sub(r" \(.*\)$", "", panel["title"])
    assert title.endswith("?") or len(title.split()) > 3 or title == "Data as of", "a question, or a sentence"
    assert len(panel["description"]) >= SHORTEST_DESCRIPTION


@each(MEASURED)
def test_a_panel_has_a_unit_a_source_and_a_word_for_what_is_not_there(uid: str, panel: dict[str, Any]) -> None:
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert panel["fieldConfig"]["defaults"]["noValue"] != "0"
    known = {source.uid for source in PROVISIONED}
    asked = {target["datasource"]["uid"] for target in panel["targets"]}
    assert asked <= known
    assert panel["datasource"]["uid"] in ({MIXED.uid} if len(asked) > 1 else asked)
    letters = [target["refId"] for target in panel["targets"]]
    assert len(set(letters)) == len(letters) > 0


@each([(uid, panel) for uid, panel in MEASURED if panel["type"] == "timeseries"])
def test_a_gap_is_shown_as_a_gap(uid: str, panel: dict[str, Any]) -> None:
    assert panel["fieldConfig"]["defaults"]["custom"]["spanNulls"] is False
    assert True not in {
        option["value"]
        for override in panel["fieldConfig"].get("overrides", [])
        for option in override["properties"]
        if option["id"] == "custom.spanNulls"
    }


@each_board
def test_colours_are_those_that_everyone_tells_apart(uid: str) -> None:
    board = BOARDS[uid]
    named = {colour for key in ("color", "fixedColor", "iconColor") for colour in every(board, key)}
    assert {colour for colour in named if isinstance(colour, str)} <= PALETTE
    assert set(re.findall(r"#[0-9A-Fa-f]{6}\b", str(board))) <= PALETTE
    schemes = {scheme["mode"] for scheme in every(board, "color") if isinstance(scheme, dict)}
    schemes |= {each["value"]["mode"] for each in every(board, "properties") for each in each if each["id"] == "color"}
    assert schemes <= {"fixed", "shades"}


@each([(uid, panel) for uid, panel in MEASURED if panel["type"] == "timeseries"])
def test_every_line_has_a_colour_of_the_palette(uid: str, panel: dict[str, Any]) -> None:
    of_query = {
        override["matcher"]["options"]: each["value"]
        for override in panel["fieldConfig"]["overrides"]
        if override["matcher"]["id"] == "byFrameRefID"
        for each in override["properties"]
        if each["id"] == "color"
    }
    assert set(of_query) == {target["refId"] for target in panel["targets"]}
    assert {colour["fixedColor"] for colour in of_query.values()} <= PALETTE


def coloured(node: Any) -> Iterator[dict[str, Any]]:
    """Results of value mappings that have a colour."""
    for result in [*every(node, "result"), *(one for each in every(node, "options") for one in _results(each))]:
        if isinstance(result, dict) and result.get("color"):
            yield result


def _results(options: Any) -> list[Any]:
    return list(options.values()) if isinstance(options, dict) else []


@each(MEASURED)
def test_a_colour_never_speaks_alone(uid: str, panel: dict[str, Any]) -> None:
    defaults = panel["fieldConfig"]["defaults"]
    # "3 events are not accounted for" is words too.
    in_words = defaults["unit"].startswith("suffix: ")
    for result in coloured(panel["fieldConfig"]):
        assert result.get("text") or in_words, "a colour without a word"
    steps = {step["color"] for step in defaults.get("thresholds", {}).get("steps", [])}
    if len(steps) > 1:
        assert defaults.get("mappings"), "thresholds that only colour"


@each([(uid, panel) for uid, panel in MEASURED if panel["type"] == "stat"])
def test_a_number_is_coloured_only_where_its_meaning_is_told(uid: str, panel: dict[str, Any]) -> None:
    if panel["options"]["colorMode"] != "none":
        assert list(coloured(panel["fieldConfig"])), "a raw value in traffic-light colours"


@each_board
def test_links_lead_to_boards_that_are_there_with_variables_that_they_have(uid: str) -> None:
    own = variables(uid)
    for address in links(BOARDS[uid]):
        named = set(re.findall(r"\$\{?([A-Za-z_][\w.]*)", address))
        fields = {name for name in named if name.startswith("__data.fields.")}
        assert named - fields <= own | GIVEN_BY_GRAFANA, address
        if not address.startswith("/"):
            assert re.match(rf"\$\{{{RUNBOOKS}(:raw)?\}}#", address), address
            continue
        parts = urlsplit(address)
        target = parts.path.removeprefix("/d/")
        assert parts.path.startswith("/d/"), address
        assert target in TITLES, address
        given = {name for name, _ in parse_qsl(parts.query.replace("${__url_time_range}", ""))}
        assert given <= {f"var-{variable}" for variable in variables(target)}, address


@each(MEASURED)
def test_links_of_cells_name_fields_that_their_rows_have(uid: str, panel: dict[str, Any]) -> None:
    named = set(re.findall(r"__data\.fields\.(\w+)", str(list(links(panel)))))
    if not named:
        return
    (order,) = [step["options"] for step in panel["transformations"] if step["id"] == "organize"]
    assert named <= set(order["indexByName"])
    # Whether Grafana looks for the name before or after renaming: both are there.
    assert all(order["renameByName"].get(name, name) == name for name in named)


@each_board
def test_annotations_are_those_of_kept(uid: str) -> None:
    for query in BOARDS[uid].get("annotations", {}).get("list", []):
        assert query["datasource"]["uid"] == GRAFANA.uid
        assert query["target"]["tags"][0] == "kept"
        assert query["target"]["type"] == "tags"
        for tag in query["target"]["tags"]:
            assert not tag.startswith("$") or tag.removeprefix("$") in variables(uid)


def test_alerts_lead_to_boards_and_variables_that_are_there() -> None:
    service, pipeline = RuleOptions.on_grafana("https://grafana.example.org/")
    of_service = urlsplit(RuleOptions(dashboards=service).dashboard("street-lights"))
    assert (of_service.path, of_service.query) == (f"/d/{SERVICE}", "var-service=street-lights")
    assert urlsplit(pipeline).path == f"/d/{PIPELINE}"
    assert "service" in variables(SERVICE)
