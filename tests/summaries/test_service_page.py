"""The page of a service and the pages behind its numbers: what they say, lead to, refuse, and knew then."""

from __future__ import annotations

import csv
import html
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from starlette.types import ASGIApp

from history.sqlite import SQLiteHistory
from kept.indicators.definitions import DEFINITIONS
from summaries.application import application
from tests.summaries.asking import Answer, ask
from tests.summaries.figures import CITY, NOW, fill
from tests.summaries.quarter import HOSTILE_AREA, KEPT_CHART, fill_quarter

THEN = "as_of=2026-11-24T16:05Z"
"""`NOW`, before the promise figure of that moment was amended."""


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ASGIApp]:
    path: Path = tmp_path_factory.mktemp("service") / "history.sqlite"
    store = SQLiteHistory(path)
    fill(store)
    fill_quarter(store)
    store.close()
    yield application(CITY, lambda: SQLiteHistory(path, read_only=True), clock=lambda: NOW + 60)


def words(answer: Answer) -> str:
    """What a reader sees of a page, without its markup."""
    text = html.unescape(re.sub(r"<[^>]*>", " ", answer.text)).replace("\N{NO-BREAK SPACE}", " ")
    return " ".join(text.split())


def data(answer: Answer) -> Any:
    return msgspec.json.decode(answer.body)


def test_it_has_the_verdict_signals_with_what_to_do_first_charts_clocks_ages_flow_money_and_changes(
    app: ASGIApp,
) -> None:
    said = words(ask(app, "/service/street-lights"))
    for part in (
        "Promise not kept: 75.4 %",
        "41.2 % were kept in 24 hours",
        "First: See which channel, area or step the late cases have in common.",
        "Runbook: KeptPromiseBudgetBurnsFast",
        "A: A second crew on the night shift (3 Sep 2026)",
        "concern: rule 1, outside a limit",
        "the source was silent",
        "the week of a registered change: not judged",
        "It runs in elapsed time",
        "Oldest open case 143.2 days",
        "Open for 90 days or more 720 cases",
        "Rework, booked EUR 12,346 a week",
        "Failure demand, modelled EUR 4,210 a week",
        "not provided: the catalogue states no rate for it",
        "Satisfaction score 72.2 of 100 70.0 to 74.4, n 311",
        "Expected: promise kept up.",
    ):
        assert part in said, part


def test_every_picture_on_it_can_be_drawn_and_has_a_table_beside_it(app: ASGIApp) -> None:
    text = ask(app, "/service/street-lights").text
    pictures = {html.unescape(each) for each in re.findall(r'(?:src|srcset)="(/service/[^"]*\.svg[^"]*)"', text)}
    names = {each.partition("?")[0].removeprefix("/service/street-lights/") for each in pictures}
    charts = {f"chart/{name}.svg" for name in ("promise_kept", "backlog", "delivery_time_closed_p50")}
    assert names == {*charts, "clocks.svg", "flow.svg", "backlog.svg", "ageing.svg", "waste.svg"}
    for name in names:
        address = next(each for each in pictures if f"/{name}?" in each and "narrow=1" in each)
        answer = ask(app, address)
        assert (answer.status, answer.headers["content-type"]) == (200, "image/svg+xml")
    assert text.count("<table>") > len(names)


def test_each_week_of_a_chart_is_a_row_of_its_table(app: ASGIApp) -> None:
    text = ask(app, "/service/street-lights").text
    table = text.partition('id="scroll-chart-promise_kept"')[2].partition("</table>")[0]
    assert table.count("<tr>") == len(KEPT_CHART) + 1
    assert table.count("<td>gap</td>") == 3


def test_fewer_weeks_are_shown_when_asked_and_nonsense_is_refused(app: ASGIApp) -> None:
    assert ask(app, "/service/street-lights?weeks=all").status == 200
    refused = ask(app, "/service/street-lights?weeks=1000")
    assert refused.status == 400
    assert "valid: 26, 52, all" in words(refused)


def test_every_number_leads_to_a_page_that_is_there(app: ASGIApp) -> None:
    text = ask(app, "/service/street-lights").text
    links = {html.unescape(link) for link in re.findall(r'href="(/number/[^"]*)"', text)}
    assert len(links) > 80
    for link in sorted(links):
        assert ask(app, link).status == 200, link


def test_a_number_of_the_past_leads_to_its_own_moment(app: ASGIApp) -> None:
    text = ask(app, "/service/street-lights").text
    table = text.partition('id="scroll-both-clocks"')[2].partition("</table>")[0]
    row = next(each for each in table.split("<tr>") if "Mon 16" in each)
    link = html.unescape(re.findall(r'href="([^"]*)"', row)[0])
    said = words(ask(app, link))
    assert "75.5 %" in row.replace("\N{NO-BREAK SPACE}", " ")
    assert "Last 28 days to Mon 16 Nov 2026, 00:00 (Europe/Amsterdam). The newest value" in said
    assert said.partition("Window from")[0].endswith("describes a real city. 75.5 % ")


