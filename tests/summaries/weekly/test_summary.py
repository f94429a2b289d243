"""The model of a week: what is told, in which order, of which moment, and what is not told."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import get_args

import msgspec
import pytest

from history.sqlite import SQLiteHistory
from history.store import HistoryStore
from kept.comparison.worst import GapToRest
from kept.decisions import DecisionEntry
from kept.iso_week import IsoWeek
from kept.registered_changes import RegisteredChange
from kept.signals.chart_amendments import ChartAmendment
from kept.signals.chart_weeks import Gap
from kept.signals.gaps import Cohort
from kept.signals.kinds import KINDS
from kept.signals.spc import BASELINE, judge_next
from kept.signals.weekly import SHORT_WEEK
from summaries.gap_words import GAP_WORDS
from summaries.known import HistoryReader, Known
from summaries.weekly.chart import summary_chart
from summaries.weekly.facts import ServiceWeek, WeekFacts, is_of_week, weeks_there
from summaries.weekly.figure_sentences import SUBJECTS
from summaries.weekly.html_file import key_of
from summaries.weekly.markdown import as_markdown
from summaries.weekly.news import news_of
from summaries.weekly.noise import LABELS, MARKED_BY_CHANCE, MARKED_BY_CHANCE_IN_TRIAL
from summaries.weekly.questions import WHY
from summaries.weekly.summary import WeekSummary, summarise
from tests.summaries.figures import service
from tests.summaries.weekly.figures import (
    DAY,
    HOUR,
    SMALL,
    WEEK,
    chart,
    cohorts,
    decided,
    raised,
    small_week,
    waste,
    week_values,
)
from tests.summaries.weekly.telling import facts_of, history_of

LIGHTS, BIRTHS = SMALL["street-lights"], SMALL["births"]
END, START = WEEK.end(LIGHTS.zone), WEEK.start(LIGHTS.zone)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return history_of(tmp_path_factory.mktemp("week") / "history.sqlite", small_week)


@pytest.fixture
def summary(small: Path) -> WeekSummary:
    return summarise(facts_of(small, SMALL))


def plain(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ")


def week_of(**changes: object) -> ServiceWeek:
    """A service's week about which nothing is known; `changes` replace its fields."""
    empty = ServiceWeek(
        service=LIGHTS, start=START, end=END, published=END + 6 * HOUR, charts={}, points=[], signals=[], changes=[]
    )
    return msgspec.structs.replace(empty, **changes)


def told(*services: ServiceWeek) -> WeekSummary:
    return summarise(WeekFacts(week=WEEK, as_of=END + 6 * HOUR, services=services, decisions=[]))


def test_the_same_week_and_data_give_the_same_summary(small: Path) -> None:
    first, second = (msgspec.json.encode(summarise(facts_of(small, SMALL))) for _ in range(2))
    assert first == second


def test_what_comes_after_the_moment_changes_nothing_but_a_later_moment_shows_it(tmp_path: Path) -> None:
    path = history_of(tmp_path / "history.sqlite", small_week)
    before = msgspec.json.encode(summarise(facts_of(path, SMALL)))
    store = SQLiteHistory(path)
    store.record([raised(LIGHTS, "cases_at_risk", END + 2 * DAY, words="9 of 10 cases are still open")])
    store.decide(decided(LIGHTS, END + 2 * DAY, "Said on Wednesday", "2026-12-01"))
    store.publish([LIGHTS.id, BIRTHS.id, "hostile"], END + 9 * DAY)
    store.close()
    assert msgspec.json.encode(summarise(facts_of(path, SMALL))) == before
    later = summarise(facts_of(path, SMALL, as_of=END + 3 * DAY))
    assert "Said on Wednesday" in {one.text for one in later.decisions}


def test_decisions_open_the_summary_overdue_first_with_what_became_of_them(summary: WeekSummary) -> None:
    assert [(one.name, one.became) for one in summary.decisions] == [
        ("Street light repairs", "overdue by 3 days"),
        ("Birth certificates", "closed on 2026-11-18: it helped"),
    ]


