"""`/checks`: what was looked at near the due of each service, as known at a moment, in words that blame nobody."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import msgspec
import pytest
from starlette.applications import Starlette

from history.sqlite import SQLiteHistory
from kept import target_margins as m
from kept.signals import integrity
from summaries import vega
from summaries.application import application
from summaries.check_words import check_sentences, result
from summaries.pictures.closings_by_margin import NARROW, closings_by_margin, in_words
from tests.summaries.asking import ask
from tests.summaries.figures import HOSTILE, NOW
from tests.summaries.near_due_history import FEW, HONEST, HOUR, ODD, SERVICES, fill, points, raised

BLAME = ("cheat", "gaming", "fraud", "manipul", "fault", "guilt", "blame")


@pytest.fixture
def app(tmp_path: Path) -> Starlette:
    path = tmp_path / "history.sqlite"
    store = SQLiteHistory(path)
    fill(store)
    store.close()
    return application(SERVICES, lambda: SQLiteHistory(path, read_only=True), clock=lambda: NOW + 60)


def section(text: str, identity: str) -> str:
    """The words of one service's section."""
    html = text.split(f'aria-labelledby="{identity}"')[1].split("</section>")[0]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def test_the_history_is_what_it_says_it_is() -> None:
    assert {one.verdict.about for one in raised("hostile", ODD, HOUR)} == {"bunching", "reopened", "moved"}
    assert not [*raised("quiet", HONEST, HOUR), *raised("few", FEW, HOUR)]


def test_what_is_to_be_checked_comes_first_in_one_sentence_each_with_what_to_ask(app: Starlette) -> None:
    answer = ask(app, "/checks")
    assert answer.status == 200
    found = answer.text.split('id="found"')[1].split("</section>")[0]
    assert found.count("<li>") == 3
    assert "of 4,268 closings with a promise in 90 days 560 came in the last 5 % of the promised time" in found
    assert found.count("Ask: ") == 3
    assert "nothing stands out" not in answer.text.lower()


def test_every_check_is_shown_with_its_counts_also_where_it_is_silent(app: Starlette) -> None:
    text = ask(app, "/checks").text
    odd, quiet, few, unheard = (section(text, name) for name in ("hostile", "quiet", "few", "unheard"))
    assert "check: 560 of 4,268; 110 in the fullest band beside" in odd
    assert "check: 93 of 560; 12 of 397 a little earlier" in odd
    assert "check: 160; 18 in the fifth before" in odd
    assert "a few cases, too few to show" in odd
    assert "nothing to check: 5 of 510" in odd
    assert "Nothing to check was found" in quiet and "nothing to check: 180 of 5,766" in quiet
    assert "Too few cases to tell." in few and "nothing to check" not in few
    assert "Not known: nothing with a promise was closed" in unheard and "not known" in unheard
    assert "Archive requests" in text and 'aria-labelledby="unpromised"' not in text


def test_no_word_of_blame_is_on_the_page(app: Starlette) -> None:
    text = ask(app, "/checks").text.lower()
    assert [word for word in BLAME if word in text] == []


def test_as_it_was_known_a_day_before_nothing_was_to_be_checked(app: Starlette) -> None:
    then = ask(app, "/checks?as_of=2026-11-23T18:00")
    assert then.status == 200, then.text
    assert "Nothing stands out near the due of the services that were looked at" in then.text
    assert "Not looked at: 1 of 4 services" in then.text
    assert "no counts of the last day: <bdi>Not yet heard of</bdi>." in then.text
    assert "nothing to check: 180 of 5,766" in section(then.text, "hostile")
    assert "As it was known then" in then.text
    assert "as_of=2026-11-23T18%3A00" in then.text.split('id="hostile"')[1]


def test_the_window_is_chosen_and_another_is_refused(app: Starlette) -> None:
    chosen = ask(app, "/checks?window=28d").text
    assert '<strong aria-current="true">28 days</strong>' in chosen
    assert "/checks/quiet/closings.svg?theme=light&amp;window=28d" in chosen
    refused = ask(app, "/checks?window=7d")
    assert refused.status == 400 and "28d, 90d" in refused.text


def test_counts_are_there_as_csv_and_json(app: Starlette) -> None:
    rows = list(csv.reader(io.StringIO(ask(app, "/checks/hostile/closings.csv").text)))
    assert len(rows) == 1 + len(m.BANDS)
    assert rows[1 + m.JUST_BEFORE][:2] == ["0 to 5 % before", "560"]
    data = json.loads(ask(app, "/api/checks/hostile.json?window=28d").text)
    assert data["closings"]["before_0_5"] == 560
    assert {one["check"] for one in data["checks"] if one["found"]} == {"bunching", "reopened", "moved"}
    assert {one["days"] for one in data["checks"]} == {28}
    assert json.loads(ask(app, "/api/checks/unheard.json").text)["closings"] == {}


