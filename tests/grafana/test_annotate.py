"""Annotations of a history in a Grafana: each once, whatever was run before, at once, or broke off."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from grafana.annotate import Annotator, Done, wanted_since
from grafana.connection import PAGE, GrafanaConnection
from kept.errors import Retry
from tests.grafana.happenings import History, registered
from tests.grafana.server import EDITOR_TOKEN, Answer, Asked, Grafana, serve
from tests.kept.signals.raised_signals import DAY, HOUR, NOW, raised

SINCE = NOW - 400 * DAY
SIGNALS = [
    raised("promise_budget_fast", NOW - 3 * HOUR, since=NOW - 9 * HOUR, words="100 of 141 kept"),
    raised("cases_at_risk", NOW - 2 * HOUR, words="<b>"),
    raised("area_gap", NOW - 90 * DAY, about="area=North", words="In North 41 of 88 were kept"),
    raised("source_silent", NOW - HOUR, service="parking-permits"),
]
CHANGE = registered(at=NOW - 30 * DAY)


def run(connection: GrafanaConnection, history: History, *, prune: bool = False, since: int = SINCE) -> Done:
    annotator = Annotator(connection, prune=prune)
    return annotator.carry_out(annotator.plan(wanted_since(history.as_store(), since), since, NOW))


def ids(grafana: Grafana) -> list[str]:
    tags = [tag for one in grafana.annotations.values() for tag in one["tags"]]
    return sorted(tag.removeprefix("kept-id:") for tag in tags if tag.startswith("kept-id:"))


def test_each_is_set_once_and_running_it_again_writes_nothing(grafana: Grafana, connection: GrafanaConnection) -> None:
    history = History(SIGNALS, [CHANGE])
    assert run(connection, history) == Done(created=5)
    grafana.asked.clear()
    assert run(connection, history) == Done()
    assert grafana.writes() == []
    assert ids(grafana) == sorted([*(one.id for one in SIGNALS), CHANGE.id])


def test_they_are_of_the_organization_with_the_tags_that_boards_ask_for(
    grafana: Grafana, connection: GrafanaConnection
) -> None:
    run(connection, History(SIGNALS[:1]))
    (one,) = grafana.annotations.values()
    assert one["dashboardId"] == 0
    assert {"kept", "street-lights", "signal"} <= set(one["tags"])
    assert one["time"] == (NOW - 9 * HOUR) * 1000


def test_a_signal_that_ends_gets_its_end_and_one_that_goes_on_loses_it(
    grafana: Grafana, connection: GrafanaConnection
) -> None:
    first = SIGNALS[0]
    run(connection, History([first]))
    assert run(connection, History([replace(first, ended_at=NOW)])) == Done(updated=1)
    (one,) = grafana.annotations.values()
    assert (one["time"], one["timeEnd"]) == ((NOW - 9 * HOUR) * 1000, NOW * 1000)
    assert run(connection, History([first])) == Done(updated=1)
    assert one["timeEnd"] == one["time"]


def test_what_others_set_is_never_touched(grafana: Grafana, connection: GrafanaConnection) -> None:
    """Tagged kept without an id; with an id on a dashboard or of an alert's state; without the tag kept."""
    grafana.set_by_hand("mine", ["kept", "street-lights", "signal"])
    grafana.set_by_hand("two ids", ["kept", "kept-id:a", "kept-id:b"])
    grafana.set_by_hand("on a dashboard", ["kept", "kept-id:x"], dashboardId=3, dashboardUID="kept-service")
    grafana.set_by_hand("of an alert", ["kept", "kept-id:y"], alertId=3)
    grafana.set_by_hand("without the tag", ["kept-id:z"])
    before = {number: dict(one) for number, one in grafana.annotations.items()}
    assert run(connection, History(SIGNALS), prune=True) == Done(created=4)
    assert {number: grafana.annotations[number] for number in before} == before


def test_what_the_history_does_not_have_is_counted_and_deleted_only_when_asked(
    grafana: Grafana, connection: GrafanaConnection
) -> None:
    run(connection, History(SIGNALS))
    assert run(connection, History(SIGNALS[:1])) == Done(unknown=3)
    assert run(connection, History(SIGNALS[:1]), prune=True) == Done(deleted=3)
    assert ids(grafana) == [SIGNALS[0].id]


def test_only_what_began_in_the_time_asked_for_is_looked_at(grafana: Grafana, connection: GrafanaConnection) -> None:
    run(connection, History(SIGNALS, [CHANGE]))
    week = NOW - 7 * DAY
    assert run(connection, History([]), since=week, prune=True) == Done(deleted=3)
    assert ids(grafana) == sorted([SIGNALS[2].id, CHANGE.id])