def test_a_decision_that_was_closed_before_the_week_is_told_no_more(tmp_path: Path) -> None:
    path = history_of(tmp_path / "history.sqlite", small_week)
    store = SQLiteHistory(path)
    old = decided(LIGHTS, START - 20 * DAY, "Long done", "2026-11-01")
    store.decide(old)
    closed = DecisionEntry(decision=old.decision, at=START - DAY, says="closed", by="x", service=LIGHTS.id)
    store.decide(closed)
    store.close()
    assert "Long done" not in {one.text for one in summarise(facts_of(path, SMALL)).decisions}


def test_an_alert_and_a_chart_about_the_same_thing_are_told_once(summary: WeekSummary) -> None:
    (promise,) = (one for one in summary.news if one.service == LIGHTS.id)
    assert plain(promise.sentence).startswith("Street light repairs kept 71.0 % of promises due this week (n 412;")
    assert promise.sentence.endswith(": a real change, for the worse.")
    assert len(promise.besides) == len(promise.signals) == 2
    assert plain(promise.besides[0]) == (
        "72 of 120 promises due in the last 24 h were kept (60 %, promised 80 %); by chance 1 time in 33,000. "
        "An urgent alert was raised on Wed 18 Nov and is open."
    )
    assert (promise.urgency, promise.meaning, promise.chart) == ("page", "concern", "promise_kept")


def test_an_alert_in_a_week_that_the_chart_calls_usual_says_both() -> None:
    weeks = chart(LIGHTS, "promise_kept", week_values("promise_kept", 20, Random(1)))
    alert = raised(LIGHTS, "promise_budget_slow", START + DAY, words="280 of 412 promises were kept")
    model = told(week_of(charts={"promise_kept": weeks}, signals=[alert]))
    (one,) = model.news
    assert one.sentence.startswith("Street light repairs: 280 of 412 promises were kept. A ticket was raised on")
    assert "On its chart: Street light repairs kept" in one.besides[0] and "within its usual range" in one.besides[0]
    assert (model.noise.usual, model.noise.judged) == (0, 1)
    assert model.noise.rows[0].cells[0].state == "alert"


def test_every_kind_of_signal_can_be_told() -> None:
    signals = [raised(LIGHTS, kind.name, END, about="area=North" if kind.topic == "area" else "") for kind in KINDS]
    signals.append(raised(LIGHTS, "from_another_version", END))
    news = news_of([week_of(signals=signals)])
    assert sum(len(one.signals) for one in news) == len(KINDS) + 1
    assert all(one.sentence.startswith("Street light repairs") for one in news)


def test_news_stand_with_the_worst_first() -> None:
    fallen = chart(LIGHTS, "promise_kept", [*week_values("promise_kept", 19, Random(1)), 0.66])
    risen = chart(LIGHTS, "satisfaction_score", [*week_values("satisfaction_score", 19, Random(1)), 90.0])
    more = chart(LIGHTS, "backlog", [*week_values("backlog", 19, Random(1)), 9000.0])
    page = raised(LIGHTS, "source_silent", START + DAY, words="Nothing was heard for 2 days")
    charts = {"promise_kept": fallen, "backlog": more, "satisfaction_score": risen}
    assert [(one.subject, one.meaning) for one in news_of([week_of(charts=charts, signals=[page])])] == [
        ("source_silent", "concern"),
        ("backlog", "concern"),
        ("promise_kept", "concern"),
        ("satisfaction_score", "improvement"),
    ]


def test_what_is_noise_is_said_to_be_noise(summary: WeekSummary) -> None:
    assert summary.noise.sentence.startswith("7 other figures moved within their usual range: noise.")
    assert (summary.noise.usual, summary.noise.judged) == (7, 8)


@pytest.mark.parametrize(
    ("weeks", "said"),
    [(range(2, BASELINE), MARKED_BY_CHANCE_IN_TRIAL), (range(BASELINE, 22), MARKED_BY_CHANCE)],
    ids=["trial", "baseline"],
)
def test_chance_alone_marks_as_many_charts_as_it_says(weeks: range, said: float) -> None:
    dice, fired, charts = Random(1), 0, 600
    for _ in range(charts):
        values = [dice.gauss(0, 1) for _ in range(weeks.stop)]
        fired += sum(bool(judge_next(values[: week + 1]).fires) for week in weeks)
    assert fired / (charts * len(weeks)) == pytest.approx(said, abs=0.004)


