"""What was known at an earlier moment of charts, signals and registered changes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from kept.registered_changes import changes_known_at, unheard
from kept.signals.chart_amendments import ChartAmendment, news
from kept.signals.known_at import charts_known_at, signals_known_at
from kept.signals.raised import MOST_TURNS, Raised, SignalKey, advance, known_at
from tests.history.charts import WEEK, change, week
from tests.history.points import NOON
from tests.history.signals import raised
from tests.kept.signals.test_raised import HOUR, JUDGEMENTS, START, TOLD, moments, verdict


def test_a_week_is_what_it_was_before_its_first_amendment_after_the_moment() -> None:
    # known at      12:00   13:00   14:00
    # value      -    1       2       3
    amendments = [
        ChartAmendment(NOON + 7200, week(value=2), week(value=3)),
        ChartAmendment(NOON + 60, None, week(value=1)),
        ChartAmendment(NOON + 3600, week(value=1), week(value=2)),
    ]
    known = [
        (NOON - 1, []), (NOON, []), (NOON + 59, []), (NOON + 60, [1]), (NOON + 3599, [1]), (NOON + 3600, [2]),
        (NOON + 7199, [2]), (NOON + 7200, [3]), (NOON + 9999, [3]),
    ]  # fmt: skip
    for moment, values in known:
        assert [one.value for one in charts_known_at([week(value=3)], amendments, moment)] == values


def test_other_weeks_stay_as_they_are_in_their_order_and_those_that_had_not_ended_are_left_out() -> None:
    weeks = [week(indicator="backlog"), week(), week(service="parking"), week(week_end=NOON + WEEK)]
    amendments = [ChartAmendment(NOON + 60, week(value=0.1), week())]
    assert charts_known_at(weeks, amendments, NOON) == [weeks[0], week(value=0.1), weeks[2]]


def test_an_amendment_is_of_one_week() -> None:
    with pytest.raises(ValueError, match="differ in their keys"):
        ChartAmendment(NOON, week(), week(indicator="backlog"))


@given(st.lists(st.tuples(st.integers(0, 5), st.none() | st.integers(0, 3)), max_size=12))
def test_a_history_that_is_told_the_news_can_be_asked_how_it_stood(told: list[tuple[int, int | None]]) -> None:
    """Each moment some seconds later a chart of two weeks is offered, or (None) its first week alone."""
    stored = {}
    amendments: list[ChartAmendment] = []
    stood = {}
    now = NOON + WEEK
    for step, value in told:
        now += step
        offered = [week()] if value is None else [week(value=value), week(week_end=NOON + WEEK)]
        found = news(stored.values(), offered, now)
        assert not found.fresh or now == NOON + WEEK
        amendments += found.amendments
        stored |= {one.key(): one for one in (*found.fresh, *(each.new for each in found.amendments))}
        assert news(stored.values(), offered, now) == ([], [])
        stood[now] = sorted(stored.values(), key=lambda one: one.key())
    merged: dict[object, ChartAmendment] = {}
    for one in amendments:  # as a store keeps them
        merged[one.key()] = ChartAmendment(one.known_at, merged[one.key()].old, one.new) if one.key() in merged else one
    for moment, weeks in stood.items():
        final = sorted(stored.values(), key=lambda one: one.key())
        assert charts_known_at(final, merged.values(), moment) == weeks


@given(JUDGEMENTS)
def test_signals_stand_as_they_were_recorded_at_any_judgement(
    judgements: list[tuple[int, dict[tuple[str, str], str]]],
) -> None:
    held: dict[SignalKey, Raised] = {}
    stored: dict[object, Raised] = {}
    stood: dict[int, list[Raised]] = {}
    for hour, verdicts in moments(judgements):
        at = START + hour * HOUR
        held, changed = advance(held, verdicts, at, TOLD)
        stored |= {one.key(): one for one in changed}
        stood[at] = list(stored.values())
    for moment, signals in stood.items():
        then = {one.key(): one for one in signals_known_at(stored.values(), moment)}
        assert then == {one.key(): one for one in signals}


def test_a_signal_that_the_next_week_ended_was_open_until_then() -> None:
    held, first = advance({}, [verdict(0, signal="chart_signal", completed_by=START)], START, TOLD)
    later = START + 168 * HOUR
    _, changed = advance(held, [verdict(168, signal="chart_signal", completed_by=later)], later, TOLD)
    assert signals_known_at(changed, later - 1) == first
    assert signals_known_at(changed, later) == changed


def test_signals_whose_course_was_not_kept_are_as_quiet_as_their_end_tells() -> None:
    ended = raised(ended_at=NOON + HOUR)  # known six hours later
    assert known_at(ended) > NOON + 2 * HOUR
    told = {
        NOON - 1: [],
        NOON: [raised()],
        NOON + HOUR: [replace(raised(), quiet_since=NOON + HOUR)],
        known_at(ended): [ended],
    }
    for moment, expected in told.items():
        assert signals_known_at([ended], moment) == expected
    quiet = replace(raised(), quiet_since=NOON + HOUR)
    assert signals_known_at([quiet], NOON) == [raised()]


def test_a_course_begins_where_a_history_without_one_left_off() -> None:
    quiet = Raised(verdict=verdict(0), raised_at=START, told_at=TOLD, quiet_since=START + HOUR)
    _, (back,) = advance({quiet.verdict.key(): quiet}, [verdict(2)], START + 2 * HOUR, TOLD)
    assert back.course == (START + HOUR, START + 2 * HOUR)


def test_of_a_very_long_course_the_last_turns_stay() -> None:
    held, _ = advance({}, [verdict(0)], START, TOLD)
    for hour in range(1, MOST_TURNS + 12):
        held, (one,) = advance(held, [verdict(hour, active=hour % 2 == 0)], START + hour * HOUR, TOLD)
        assert len(one.course) <= MOST_TURNS
        (then,) = signals_known_at([one], START + hour * HOUR - 1)
        assert (then.quiet_since is None) is (hour % 2 == 1)


def test_a_change_is_known_from_when_it_was_first_published() -> None:
    late, plain = change(known_at=NOON + WEEK), change(id="00fe")
    assert changes_known_at([late, plain], NOON - 1) == []
    assert changes_known_at([late, plain], NOON) == [plain]
    assert changes_known_at([late, plain], NOON + WEEK) == [late, plain]


def test_what_a_history_has_heard_is_not_told_again_and_keeps_its_moment() -> None:
    first = unheard([], [change()], NOON + 300)
    assert first == [change(known_at=NOON + 300)]
    assert unheard(first, [change()], NOON + 900) == []
    assert unheard(first, [change(title="Another")], NOON + 900) == [change(title="Another", known_at=NOON + 300)]
    assert unheard([change()], [change()], NOON + 900) == []