def test_one_that_stands_outside_the_time_asked_for_is_found_by_its_own_tag(
    grafana: Grafana, connection: GrafanaConnection
) -> None:
    """A history computed anew may find an earlier or a later beginning."""
    one = SIGNALS[0]
    moved = replace(one, verdict=replace(one.verdict, since=NOW - 60 * DAY))
    run(connection, History([moved]))
    assert run(connection, History([one]), since=NOW - 7 * DAY) == Done(updated=1)
    assert ids(grafana) == [one.id]


def test_more_than_one_answer_holds_are_found(grafana: Grafana, connection: GrafanaConnection) -> None:
    """All within one hour, then spread over a year, then all lasting through the middle: three ways to page."""
    for spread_ms, lasting_ms in ((1, 0), (10_000_000, 0), (1, 200 * DAY * 1000)):
        grafana.annotations.clear()
        for number in range(2 * PAGE + 1):
            begin = (NOW - 300 * DAY) * 1000 + number * spread_ms
            grafana.set_by_hand("x", ["kept", f"kept-id:{number}"], begin, timeEnd=begin + lasting_ms)
        grafana.asked.clear()
        found = connection.annotations(["kept"], between_ms=(SINCE * 1000, NOW * 1000))
        assert len(found) == 2 * PAGE + 1
        assert len(grafana.asked) < 40


def test_one_deleted_during_a_run_is_tried_again(grafana: Grafana, connection: GrafanaConnection) -> None:
    run(connection, History(SIGNALS[:1]))

    def before(asked: Asked) -> Answer | None:
        if asked.method == "PUT":
            grafana.annotations.clear()
        return None

    grafana.before = before
    with pytest.raises(Retry, match="deleted"):
        run(connection, History([replace(SIGNALS[0], ended_at=NOW)]))
    assert run(connection, History([replace(SIGNALS[0], ended_at=NOW)])) == Done(created=1)


@pytest.fixture(scope="module")
def running() -> Iterator[Grafana]:
    with serve(Grafana()) as grafana:
        yield grafana


def lose_an_answer(grafana: Grafana, after: int) -> None:
    """The answer to the write after so many is lost, though it is done."""
    left = after

    def before(asked: Asked) -> Answer | None:
        nonlocal left
        if asked.method == "GET":
            return None
        left -= 1
        if left >= 0:
            return None
        grafana.before = lambda asked: None
        grafana.answer(asked)
        return Answer(0)

    grafana.before = before


WHICH = st.integers(0, len(SIGNALS) - 1)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("raise"), WHICH),
        st.tuples(st.just("end"), WHICH),
        st.tuples(st.just("replay"), WHICH),
        st.tuples(st.just("register"), WHICH),
        st.tuples(st.just("run"), WHICH),
        st.tuples(st.just("two at once"), WHICH),
        st.tuples(st.just("lose an answer"), WHICH),
        st.tuples(st.just("deleted by hand"), WHICH),
    ),
    max_size=14,
)


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_after_any_course_the_next_two_runs_leave_each_once_as_it_is(
    running: Grafana, steps: list[tuple[str, int]]
) -> None:
    running.annotations.clear()
    running.set_by_hand("mine", ["kept", "street-lights"])
    connection = GrafanaConnection(running.url, EDITOR_TOKEN)
    known: dict[int, Any] = {}
    history = History()
    for step, which in steps:
        if step in ("raise", "replay") and (step == "raise") != (which in known):
            known[which] = SIGNALS[which]
        elif step == "end" and which in known:
            known[which] = replace(SIGNALS[which], quiet_since=NOW, ended_at=NOW)
        elif step == "register":
            history.registered = [CHANGE]
        history.raised = list(known.values())
        if step == "run":
            run(connection, history)
        elif step == "two at once":
            annotator = Annotator(connection)
            wanted = wanted_since(history.as_store(), SINCE)
            plans = [annotator.plan(wanted, SINCE, NOW) for _ in range(2)]
            for planned in plans:
                annotator.carry_out(planned)
        elif step == "lose an answer":
            lose_an_answer(running, which)
            try:
                run(connection, history)
            except Retry:
                pass
            finally:
                running.before = lambda asked: None
        elif step == "deleted by hand":
            ours = [number for number, one in running.annotations.items() if len(one["tags"]) > 2]
            for number in ours[which : which + 1]:
                del running.annotations[number]
    run(connection, history)
    assert run(connection, history) == Done()
    connection.close()
    wanted = wanted_since(history.as_store(), SINCE)
    assert ids(running) == sorted(one.id for one in wanted)
    there = {(one["time"], one["timeEnd"], one["text"], *one["tags"]) for one in running.annotations.values()}
    assert {(one.time_ms, one.end_ms, one.text, *one.tags) for one in wanted} == {one for one in there if len(one) > 5}
    assert any(one["text"] == "mine" for one in running.annotations.values())
