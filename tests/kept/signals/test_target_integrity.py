"""From events to the signal `target_integrity` and to what is published: an honest office, and what others may do."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from kept import events as e
from kept import target_margins as m
from kept.durations import DAY_MS, HOUR_MS
from kept.indicators.evaluate import evaluate
from kept.indicators.near_due import MARGIN, NearDue, from_placed, near_due
from kept.signals.integrity import ABOUT, bunching, reset
from kept.signals.judge import judge as judge_all
from kept.signals.kinds import BY_NAME
from kept.signals.situation import Situation
from kept.signals.target_integrity import judge, sentence
from kept.signals.verdict import Verdict
from tests.kept.city import LIGHTS, PLAIN, City, event, ms
from tests.producers.incident_city import CITY, MONDAY_MS, city

START = ms("2024-06-03 00:00")
DAYS = 45
PROMISED = 5 * DAY_MS
BLAME = ("cheat", "gam", "fraud", "manipul", "fault", "guilty")
Doing = Callable[[str, int, int, int], list[e.Event]]
"""(subject, opened, due, would be completed) -> events after the opening."""


def tell(kind: str, at: int, subject: str, **data: Any) -> e.Event:
    return event(kind, at, subject, id=f"{subject}-{kind}-{at}", **data)


def honest(subject: str, opened: int, due: int, completed: int) -> list[e.Event]:
    return [tell("case.completed", completed, subject, outcome="intended")]


def closes_by_the_clock(subject: str, opened: int, due: int, completed: int) -> list[e.Event]:
    return honest(subject, opened, due, completed if completed <= due else due - HOUR_MS)


def closes_and_opens_again(subject: str, opened: int, due: int, completed: int) -> list[e.Event]:
    if completed <= due:
        return honest(subject, opened, due, completed)
    first = tell("case.completed", due - HOUR_MS, subject, outcome="intended")
    return [first, tell("case.reopened", due + DAY_MS, subject), *honest(subject, opened, due, due + 2 * DAY_MS)]


def moves_the_date(subject: str, opened: int, due: int, completed: int) -> list[e.Event]:
    moved = [] if completed <= due else [tell("case.due_changed", due - HOUR_MS, subject, due=due + 9 * DAY_MS)]
    return [*moved, *honest(subject, opened, due, completed)]


def stops_the_clock(subject: str, opened: int, due: int, completed: int) -> list[e.Event]:
    paused = [] if completed <= due else [tell("case.paused", due - HOUR_MS, subject)]
    return [*paused, *honest(subject, opened, due, completed)]


def sets_a_new_date(subject: str, opened: int, due: int, completed: int) -> list[e.Event]:
    moved = [] if completed <= due else [tell("case.due_changed", due + 1, subject, due=due + 9 * DAY_MS)]
    return [*moved, *honest(subject, opened, due, completed)]


def office(doing: Doing, *, a_day: int = 12) -> Situation:
    """An office of 45 days that promises five days and keeps three in four promises, by what it does near the due."""
    chance, told = random.Random(4), []
    for number in range(DAYS * a_day):
        opened = START + number * DAY_MS // a_day
        due = opened + PROMISED
        subject = f"case-{number}"
        told.append(tell("case.opened", opened, subject, due=due))
        told += doing(subject, opened, due, opened + int(PROMISED * 0.65 * chance.lognormvariate(0, 0.6)))
    pipeline = City(partitions=2)
    end = START + DAYS * DAY_MS
    pipeline.apply(sorted((one for one in told if e.milliseconds(one.time) <= end), key=lambda one: one.time))
    pipeline.tick(end)
    return Situation(pipeline.tallies, pipeline.rules[LIGHTS.id], end // 1000)


def told_by(situation: Situation) -> dict[str, Verdict]:
    return {verdict.about: verdict for verdict in judge(situation)}


@pytest.mark.parametrize(
    ("doing", "about"),
    [
        (honest, set()),
        (closes_by_the_clock, {"bunching"}),
        (closes_and_opens_again, {"bunching", "reopened"}),
        (moves_the_date, {"moved"}),
        (stops_the_clock, {"paused", "bunching"}),  # closed with the clock stopped an hour before the due
        (sets_a_new_date, {"reset"}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_an_office_does_near_its_due_is_found_and_nothing_else(doing: Doing, about: set[str]) -> None:
    verdicts = told_by(office(doing))
    assert set(verdicts) == set(ABOUT)
    assert {name for name, verdict in verdicts.items() if verdict.active} == about
    for verdict in verdicts.values():
        assert (verdict.since is not None) is verdict.active
        assert verdict.signal in BY_NAME and verdict.chance is not None
        assert not [word for word in BLAME if word in (verdict.words + verdict.test).lower()]


def test_the_sentence_of_new_dates_says_that_a_share_is_not_known_only_where_nothing_is_found() -> None:
    def said(moved: int, overdue: int) -> str:
        return sentence(reset(NearDue(closings=(0,) * 12, moved_after_due=moved, overdue=overdue), 28))

    assert said(25, 25) == (
        "In 28 days 25 cases became overdue, and 25 were given a later date after their promise was missed"
    )
    assert said(40, 20).endswith("no more than that became overdue, so that of which share they are cannot be told")


def test_the_sentence_has_the_counts_and_the_evidence_the_same() -> None:
    verdict = told_by(office(closes_by_the_clock))["bunching"]
    seen, of, beside = (verdict.evidence[name] for name in ("seen", "of", "beside"))
    assert verdict.words == (
        f"Of {of} closings with a promise in 28 days {seen} came in the last 5 % of the promised time, against "
        f"{beside} in the fullest band of 5 % beside it"
    )
    assert verdict.cases == of and verdict.value == seen / of
    assert seen > 2 * beside


def test_the_signal_is_among_those_of_the_service() -> None:
    active = {v.about for v in judge_all(office(stops_the_clock)) if v.signal == "target_integrity" and v.active}
    assert active == {"paused", "bunching"}


def test_a_service_without_a_case_that_was_due_gets_no_verdict() -> None:
    pipeline = City(PLAIN)
    pipeline.apply([event("case.opened", START, "a"), event("case.completed", START + HOUR_MS, "a")])
    pipeline.tick(START + DAY_MS)
    assert list(judge(Situation(pipeline.tallies, pipeline.rules[LIGHTS.id], (START + DAY_MS) // 1000))) == []


def test_what_is_published_by_place_gives_the_counts_that_were_judged() -> None:
    situation = office(closes_and_opens_again)
    points = [
        point
        for point in evaluate(situation.tallies, situation.rules, situation.at, windows=["24h", "28d", "90d"])
        if point.slice and point.slice[0][0] == MARGIN
    ]
    assert {point.window for point in points} == {"28d", "90d"}
    for window, days in (("28d", 28), ("90d", 90)):
        published = {
            (point.indicator, point.slice[0][1]): (point.numerator, point.denominator)
            for point in points
            if point.window == window
        }
        near = from_placed(published)  # type: ignore[arg-type]
        assert near == near_due(situation.whole.view(window))
        assert near is not None and sentence(bunching(near, days)).startswith(f"Of {near.closed:,} closings")
    assert len(points) == 2 * (len(m.BANDS) + 2 + 3 + 2)
    whole_hours_only = evaluate(situation.tallies, situation.rules, situation.at, slices=False)
    assert not [point for point in whole_hours_only if point.slice]


def test_quiet_services_of_the_simulated_city_are_silent() -> None:
    names = ["noise-complaints", "building-permits"]
    told = city(42, services=names)
    for name in names:
        pipeline = City(CITY[name])
        pipeline.apply(one for _, one in told if getattr(one.data, "service", None) == name)
        end_ms = MONDAY_MS + 42 * DAY_MS
        pipeline.tick(end_ms)
        situation = Situation(pipeline.tallies, pipeline.rules[name], end_ms // 1000)
        assert near_due(situation.whole.view("28d")).closed > 100
        assert [verdict.about for verdict in judge(situation) if verdict.active] == []
