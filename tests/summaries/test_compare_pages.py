"""The pages Compare and Equity: what they show, what they hide, and what they refuse to put beside each other."""

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
from kept.comparison.funnel import funnel, limits
from kept.comparison.members import Member
from kept.comparison.worst import gaps_to_rest, worst_member
from kept.signals.gaps import Cohort
from summaries.application import application
from summaries.compared import compared, short_name
from summaries.comparison_words import spread_words, worst_in_words
from summaries.known import HistoryReader, Known
from summaries.pictures.funnel_plot import NARROW, funnel_plot
from summaries.pictures.gap_plot import MOST_ROWS, drawn, gap_plot
from tests.kept.comparison.comparison_simulation import spread_cohorts
from tests.summaries.asking import ask
from tests.summaries.compared_city import AREAS, COMPARED, HOUR, fill_compared, slice_point, whole
from tests.summaries.figures import NOW

RANK = re.compile(r"\b(rank(ed|ing)?|league|best|top|bottom|[0-9]+(st|nd|rd|th)|place [0-9])\b", re.IGNORECASE)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Starlette:
    path = tmp_path_factory.mktemp("compared") / "history.sqlite"
    store = SQLiteHistory(path)
    fill_compared(store)
    store.close()
    return application(COMPARED, lambda: SQLiteHistory(path, read_only=True), clock=lambda: NOW + 60)


def rows(text: str) -> list[list[str]]:
    """Cells of the rows of the first table."""
    [body] = re.findall(r"<tbody>(.*?)</tbody>", text, re.DOTALL)[:1]
    cells = [
        re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL)
        for row in re.findall(r"<tr>(.*?)</tr>", body, re.DOTALL)
    ]
    return [[cell.replace("\N{NO-BREAK SPACE}", " ") for cell in row] for row in cells]


def table_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_areas_are_by_name_with_limits_and_words_and_no_rank(app: Starlette) -> None:
    page = ask(app, "/compare/street-lights?by=area").text
    shown = rows(page)
    assert [row[0] for row in shown] == ["Centre", "East", "Hill", "North", "South", "West"]
    assert shown[3] == [
        "North",
        "412",
        "293",
        "71.1 %",
        "78.3 to 85.9 %",
        "76.0 to 87.9 %",
        "Lower than chance explains",
    ]
    assert "Data as of" in page and "Tue 24 Nov 2026, 17:00" in page.replace("\N{NO-BREAK SPACE}", " ")
    assert RANK.findall(re.sub(r"<[^>]*>", "", page)) == []


def test_a_few_people_are_named_without_a_number_and_cannot_be_found_by_subtraction(app: Starlette) -> None:
    for address in ("/compare/street-lights?by=area", "/equity/street-lights"):
        page = ask(app, address).text
        assert "Not shown, fewer than 5 people: Harbour." in page
        assert "cannot be found by subtraction: Old Town" in page
        assert "Without a figure, as nothing fell due or it is not known: Heath." in page
    files = (
        "/compare/street-lights/slices.csv?by=area",
        "/equity/street-lights/gaps.csv?by=area",
        "/api/compare/street-lights.json?by=area",
        "/compare/street-lights/funnel.svg?by=area",
        "/equity/street-lights/gaps.svg?by=area",
    )
    for address in files:
        answer = ask(app, address)
        assert answer.status == 200
        assert "North" in answer.text
        assert "Harbour" not in answer.text and "Old Town" not in answer.text, address


def test_the_file_has_what_the_page_has(app: Starlette) -> None:
    for by in ("area", "channel"):
        names = [row[0] for row in rows(ask(app, f"/compare/street-lights?by={by}").text)]
        written = table_of(ask(app, f"/compare/street-lights/slices.csv?by={by}").text)
        assert [row["name"] for row in written] == names
    north = next(
        row for row in table_of(ask(app, "/compare/street-lights/slices.csv?by=area").text) if row["name"] == "North"
    )
    together = [
        sum(AREAS[name][part] for name in ("North", "South", "East", "West", "Centre", "Hill")) for part in (0, 1)
    ]
    expected = limits(412, together[1] / together[0], 0.002)
    assert (float(north["lower_998"]), float(north["upper_998"])) == pytest.approx(expected, abs=1e-6)
    assert north["place"] == "below_998"
    as_json = json.loads(ask(app, "/api/compare/street-lights.json?by=area").text)
    assert as_json["window_end"] == HOUR and as_json["rows"][3]["place"] == "below_998"


def test_around_the_target_the_target_is_the_middle(app: Starlette) -> None:
    page = ask(app, "/compare/street-lights?by=area&centre=target").text
    assert "The thick line is the target, 80.0" in page
    assert next(row for row in rows(page) if row[0] == "South")[6] == "Higher, and chance may explain it"


