"""`/week` over HTTP: which weeks there are, the same as Markdown and data, and helpful answers."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from starlette.applications import Starlette

from history.sqlite import SQLiteHistory
from summaries.application import application
from tests.summaries.asking import ask
from tests.summaries.weekly.figures import SMALL, WEEK, small_week
from tests.summaries.weekly.telling import history_of


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Starlette:
    path = history_of(tmp_path_factory.mktemp("week") / "history.sqlite", small_week)
    return application(SMALL, lambda: SQLiteHistory(path, read_only=True), clock=lambda: WEEK.end(SMALL["births"].zone))


def test_the_newest_whole_week_is_shown_and_links_to_the_one_before(app: Starlette) -> None:
    newest, named = ask(app, "/week"), ask(app, "/week/2026-W47")
    assert newest.status == 200
    assert newest.text.replace('action="/week"', "") == named.text.replace('action="/week/2026-W47"', "").replace(
        '<a href="/week">', '<a href="/week" aria-current="page">'
    )
    assert 'href="/week/2026-W46">The week before</a>' in newest.text
    assert "The week after" not in newest.text


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("2026-W48", "2026-W48 is not over and published yet; the newest week that is, is 2026-W47."),
        ("2020-W01", "Of 2020-W01 nothing is known: the first whole week is 2026-W28."),
        ("2026-W60", "2026 has weeks 01 to 53"),
        ("%3Cb%3E", "&#39;&lt;b&gt;&#39; is no week; valid: an ISO week such as 2026-W47"),
    ],
)
def test_a_week_that_is_not_there_is_answered_with_those_that_are(app: Starlette, name: str, why: str) -> None:
    answer = ask(app, f"/week/{name}")
    assert answer.status == 404
    assert why in answer.text
    assert 'href="/week/2026-W47"><bdi>2026-W47: 16 to 22 November 2026</bdi></a>' in answer.text
    assert "<b>" not in answer.text


def test_before_the_first_week_it_says_so(tmp_path: Path) -> None:
    path = history_of(tmp_path / "history.sqlite", lambda store: store.publish(["births"], 1_795_000_200))
    answer = ask(application(SMALL, lambda: SQLiteHistory(path, read_only=True)), "/week")
    assert (answer.status, "No week is over and published yet" in answer.text) == (404, True)


def test_an_earlier_moment_shows_the_week_as_it_was_then(app: Starlette) -> None:
    answer = ask(app, "/week/2026-W46?as_of=2026-11-17T09:00")
    assert answer.status == 200
    assert "As it was known then:" in answer.text
    assert ask(app, "/week/2026-W47?as_of=2026-11-17T09:00").status == 404


def test_the_picture_of_each_chart_is_there_in_both_themes(app: Starlette) -> None:
    path = "/week/2026-W47/chart/street-lights/promise_kept.svg"
    assert f'src="{path}?theme=light"' in ask(app, "/week").text
    light, dark = ask(app, f"{path}?theme=light"), ask(app, f"{path}?theme=dark")
    assert light.headers["content-type"] == "image/svg+xml"
    assert light.body != dark.body
    assert ask(app, "/week/2026-W47/chart/street-lights/nothing.svg").status == 404
    assert ask(app, "/week/2026-W47/chart/nothing/promise_kept.svg").status == 404


def test_the_same_is_there_as_markdown_and_as_data(app: Starlette) -> None:
    markdown = ask(app, "/week/2026-W47/summary.md")
    assert markdown.headers["content-type"] == "text/markdown; charset=utf-8"
    assert markdown.text.startswith("# Week 47 of 2026: 16 to 22 November 2026")
    data = msgspec.json.decode(ask(app, "/api/week/2026-W47.json").body)
    assert (data["week"], data["news"][0]["service"]) == ("2026-W47", "street-lights")
    assert "error" in msgspec.json.decode(ask(app, "/api/week/2026-W48.json").body)
