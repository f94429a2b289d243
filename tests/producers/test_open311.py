from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from kept.errors import ConfigurationError, Stop
from kept.events import encode, type_of
from producers.mapping import read_mapping
from producers.sources import EventFile, RowProblem, read_events
from tests.producers.conftest import Workbench

MINIMAL = """
kind = "open311"
service = "potholes"
catalogue = "potholes_service.toml"
source = "potholes-311"
time_zone = "Europe/Amsterdam"
"""

REQUEST = {
    "service_request_id": 638344,
    "status": "closed",
    "status_notes": "Duplicate request.",
    "service_name": "Sidewalk and Curb Issues",
    "service_code": "006",
    "description": "Ask Mrs Secret about it",
    "agency_responsible": None,
    "service_notice": None,
    "requested_datetime": "2010-04-14T06:37:38-08:00",
    "updated_datetime": "2010-04-14T09:37:38-08:00",
    "expected_datetime": "2010-04-15T06:37:38-08:00",
    "address": "8TH AVE and SECRET ST",
    "address_id": 545483,
    "zipcode": 94122,
    "lat": 37.762221815,
    "long": -122.4651145,
    "media_url": "http://example.org/secret.jpg",
}
"""The example of the GeoReport v2 documents, with a personal word in each free field."""


def request(id: Any, **changes: Any) -> dict[str, Any]:
    return {**REQUEST, "service_request_id": id, **changes}


def read(workbench: Workbench, page: Any, mapping: str = MINIMAL, name: str = "page.json") -> EventFile:
    content = page if isinstance(page, bytes) else json.dumps(page).encode()
    return read_events(workbench.write(name, content), read_mapping(workbench.mapping(mapping)))


