"""All signals of a service together, and what of them is asked about the moment of its last word."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from kept import counters as c
from kept.catalogue import Service
from kept.signals import promises
from kept.signals.judge import JUDGES, JUDGES_OF_WHAT_WAS_HEARD, judge
from kept.signals.kinds import BY_NAME
from kept.signals.verdict import Verdict
from kept.tallies import Tally
from tests.kept.signals.due_stream import due, moment, service, situation

FOUR_WEEKS = 28 * 24
TOLD = {c.OPENED: 1}


def flow(hours: int, told_until: int, *, missed: int = 1) -> dict[int, Tally]:
    """Ten cases fall due every hour, one of them late; after the last word all that fall due look late."""
    rows: dict[int, Tally] = {}
    for hour in range(1, hours + 1):
        rows[hour] = due(10, missed) | TOLD if hour <= told_until else due(10, 10)
    return rows


def said(rows: Mapping[int, Tally], at: int, of: Service) -> dict[str, Verdict]:
    return {verdict.signal: verdict for verdict in judge(situation(rows, at, of))}


def test_promises_of_a_silent_service_are_judged_as_of_its_last_word() -> None:
    """
    |--- four weeks: 1 of 10 missed every hour ---|--- nothing is told: all that fall due look late ---|
                                                  last word                                            at
    """
    of = service(0.9)
    for silent_hours in (12, 30):
        told = said(flow(FOUR_WEEKS + silent_hours, FOUR_WEEKS), FOUR_WEEKS + silent_hours, of)
        assert not told["promise_budget_fast"].active
        assert not told["promise_budget_slow"].active
        assert told["source_silent"].active == (silent_hours == 30)
        assert {verdict.at for verdict in told.values()} == {moment(FOUR_WEEKS + silent_hours)}


def test_without_that_the_silence_itself_would_page() -> None:
    of = service(0.9)
    found = situation(flow(FOUR_WEEKS + 12, FOUR_WEEKS), FOUR_WEEKS + 12, of)
    assert any(verdict.active for verdict in promises.judge(found))


@pytest.mark.parametrize("days", [5, 89, 92, 100])
def test_a_silence_of_months_makes_no_missed_promises_either(days: int) -> None:
    told_until = FOUR_WEEKS + 8  # the last word at eight in the morning
    told = said(flow(told_until + 40, told_until), FOUR_WEEKS + days * 24, service(0.9))
    assert not told["promise_budget_fast"].active
    assert not told["promise_budget_slow"].active
    assert told["source_silent"].active


def test_a_registered_change_is_no_word_of_the_service() -> None:
    silent_hours = 30
    rows = flow(FOUR_WEEKS + silent_hours, FOUR_WEEKS) | {FOUR_WEEKS + 29: due(10, 10) | {c.CHANGED: 1}}
    told = said(rows, FOUR_WEEKS + silent_hours, service(0.9))
    assert told["source_silent"].active
    assert not told["promise_budget_fast"].active
    of = service(0.9)
    assert judge(situation({1: {c.CHANGED: 1}}, 60, of)) == []


def test_trouble_that_was_known_stays_raised_while_the_source_is_silent() -> None:
    rows = flow(FOUR_WEEKS, FOUR_WEEKS) | {FOUR_WEEKS + hour: due(10, 6) | TOLD for hour in range(1, 13)}
    told = said(rows, FOUR_WEEKS + 12 + 30, service(0.9))
    assert told["promise_budget_fast"].active
    assert told["source_silent"].active


def test_while_a_service_is_heard_every_hour_promises_are_judged_as_of_now() -> None:
    rows = flow(FOUR_WEEKS, FOUR_WEEKS) | {FOUR_WEEKS + hour: due(10, 6) | TOLD for hour in range(1, 13)}
    of, at = service(0.9), FOUR_WEEKS + 12
    now = situation(rows, at, of)
    told = said(rows, at, of)
    for verdict in promises.judge(now):
        assert told[verdict.signal] == verdict


@pytest.mark.parametrize(("silent_hours", "breached"), [(12, True), (30, False)])
def test_a_promise_without_an_error_budget_is_judged_to_the_hour_until_the_service_is_stale(
    silent_hours: int, breached: bool
) -> None:
    rows = flow(FOUR_WEEKS, FOUR_WEEKS, missed=0) | {FOUR_WEEKS + 1: {**due(1, 1), c.OVERDUE_ENTERED: 1}}
    assert said(rows, FOUR_WEEKS + silent_hours, service(1.0))["promise_breached"].active is breached


def test_a_service_that_was_never_heard_of_gets_no_verdict() -> None:
    of = service(0.9)
    assert judge(situation({}, 5, of)) == []


def test_every_verdict_is_of_a_known_kind_and_each_judge_is_asked_once() -> None:
    told = judge(situation(flow(FOUR_WEEKS, FOUR_WEEKS), FOUR_WEEKS, service(0.9)))
    assert {verdict.signal for verdict in told} <= set(BY_NAME)
    assert told == sorted(told, key=Verdict.key)
    every = (*JUDGES, promises.judge, *JUDGES_OF_WHAT_WAS_HEARD)
    assert len(set(every)) == len(every) == 9