def test_the_worst_member_stands_beside_its_total(summary: WeekSummary) -> None:
    lights = next(one for one in summary.worst if one.service == LIGHTS.id)
    assert plain(lights.total) == "71.1 % of 412"
    assert [plain(text) for text in lights.worst] == ["North: 54.5 % of 110, more than chance", "not known"]


def test_who_compares_members_can_be_replaced(small: Path) -> None:
    chosen = GapToRest("Chosen", Cohort(10, 1), Cohort(90, 80), 0.5, 0.9, 0.01)
    model = summarise(facts_of(small, SMALL), compare=lambda members: chosen)
    lights = next(one for one in model.worst if one.service == LIGHTS.id)
    assert plain(lights.worst[0]) == "Chosen: 10.0 % of 10, perhaps chance"
    assert lights.real == (), "what may be chance is shown, and asks for nothing"


def test_few_people_are_not_shown_and_cannot_be_subtracted(small: Path) -> None:
    births = next(one for one in summarise(facts_of(small, SMALL)).worst if one.service == BIRTHS.id)
    assert births.worst[1] == "too few people to show"
    points = cohorts(LIGHTS, {("", ""): (50, 100), ("area", "A"): (10, 40), ("area", "B"): (40, 60)})
    assert told(week_of(points=points)).worst[0].worst[0].startswith("A: 25.0")


def test_what_is_stale_or_unknown_is_said(summary: WeekSummary) -> None:
    words = {one.service: " / ".join(one.words) for one in summary.unknown}
    assert "stale: at the week's end nothing had been heard" in words["births"]
    assert "promise kept: the source was silent" in words["births"]
    assert "3 figures with trial limits: they rest on 8 weeks, 12 make a baseline" in words["hostile"]
    assert words["archive"] == "nothing is published of it"


def test_figures_from_before_the_end_of_the_week_are_said_to_be() -> None:
    early = cohorts(LIGHTS, {("", ""): (50, 100)}, window_end=END - 2 * HOUR)
    (unknown,) = told(week_of(points=early)).unknown
    assert any(
        plain(text).startswith("areas, channels and waste are as of Sun 22 Nov 2026, 22:00") for text in unknown.words
    )


def test_the_week_of_a_registered_change_is_not_judged() -> None:
    weeks = chart(LIGHTS, "backlog", week_values("backlog", 20, Random(1)), mixed=True)
    model = told(week_of(charts={"backlog": weeks}))
    assert model.noise.rows[0].cells[0].state == "unjudged"
    assert any("the week of a registered change, not judged" in text for text in model.unknown[0].words)


def test_a_change_is_told_with_the_verdict_of_who_knows(small: Path) -> None:
    change = RegisteredChange(
        service=LIGHTS.id, at=END - DAY, id="1", title="More vans", indicator="backlog", direction="down"
    )
    facts = WeekFacts(week=WEEK, as_of=END, services=[week_of(changes=[change])], decisions=[])
    plain_words = "Street light repairs, Sun 22 Nov: “More vans”, should move backlog down."
    assert plain(summarise(facts).changes[0].in_words) == plain_words
    judged = summarise(facts, verdict_of_change=lambda one: "Too early to tell.")
    assert plain(judged.changes[0].in_words) == f"{plain_words} Too early to tell."


def test_booked_and_modelled_money_are_never_added() -> None:
    points = waste(
        LIGHTS, rework_booked=100.0, failure_demand_booked=50.0, rework_modelled=7.0, wrong_channel_modelled=None
    )
    booked, modelled = told(week_of(points=points)).waste
    assert plain(booked.sentence) == "Booked: EUR 150."
    assert plain(modelled.sentence) == "Modelled from rates of the catalogue: EUR 7.00."
    assert [plain(text) for text in modelled.rows[0].amounts] == ["EUR 7.00", "not known", "not known"]


def test_questions_follow_from_what_is_told(summary: WeekSummary) -> None:
    assert summary.questions[1] == (
        "Street light repairs: why was the promise kept less often? First: see which channel, area or step the late "
        "cases have in common."
    )
    assert not any("heard" in question for question in summary.questions), "what has ended asks for nothing"