def told(file: EventFile) -> list[tuple[str, int]]:
    return [(event.id, time_ms // 1000) for time_ms, event in file.events]


def test_a_closed_request_is_a_case_opened_due_and_completed(workbench: Workbench) -> None:
    file = read(workbench, [REQUEST])
    (_, opened), (_, completed) = file.events
    assert (type_of(opened), type_of(completed)) == ("case.opened", "case.completed")
    assert (opened.id, opened.subject, opened.source) == ("638344:opened", "638344", "potholes-311")
    assert opened.time.isoformat() == "2010-04-14T14:37:38+00:00"
    assert opened.data.due.isoformat() == "2010-04-15T14:37:38+00:00"
    assert opened.data.category == "Sidewalk and Curb Issues"
    assert (opened.data.channel, opened.data.area) == (None, None)
    assert completed.time.isoformat() == "2010-04-14T17:37:38+00:00"
    assert completed.data.outcome == "intended"


def test_nothing_personal_gets_into_an_event(workbench: Workbench) -> None:
    file = read(workbench, [REQUEST])
    assert not [event for _, event in file.events if b"ecret" in encode(event) or b"SECRET" in encode(event)]


@pytest.mark.parametrize("name", ["description", "address", "media_url", "lat", "phone", "Email", "first_name"])
def test_a_mapping_cannot_ask_for_what_is_personal(workbench: Workbench, name: str) -> None:
    with pytest.raises(
        ConfigurationError, match=f"fields.area: '{name}' is not valid; valid: a field that is not pers"
    ):
        read(workbench, [REQUEST], f'{MINIMAL}[fields]\narea = "{name}"\n')


def test_an_open_request_is_open_whenever_it_was_updated(workbench: Workbench) -> None:
    assert [name for name, _ in told(read(workbench, [request("a", status="Open")]))] == ["a:opened"]


def test_missing_fields_are_nothing_given(workbench: Workbench) -> None:
    bare = {"service_request_id": "a", "status": "open", "requested_datetime": "2010-04-14T06:37:38-08:00"}
    ((_, opened),) = read(workbench, [bare]).events
    assert (opened.data.due, opened.data.category) == (None, None)


def test_more_statuses_an_area_and_outcomes_can_be_mapped(workbench: Workbench) -> None:
    mapping = (
        MINIMAL
        + 'open_statuses = ["open", "acknowledged"]\nclosed_statuses = ["closed", "archived"]\n'
        + '[fields]\narea = "zipcode"\noutcome = "status_notes"\n'
        + '[values.outcome]\ndefault = "intended"\n[values.outcome.map]\n"Duplicate request." = "duplicate"\n'
    )
    file = read(workbench, [request("a", status="Archived"), request("b", status="acknowledged")], mapping)
    assert sorted(name for name, _ in told(file)) == ["a:completed", "a:opened", "b:opened"]
    (completed,) = [event for _, event in file.events if type_of(event) == "case.completed"]
    assert (completed.data.outcome, completed.data.area) == ("duplicate", "94122")


def test_requests_that_cannot_be_read_are_named_by_number_with_a_reason_and_nothing_personal(
    workbench: Workbench,
) -> None:
    page = [
        request("a"),
        request("b", status="secretly done"),
        request(None),
        request(None, token="secret"),
        request("c", requested_datetime="yesterday"),
        request("d", updated_datetime=None),
        request("e", service_name={"secret": 1}),
        "secret",
        request("f", status=None),
        request("g", requested_datetime=None),
    ]
    file = read(workbench, page)
    assert [name for name, _ in told(file)] == ["a:opened", "a:completed"]
    assert [(problem.line, problem.unit) for problem in file.problems] == [(n, "request") for n in range(2, 11)]
    reasons = [problem.reason for problem in file.problems]
    assert reasons == [
        "field 'status' is 'secretly done'; valid: closed, open; list others in open_statuses or closed_statuses",
        "field 'service_request_id' is empty: no case id",
        "only a token, no request id yet; fetch it again later",
        "field 'requested_datetime' is not a time: seen in the form 'aaaaaaaaa', valid: 2011-07-31 08:30:00, with or "
        "without an offset",
        "closed, but nothing says when it was updated last",
        "field 'service_name' is no text and no number",
        "not a service request: Expected `object`, got `str`",
        "field 'status' is none; valid: closed, open; list others in open_statuses or closed_statuses",
        "field 'requested_datetime' is empty: no time",
    ]


def test_a_folder_of_pages_is_read_by_name_and_the_last_update_of_a_request_counts(
    workbench: Workbench, tmp_path: Path
) -> None:
    pages = tmp_path / "pages"
    pages.mkdir()
    early, late = "2010-04-14T07:37:38-08:00", "2010-04-16T07:37:38-08:00"
    first = [request("a", status="open", updated_datetime=early), request("b", updated_datetime=late)]
    second = [request("a", updated_datetime=late), request("b", updated_datetime=early), request(None)]
    (pages / "page-1.json").write_text(json.dumps(first))
    (pages / "page-2.json.gz").write_bytes(gzip.compress(json.dumps(second).encode()))
    (pages / "README.txt").write_text("not a page")
    file = read_events(pages, read_mapping(workbench.mapping(MINIMAL)))
    assert (file.rows, file.passed_over) == (5, {"requests that are told again": 2})
    completed = {event.subject: event.time.day for _, event in file.events if type_of(event) == "case.completed"}
    assert completed == {"a": 16, "b": 16}
    assert str(file.problems[0]) == "page-2.json.gz: request 3: field 'service_request_id' is empty: no case id"


def test_a_list_in_its_xml_name_is_taken_too(workbench: Workbench) -> None:
    assert len(read(workbench, {"service_requests": [REQUEST]}).events) == 2


@pytest.mark.parametrize(
    ("page", "says"),
    [
        ({"code": 403, "description": "Invalid api_key"}, r"an error of the interface \(code '403'\) instead of"),
        ([{"code": 400, "description": "jurisdiction_id was not provided"}], "an error of the interface"),
        ({"requests": []}, "valid: a list of service requests, as GET /requests.json gives it"),
        (b'[{"service_request_id": 1,', "not JSON, or cut short"),
        (b"<service_requests/>", "not JSON, or cut short"),
    ],
)
def test_what_is_no_list_of_requests_stops_with_what_is_valid(workbench: Workbench, page: Any, says: str) -> None:
    with pytest.raises(Stop, match=says) as stopped:
        read(workbench, page)
    assert "page.json" in str(stopped.value)
    assert "api_key" not in str(stopped.value)


def test_a_folder_without_pages_stops(workbench: Workbench, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(Stop, match=r"no page in this folder; valid: files that end in \.json, \.json\.gz"):
        read_events(tmp_path / "empty", read_mapping(workbench.mapping(MINIMAL)))


def test_statuses_that_contradict_each_other_are_refused(workbench: Workbench) -> None:
    with pytest.raises(ConfigurationError, match="closed_statuses: 'OPEN' is not valid; valid: a status is open or"):
        read(workbench, [REQUEST], MINIMAL + 'closed_statuses = ["OPEN"]\n')


def test_the_built_in_mapping_reads_a_page(tmp_path: Path) -> None:
    (tmp_path / "page.json").write_text(json.dumps([REQUEST]))
    file = read_events(tmp_path / "page.json", read_mapping("open311"))
    assert (len(file.events), file.problems) == (2, list[RowProblem]())