def test_as_it_was_known_then(app: Starlette) -> None:
    page = ask(app, "/compare/street-lights?by=area&as_of=2026-11-24T17:05").text
    assert next(row for row in rows(page) if row[0] == "North")[2] == "350"
    assert "As it was known then" in page
    equity = ask(app, "/equity/street-lights?as_of=2026-11-24T17:05").text
    assert next(row for row in rows(equity) if row[0] == "North")[2] == "85.0 %"
    early = ask(app, "/compare/street-lights?by=area&as_of=2026-11-20")
    assert early.status == 200 and "There is nothing to compare" in early.text


def test_services_of_one_name_are_two_and_nothing_is_left_over_where_windows_differ(tmp_path: Path) -> None:
    """As of 17:00 the slices of the last 28 days tell of 17 hours more than the whole: 40 more cases due by Website."""
    path = tmp_path / "history.sqlite"
    store = SQLiteHistory(path)
    day, hour = HOUR - 17 * 3600 - 28 * 86400, HOUR - 28 * 86400
    names = ("permits-north", "permits-south")
    for name, kept in zip(names, (900, 950), strict=True):
        store.write([msgspec.structs.replace(whole(name, 1060, kept), window_start=hour)])
        parts = [slice_point(name, "channel", "Website", 1040, kept), slice_point(name, "channel", "Desk", 60, 40)]
        store.write([msgspec.structs.replace(one, window_start=day) for one in parts])
    store.publish(set(names), NOW)
    store.close()
    alike = {name: msgspec.structs.replace(COMPARED[name], name="Permits desk") for name in names}
    page = application(alike, lambda: SQLiteHistory(path, read_only=True), clock=lambda: NOW + 60)
    mixed = table_of(ask(page, "/compare-services/permit-desks/services.csv").text)
    counts = [(row["service"], row["due"], row["kept"]) for row in mixed]
    assert counts == [("Permits desk", "1100", "940"), ("Permits desk", "1100", "990")]


def test_unlike_services_are_refused_with_every_reason(app: Starlette) -> None:
    page = ask(app, "/compare?one=births&other=permits-north").text
    assert "Birth certificates and Permits desk North are not compared" in page
    assert "Another unit of work" in page
    assert "Another promise: Birth certificates promises 10 days, Permits desk North promises 5 days." in page
    alike = ask(app, "/compare?one=permits-north&other=permits-south").text
    assert "may be compared</a>" in alike and "/compare-services/permit-desks" in alike
    assert ask(app, "/compare?one=births&other=births").status == 400
    assert ask(app, "/compare?one=births&other=none").status == 404


def test_services_of_a_group_are_shown_as_they_are_and_adjusted_for_their_channels(app: Starlette) -> None:
    page = ask(app, "/compare-services/permit-desks").text
    assert [row[0] for row in rows(page)] == ["Permits desk East", "Permits desk North", "Permits desk South"]
    assert rows(page)[1][6] == "As chance allows"
    adjusted = table_of(ask(app, "/compare-services/permit-desks/services.csv").text)
    north = next(row for row in adjusted if row["service"] == "Permits desk North")
    # Website 1910 of 2100, Desk 1390 of 1700 together
    assert float(north["expected_share"]) == pytest.approx((300 * 1910 / 2100 + 900 * 1390 / 1700) / 1200, abs=1e-6)
    assert north["place"] == "above_95"
    assert ask(app, "/compare-services/permit-desks/funnel.svg").status == 200
    for unknown in ("/compare-services/births", "/compare-services/none/funnel.svg"):
        assert ask(app, unknown).status == 404


def test_equity_names_the_worst_member_and_what_to_make_of_it(app: Starlette) -> None:
    page = ask(app, "/equity/street-lights").text.replace("\N{NO-BREAK SPACE}", " ")
    assert (
        "<strong>North</strong>: 71.1 % of 412 kept, 83.0 % of the other 5,280: 11.9 points lower "
        "(95 % interval 6.2 to 18.3), more than chance explains."
    ) in page
    assert "Of 412 cases due here 71.1% were kept" in page
    overview = ask(app, "/equity").text
    assert "North: the gap has changed" in overview
    assert "Not known: it takes two slices that may be shown" in overview
    names = re.findall(r'<th scope="row"><a [^>]*>(.*?)</a>', overview)
    assert names == sorted(names, key=lambda name: name.replace("&lt;", "<"))


def test_hostile_names_are_harmless(app: Starlette) -> None:
    for address in ("/compare/hostile?by=area", "/equity/hostile", "/equity", "/compare"):
        text = ask(app, address).text
        assert "<script>alert" not in text and "\u202e" not in text and "W" * 200 not in text, address
    for address in ("/compare/hostile/slices.csv?by=area", "/equity/hostile/gaps.csv?by=area"):
        assert "'=HYPERLINK" in ask(app, address).text
    for address in ("/compare/hostile/funnel.svg?by=area", "/equity/hostile/gaps.svg?by=area"):
        assert "<script" not in ask(app, address).text


