"""The live page over HTTP: what it says, what it refuses, and that nothing foreign can run in it."""

from __future__ import annotations

import html
import re
import urllib.error
import urllib.request
from pathlib import Path

import msgspec
import pytest
from starlette.applications import Starlette

from history.sqlite import SQLiteHistory
from summaries.application import HEADERS, PAGES, application
from tests.summaries.asking import ask
from tests.summaries.figures import CITY, HOSTILE, NOW, point


def get(url: str, host: str | None = None) -> tuple[int, dict[str, str], str]:
    request = urllib.request.Request(url, headers={} if host is None else {"Host": host})
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, {k.lower(): v for k, v in answer.headers.items()}, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, {k.lower(): v for k, v in error.headers.items()}, error.read().decode()


def pages(path: Path) -> Starlette:
    return application(CITY, lambda: SQLiteHistory(path, read_only=True), clock=lambda: NOW + 60)


def live(app: Starlette) -> str:
    answer = ask(app, "/")
    assert answer.status == 200
    return answer.text


def test_services_stand_with_the_worst_promise_first(address: str) -> None:
    _, _, text = get(address)
    order = re.findall(r'<article class="card is-(\w+)" id="([\w-]+)"', text)
    assert order == [
        ("below", "hostile"),
        ("below", "street-lights"),
        ("close", "parking"),
        ("kept", "births"),
        ("unknown", "archive"),
        ("unknown", "permits"),
    ]


def test_each_answer_carries_the_policy(address: str) -> None:
    for path in ("/", "/service/parking", "/nothing", "/static/site.css", "/api/latest/parking.json", "/healthz"):
        _, headers, _ = get(address + path)
        assert HEADERS.items() <= headers.items()
        assert "server" not in headers


def test_no_page_asks_for_anything_from_elsewhere_or_runs_inline(address: str) -> None:
    for path in ("/", "/service/street-lights", "/nothing"):
        _, _, text = get(address + path)
        assert set(re.findall(r'(?:src|href)="([^"#]*)', text)) <= {
            "/", "", "/static/site.css", "/static/icon.svg", "/static/refresh.js", "/api/latest/street-lights.json",
            *(f"/service/{identity}" for identity in CITY), *(page.NAV[0] for page in PAGES if page.NAV is not None),
        }  # fmt: skip
        assert not re.search(r"<script(?! src=)|style=|\son\w+=", text)


def test_a_hostile_name_is_text_and_nothing_else(address: str) -> None:
    for path in ("/", "/service/hostile", "/nothing"):
        _, _, text = get(address + path)
        assert "<script>" not in text
        assert html.escape(HOSTILE, quote=False).replace("'", "&#39;").replace('"', "&#34;") in text


def test_a_missing_page_says_what_there_is_without_echoing_markup(address: str) -> None:
    status, _, text = get(address + "/service/%3Cb%3Eparkin%3C/b%3E")
    assert status == 404
    assert 'href="/service/parking"' in text
    assert "<b>" not in text


def test_another_host_name_is_refused(address: str) -> None:
    assert get(address, host="evil.example")[0] == 400


def test_the_service_page_has_every_indicator_with_a_reason_where_there_is_no_value(address: str) -> None:
    _, _, text = get(address + "/service/street-lights")
    cells = re.findall(r"<td[^>]*>(.*?)</td>", text, re.S)
    assert cells
    assert all(cell.strip() for cell in cells)
    assert "not provided: steps are recorded without start and end" in text
    assert "EUR 12,346 a week" in text.replace("\N{NO-BREAK SPACE}", " ")


def test_the_same_points_come_as_data(address: str) -> None:
    status, headers, text = get(address + "/api/latest/street-lights.json")
    assert (status, headers["content-type"]) == (200, "application/json")
    points = {(each["indicator"], each["window"]): each for each in msgspec.json.decode(text)["points"]}
    assert points["promise_kept", "28d"]["value"] == 0.7541
    assert points["delivery_time_p90", "28d"]["reason"] == "too_many_open"
    assert points["promise_kept", "28d"]["window_end"].endswith("Z")


def test_an_unknown_service_as_data_names_the_known_ones(address: str) -> None:
    status, _, text = get(address + "/api/latest/nothing.json")
    assert status == 404
    assert msgspec.json.decode(text)["services"] == sorted(CITY)


def test_before_the_first_value_the_page_says_so(tmp_path: Path) -> None:
    text = live(pages(tmp_path / "history.sqlite"))
    assert "not there yet" in text
    assert text.count("no value yet") >= len(CITY)


def test_the_page_recovers_when_the_history_appears(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    page = pages(path)
    live(page)
    store = SQLiteHistory(path)
    store.write([point("parking", "backlog", 321, "24h")])
    store.publish(["parking"], NOW)
    assert "321" in live(page)


def test_points_that_are_not_published_yet_are_not_shown(history_file: Path) -> None:
    store = SQLiteHistory(history_file)
    store.write([point("parking", "backlog", 777, "24h", window_end=NOW + 300)])
    page = pages(history_file)
    assert "777" not in live(page)
    store.publish(["parking"], NOW + 300)
    assert "777" in live(page)


def test_a_newer_history_is_said_to_be_one(history_file: Path) -> None:
    store = SQLiteHistory(history_file)
    store._require().execute("PRAGMA user_version = 9")
    store.close()
    assert "its format is 9" in live(pages(history_file))


GOLDEN = Path(__file__).parent / "golden" / "live.html"


def test_the_page_is_the_golden_one(history_file: Path, update_golden: bool) -> None:
    text = live(pages(history_file))
    if update_golden:
        GOLDEN.parent.mkdir(exist_ok=True)
        GOLDEN.write_text(text, encoding="utf-8")
    assert text == GOLDEN.read_text(encoding="utf-8"), "run pytest --update-golden and look at the difference"


@pytest.mark.parametrize("path", ["/static/../application.py", "/static/%2e%2e/application.py"])
def test_nothing_outside_the_static_folder_is_served(address: str, path: str) -> None:
    assert get(address + path)[0] == 404
