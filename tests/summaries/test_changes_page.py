"""The pages of registered changes: what is told, as of when, and what cannot be shown."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import date
from pathlib import Path

import pytest
from starlette.applications import Starlette

from history.sqlite import SQLiteHistory
from kept.buckets import WEEK_SECONDS
from summaries import vega
from summaries.application import application
from summaries.change_weeks import WeekRow
from summaries.judged_changes import JudgedChanges
from summaries.known import HistoryReader, Known
from summaries.pictures.change_effect import (
    NARROW,
    OTHERS,
    THIS,
    UNUSED,
    WITHOUT,
    PlaceboDate,
    RealDate,
    placebo_picture,
    weeks_picture,
)
from tests.kept.effects.weeks import MONDAY, change, week, wobble
from tests.summaries.asking import ask
from tests.summaries.changed_city import CHANGES, CITY, NOW, fill

WORKED = "/changes/lights/aa"


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("changes") / "history.sqlite"
    store = SQLiteHistory(path)
    fill(store)
    store.close()
    return path


@pytest.fixture(scope="module")
def app(history: Path) -> Starlette:
    return application(CITY, lambda: SQLiteHistory(history, read_only=True), clock=lambda: NOW)


def rows(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text)))


def test_the_list_has_each_change_with_its_verdict_and_effect(app: Starlette) -> None:
    table = rows(ask(app, "/changes.csv").text)
    assert [(line[1][:13], line[4]) for line in table[1:]] == [
        ("One reviewer", "Too early to tell"),
        ("A shorter for", "Did not work"),
        ("'=HYPERLINK(\"", "Cannot tell"),
        ("Repairs by st", "Worked"),
    ]
    assert table[4][5].startswith("\N{MINUS SIGN}33\N{NO-BREAK SPACE}% (95\N{NO-BREAK SPACE}% interval")
    page = ask(app, "/changes").text
    assert "the median delivery time fell by 33\N{NO-BREAK SPACE}%" in page
    assert "it was registered without saying what it should move" in page
    row = next(row for row in page.split("<tr>") if "Repairs by street" in row)
    assert re.sub(r"<[^>]+>", "", row).strip().startswith("Lamps in parks: Repairs by street")
    assert not re.search(r"[0-9] d\b|20[0-9]{2}-[0-9]{2}", re.sub(r"<[^>]+>", " ", page))
    assert re.fullmatch(r"20[0-9]{2}-[0-9]{2}-[0-9]{2}", table[4][2])


def test_the_page_of_the_service_has_the_verdict_and_leads_to_it(app: Starlette) -> None:
    part = ask(app, "/service/lights").text.split('id="changes"')[1].split("</section>")[0]
    assert f'href="{WORKED}"' in part and "<strong>Worked</strong>" in part


def test_the_page_of_a_change_tells_what_its_verdict_rests_on(app: Starlette) -> None:
    page = ask(app, WORKED).text
    assert "<strong>Worked:</strong> the median delivery time fell by 33\N{NO-BREAK SPACE}%" in page
    assert "at none of 6 earlier dates without a change it moved as much (p 0.14)" in page
    assert "13 (n\N{NO-BREAK SPACE}1,300) before, 9 (n\N{NO-BREAK SPACE}900) after" in page
    assert "week of the change: not counted" in page and "nothing to count" in page


def test_the_page_of_a_changed_backlog_adds_no_cases_up_over_weeks(tmp_path: Path) -> None:
    store = SQLiteHistory(tmp_path / "history.sqlite")
    levels = [wobble(500 if number < 15 else 300, number) for number in range(24)]
    store.write_charts(
        [week(n, one, service="lights", indicator="backlog", unit="cases") for n, one in enumerate(levels)]
    )
    store.write_changes([change(14.4, service="lights", id="ee", indicator="backlog")])
    store.publish(set(CITY), NOW // 300 * 300)
    store.close()
    pages = application(CITY, lambda: SQLiteHistory(tmp_path / "history.sqlite", read_only=True), clock=lambda: NOW)
    page = ask(pages, "/changes/lights/ee").text
    assert "14 before, 9 after" in page
    assert "in 9 whole weeks after it against 14 before." in page


def test_its_weeks_are_the_same_as_a_file(app: Starlette) -> None:
    answer = ask(app, f"{WORKED}/weeks.csv")
    table = rows(answer.text)
    assert table[0][2] == "Figure (seconds)"
    assert len(table) == 1 + 24
    assert (table[6][2], table[6][6]) == ("", "nothing to count")
    assert table[15][6] == "week of the change: not counted"
    assert float(table[16][4]) == pytest.approx(60 * 3600, rel=0.02)
    placebo = rows(ask(app, f"{WORKED}/placebo.csv").text)
    assert (len(placebo), placebo[-1][2]) == (1 + 6 + 1, "the change")
    assert float(placebo[-1][1]) == pytest.approx(-1 / 3, abs=0.01)


@pytest.mark.parametrize("picture", ["weeks", "placebo"])
@pytest.mark.parametrize("query", ["", "?theme=dark", "?narrow=1"])
def test_there_is_a_picture_of_each(app: Starlette, picture: str, query: str) -> None:
    answer = ask(app, f"{WORKED}/{picture}.svg{query}")
    assert (answer.status, answer.headers["content-type"]) == (200, "image/svg+xml")
    assert f'width="{NARROW if "narrow" in query else 720}"' in answer.text.partition(">")[0]


def test_a_change_is_judged_with_the_weeks_known_then(app: Starlette) -> None:
    early = MONDAY + 19 * WEEK_SECONDS
    page = ask(app, f"{WORKED}?as_of=2026-05-18T12:00").text
    assert early < NOW
    assert "<strong>Too early to tell:</strong> only 4 whole weeks after it can be counted" in page
    assert "there will be enough on 1 June 2026 at the earliest" in page
    assert ask(app, f"{WORKED}/placebo.svg?as_of=2026-05-18T12:00").status == 404
    assert len(rows(ask(app, f"{WORKED}/weeks.csv?as_of=2026-05-18T12:00").text)) == 1 + 19
    assert ask(app, f"{WORKED}?as_of=2026-03-01T12:00").status == 404
    assert "No change was registered" in ask(app, "/changes?as_of=2026-03-01T12:00").text


def test_an_unknown_change_service_or_width_says_what_there_is(app: Starlette) -> None:
    answer = ask(app, "/changes/lights/zz")
    assert answer.status == 404 and "Repairs by street" in answer.text
    assert ask(app, "/changes/nothing/aa").status == 404
    assert ask(app, f"{WORKED}/weeks.svg?narrow=5").status == 400
    assert ask(app, "/changes/hostile/dd/weeks.svg").status == 404


def test_hostile_names_are_shown_harmless(app: Starlette) -> None:
    for address in ("/changes", "/changes/hostile/dd"):
        page = ask(app, address).text
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert(&#39;title&#39;)" in page


def test_the_weekly_summary_gets_one_sentence(history: Path) -> None:
    store = HistoryReader(lambda: SQLiteHistory(history, read_only=True))
    try:
        said = JudgedChanges(Known(store, CITY)).sentence(CHANGES[0])
        then = JudgedChanges(Known(store, CITY, MONDAY + 19 * WEEK_SECONDS)).sentence(CHANGES[0])
    finally:
        store.close()
    assert said.startswith("Worked: the median delivery time fell by 33 %") and said.count(". ") == 0
    assert then.startswith("Too early to tell: ")


def week_row(day: int, value: float | None, role: str) -> WeekRow:
    known: dict[str, object] = {"role": role, "why": role}
    return WeekRow(date(2026, 1, day), date(2026, 1, day + 7), value, 9, 2e5, 1.9e5, **known)  # type: ignore[arg-type]


def test_the_picture_of_weeks_has_what_counts_solid_and_what_does_not_hollow() -> None:
    shown = [
        week_row(5, 2e5, "before"),
        week_row(12, None, "gap"),
        week_row(19, 1e5, "change"),
        week_row(20, 1e5, "after"),
    ]
    spec = weeks_picture(shown, date(2026, 1, 20), "seconds", True, "light")
    line, solid, hollow = spec["layer"][1], spec["layer"][2], spec["layer"][3]
    assert [point["value"] for point in line["data"]["values"] if point["line"] == THIS] == pytest.approx(
        [2e5 / 86_400, None, 1e5 / 86_400, 1e5 / 86_400]
    )
    assert sum(point["line"] == WITHOUT for point in line["data"]["values"]) == 1
    assert sum(point["line"] == OTHERS for point in line["data"]["values"]) == 4
    assert len(solid["data"]["values"]) == 2
    assert len(hollow["data"]["values"]) == 2
    assert UNUSED in json.dumps(weeks_picture(shown, date(2026, 1, 20), "seconds", False, "dark"))
    assert vega.svg(spec, "light").startswith("<svg")


def test_the_picture_of_placebo_dates_marks_the_change_by_shape_and_interval() -> None:
    real = RealDate(date(2026, 3, 2), -0.3, -0.4, -0.2)
    spec = placebo_picture([PlaceboDate(date(2026, 2, 2), 0.05)], real, "% of the level", True, "light", NARROW)
    interval, points = spec["layer"][1], spec["layer"][2]
    assert (interval["data"]["values"][0]["low"], interval["data"]["values"][0]["high"]) == (-40, -20)
    assert [point["size"] for point in points["data"]["values"]] == [5, -30]
    assert points["encoding"]["shape"]["scale"]["range"] == ["circle", "diamond"]