@pytest.mark.parametrize(
    ("address", "status", "words"),
    [
        ("/compare/nothing", 404, "No service is known as"),
        ("/compare/births?by=colour", 400, "valid: area, channel, category"),
        ("/compare/births?window=3d", 400, "valid: 7d, 28d, 90d, 365d, all"),
        ("/compare/births?centre=mean", 400, "valid: overall, target"),
        ("/compare/archive?centre=target", 400, "archive promises nothing"),
        ("/compare/births/funnel.svg", 404, "There is nothing to draw"),
        ("/equity/births/gaps.svg?by=area", 404, "There is nothing to draw"),
        ("/equity/births/gaps.svg?by=category", 400, "valid: area, channel"),
        ("/equity/street-lights/gaps.svg?narrow=5", 400, "valid: 0, 1"),
        ("/equity/nothing", 404, "No service is known as"),
    ],
)
def test_what_makes_no_sense_gets_a_helpful_answer(app: Starlette, address: str, status: int, words: str) -> None:
    answer = ask(app, address)
    assert answer.status == status
    assert words in answer.text


def test_nothing_to_compare_is_said(app: Starlette) -> None:
    assert "There is nothing to compare" in ask(app, "/compare/permits").text
    assert ask(app, "/compare/street-lights?by=category").status == 200


def test_the_worst_member_beside_the_total_of_the_newest_moment(tmp_path: Path) -> None:
    store = SQLiteHistory(tmp_path / "history.sqlite")
    fill_compared(store)
    lights = COMPARED["street-lights"]
    reader = HistoryReader(lambda: store)
    read = compared(Known(reader, COMPARED), lights, "28d")
    worst = worst_member(read.by["area"].shown)
    assert worst is not None
    assert (worst.name, worst.cohort, worst.surety) == ("North", Cohort(412, 293), "certain")
    assert read.whole == Cohort(sum(due for due, _ in AREAS.values()), sum(kept for _, kept in AREAS.values()))
    assert compared(Known(reader, COMPARED, as_of=HOUR - 60), lights, "28d").at is None
    reader.close()


def test_the_picture_of_a_funnel_holds_the_limits_it_judges_by() -> None:
    members = [Member(str(number), one) for number, one in enumerate(spread_cohorts(units=30, spread=0.05, seed=2))]
    for target in (None, 0.9):
        made = funnel(members, target)
        assert made is not None and made.is_adjusted == (target is None)
        spec = funnel_plot(made, "light", NARROW)
        lines, middle, marks, names = (layer["data"]["values"] for layer in spec["layer"])
        for line in lines:
            edge = made.limits(line["volume"], 0.05 if line["limit"] == "95 %" else 0.002)
            assert line["share"] in edge
        assert middle == [{"share": made.centre}]
        assert [mark["share"] for mark in marks] == [unit.cohort.share for unit in made.units]
        assert len([mark for mark in names if mark["name"]]) <= 8
    assert spread_words(funnel(members)).startswith("These 30 differ by more than chance in general")
    assert "around the target no limit allows for it" in spread_words(funnel(members, 0.9))


def test_the_picture_of_gaps_has_the_largest_members_by_name() -> None:
    gaps = gaps_to_rest(Member(f"{number:02}", Cohort(10 + number, 8)) for number in range(MOST_ROWS + 5))
    assert [one.name for one in drawn(gaps)] == [f"{number:02}" for number in range(5, MOST_ROWS + 5)]
    rows = gap_plot(gaps, "dark")["layer"][1]["data"]["values"]
    assert [row["gap"] for row in rows] == [100 * one.gap for one in drawn(gaps)]


def test_words_of_the_worst_member_have_both_numbers_and_what_to_make_of_it() -> None:
    [a, _] = gaps_to_rest([Member("a", Cohort(10, 7)), Member("b", Cohort(1000, 900))])
    words = worst_in_words(a).replace("\N{NO-BREAK SPACE}", " ")
    assert words.startswith("70.0 % of 10 kept, 90.0 % of the other 1,000: 20.0 points lower (95 % interval")
    assert words.endswith("chance may explain it")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("North", "North"),
        ("\u202egnp.txt\u200b", "gnp.txt"),
        ("a\nb", "a b"),
        ("\u200b", "(no readable name)"),
        ("x" * 99, "x" * 59 + "…"),
    ],
)
def test_names_are_shown_plain(name: str, shown: str) -> None:
    assert short_name(name) == shown