def test_slices_stand_by_name_and_a_few_people_are_not_shown(app: ASGIApp) -> None:
    text = ask(app, "/service/street-lights").text
    table = text.partition('id="scroll-by-area"')[2].partition("</table>")[0]
    names = [html.unescape(name) for name in re.findall(r'<th scope="row"><bdi>(.*?)</bdi>', table)]
    assert names == [HOSTILE_AREA, "Island", "West"]
    island = table.partition("Island")[2].partition("</tr>")[0]
    assert "too few people to show" in island
    assert "50.0" not in island


def test_a_service_of_which_nothing_is_known_has_a_page_that_says_so(app: ASGIApp) -> None:
    for identity in ("permits", "archive"):
        said = words(ask(app, f"/service/{identity}"))
        assert "No whole week can be charted yet." in said
        assert "No figures over time yet." in said
        assert "None is registered." in said


def test_nothing_hostile_becomes_markup(app: ASGIApp) -> None:
    for path in (
        "/service/hostile",
        "/service/street-lights",
        f"/number/street-lights/promise_kept?slice=area:{HOSTILE_AREA.replace('+', '%2B')}",
        "/number/street-lights/<script>x",
        "/service/street-lights/chart/<script>.svg",
        "/number/street-lights/promise_kept?slice=area:<script>",
    ):
        text = ask(app, path.replace(" ", "%20")).text
        assert "<script>" not in text
        assert "<b>North" not in text
        assert "<img src=x" not in text


def test_one_number_has_all_that_is_needed_to_defend_it(app: ASGIApp) -> None:
    said = words(ask(app, "/number/street-lights/promise_kept"))
    for part in (
        "75.4 %",
        "Numerator 29,926",
        "Denominator 39,685",
        "95 % range 75.0 to 75.8 %",
        "Window to (included) Tue 24 Nov 2026, 17:05 (Europe/Amsterdam)",
        "Formula (due in W, completed by its due) / (due in W)",
        "Source Canada, service standards",
        "Trap no promise or no volume is not applicable",
        "promise_kept@1",
        "76.1 % (30,204 of 39,685, n 39,685) until Tue 24 Nov 2026, 20:05",
        "74.0 % (n 400) until Tue 24 Nov 2026, 16:05",
        "not applicable: nothing to count in this window",
    ):
        assert part in said, part


def test_why_a_number_is_not_known_is_said(app: ASGIApp) -> None:
    said = words(ask(app, "/number/street-lights/delivery_time_p90"))
    assert "not known yet: too many cases are still open to say" in said
    assert "at least 17.7 days" in said


def test_then_the_page_has_what_stood_then_and_what_became_known_later(app: ASGIApp) -> None:
    number = words(ask(app, f"/number/street-lights/promise_kept?{THEN}"))
    assert "It was never amended." in number
    assert "What became known later" in number
    page = words(ask(app, f"/service/street-lights?{THEN}"))
    assert "Promise not kept: 76.1 %" in page
    assert "promise kept last 28 days, Tue 24 Nov 2026, 17:05 76.1 % 75.4 % Tue 24 Nov 2026, 20:05" in page
    assert "What became known later" not in words(ask(app, "/service/street-lights"))
    for link in re.findall(r'href="(/number/[^"]*)"', ask(app, f"/service/street-lights?{THEN}").text):
        assert "as_of=2026-11-24T16%3A05Z" in link


def test_the_past_does_not_move(app: ASGIApp) -> None:
    assert "refresh.js" in ask(app, "/service/street-lights").text
    assert "refresh.js" not in ask(app, f"/service/street-lights?{THEN}").text


@pytest.mark.parametrize(
    ("path", "status", "part"),
    [
        ("/number/nothing/promise_kept", 404, "No service is known as “nothing”"),
        ("/number/street-lights/nothing", 404, "No indicator is known as “nothing”"),
        ("/number/street-lights/promise_kept?slice=area:Nowhere", 404, "No value of promise kept of area Nowhere"),
        ("/number/street-lights/promise_kept?window=7d", 404, "No value of promise kept was published for last 7 days"),
        ("/number/street-lights/promise_kept?area=Nowhere", 400, "valid: window, slice, to"),
        ("/number/street-lights/promise_kept?window=3d", 400, "valid: 1h, 24h, 7d"),
        (
            "/number/street-lights/promise_kept?to=2026-11-22T23:05Z",
            404,
            "was published for last 28 days to Mon 23 Nov",
        ),
        ("/number/street-lights/promise_kept?to=then", 400, "to: 'then' is no moment"),
        ("/number/street-lights/promise_kept?slice=planet:Mars", 400, "valid: area:…, category:…"),
        ("/number/street-lights/delivery_time_p90.svg", 404, "nothing to draw"),
        ("/service/street-lights/nothing.svg", 404, "No picture is known as “nothing”"),
        ("/service/street-lights/clocks.svg?narrow=2", 400, "valid: 0, 1"),
        ("/service/permits/clocks.svg", 404, "nothing to draw yet"),
        ("/service/permits/chart/promise_kept.svg", 404, "No control chart is known"),
    ],
    ids=lambda value: value if isinstance(value, str) and value.startswith("/") else "",
)
def test_what_is_not_there_is_answered_with_what_there_is(app: ASGIApp, path: str, status: int, part: str) -> None:
    answer = ask(app, path)
    assert answer.status == status
    assert part in words(answer)


