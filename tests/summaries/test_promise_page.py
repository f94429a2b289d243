"""The public page: what it says, that it is plain, and that nothing internal is on it or behind a link of it."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest
from starlette.applications import Starlette

from history.sqlite import SQLiteHistory
from kept.catalogue import Catalogue
from kept.errors import Retry
from summaries.application import application
from summaries.promise_words import public_promise
from tests.summaries.asking import ask
from tests.summaries.example_city import CATALOGUE, DAY, example_history, flows, waits
from tests.summaries.figures import HOSTILE, NOW, point
from tests.summaries.readability import reading_of

GOLDEN = Path(__file__).parent / "golden"
EASY_LIX, GRADE, LONGEST_SENTENCE = 30, 6, 25
"""Easy by LIX; grade 6 is 11 to 12 years old; GOV.UK's content guide asks for sentences of at most 25 words."""


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return example_history(tmp_path_factory.mktemp("public") / "history.sqlite")


def pages(path: Path, catalogue: Catalogue = CATALOGUE, now: float = NOW + 60) -> Starlette:
    return application(catalogue, lambda: SQLiteHistory(path, read_only=True), clock=lambda: now)


def plain(text: str) -> str:
    without = re.sub(r"<[^>]+>", " ", text)
    return " ".join(without.replace("\N{NO-BREAK SPACE}", " ").split())


@pytest.mark.parametrize("name", ["promises", "promises_street-lights", "promises_building-permits"])
def test_the_page_is_the_golden_one(city: Path, name: str, request: pytest.FixtureRequest) -> None:
    file = GOLDEN / f"{name}.html"
    text = ask(pages(city), f"/{name.replace('_', '/')}").text
    if request.config.getoption("--update-golden"):
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", ["/promises", *(f"/promises/{name}" for name in sorted(CATALOGUE))])
def test_a_child_of_twelve_can_read_it(city: Path, path: str) -> None:
    reading = reading_of(ask(pages(city), path).text)
    assert len(reading.words) > 150
    assert reading.lix <= EASY_LIX
    assert reading.grade <= GRADE
    assert max(map(len, reading.sentences)) <= LONGEST_SENTENCE


def test_the_measure_calls_what_is_written_for_engineers_hard() -> None:
    text = (Path(__file__).parents[2] / "docs" / "architecture.md").read_text(encoding="utf-8")
    reading = reading_of(f"<p>{text.replace('<', '')}</p>")
    assert reading.lix > EASY_LIX and reading.grade > GRADE


def test_it_leads_to_no_internal_page_and_needs_nothing_outside_its_path(city: Path) -> None:
    app = pages(city)
    for path in ("/promises", "/promises/parking-permits", "/promises/nothing", "/promises/a/b", "/promises?as_of=x"):
        text = ask(app, path).text
        links = set(re.findall(r'(?:href|src|action)="([^"]*)"', text))
        assert links and all(link.startswith(("/promises", "#")) for link in links), links - {"/promises"}
        for link in links:
            if link.startswith("/"):
                assert ask(app, link).status in (200, 404 if "nothing" in link or "/a/b" in link else 200)


def test_no_internal_figure_is_on_it(city: Path) -> None:
    for path in ("/promises", "/promises/parking-permits", "/promises/figures.csv"):
        text = ask(pages(city), path).text
        for word in ("EUR", "signal", "owner", "desk fewer", "0.92", "92.0", "closed cases only", "area"):
            assert word not in text, word


def test_a_growing_queue_is_said_and_added(city: Path) -> None:
    text = plain(ask(pages(city), "/promises/street-lights").text)
    # 255 more in than out, at 400 / 28 a day: 17.85 days. The middle wait is 1.5 days, 9 of 10 wait 6.
    assert "If you ask today, expect to wait 1.5 days or longer. Plan for up to 24 days." in text
    assert "More people ask than we can help just now. So it may take up to about 20 days." in text


@pytest.mark.parametrize("days, is_said", [(20, False), (60, True)])
def test_nothing_is_said_of_a_growing_queue_while_the_pipeline_fills_up(days: int, is_said: bool) -> None:
    # Street lights are promised in 5 days: settled after 10, and 28 days later there are 28 whole days to judge by.
    points = [*waits("street-lights", "28d", 1.5, 655), *flows("street-lights", 655, 400, 310)]
    points.append(point("street-lights", "arrivals", 900, "all", window_start=NOW - days * DAY, n=900))
    told = public_promise(CATALOGUE["street-lights"], points, NOW)
    assert ("More people ask than we can help just now" in " ".join(told.today.details)) == is_said
    assert ("Done in a day" in [what for what, *_ in told.figures]) == is_said


@pytest.mark.parametrize("completions, a_day", [(10, "0.4 requests"), (39, "1.4 requests"), (4, None)])
def test_a_small_pace_has_a_decimal_and_that_of_a_handful_is_not_told(completions: int, a_day: str | None) -> None:
    points = flows("street-lights", completions, completions, 7)
    points.append(point("street-lights", "arrivals", 900, "all", window_start=NOW - 60 * DAY, n=900))
    figures = public_promise(CATALOGUE["street-lights"], points, NOW).figures
    told = {what: figure.replace("\N{NO-BREAK SPACE}", " ") for what, figure, *_ in figures}
    assert told.get("Done in a day") == a_day


