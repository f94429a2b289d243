"""`/later`: what a page of the past did not know."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest
from starlette.applications import Starlette

from history.sqlite import SQLiteHistory
from kept.indicators.point import Amendment
from kept.registered_changes import RegisteredChange
from kept.signals.chart_amendments import ChartAmendment
from summaries.application import application
from tests.summaries.asking import ask
from tests.summaries.figures import CITY, NOW, fill, point
from tests.summaries.quarter import chart

AS_OF = "2026-11-24T17:15:00%2B01:00"
"""Ten minutes after the newest figures."""


@pytest.fixture
def app(tmp_path: Path) -> Starlette:
    """Half an hour later a backlog, a week of a chart and a change turned out otherwise than they were known."""
    path = tmp_path / "history.sqlite"
    store = SQLiteHistory(path)
    fill(store)
    old = point("parking", "backlog", 9850, "28d", window_end=NOW - 1800)
    store.amend([Amendment(NOW + 1800, old, msgspec.structs.replace(old, value=9900))])
    weeks = chart("parking", "promise_kept", [0.9, 0.91] * 6)
    store.write_charts(weeks)
    store.amend_charts([ChartAmendment(NOW + 1800, weeks[-1], msgspec.structs.replace(weeks[-1], value=0.5))])
    store.write_changes([
        RegisteredChange(service="parking", at=NOW - 86400, id="ab", title="<b>New</b> letters", indicator="backlog",
                         direction="down", known_at=NOW + 1800)
    ])  # fmt: skip
    store.publish(CITY, NOW + 3600)
    store.close()
    return application(CITY, lambda: SQLiteHistory(path, read_only=True), clock=lambda: NOW + 3700)


def text_of(app: Starlette, address: str) -> str:
    answer = ask(app, address)
    assert answer.status == 200
    return answer.text.replace("\N{NO-BREAK SPACE}", " ")


def test_figures_weeks_and_changes_that_came_later_are_told_with_what_was_known_then(app: Starlette) -> None:
    text = text_of(app, f"/later?as_of={AS_OF}")
    cells = re.findall(r"<t[hd][^>]*>([^<]*)</t[hd]>", text)
    assert [cell for cell in cells if cell.endswith("cases")] == ["9,850 cases", "9,900 cases"]
    assert [cell for cell in cells if cell.endswith("%")] == ["91.0 %", "50.0 %"]
    assert "&lt;b&gt;New&lt;/b&gt; letters" in cells
    assert "Street light repairs</bdi></h2>" not in text


def test_after_it_was_known_nothing_is_told(app: Starlette) -> None:
    assert "everything compared here is today what it was then" in text_of(app, "/later?as_of=2026-11-24T16:35Z")


def test_every_page_of_the_past_leads_there(app: Starlette) -> None:
    for path in ("/", "/service/parking", "/decisions", "/waste"):
        assert f"/later?as_of={AS_OF.replace(':', '%3A')}" in text_of(app, f"{path}?as_of={AS_OF}"), path


def test_without_a_moment_it_says_what_is_missing(app: Starlette) -> None:
    answer = ask(app, "/later")
    assert answer.status == 400
    assert "as_of: not given" in answer.text


def test_a_moment_that_is_still_to_come_is_refused(app: Starlette) -> None:
    answer = ask(app, "/?as_of=2031-01-01T00:00Z")
    assert answer.status == 400
    assert "is still to come" in answer.text
