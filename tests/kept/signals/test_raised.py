"""A signal fires once, stays what it was raised for, and ends only after its evidence has been gone for a while.

Drawn as a row of judgements, an hour each: `x` active, `.` inactive, `-` no verdict at all.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kept.signals.kinds import BY_NAME, KINDS
from kept.signals.raised import Raised, SignalKey, advance, known_at
from kept.signals.verdict import Verdict

HOUR = 3600
START = 1_717_365_600
TOLD = 1_800_000_000
BREACHED, SILENT, CHART, AT_RISK = "promise_breached", "source_silent", "chart_signal", "cases_at_risk"
assert [BY_NAME[name].quiet_hours for name in (BREACHED, SILENT, CHART, AT_RISK)] == [6, 1, 0, 24]


def verdict(hour: int, *, active: bool = True, signal: str = BREACHED, about: str = "", **more: Any) -> Verdict:
    return Verdict(
        service="street-lights", signal=signal, about=about, at=START + hour * HOUR, active=active, value=hour, **more
    )


def play(row: str, signal: str = BREACHED) -> list[Raised]:
    """All that was ever raised, as a store that overwrites by key has it at the end."""
    stored: dict[object, Raised] = {}
    open_signals: dict[SignalKey, Raised] = {}
    for hour, seen in enumerate(row):
        verdicts = [] if seen == "-" else [verdict(hour, active=seen == "x", signal=signal)]
        open_signals, changed = advance(open_signals, verdicts, START + hour * HOUR, TOLD + hour)
        stored |= {one.key(): one for one in changed}
    assert {one.key() for one in stored.values() if one.ended_at is None} == {
        one.key() for one in open_signals.values()
    }
    return [stored[key] for key in sorted(stored)]  # type: ignore[type-var]


def spans(row: str, signal: str = BREACHED) -> list[tuple[int, int | None]]:
    """(hour of raising, hour of ending) of each."""
    hours = [(one.raised_at, one.ended_at) for one in play(row, signal)]
    return [((begun - START) // HOUR, None if ended is None else (ended - START) // HOUR) for begun, ended in hours]


@pytest.mark.parametrize(
    ("row", "signal", "expected"),
    [
        ("......", BREACHED, []),
        (".xxxxx", BREACHED, [(1, None)]),
        (".xx......", BREACHED, [(1, None)]),  # gone since 3, which is five hours ago
        (".xx.......", BREACHED, [(1, 3)]),
        ("x.x.x.x.", BREACHED, [(0, None)]),  # one at the edge is one signal
        ("x.....x......", BREACHED, [(0, None)]),
        ("x.......x", BREACHED, [(0, 1), (8, None)]),
        ("x.x", SILENT, [(0, None)]),
        ("x..x", SILENT, [(0, 1), (3, None)]),
        ("x.x.", CHART, [(0, 1), (2, 3)]),
        ("x---------", BREACHED, [(0, 1)]),  # the catalogue changed
        ("x.--.---", BREACHED, [(0, 1)]),
        ("x" + "." * 24, AT_RISK, [(0, None)]),
        ("x" + "." * 25, AT_RISK, [(0, 1)]),
    ],
)
def test_rows_of_judgements(row: str, signal: str, expected: list[tuple[int, int | None]]) -> None:
    assert spans(row, signal) == expected


def test_what_is_raised_keeps_its_first_verdict_and_when_it_was_told() -> None:
    (one,) = play(".xxx.xx")
    assert (one.verdict.value, one.verdict.at, one.told_at) == (1, START + HOUR, TOLD + 1)
    (ended,) = play(".xxx........")
    assert (ended.verdict, ended.told_at, ended.id) == (one.verdict, one.told_at, one.id)


def test_a_signal_that_comes_back_after_its_end_is_another_one() -> None:
    first, second = play("x.......x")
    assert first.id != second.id
    assert first.verdict.key() == second.verdict.key()


def test_hours_that_nobody_judged_are_not_counted_as_quiet() -> None:
    # hour   0    1 ... 9   10   11        16
    #        x    (worker   .    .         .
    #              away)    |--- six hours of quiet ---|
    held, _ = advance({}, [verdict(0)], START, TOLD)
    held, changed = advance(held, [verdict(10, active=False)], START + 10 * HOUR, TOLD)
    assert [one.ended_at for one in changed] == [None]
    held, changed = advance(held, [verdict(16, active=False)], START + 16 * HOUR, TOLD)
    assert [one.ended_at for one in changed] == [START + 10 * HOUR]
    assert held == {}


def test_a_moment_before_the_raising_says_nothing_of_it() -> None:
    held, _ = advance({}, [verdict(5)], START + 5 * HOUR, TOLD)
    for hour in (0, 4, 5):
        assert advance(held, [verdict(hour, active=False)], START + hour * HOUR, TOLD) == (held, [])
        assert advance(held, [], START + hour * HOUR, TOLD) == (held, [])


def test_a_kind_that_this_release_does_not_know_ends_at_once() -> None:
    old = Raised(verdict=verdict(0, signal="retired_kind"), raised_at=START, told_at=TOLD)
    held, changed = advance({old.verdict.key(): old}, [], START + HOUR, TOLD)
    assert held == {}
    assert [one.ended_at for one in changed] == [START + HOUR]


def test_a_verdict_of_no_known_kind_is_a_mistake_whether_active_or_not() -> None:
    for active in (True, False):
        with pytest.raises(ValueError, match="signal 'mood', which is not in KINDS"):
            advance({}, [verdict(0, signal="mood", active=active)], START, TOLD)


SIGNALS = [(kind.name, about) for kind in KINDS[:7] for about in ("", "area=North")]
SEEN = st.sampled_from(["x", ".", "-"])
JUDGEMENTS = st.lists(
    st.tuples(st.integers(1, 30), st.fixed_dictionaries(dict.fromkeys(SIGNALS, SEEN))), min_size=1, max_size=20
)
"""Judgements some hours apart, each with a verdict, or none, on every signal."""


def told(seen: dict[tuple[str, str], str], hour: int) -> list[Verdict]:
    return [
        verdict(hour, active=mark == "x", signal=signal, about=about)
        for (signal, about), mark in seen.items()
        if mark != "-"
    ]


def moments(judgements: Sequence[tuple[int, dict[tuple[str, str], str]]]) -> list[tuple[int, list[Verdict]]]:
    found, hour = [], 0
    for step, seen in judgements:
        hour += step
        found.append((hour, told(seen, hour)))
    return found


@given(JUDGEMENTS, st.randoms())
def test_judging_a_moment_again_changes_nothing_and_the_order_of_verdicts_does_not_matter(
    judgements: list[tuple[int, dict[tuple[str, str], str]]], random: Any
) -> None:
    held: dict[SignalKey, Raised] = {}
    for hour, verdicts in moments(judgements):
        at = START + hour * HOUR
        after, changed = advance(held, verdicts, at, TOLD)
        random.shuffle(verdicts)
        assert advance(held, verdicts, at, TOLD) == (after, changed)
        assert advance(after, verdicts, at, TOLD + 99) == (after, [])
        held = after


@given(JUDGEMENTS)
def test_signals_of_one_key_never_overlap_and_an_end_is_quiet_for_as_long_as_its_kind_says(
    judgements: list[tuple[int, dict[tuple[str, str], str]]],
) -> None:
    held: dict[SignalKey, Raised] = {}
    stored: dict[object, Raised] = {}
    active: dict[SignalKey, set[int]] = {}
    last = 0
    for hour, verdicts in moments(judgements):
        at = last = START + hour * HOUR
        for one in verdicts:
            if one.active:
                active.setdefault(one.key(), set()).add(at)
        held, changed = advance(held, verdicts, at, TOLD)
        assert changed == sorted(changed, key=Raised.key)
        stored |= {one.key(): one for one in changed}
        # What is active now is open, and what is open was active when it was raised.
        assert {one.key() for one in verdicts if one.active} <= held.keys()
        assert all(one.raised_at in active[key] for key, one in held.items())
    for key, times in active.items():
        spans = sorted((one.raised_at, one.ended_at) for one in stored.values() if one.verdict.key() == key)
        quiet = BY_NAME[key[1]].quiet_hours * HOUR
        for (_, ended), (begun, _) in itertools.pairwise(spans):
            assert ended is not None and ended + quiet < begun
        for begun, ended in spans:
            if ended is not None:
                assert not any(ended <= time < ended + max(quiet, 1) for time in times)
                assert any(begun <= time < ended for time in times)
        # Nothing that was active is outside of every span.
        assert all(any(begun <= time and (ended is None or time < ended) for begun, ended in spans) for time in times)
    assert all(one.ended_at is None or one.ended_at <= last for one in stored.values())


@given(JUDGEMENTS, st.data())
def test_going_on_from_what_was_recorded_is_going_on(
    judgements: list[tuple[int, dict[tuple[str, str], str]]], data: Any
) -> None:
    """A worker that dies anywhere, and its successor that reads the store, raise what one worker would have."""
    cut = data.draw(st.integers(0, len(judgements)))
    stored: dict[object, Raised] = {}
    undisturbed: dict[object, Raised] = {}
    held: dict[SignalKey, Raised] = {}
    alone: dict[SignalKey, Raised] = {}
    for number, (hour, verdicts) in enumerate(moments(judgements)):
        at = START + hour * HOUR
        alone, changed = advance(alone, verdicts, at, TOLD)
        undisturbed |= {one.key(): one for one in changed}
        if number == cut:
            held = {one.verdict.key(): one for one in stored.values() if one.ended_at is None}
        for _ in range(1 + (number == cut)):  # the successor judges the moment anew
            held, changed = advance(held, verdicts, at, TOLD)
            stored |= {one.key(): one for one in changed}
    assert stored == undisturbed


def test_where_each_completing_point_is_a_signal_of_its_own_the_next_one_ends_the_one_before() -> None:
    first = verdict(0, signal=CHART, completed_by=START)
    held, _ = advance({}, [first], START, TOLD)
    same_week = verdict(100, signal=CHART, completed_by=START)
    assert advance(held, [same_week], START + 100 * HOUR, TOLD) == (held, [])
    week = START + 168 * HOUR
    held, changed = advance(held, [verdict(168, signal=CHART, completed_by=week)], week, TOLD)
    assert [(one.raised_at, one.ended_at) for one in changed] == [(START, week), (week, None)]
    assert [one.verdict.completed_by for one in held.values()] == [week]


def test_a_record_shows_up_to_when_it_was_judged() -> None:
    (ended,) = play("x.......")
    assert ended.ended_at == START + HOUR
    assert known_at(ended) == START + 7 * HOUR
    (held,) = play("xx.")
    assert known_at(held) == START + 2 * HOUR
