"""Figures published elsewhere against the counts: on real series, on hand-made ones, and in a pipeline."""

from __future__ import annotations

import csv
import gzip
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kept import counters as c
from kept import events as e
from kept.catalogue import Service, parse_service
from kept.durations import DAY_MS, HOUR_MS
from kept.errors import ConfigurationError
from kept.signals.drift import judge
from kept.signals.figures import Figure, Followed, follow
from kept.signals.known_definitions import CHECKABLE
from kept.signals.situation import Situation
from kept.signals.verdict import Verdict
from kept.tallies import Tally
from tests.kept.city import Board, City, event, ms

SCORE = CHECKABLE["satisfaction_score"]
ANSWERS = ("very-dissatisfied", "dissatisfied", "neither", "satisfied", "very-satisfied")


def ratings(*counts: int) -> Tally:
    """Counters of so many answers of 1, 2, 3, 4 and 5."""
    return {c.RATINGS + rating: count for rating, count in enumerate(counts, start=1) if count}


def figure(period: str, published: float, counts: Tally) -> Figure:
    return Figure(
        period, published, {known.name: value for known in SCORE.definitions if (value := known.value(counts))}
    )


@pytest.fixture(scope="module")
def opg(shared_data: Path) -> dict[str, list[Figure]]:
    """Figures of the Office of the Public Guardian by service, for the months with all five counts of answers."""
    rows: dict[str, dict[str, dict[str, str]]] = defaultdict(lambda: defaultdict(dict))
    with gzip.open(shared_data / "moj_opg_service_kpis_monthly.csv.gz", "rt", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            rows[row["service"]][row["_timestamp"][:7]][row["dataType"]] = row["count"]
    return {
        service: [
            figure(month, float(said["user-satisfaction-percent"]), ratings(*(int(said[name]) for name in ANSWERS)))
            for month, said in sorted(months.items())
            if all(name in said for name in ANSWERS)
        ]
        for service, months in rows.items()
    }


def test_opg_the_new_definition_of_april_2026_is_raised_once_in_each_service_and_one_month_is_unexplained(
    opg: dict[str, list[Figure]],
) -> None:
    followed = {service: list(follow(figures, SCORE)) for service, figures in opg.items()}
    raised = {
        (service, one.figure.period, one.finding, one.in_force)
        for service, found in followed.items()
        for one in found
        if one.is_raised
    }
    assert raised == {
        ("deputy-reporting", "2026-04", "new_definition", "satisfied_share"),
        ("make-a-lpa", "2026-04", "new_definition", "satisfied_share"),
        ("use-an-lpa", "2026-04", "new_definition", "satisfied_share"),
        ("use-an-lpa", "2025-04", "unexplained", "satisfaction_score"),
    }
    assert Counter(one.finding for found in followed.values() for one in found) == {
        "agrees": 107 + 6,
        "new_definition": 3,
        "unexplained": 1,
    }
    april = next(one for one in followed["use-an-lpa"] if one.figure.period == "2025-04")
    assert april.figure.published == 87
    assert april.figure.recomputed == {
        "satisfaction_score": pytest.approx(85.70, abs=0.005),
        "satisfied_share": pytest.approx(88.89, abs=0.005),
    }


HALF_HAPPY = ratings(0, 0, 10, 60, 30)
"""Score 80, satisfied 90 %."""


def found(*published: float) -> list[tuple[str, str, bool]]:
    """(finding, definition in force after it, raised) of monthly figures over the same answers."""
    figures = [figure(str(month), value, HALF_HAPPY) for month, value in enumerate(published)]
    return [(one.finding, one.in_force, one.is_raised) for one in follow(figures, SCORE)]


def test_a_change_is_raised_once_and_what_follows_is_held_against_the_new_definition() -> None:
    assert found(80, 90, 90) == [
        ("agrees", "satisfaction_score", False),
        ("new_definition", "satisfied_share", True),
        ("agrees", "satisfied_share", False),
    ]


def test_a_change_back_is_a_change_too() -> None:
    assert [one[2] for one in found(90, 90, 80, 80)] == [True, False, True, False]


def test_unexplained_figures_in_a_row_are_raised_once_and_change_nothing() -> None:
    assert found(80, 85, 86, 80, 85) == [
        ("agrees", "satisfaction_score", False),
        ("unexplained", "satisfaction_score", True),
        ("unexplained", "satisfaction_score", False),
        ("agrees", "satisfaction_score", False),
        ("unexplained", "satisfaction_score", True),
    ]


@pytest.mark.parametrize(("published", "agrees"), [(79, True), (81, True), (78.9, False), (81.1, False)])
def test_a_figure_may_be_one_point_away_and_not_more(published: float, agrees: bool) -> None:
    assert (found(published)[0][0] == "agrees") is agrees


def test_what_fits_the_definition_in_force_is_never_a_change_though_it_fits_another_better() -> None:
    close = ratings(5, 0, 0, 0, 95)  # score 95, satisfied 95 %
    assert next(follow([figure("m", 95.9, close)], SCORE)).finding == "agrees"


@settings(deadline=None)
@given(st.lists(st.floats(0, 100), max_size=12))
def test_every_raised_finding_begins_a_run_and_only_a_change_moves_the_definition(published: list[float]) -> None:
    figures = [figure(str(month), value, HALF_HAPPY) for month, value in enumerate(published)]
    before: Followed | None = None
    for one in follow(figures, SCORE):
        assert (one.in_force != one.before) is (one.finding == "new_definition")
        assert one.is_raised is (
            one.finding == "new_definition"
            or (one.finding == "unexplained" and (before is None or before.finding != "unexplained"))
        )
        before = one


TEXT = """
id = "street-lights"
name = "Street lights"
owner = "Public works"
time_zone = "Europe/Amsterdam"
expected_silence = "1h"
[channels]
digital = ["Web"]
assisted = ["Phone"]
staff = ["Patrol"]
[promise]
words = "Repaired within two days"
target_share = 0.9
target_time = "2d"
"""


def service(*published: str) -> Service:
    """A service with published figures: `satisfied_share 2024-06-10 2024-06-16 0.9`, and what explains it."""
    tables = ""
    for text in published:
        indicator, first, last, value, *explained = text.split(maxsplit=4)
        tables += f'[[published]]\nindicator = "{indicator}"\nfirst_day = {first}\nlast_day = {last}\nvalue = {value}\n'
        tables += 'source = "Annual report"\n' + "".join(f'explained = "{words}"\n' for words in explained)
    return parse_service(TEXT + tables, "lights.toml")


def answers(first_day: str, days: int, counts: Sequence[int]) -> Iterator[e.Event]:
    """So many answers of 1 to 5 on each of some days, at noon."""
    for day in range(days):
        at = ms(f"{first_day} 12:00") + day * DAY_MS
        for rating, count in enumerate(counts, start=1):
            for number in range(count):
                yield event("feedback.given", at, id=f"{at}-{rating}-{number}", rating=rating)


def judged(of: Service, events: Sequence[e.Event], at: str) -> dict[str, Verdict]:
    city = City(of)
    city.apply(events)
    city.tick(at)
    situation = Situation(city.tallies, city.rules[of.id], ms(at) // 1000)
    return {verdict.about: verdict for verdict in judge(situation)}


WEEKS = list(answers("2024-06-03", 28, (0, 0, 1, 6, 3)))
"""From Monday 3 June on, every day: score 80, satisfied 90 %."""


def test_a_figure_is_checked_when_its_last_day_is_over() -> None:
    of = service("satisfaction_score 2024-06-10 2024-06-16 90.2")
    assert judged(of, WEEKS, "2024-06-16 23:00") == {}
    (verdict,) = judged(of, WEEKS, "2024-06-17 00:00").values()
    assert (verdict.active, verdict.about, verdict.since) == (True, "satisfaction_score", verdict.at)
    assert (verdict.value, verdict.expected) == (90.2, 80)
    assert "90.2; the counts give 80 by satisfaction_score, and 90 by satisfied_share" in verdict.words
    assert verdict.evidence["breaks"] == ["2024-06-10 to 2024-06-16"]


def test_a_period_that_the_tallies_know_only_in_part_is_not_checked() -> None:
    of = service("satisfaction_score 2024-06-03 2024-06-09 12")  # the first answer came at noon of the 3rd
    assert judged(of, WEEKS, "2024-06-12 00:00") == {}
    of = service("satisfaction_score 2024-06-04 2024-06-09 12")
    assert judged(of, WEEKS, "2024-06-12 00:00")["satisfaction_score"].active


def test_what_rests_on_cases_is_checked_when_those_open_at_the_start_have_ended() -> None:
    lives = [life for day in range(25) for life in case(day)]
    early, later = "digital_take_up 2024-06-06 2024-06-07 0.1", "digital_take_up 2024-06-10 2024-06-11 0.1"
    # The first day ends on the 4th at 00:00, two promised times later it is the 8th.
    assert judged(service(early), lives, "2024-06-12 00:00") == {}
    assert judged(service(later), lives, "2024-06-12 00:00")["digital_take_up"].active


def test_a_new_definition_stays_a_signal_until_a_quarter_is_over_or_it_is_explained() -> None:
    agreeing = "satisfaction_score 2024-06-17 2024-06-23 90"
    of = service("satisfaction_score 2024-06-10 2024-06-16 90", agreeing)
    for at, active in (("2024-06-17 00:00", True), ("2024-06-24 00:00", True), ("2024-09-20 00:00", False)):
        assert judged(of, WEEKS, at)["satisfaction_score"].active is active, at
    of = service("satisfaction_score 2024-06-10 2024-06-16 90 counted as satisfied since June", agreeing)
    explained = judged(of, WEEKS, "2024-06-24 00:00")["satisfaction_score"]
    assert not explained.active
    assert explained.evidence["breaks"] == ["2024-06-10 to 2024-06-16"]


def test_the_newest_figure_without_a_successor_stays_a_signal() -> None:
    of = service("satisfaction_score 2024-06-10 2024-06-16 12")
    assert judged(of, WEEKS, "2024-12-01 00:00")["satisfaction_score"].active


def case(day: int) -> Iterator[e.Event]:
    """Cases opened on a day: by every channel one that is completed in a day, and one by telephone that is late."""
    at = ms("2024-06-03 10:00") + day * DAY_MS
    for channel, hours in (("Web", 24), ("Phone", 24), ("Patrol", 24), ("Phone", 60)):
        name = f"{day}-{channel}-{hours}"
        yield event("case.opened", at, name, channel=channel)
        yield event("case.completed", at + hours * HOUR_MS, name, outcome="intended")
    yield event("case.opened", at, f"{day}-withdrawn", channel="Web")
    yield event("case.completed", at + HOUR_MS, f"{day}-withdrawn", outcome="withdrawn")


def test_a_period_without_a_value_by_the_definition_in_force_is_not_checked() -> None:
    """Every day two cases fall due. One of them is completed in time, until the 21st: then none is any more."""
    lives: list[e.Event] = []
    for day in range(28):
        at = ms("2024-06-03 10:00") + day * DAY_MS
        lives += [event("case.opened", at, f"{day}-{name}", channel="Web") for name in ("done", "open")]
        if day < 18:
            lives.append(event("case.completed", at + DAY_MS, f"{day}-done", outcome="intended"))
    lives.sort(key=lambda one: e.milliseconds(one.time))
    of = service("promise_kept 2024-06-10 2024-06-16 1", "promise_kept 2024-06-24 2024-06-30 1")
    (verdict,) = judged(of, lives, "2024-07-01 00:00").values()
    assert verdict.active
    assert [(one["period"], one["definition"]) for one in verdict.evidence["figures"]] == [
        ("2024-06-10 to 2024-06-16", "promise_kept_closed")
    ]


@pytest.mark.parametrize(
    ("figure_of", "value", "by"),
    [
        ("digital_take_up", 1 / 3, None),
        ("digital_take_up", 0.25, "digital_take_up_of_all"),
        ("arrivals", 35, None),
        ("completions", 28, None),
        ("completions", 35, "completions_and_withdrawals"),
        ("promise_kept", 0.75, None),
        ("satisfied_share", 0.9, None),
        ("satisfied_share", 0.8, "satisfaction_score"),
    ],
)
def test_each_indicator_has_its_own_and_its_other_definitions(figure_of: str, value: float, by: str | None) -> None:
    lives = sorted(
        [*WEEKS, *(life for day in range(25) for life in case(day))], key=lambda one: e.milliseconds(one.time)
    )
    of = service(f"{figure_of} 2024-06-10 2024-06-16 {value}")
    verdict = judged(of, lives, "2024-06-24 00:00")[figure_of]
    assert verdict.active is (by is not None), verdict.words
    if by is not None:
        assert by in verdict.words


@pytest.mark.parametrize("indicator", sorted(CHECKABLE))
def test_the_first_definition_is_the_one_that_kept_publishes(indicator: str) -> None:
    city = City()
    lives: list[e.Event] = [*answers("2024-06-03", 14, (1, 0, 2, 6, 3))]
    for day in range(14):
        at = ms("2024-06-03 10:00") + day * DAY_MS
        lives += case(day)
        lives += [event("feedback.offered", at, f"o{day}-{n}", id=f"o{day}-{n}") for n in range(20)]
        for number, reason in enumerate(("chase_progress", "get_information", "get_information", "other")):
            lives.append(event("contact.received", at + number, f"{day}-Web-24", case=f"{day}-Web-24", reason=reason))
        for number, result in enumerate(("completed", "not_eligible", "failed", None)):
            lives.append(event("transaction.started", at, f"t{day}-{number}", channel="Web"))
            if result is not None:
                lives.append(event("transaction.finished", at + HOUR_MS // 6, f"t{day}-{number}", result=result))
    city.apply(sorted(lives, key=lambda one: e.milliseconds(one.time)))
    seen = Board(city.points("2024-06-17 01:00", windows=["all"]))(indicator)
    total: Tally = {}
    for series, bucket, tally in city.tallies.items():
        if series[1] == "" and bucket.end <= ms("2024-06-17 01:00") // 1000:
            for number, amount in tally.items():
                total[number] = total.get(number, 0) + amount
    own = CHECKABLE[indicator].definitions[0]
    assert own.name == indicator
    assert own.value(total) == pytest.approx(seen.value)


BAD: list[tuple[str, str]] = [
    (
        "happiness 2024-06-10 2024-06-16 1",
        r"published\[0\].indicator: 'happiness' is not valid; valid: one that counts",
    ),
    ("delivery_time_p50 2024-06-10 2024-06-16 1", r"published\[0\].indicator: 'delivery_time_p50'"),
    (
        "satisfied_share 2024-06-10 2024-06-16 90",
        r"published\[0\].value: 90.0.*from 0 to 1, the range of satisfied_share",
    ),
    ("satisfaction_score 2024-06-10 2024-06-16 101", r"published\[0\].value: 101.0.*from 0 to 100"),
    ("satisfaction_score 2024-06-10 2024-06-16 nan", r"published\[0\].value: nan"),
    ("arrivals 2024-06-10 2024-06-16 inf", r"published\[0\].value: inf.*a finite number of 0 or more"),
    ("arrivals 2024-06-10 2024-06-16 -1", r"published\[0\].value: -1.0"),
    ("arrivals 2024-06-16 2024-06-10 1", r"published\[0\].last_day: '2024-06-16 to 2024-06-10'.*first_day or later"),
    ("arrivals 0001-01-01 2024-06-10 1", r"published\[0\].last_day: '0001-01-01 to 2024-06-10'.*both from 1970"),
]


@pytest.mark.parametrize(("text", "says"), BAD)
def test_a_figure_that_makes_no_sense_is_refused_with_file_and_key(text: str, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says) as refused:
        service(text)
    assert str(refused.value).startswith("lights.toml: ")


def test_figures_of_one_indicator_do_not_overlap_and_of_two_may() -> None:
    service(
        "arrivals 2024-06-10 2024-06-16 1", "arrivals 2024-06-17 2024-06-20 1", "completions 2024-06-10 2024-06-16 1"
    )
    with pytest.raises(ConfigurationError, match=r"published\[0\].first_day: '2024-06-16'.*a day after 2024-06-16"):
        service("arrivals 2024-06-16 2024-06-20 1", "arrivals 2024-06-10 2024-06-16 1")


def test_nobody_is_told_anything_without_a_published_figure() -> None:
    kinds: list[Any] = list(judged(service(), WEEKS, "2024-06-24 00:00"))
    assert kinds == []