def test_what_there_is_instead_can_be_followed(app: ASGIApp) -> None:
    text = ask(app, "/number/street-lights/promise_kept?slice=area:Nowhere").text
    links = [html.unescape(link) for link in re.findall(r'href="(/number/[^"]*)"', text)]
    assert len(links) == 5
    assert all(ask(app, link).status == 200 for link in links)


def test_every_definition_is_on_one_page_with_its_formula_source_and_trap(app: ASGIApp) -> None:
    answer = ask(app, "/definitions")
    said = words(answer)
    for definition in DEFINITIONS:
        assert f'id="{definition.name}"' in answer.text
        for part in (definition.label, definition.formula, definition.source, definition.trap):
            assert " ".join(part.split()) in said


def test_the_series_comes_as_json_and_as_csv_with_the_same_values(app: ASGIApp) -> None:
    found = data(ask(app, "/api/series/street-lights/promise_kept.json"))
    answer = ask(app, "/api/series/street-lights/promise_kept.csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert answer.headers["content-disposition"] == 'attachment; filename="street-lights-promise_kept-28d.csv"'
    assert [row["value"] for row in rows] == [
        "" if one["value"] is None else str(one["value"]) for one in found["points"]
    ]
    assert len(rows) == 14
    assert rows[-1]["value"] == "0.7541"
    assert data(ask(app, f"/api/series/street-lights/promise_kept.json?{THEN}"))["points"][-1]["value"] == 0.7611


def test_a_series_of_another_time_is_asked_for(app: ASGIApp) -> None:
    found = data(ask(app, "/api/series/street-lights/promise_kept.json?since=2026-11-01&until=2026-11-20"))
    assert [one["window_end"][:10] for one in found["points"]] == ["2026-11-01", "2026-11-08", "2026-11-15"]


def test_a_cell_that_a_spreadsheet_would_compute_is_made_harmless(app: ASGIApp) -> None:
    slice_of = f"area:{HOSTILE_AREA}".replace("+", "%2B").replace(" ", "%20")
    text = ask(app, f"/api/series/street-lights/promise_kept.csv?slice={slice_of}").text
    cells = [cell for row in csv.reader(io.StringIO(text)) for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]


def test_the_weeks_of_a_chart_come_as_csv_and_json(app: ASGIApp) -> None:
    weeks = data(ask(app, "/api/chart/street-lights/promise_kept.json"))["weeks"]
    rows = list(csv.DictReader(io.StringIO(ask(app, "/api/chart/street-lights/promise_kept.csv").text)))
    assert len(weeks) == len(rows) == len(KEPT_CHART)
    assert [week["rule"] for week in weeks if week["rule"]] == [1]
    assert [row["gap"] for row in rows if row["gap"]] == ["settling", "source_silent", "after_silence"]


@pytest.mark.parametrize(
    ("path", "status", "part"),
    [
        ("/api/series/street-lights/promise_kept.csv?since=2001-01-01", 400, "at most 416 days (10,000 points)"),
        ("/api/series/street-lights/promise_kept.json?window=1h&since=2026-10-01", 400, "at most 34 days"),
        ("/api/series/street-lights/promise_kept.json?since=yesterday", 400, "since: 'yesterday' is no moment"),
        ("/api/series/street-lights/promise_kept.json?since=2026-11-20&until=2026-11-01", 400, "is after until"),
        ("/api/series/street-lights/nothing.json", 404, "No indicator is known"),
        ("/api/series/nothing/promise_kept.json", 404, "No service is known"),
        ("/api/series/permits/arrivals.json", 404, "Nothing was published of arrivals"),
        ("/api/chart/street-lights/overdue.json", 404, "charted are: backlog, delivery_time_closed_p50, promise_kept"),
    ],
    ids=lambda value: value if isinstance(value, str) and value.startswith("/") else "",
)
def test_a_file_that_cannot_be_made_says_why_as_json(app: ASGIApp, path: str, status: int, part: str) -> None:
    answer = ask(app, path)
    assert (answer.status, answer.headers["content-type"]) == (status, "application/json")
    assert part in data(answer)["error"]


def test_a_single_value_is_no_picture_but_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    store = SQLiteHistory(path)
    fill(store)
    store.close()
    new = application(CITY, lambda: SQLiteHistory(path, read_only=True), clock=lambda: NOW + 60)
    page, number = ask(new, "/service/street-lights"), ask(new, "/number/street-lights/promise_kept")
    assert "Fewer than two weeks are known: there is no picture of them yet." in words(page)
    assert "clocks.svg" not in page.text and "flow.svg" not in page.text
    assert "Nothing to draw: fewer than two values are known." in words(number)
    assert "promise_kept.svg" not in number.text