def test_simulated_is_said_at_the_top_and_so_are_several_zones(summary: WeekSummary) -> None:
    assert summary.notes[0].startswith("SIMULATED: 3 of the services are made up")
    far = msgspec.structs.replace(BIRTHS, time_zone="Pacific/Auckland", simulated=False)
    there = week_of(service=far, start=WEEK.start(far.zone), end=WEEK.end(far.zone))
    assert told(week_of(), there).notes == (
        "Services are in several time zones: each is told of its own week, Monday to Monday.",
    )


def test_before_everything_is_published_the_summary_is_provisional() -> None:
    late = week_of(published=END + HOUR)
    model = told(week_of(), late)
    assert not model.complete
    assert plain(model.notes[0]).startswith("Provisional: figures are published up to Mon 23 Nov 2026, 01:00")
    assert told(week_of()).complete


def test_a_signal_of_a_chart_belongs_to_the_week_that_it_judged() -> None:
    grave = raised(LIGHTS, "special_cause", END, about="backlog")
    before, after = START - 7 * DAY, END + 7 * DAY
    assert [is_of_week(grave, *edges) for edges in ((before, START), (START, END))] == [False, True]
    assert is_of_week(grave, END, after), "it is not over yet"
    assert not is_of_week(msgspec.structs.replace(grave, ended_at=after), END, after)


def test_weeks_there_are_whole_and_published(tmp_path: Path) -> None:
    path = history_of(tmp_path / "history.sqlite", small_week)
    reader = HistoryReader(lambda: SQLiteHistory(path, read_only=True))
    assert weeks_there(Known(reader, SMALL))[:2] == [WEEK, WEEK.plus(-1)]
    assert weeks_there(Known(reader, SMALL))[-1] == WEEK.plus(-19)
    assert weeks_there(Known(reader, SMALL, END - 300))[0] == WEEK.plus(-1)
    assert weeks_there(Known(reader, SMALL, START - 300 * DAY)) == []
    reader.close()


def test_every_charted_figure_has_its_words() -> None:
    assert set(SUBJECTS) == set(LABELS) == set(WHY)


def test_every_gap_has_its_words_and_a_short_week_is_said_by_its_definition() -> None:
    assert set(GAP_WORDS) == set(get_args(Gap))
    assert GAP_WORDS["short_week"].replace("\N{NO-BREAK SPACE}", " ") == "open for under 90 % of the usual hours"
    assert SHORT_WEEK == 0.9


def test_a_service_without_any_news_makes_no_noise() -> None:
    model = told(week_of(service=service("new", "New")))
    assert model.headline == "No figure of this week can be judged yet."
    assert model.noise.sentence.startswith("No figure has a usual range yet")
    assert model.week == IsoWeek(2026, 47)


def test_what_was_raised_before_the_week_stands_after_the_news_in_the_words_of_then() -> None:
    usual = chart(LIGHTS, "promise_kept", week_values("promise_kept", 20, Random(1)))
    old = raised(LIGHTS, "promise_budget_slow", START - 60 * DAY, chance=1e-9, words="150 of 254 promises were kept")
    silent = raised(BIRTHS, "source_silent", START - 400 * DAY, words="Nothing was heard for 1 day")
    new = raised(BIRTHS, "cases_at_risk", START + DAY, words="9 of 10 cases are still open")
    model = told(week_of(charts={"promise_kept": usual}, signals=[old]), week_of(service=BIRTHS, signals=[silent, new]))
    assert [one.subject for one in model.fresh] == ["promise_kept"]
    assert [one.subject for one in model.standing] == ["source_silent", "promise_kept"]
    silence, promise = model.standing
    assert promise.sentence.startswith("Street light repairs kept") and "usual range" in promise.sentence
    assert [plain(one) for one in promise.besides] == [
        "Still open since 17 Sep, when a ticket said: 150 of 254 promises were kept."
    ]
    assert plain(silence.sentence) == (
        "Birth certificates: Still open since 12 Oct 2025, when an urgent alert said: Nothing was heard for 1 day."
    )
    assert model.headline == "1 concern; 0 of 1 charted figures are noise. Still open from before: 2."
    text = as_markdown(model)
    assert text.index("9 of 10") < text.index("Still open, raised before this week") < text.index("150 of 254")