@pytest.mark.parametrize(
    "path", ["/checks/nobody/closings.svg", "/checks/nobody/closings.csv", "/api/checks/nobody.json"]
)
def test_an_unknown_service_is_answered_with_those_there_are(app: Starlette, path: str) -> None:
    answer = ask(app, path)
    assert answer.status == 404
    assert "nobody" in answer.text and ("quiet" in answer.text or "Birth certificates" in answer.text)


def test_a_picture_of_nothing_is_not_found_and_one_of_something_is_the_same_each_time(app: Starlette) -> None:
    assert ask(app, "/checks/unheard/closings.svg").status == 404
    first = ask(app, "/checks/hostile/closings.svg?theme=dark")
    assert first.status == 200 and first.headers["content-type"] == "image/svg+xml"
    assert first.body == ask(app, "/checks/hostile/closings.svg?theme=dark").body
    assert ask(app, "/checks/hostile/closings.svg?narrow=tiny").status == 400
    widths = [
        int(ask(app, f"/checks/hostile/closings.svg{query}").text.split('width="')[1].partition('"')[0])
        for query in ("", "?narrow=1")
    ]
    assert widths[1] <= NARROW < widths[0] and "narrow=1" in ask(app, "/checks").text


def test_the_picture_has_a_bar_for_each_band_the_due_and_what_is_allowed() -> None:
    bars, due, allowed, _ = closings_by_margin(ODD, "light")["layer"]
    assert [bar["closings"] for bar in bars["data"]["values"]] == list(ODD.closings[1:-1])
    assert [bar["band"] for bar in bars["data"]["values"]].index("last 5 % before the due") == m.JUST_BEFORE - 1
    assert due["data"]["values"] == [{"left": 0}]
    assert allowed["data"]["values"] == [{"closings": 220}]
    assert in_words(ODD).startswith("Closings by distance from the due: 560 in the last 5 % of the promised time")
    assert vega.svg(closings_by_margin(FEW, "dark", 350), "dark").startswith("<svg")


def test_sentences_for_a_summary_are_in_order_and_name_the_service() -> None:
    signals = [*raised("hostile", ODD, HOUR), *raised("elsewhere", ODD, HOUR)]
    told = check_sentences(reversed(signals), SERVICES)
    assert [(one.service, one.about) for one in told] == [
        *(("hostile", about) for about in ("bunching", "reopened", "moved")),
        *(("elsewhere", about) for about in ("bunching", "reopened", "moved")),
    ]
    assert told[0].sentence == (
        f"Check at {HOSTILE}: of 4,268 closings with a promise in 90 days 560 came in the last 5 % of the promised "
        "time, against 110 in the fullest band of 5 % beside it."
    )
    assert len({one.id for one in told}) == 6
    assert not check_sentences([], SERVICES)


def test_few_cases_are_said_to_be_few() -> None:
    assert {result(check) for check in integrity.checks(FEW, 90)} == {"too few cases to tell"}
    assert result(integrity.moved(ODD, 90)) == "check"


def test_a_window_whose_closings_are_all_too_few_to_show_is_answered(tmp_path: Path) -> None:
    path = tmp_path / "few.sqlite"
    store = SQLiteHistory(path)
    found = points("few", FEW, HOUR, 90)
    store.write([msgspec.structs.replace(one, value=None, numerator=None, denominator=None, reason="few_people",
                                         state="not_applicable") for one in found])  # fmt: skip
    store.publish(list(SERVICES), HOUR)
    store.close()
    app = application(SERVICES, lambda: SQLiteHistory(path, read_only=True), clock=lambda: NOW + 60)
    answer = ask(app, "/checks")
    assert answer.status == 200
    assert "a few cases, too few to show" in section(answer.text, "few")
    assert "0 of 0" not in section(answer.text, "few") and "closings.svg" not in answer.text


@pytest.mark.parametrize(("hours", "is_shown"), [(20, True), (25, False)])
def test_counts_are_shown_with_their_moment_up_to_a_day(tmp_path: Path, hours: int, is_shown: bool) -> None:
    path = tmp_path / "old.sqlite"
    store = SQLiteHistory(path)
    store.write([*points("quiet", HONEST, HOUR, 90)])
    store.publish(list(SERVICES), HOUR + hours * 3600)
    store.close()
    app = application(SERVICES, lambda: SQLiteHistory(path, read_only=True), clock=lambda: NOW + hours * 3600)
    text = ask(app, "/checks").text
    assert ("Counts of Tue 24" in section(text, "quiet")) == is_shown
    assert f"Not looked at: {3 if is_shown else 4} of 4 services" in text
    assert ("Nothing could be looked at." in text) != is_shown
