"""Objectives, waste and what is counted: what the pages say of the example city."""

from __future__ import annotations

import datetime
import re
from pathlib import Path
from typing import get_type_hints

import msgspec
import pytest
from starlette.applications import Starlette

from history.sqlite import SQLiteHistory
from kept.events import PUBLIC_EVENTS
from kept.money.compared import Comparison, Week
from kept.money.trade_offs import trade_off
from summaries.application import application
from summaries.counted_words import FIELD_WORDS, WHAT_EVENTS_DO
from summaries.money_words import trade_off_words
from summaries.objective_groups import Read, groups
from summaries.pages.objectives import NOTHING, is_drawn
from summaries.pictures.money_and_quality import money_and_quality
from tests.summaries.asking import ask
from tests.summaries.example_city import CATALOGUE, example_history
from tests.summaries.figures import NOW, point, service


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Starlette:
    path = example_history(tmp_path_factory.mktemp("money") / "history.sqlite")
    return application(CATALOGUE, lambda: SQLiteHistory(path, read_only=True), clock=lambda: NOW + 60)


def plain(text: str) -> str:
    without = re.sub(r"<[^>]+>", " ", text)
    return " ".join(without.replace("\N{NO-BREAK SPACE}", " ").replace("&lt;", "<").replace("&gt;", ">").split())


def test_a_saving_that_worsened_quality_is_said_with_both_moves(app: Starlette) -> None:
    text = plain(ask(app, "/objectives/parking-permits").text)
    assert "A saving worsened quality." in text
    assert "Before and after “=One desk fewer”" in text
    assert "The cost per intended outcome fell from EUR 10.02 to EUR 6.02" in text
    assert "The share of promises kept fell from 95.2 % to 80.3 %" in text
    assert "The satisfaction score: 70.0 and 70.0, no real change" in text


def test_where_nothing_moved_no_change_is_said(app: Starlette) -> None:
    text = plain(ask(app, "/objectives/street-lights").text)
    assert "No real change in cost or in quality." in text
    assert not re.search(r"[↑↓▲▼→]", text)


def test_the_budget_is_told_by_its_year_with_what_is_not_known(app: Starlette) -> None:
    text = plain(ask(app, "/objectives/parking-permits").text)
    assert "Outturn" not in text
    assert re.search(r"EUR [\d,.]+ booked from 27 Apr 2026 to 24 Nov 2026", text)
    assert "What was booked before 27 Apr 2026 is not known." in text
    assert re.search(r"If weeks go on as the last 26 did, EUR [\d,]+ will be booked by 31 Dec 2026 \(95 % range", text)
    assert "within the budget, even at the high end of the range" in text


def test_a_benchmark_stands_beside_the_own_figure_only_where_it_may(app: Starlette) -> None:
    comparable = plain(ask(app, "/objectives/building-permits").text)
    assert "a neighbouring city, 1 Jan 2025" in comparable and "yes, by the catalogue" in comparable
    not_comparable = plain(ask(app, "/objectives/waste-pickup").text)
    assert "not set beside it 93.0 % no: They promise five working days" in not_comparable


def test_decisions_stand_with_the_objective_they_serve(app: Starlette) -> None:
    text = plain(ask(app, "/objectives").text)
    own = text.index("A resident can park legally")
    alone = text.index("Calm streets No service serves this objective; only decisions name it.")
    assert own < text.index("<b>Bring the desk back</b>") < alone or text.count("<b>Bring the desk back</b>") == 2
    assert "2026-11-20 open, overdue" in text
    before = plain(ask(app, "/objectives?as_of=2026-11-01").text)
    assert "Bring the desk back" not in before


def test_several_services_of_one_objective_have_their_worst_named(tmp_path: Path) -> None:
    shared = {
        one.id: msgspec.structs.replace(one, objective="Shared" if one.id != "noise-complaints" else None)
        for one in CATALOGUE.values()
    }
    path = example_history(tmp_path / "history.sqlite")
    app = application(shared, lambda: SQLiteHistory(path, read_only=True), clock=lambda: NOW + 60)
    text = plain(ask(app, "/objectives").text)
    assert "Furthest below its target: Birth certificates (simulated), by 12.0 points. 1 cannot be judged." in text
    assert "No objective is named" in text


@pytest.mark.parametrize(
    ("kept", "words"),
    [
        ((0.81, 1.0), "All are at or above their target; nearest to it: Street lights, 1.0 points above."),
        ((0.9, None), "All that can be judged are at or above their target; nearest to it: Street lights, 10.0 points "
                      "above. 1 cannot be judged."),
        ((1.0, 0.75), "Furthest below its target: Births, by 5.0 points."),
        ((None, None), "None of these services has a promise that can be judged yet."),
    ],
)  # fmt: skip
def test_the_worst_of_an_objective_is_the_furthest_below_or_else_the_nearest(
    kept: tuple[float | None, float | None], words: str
) -> None:
    services = [
        msgspec.structs.replace(service(name.lower().replace(" ", "-"), name), objective="Shared")
        for name in ("Street lights", "Births")
    ]
    read = {
        one.id: Read([point(one.id, "promise_kept", share, n=400)], None)
        for one, share in zip(services, kept, strict=True)
    }
    found = groups({one.id: one for one in services}, read, [], datetime.date(2026, 11, 24))
    assert [group.worst.replace("\N{NO-BREAK SPACE}", " ") for group in found] == [words]


