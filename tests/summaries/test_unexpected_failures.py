"""A page that fails in a way nobody foresaw says so and shows no detail; the log has it once."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.responses import Response

from history.sqlite import SQLiteHistory
from summaries.known import HistoryReader, Known
from summaries.site import Asked, Site
from tests.summaries.asking import ask
from tests.summaries.figures import CITY, NOW


def broken(asked: Asked, known: Known) -> Response:
    """A page with a fault."""
    raise ZeroDivisionError("of inner parts")


@pytest.fixture
def app(history_file: Path) -> Starlette:
    site = Site(CITY, HistoryReader(lambda: SQLiteHistory(history_file, read_only=True)), lambda: NOW)
    data = site.route("/api/broken.json", broken, as_data=True)
    return Starlette(routes=[site.route("/broken", broken), site.route("/promises/broken", broken), data])


@pytest.mark.parametrize("path", ["/broken", "/promises/broken", "/api/broken.json"])
def test_it_is_answered_without_detail_and_logged_once(
    app: Starlette, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        answer = ask(app, path)
    assert answer.status == 500
    assert "This page could not be made; the others work" in answer.text
    assert "inner parts" not in answer.text and "ZeroDivision" not in answer.text
    assert ('class="public"' in answer.text) == path.startswith("/promises")
    assert answer.headers["content-type"].startswith("application/json" if path.startswith("/api") else "text/html")
    (logged,) = caplog.records
    assert logged.exc_info is not None and logged.exc_info[0] is ZeroDivisionError