def test_what_is_not_known_says_why(city: Path) -> None:
    text = plain(ask(pages(city), "/promises/building-permits").text)
    assert "We cannot say yet, because too many people are still waiting." in text
    assert "It is at least 5 weeks." in text
    assert "57 requests are waiting. At our pace they are 2.5 days of work." in text
    never = plain(ask(pages(city), "/promises/identity-cards").text)
    assert "We cannot say yet, because too few promises have come due." in never


def test_old_figures_are_said_to_be_old_and_say_nothing_of_today(city: Path) -> None:
    text = plain(ask(pages(city), "/promises/noise-complaints").text)
    assert "These figures may be old. We have had no news since" in text
    assert "What to expect today: we cannot say, because our figures are old." in text
    assert "There should be news every 12 hours." in text
    assert "If you ask today" not in text
    later = plain(ask(pages(city, now=NOW + 40 * 86400), "/promises/parking-permits").text)
    assert "We have had no news since Tuesday 24 November 2026, 17:05" in later
    fresh = plain(ask(pages(city), "/promises/parking-permits").text)
    assert "may be old" not in fresh


def test_news_that_should_come_once_a_day_is_every_day() -> None:
    service = msgspec.structs.replace(CATALOGUE["parking-permits"], expected_silence="1d")
    told = public_promise(service, [point("parking-permits", "promise_kept", 0.9, n=100)], NOW + 3 * 86400)
    assert told.old.endswith("There should be news every day.")


def test_a_promise_in_working_hours_is_explained(city: Path) -> None:
    text = plain(ask(pages(city), "/promises/waste-pickup").text)
    assert "We are open Monday to Friday from 08:00 to 16:00. So 24 hours is 3 working days of 8 hours." in text


def test_as_of_shows_what_was_known_then(city: Path, tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    store = SQLiteHistory(path)
    early = point("parking-permits", "promise_kept", 0.5, n=100, low=0.45, high=0.55, window_end=NOW - 86400)
    store.write([early, point("parking-permits", "promise_kept", 0.9, n=100, low=0.86, high=0.94)])
    store.publish(["parking-permits"], NOW)
    store.close()
    now = plain(ask(pages(path), "/promises/parking-permits").text)
    then = plain(ask(pages(path), "/promises/parking-permits?as_of=2026-11-23T17:05").text)
    assert "We kept 90 of 100 promises" in now and "This page looks back" not in now
    assert "We kept 50 of 100 promises" in then and "This page looks back." in then
    assert ask(pages(path), "/promises?as_of=yesterday").status == 400


def test_a_handful_of_people_is_never_shown(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    store = SQLiteHistory(path)
    store.write([point("parking-permits", "promise_kept", 0.25, n=4, low=0.05, high=0.7)])
    store.publish(["parking-permits"], NOW)
    store.close()
    text = ask(pages(path), "/promises/parking-permits").text
    assert "too few promises have come due" in text and "25" not in plain(text)


def test_it_may_be_kept_for_a_minute_but_an_error_may_not(city: Path) -> None:
    app = pages(city)
    for path in ("/promises", "/promises/parking-permits", "/promises/figures.csv", "/promises/assets/site.css"):
        answer = ask(app, path)
        assert (answer.status, answer.headers["cache-control"]) == (200, "public, max-age=60")
    for path in ("/promises/nothing", "/promises/assets/refresh.js", "/promises?as_of=x"):
        assert ask(app, path).headers["cache-control"] == "no-store"


def test_what_failed_inside_is_not_told_to_everybody(tmp_path: Path) -> None:
    def away() -> SQLiteHistory:
        raise Retry("database db.internal:5432 is away")

    answer = ask(application(CATALOGUE, away, clock=lambda: NOW), "/promises")
    assert (answer.status, answer.headers["retry-after"]) == (503, "5")
    assert "db.internal" not in answer.text
    assert "Please come back in a few minutes." in answer.text
    inside = ask(application(CATALOGUE, away, clock=lambda: NOW), "/waste")
    assert inside.status == 503 and "db.internal" in inside.text


def test_hostile_names_are_harmless(tmp_path: Path) -> None:
    path = example_history(tmp_path / "history.sqlite")
    names = {
        "parking-permits": HOSTILE,
        "street-lights": "=cmd|' /C calc'!A0",
        "waste-pickup": "\u202eevil" + "W" * 190,
    }
    catalogue = {
        one.id: msgspec.structs.replace(one, name=names.get(one.id, one.name), objective=HOSTILE)
        for one in CATALOGUE.values()
    }
    app = pages(path, catalogue)
    for address in (
        "/promises",
        "/promises/parking-permits",
        "/objectives",
        "/objectives/parking-permits",
        "/waste",
        "/counted",
    ):
        answer = ask(app, address)
        assert answer.status == 200
        assert "<script>alert" not in answer.text and "<b>Bring" not in answer.text
    for address in ("/promises/figures.csv", "/objectives/figures.csv", "/waste/figures.csv", "/counted/services.csv"):
        for line in ask(app, address).text.splitlines()[1:]:
            assert not line.startswith(("=", '"=', ",=")) and ",=" not in line
    for picture in ("/waste/EUR.svg", "/objectives/parking-permits/money-and-quality.svg"):
        answer = ask(app, picture)
        assert answer.status == 200 and "<script" not in answer.text