def test_the_weeks_are_a_table_a_file_and_a_picture(app: Starlette) -> None:
    rows = ask(app, "/objectives/parking-permits/money-and-quality.csv").text.splitlines()
    assert rows[0].startswith("week_to,cost_per_outcome,currency,promise_kept")
    assert len(rows) == 31 and rows[1].startswith("2026-11-22,6.0")
    for theme in ("light", "dark"):
        picture = ask(app, f"/objectives/parking-permits/money-and-quality.svg?theme={theme}")
        assert picture.headers["content-type"].startswith("image/svg+xml")
        assert "EUR per intended outcome" in picture.text
    assert ask(app, "/objectives/parking-permits?compare=mood").status == 400
    assert ask(app, "/objectives/nothing").status == 404


def test_a_picture_of_nothing_is_still_a_picture() -> None:
    zone = CATALOGUE["street-lights"].zone
    spec = money_and_quality([], [], NOTHING, zone=zone, minor_digits=2, currency="EUR", target=None, theme="light")
    assert len(spec["vconcat"]) == 3


def test_waste_is_ranked_by_money_and_booked_is_never_added_to_modelled(app: Starlette) -> None:
    text = plain(ask(app, "/waste").text)
    assert "failure demand modelled EUR 2,400 8 of 8 rework modelled EUR 792.00 8 of 8" in text
    assert "rework booked EUR 964.00 8 of 8" in text
    assert "1,756" not in text and "3,364" not in text and "4,156" not in text
    assert "Nothing was booked as failure demand in 8 services. That may only mean that nobody books it." in text
    assert "Parking permits (simulated) 21.0 no rate in the catalogue" in text
    assert "wrong channel modelled not provided: the catalogue states no rate for it" in text
    assert ask(app, "/waste/XYZ.svg").status == 404
    assert ask(app, "/waste?window=1h").status == 400


def test_waste_as_it_was_known_before_anything_was(app: Starlette) -> None:
    assert "No waste is known in money yet." in ask(app, "/waste?as_of=2020-01-01").text


def test_every_event_and_every_field_is_explained_to_those_who_work_with_them(app: Starlette) -> None:
    tags = [str(kind.__struct_config__.tag) for kind in PUBLIC_EVENTS]
    assert sorted(WHAT_EVENTS_DO) == sorted(tags)
    fields = {name for kind in PUBLIC_EVENTS for name in get_type_hints(kind)["data"].__struct_fields__}
    assert fields == set(FIELD_WORDS)
    text = ask(app, "/counted").text
    assert all(f">{tag}<" in text for tag in tags)
    assert all(service.owner in text for service in CATALOGUE.values())


def test_a_service_that_keeps_who_did_a_step_says_so(tmp_path: Path) -> None:
    kept = {"a": msgspec.structs.replace(CATALOGUE["street-lights"], id="a", keep_resource=True, suppress_below=0)}
    path = tmp_path / "none.sqlite"
    text = ask(application(kept, lambda: SQLiteHistory(path, read_only=True)), "/counted").text
    assert "kept with the case, shown nowhere" in text and "not taken over from the event<" not in text
    assert "not hidden: the catalogue says so" in text


def test_pages_before_the_first_figure_say_so(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    SQLiteHistory(path).close()
    app = application(CATALOGUE, lambda: SQLiteHistory(path, read_only=True), clock=lambda: NOW)
    assert "Cannot tell" in ask(app, "/objectives").text
    assert "No week of cost, promise or satisfaction is known yet." in ask(app, "/objectives/street-lights").text
    assert "We have no figures yet." in ask(app, "/promises").text
    assert ask(app, "/objectives/street-lights/money-and-quality.svg").status == 200
    assert ask(app, "/objectives/street-lights/money-and-quality.csv").text.count("\n") == 1


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (5, 13, "The newest weeks with those before, comparable weeks only: 17 Aug 2026 to 15 Nov 2026 (13 weeks) with "
                "13 Jul 2026 to 16 Aug 2026 (5 weeks)."),
        (13, 13, "The last quarter with the one before, comparable weeks only: 17 Aug 2026 to 15 Nov 2026 (13 weeks) "
                 "with 18 May 2026 to 16 Aug 2026 (13 weeks)."),
    ],
)  # fmt: skip
def test_the_later_stretch_is_named_first_and_five_weeks_are_no_quarter(before: int, after: int, words: str) -> None:
    service = CATALOGUE["street-lights"]
    local = datetime.datetime(2026, 8, 17, tzinfo=service.zone)
    start, middle, end = (int((local + datetime.timedelta(weeks=weeks)).timestamp()) for weeks in (-before, 0, after))
    compared = Comparison("quarter", (start, middle), (middle, end), None, trade_off(None, None, None))
    assert trade_off_words(compared, service, 3)[1].replace("\N{NO-BREAK SPACE}", " ") == words


def test_a_single_week_of_money_and_quality_is_no_picture() -> None:
    first, second = (Week(start=at, end=at + 1, cost=10.0, promise=0.9, satisfaction=None) for at in (0, 1))
    assert not is_drawn([first, msgspec.structs.replace(second, cost=None, promise=None)])
    assert is_drawn([first, second])