def test_a_question_for_several_services_is_asked_once() -> None:
    one, other = (
        week_of(service=each, signals=[raised(each, "promise_budget_slow", START - 30 * DAY)])
        for each in (LIGHTS, BIRTHS)
    )
    asked = told(one, other).questions
    assert len(asked) == 1
    assert asked[0].startswith("For Birth certificates and Street light repairs: why was the promise kept less often?")


def test_a_week_whose_charts_were_written_late_is_told_of_when_they_were(tmp_path: Path) -> None:
    weeks = chart(LIGHTS, "backlog", week_values("backlog", 20, Random(1)))
    leapt, far = END + 40 * HOUR, END + 8 * DAY

    def fill(store: HistoryStore) -> None:
        store.write_charts(weeks)
        other = chart(BIRTHS, "backlog", week_values("backlog", 20, Random(1)))
        store.write_charts(other)
        store.amend_charts([ChartAmendment(leapt, None, weeks[-1]), ChartAmendment(far, None, other[-1])])
        store.publish([LIGHTS.id, BIRTHS.id], END + 20 * DAY)

    facts = facts_of(history_of(tmp_path / "history.sqlite", fill), SMALL)
    assert facts.as_of == leapt
    there = {one.service.id: one.chart_week("backlog") for one in facts.services}
    assert there[LIGHTS.id] == weeks[-1]
    assert there[BIRTHS.id] is None, "what came more than a week late is told of a later moment alone"
    assert plain(summarise(facts).as_of_words).startswith("Tue 24 Nov 2026, 16:00")


@pytest.mark.parametrize(
    ("amounts", "booked", "modelled"),
    [
        ({}, "What waste was booked is not known: it was not published at the week's end.",
         "What waste cost by the rates of the catalogue is not known: it was not published at the week's end."),
        ({"rework_booked": 0.0, "failure_demand_booked": 0.0, "rework_modelled": None,
          "failure_demand_modelled": None, "wrong_channel_modelled": None},
         "Booked: nothing (EUR 0.00).", "No cost of waste can be modelled: the catalogue states no rate for it."),
    ],
    ids=["unpublished", "nothing-and-no-rate"],
)  # fmt: skip
def test_waste_that_is_unknown_is_not_called_none(amounts: dict[str, float | None], booked: str, modelled: str) -> None:
    assert [plain(one.sentence) for one in told(week_of(points=waste(LIGHTS, **amounts))).waste] == [booked, modelled]


def test_members_that_were_not_published_are_not_promises_that_did_not_fall_due() -> None:
    weeks = chart(LIGHTS, "promise_kept", week_values("promise_kept", 20, Random(1)))
    unpublished = told(week_of(charts={"promise_kept": weeks}))
    assert unpublished.no_worst == "Not known: areas and channels were not published at the week's end."
    none_due = msgspec.structs.replace(cohorts(LIGHTS, {("", ""): (1, 1)})[0], value=0.0, numerator=0, denominator=0)
    assert told(week_of(points=[none_due])).no_worst == "No promise fell due this week."


def test_charts_that_mark_the_week_are_drawn_first_and_those_of_standing_tickets_are_not() -> None:
    usual = chart(LIGHTS, "promise_kept", week_values("promise_kept", 20, Random(1)))
    marked = chart(LIGHTS, "satisfaction_score", [*week_values("satisfaction_score", 19, Random(1)), 90.0])
    charts = {"promise_kept": usual, "satisfaction_score": marked}
    new, old = (raised(LIGHTS, "promise_budget_slow", at) for at in (START + DAY, START - 30 * DAY))
    fresh = told(week_of(charts=charts, signals=[new]))
    assert [one.chart for one in fresh.news] == ["promise_kept", "satisfaction_score"]
    assert [name for _, name in fresh.charts] == ["satisfaction_score", "promise_kept"]
    assert [name for _, name in told(week_of(charts=charts, signals=[old])).charts] == ["satisfaction_score"]
    drawn = [summary_chart(LIGHTS, weeks, "") for weeks in (usual, marked)]
    assert "Square" in key_of(drawn) and "Diamond" not in key_of(drawn)
    assert "Square" not in key_of(drawn[:1])
