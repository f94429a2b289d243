"""When a service was last heard of, when its source is silent, and which published shares are stale with it."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kept import events as e
from kept.durations import DAY_MS, HOUR_MS, MINUTE_MS
from kept.indicators.amendments import amendments
from kept.indicators.evaluate import evaluate
from kept.indicators.freshness import heard, is_stale, last_event
from kept.indicators.point import Point
from kept.signals.freshness import judge
from kept.signals.situation import Situation
from kept.signals.verdict import Verdict
from tests.kept.city import LIGHTS, City, event, ms, seconds
from tests.kept.lives import START_MS
from tests.kept.test_amendments import Board

RULES = City().rules[LIGHTS.id]
"""An event is expected at least every hour."""


def opened(at: str | int, name: str = "a", **data: str) -> e.Event:
    return event("case.opened", at, name, **data)


def completed(at: str | int, name: str = "a") -> e.Event:
    return event("case.completed", at, name, outcome="intended")


def city_of(*events: e.Event, until: str) -> City:
    city = City()
    city.apply(events)
    city.tick(until)
    return city


def last(city: City, at: str) -> int | None:
    return last_event(city.tallies, LIGHTS.id, RULES.local_time, seconds(at))


def verdict(city: City, at: str) -> Verdict | None:
    return next(iter(judge(Situation(city.tallies, RULES, seconds(at)))), None)


def test_the_last_event_is_told_at_the_end_of_its_five_minutes() -> None:
    city = city_of(opened("2024-06-03 09:02"), until="2024-06-03 11:00")
    assert last(city, "2024-06-03 10:00") == seconds("2024-06-03 09:05")


def test_what_is_promised_for_later_is_not_heard() -> None:
    # Due on the 8th, at risk from the 7th on: tallied in those days, though nothing happened in them.
    city = city_of(opened("2024-06-03 09:02"), until="2024-06-09 12:00")
    assert any(
        series[1] == "" and bucket.end > seconds("2024-06-07 00:00") for series, bucket, _ in city.tallies.items()
    )
    seen = verdict(city, "2024-06-09 12:00")
    assert seen is not None and seen.active
    assert seen.evidence["last_event"] == seconds("2024-06-03 10:00")


def test_a_histogram_of_the_hour_does_not_make_an_event_of_it_later() -> None:
    city = city_of(opened("2024-06-03 09:02"), completed("2024-06-03 09:04"), until="2024-06-03 11:00")
    assert last(city, "2024-06-03 10:30") == seconds("2024-06-03 09:05")


def test_after_48_hours_it_is_told_to_the_hour_and_after_90_days_to_the_day() -> None:
    city = city_of(opened("2024-06-03 09:02"), until="2024-12-01 00:00")
    assert last(city, "2024-06-05 09:55") == seconds("2024-06-04 00:00")  # by now only the day is known: its end
    fresh = city_of(opened("2024-06-03 09:02"), until="2024-06-05 10:00")
    assert last(fresh, "2024-06-05 09:55") == seconds("2024-06-03 09:05")
    assert last(fresh, "2024-06-05 10:00") == seconds("2024-06-03 10:00")
    assert last(city, "2024-12-01 00:00") == seconds("2024-06-04 00:00")


def test_a_service_never_heard_of_is_not_silent() -> None:
    city = city_of(until="2024-06-03 11:00")
    assert last(city, "2024-06-03 11:00") is None
    assert verdict(city, "2024-06-03 11:00") is None
    assert is_stale(city.tallies, RULES, seconds("2024-06-03 11:00")) is False


@pytest.mark.parametrize(("at", "active"), [("10:05", False), ("10:10", True), ("11:00", True)])
def test_silence_begins_when_the_expected_time_has_passed(at: str, active: bool) -> None:
    #  09:02 opened | 09:05 heard ---- expected silence: 1 h ---- 10:05 | silent
    city = city_of(opened("2024-06-03 09:02"), until="2024-06-03 12:00")
    seen = verdict(city, f"2024-06-03 {at}")
    assert seen is not None
    assert seen.active is active
    assert seen.since == (seconds("2024-06-03 10:05") if active else None)
    assert (seen.value, seen.expected) == (seen.at - seconds("2024-06-03 09:05"), 3600)


def test_it_says_since_when_in_local_time() -> None:
    seen = verdict(city_of(opened("2024-06-03 09:02"), until="2024-06-03 12:00"), "2024-06-03 11:05")
    assert seen is not None
    assert seen.words == (
        "Nothing was heard for 2 hours, since 2024-06-03 09:05 (CEST); an event is expected at least every 1 hour"
    )
    assert seen.evidence == {
        "last_event": seconds("2024-06-03 09:05"),
        "resolution_seconds": 300,
        "expected_silence_seconds": 3600,
    }


KINDS = st.sampled_from(["opened", "contact", "feedback", "cost"])


def told(kind: str, at: int, number: int) -> e.Event:
    match kind:
        case "opened":
            return opened(at, f"c{number}")
        case "contact":
            return event("contact.received", at, id=f"k{number}", reason="other")
        case "cost":
            return event("cost.booked", at, id=f"m{number}", amount="-1.00", currency="EUR", category="staff")
    return event("feedback.given", at, id=f"f{number}", rating=3)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.tuples(st.integers(0, 130 * 24 * 12), KINDS), min_size=1, max_size=6),
    st.integers(0, 130 * 24),
    st.integers(1, 4),
)
def test_it_is_the_newest_event_by_brute_force_however_partitioned(
    events: list[tuple[int, str]], hour: int, partitions: int
) -> None:
    at_ms = START_MS + hour * HOUR_MS
    city = City(partitions=partitions)
    lives = sorted((START_MS + step * 5 * MINUTE_MS, kind) for step, kind in events)
    known = [(at, kind) for at, kind in lives if at <= at_ms]
    for number, (at, kind) in enumerate(known):
        city.apply([told(kind, at, number)])
    city.tick(at_ms)
    found = last_event(city.tallies, LIGHTS.id, RULES.local_time, at_ms // 1000)
    if not known:
        assert found is None
        return
    newest = known[-1][0] // 1000
    hour_end, day_end = RULES.local_time.ends(newest)
    age = at_ms // 1000
    expected = day_end if age - day_end >= 90 * 86_400 else hour_end if age - hour_end >= 48 * 3600 else newest
    assert found == expected


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.integers(0, 12 * 24 * 12), min_size=1, max_size=8), st.integers(0, 12 * 24 * 12))
def test_of_a_past_moment_it_says_what_was_said_then_or_that_it_cannot_tell(steps: list[int], moment: int) -> None:
    at = START_MS // 1000 + moment * 300
    lives = [START_MS + step * 5 * MINUTE_MS for step in sorted(steps)]
    then = City()
    then.apply([told("contact", one, number) for number, one in enumerate(lives) if one <= at * 1000])
    then.tick(at * 1000)
    later = City()
    later.apply([told("contact", one, number) for number, one in enumerate(lives)])
    later.tick(START_MS + 120 * DAY_MS)
    assert is_stale(later.tallies, RULES, at) in (is_stale(then.tallies, RULES, at), None)
    bounds = heard(later.tallies, LIGHTS.id, RULES.local_time, at)
    true = last_event(then.tallies, LIGHTS.id, RULES.local_time, at)
    if true is not None:
        assert bounds is not None
        assert (bounds.earliest or true) <= true <= bounds.latest


def shares(points: Iterable[Point]) -> dict[str, set[str | None]]:
    """Reasons beside the values of shares, and of all other values."""
    found: dict[str, set[str | None]] = {"share": set(), "other": set()}
    for point in points:
        if point.value is not None:
            found["share" if point.unit == "share" else "other"].add(point.reason)
    return found


SERVED = (opened("2024-06-03 09:02", area="North"), completed("2024-06-03 09:32"))


def test_shares_of_a_silent_service_are_stale_and_nothing_else_is() -> None:
    city = city_of(*SERVED, until="2024-06-03 12:00")
    fresh = shares(evaluate(city.tallies, RULES, seconds("2024-06-03 10:35")))
    assert fresh == {"share": {None}, "other": {None}}
    assert shares(evaluate(city.tallies, RULES, seconds("2024-06-03 11:00"))) == {"share": {"stale"}, "other": {None}}


def test_slices_are_judged_at_their_own_moment() -> None:
    # 10:40 is silent (heard at 09:35); the slices of that publication hold at 10:00, when it was not.
    points = evaluate(city_of(*SERVED, until="2024-06-03 12:00").tallies, RULES, seconds("2024-06-03 10:40"))
    assert shares(point for point in points if point.slice)["share"] == {None}
    assert shares(point for point in points if not point.slice)["share"] == {"stale"}


def stale_moments(board: Board, indicator: str, window: str) -> dict[str, bool]:
    """Local time of each published value -> whether it is marked."""
    return {
        e.moment(point.window_end * 1000).astimezone(LIGHTS.zone).strftime("%H:%M"): point.reason == "stale"
        for point in sorted(board.points.values(), key=lambda one: one.window_end)
        if (point.indicator, point.window, point.slice) == (indicator, window, ()) and point.value is not None
    }


@pytest.mark.parametrize("indicator", ["first_time_right", "completion_rate"])
def test_a_late_event_takes_the_mark_off_what_was_published_meanwhile(indicator: str) -> None:
    #  09:02 opened .. 09:32 completed | silent from 10:35 on | late: a contact of 11:20, known at 14:00
    begun = [
        event("transaction.started", "2024-06-03 09:01", "t", channel="Web"),
        event("transaction.finished", "2024-06-03 09:10", "t", result="completed"),
    ]
    board = Board(City())
    board.take_in(sorted([*SERVED, *begun], key=lambda one: one.time))
    for time in ("10:00", "11:00", "12:00", "13:00", "14:00"):
        board.take_in([e.tick(ms(f"2024-06-03 {time}"), 0)])
    hours = ("10:00", "11:00", "12:00", "13:00", "14:00")
    before = stale_moments(board, indicator, "28d")
    assert {time: before[time] for time in hours} == dict(zip(hours, (False, True, True, True, True), strict=True))
    board.take_in([event("contact.received", "2024-06-03 11:20", id="late", reason="other")])
    after = stale_moments(board, indicator, "28d")
    assert {time: after[time] for time in hours} == dict(zip(hours, (False, True, False, True, True), strict=True))
    marks = [one for one in board.amendments if one.new.indicator == indicator]
    assert {(one.old.reason, one.new.reason) for one in marks} == {("stale", None)}
    assert all(one.old.value == one.new.value for one in marks)


def test_what_is_measured_again_without_late_events_keeps_its_mark() -> None:
    city = City()
    city.apply(SERVED)
    published = []
    for hour in range(10, 16):
        city.tick(f"2024-06-03 {hour}:00")
        published.append(evaluate(city.tallies, RULES, seconds(f"2024-06-03 {hour}:00")))
    city.tick("2024-11-03 00:00")  # by now the buckets are days
    for points in published:
        whole = [point for point in points if not point.slice]
        assert list(amendments(whole, city.tallies, RULES, seconds("2024-11-03 00:00"))) == []
