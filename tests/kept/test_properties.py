"""For any events: order, duplicates, replays, partitions, batches, restarts and compaction change nothing."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kept import counters, tallies
from kept import events as e
from kept import target_margins as m
from kept.counters import WHOLE_ONLY
from kept.durations import MINUTE_MS
from kept.indicators.evaluate import evaluate
from kept.indicators.point import Point
from kept.partition_tallies import PartitionTallies
from kept.tallies import Bucket, MergedTallies, Series, Tally, merged
from tests.kept.city import LIGHTS, PLAIN, City, event
from tests.kept.lives import START_MS, case_events, cities, end_of, long_cities
from tests.kept.tally_messages import message

DAYS = 6.0
"""Histories shorter than any retention, so that no event is beyond one."""
LONG_DAYS = 230.0
"""Histories that live through every size of bucket."""

thorough = settings(
    deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
brief = settings(thorough, max_examples=25)


def points_of(city: City, at_ms: int) -> list[Point]:
    return city.points(at_ms)


def run(
    events: list[e.Event], *, batch: int = 20_000, partitions: int = 1, days: float = DAYS
) -> tuple[City, list[Point]]:
    city = City(partitions=partitions)
    city.apply(events, batch=batch)
    return city, points_of(city, end_of(events, days))


def tallies_of(city: City) -> list[tuple[Series, Bucket, Tally]]:
    return list(city.tallies.items())


# (a) order of arrival


@thorough
@given(events=cities(days=DAYS), data=st.data())
def test_the_order_of_arrival_changes_no_tally_no_case_and_no_indicator(
    events: list[e.Event], data: st.DataObject
) -> None:
    in_time, expected = run(events)
    shuffled, points = run(data.draw(st.permutations(events)))
    assert tallies_of(shuffled) == tallies_of(in_time)
    assert shuffled.register == in_time.register
    assert points == expected
    assert shuffled.accounts.applied == in_time.accounts.applied


@thorough
@given(events=cities(days=DAYS))
def test_what_is_near_the_due_is_told_of_whole_services_alone_and_of_no_more_closings_than_there_are(
    events: list[e.Event],
) -> None:
    city, _ = run(events, partitions=3)
    found: Tally = {}
    for series, _bucket, tally in tallies_of(city):
        near = {counter: amount for counter, amount in tally.items() if counter >= WHOLE_ONLY}
        assert not near or series[1:] == ("", "")
        assert all(amount > 0 for amount in near.values())
        found = merged(found, near)
    closings = sum(found.get(m.MARGIN + band.number, 0) for band in m.BANDS)
    assert closings <= sum(isinstance(one, e.CaseCompleted) for one in events)
    assert found.get(m.REOPENED_JUST_BEFORE, 0) <= found.get(m.MARGIN + m.JUST_BEFORE, 0)
    assert found.get(m.REOPENED_BESIDE, 0) <= sum(found.get(m.MARGIN + number, 0) for number in m.BESIDE)


# (b), (c), (g) duplicates, replays, accounts


@thorough
@given(events=cities(days=DAYS), data=st.data())
def test_events_sent_again_change_nothing_and_are_accounted_for(events: list[e.Event], data: st.DataObject) -> None:
    once, expected = run(events)
    again = data.draw(st.lists(st.sampled_from(events), max_size=10)) if events else []
    twice, points = run(data.draw(st.permutations([*events, *again])), batch=data.draw(st.integers(1, 30)))
    assert points == expected
    assert twice.register == once.register
    assert twice.accounts.duplicate == once.accounts.duplicate + len(again)
    assert twice.accounts.received == once.accounts.received + len(again)
    assert twice.accounts.reconciles()


@thorough
@given(events=cities(days=DAYS))
def test_a_replay_of_everything_changes_nothing(events: list[e.Event]) -> None:
    city, expected = run(events)
    before = city.accounts
    city.apply(events)
    assert points_of(city, end_of(events, DAYS)) == expected
    assert city.accounts.applied == before.applied
    assert city.accounts.duplicate == before.duplicate + len(events)
    assert city.accounts.reconciles()


@thorough
@given(events=long_cities(days=LONG_DAYS), data=st.data())
def test_the_accounts_reconcile_even_where_events_come_too_late(events: list[e.Event], data: st.DataObject) -> None:
    city, _ = run(data.draw(st.permutations(events)), batch=data.draw(st.integers(1, 30)), days=LONG_DAYS)
    assert city.accounts.received == len(events)
    assert city.accounts.reconciles()


# (d) partitions and batches


@thorough
@given(events=cities(days=DAYS), data=st.data())
def test_any_partitions_and_batches_give_the_same_indicators_to_the_last_digit(
    events: list[e.Event], data: st.DataObject
) -> None:
    _, expected = run(events)
    partitions, batch = data.draw(st.integers(2, 8)), data.draw(st.integers(1, 40))
    spread, points = run(events, partitions=partitions, batch=batch)
    assert points == expected
    assert spread.accounts.applied + spread.accounts.duplicate == len(events)


@brief
@given(events=long_cities(days=LONG_DAYS), data=st.data())
def test_partitions_that_compact_at_different_moments_give_the_same_indicators(
    events: list[e.Event], data: st.DataObject
) -> None:
    _, expected = run(events, days=LONG_DAYS)
    _, points = run(
        events, partitions=data.draw(st.integers(2, 8)), batch=data.draw(st.integers(1, 40)), days=LONG_DAYS
    )
    assert points == expected


# (e) merging

TALLIES = st.dictionaries(st.integers(1, 20000), st.integers(-5, 5).filter(bool), max_size=6)


@given(a=TALLIES, b=TALLIES, c=TALLIES)
def test_merging_tallies_is_associative_and_commutative_with_nothing_as_its_zero(
    a: dict[int, int], b: dict[int, int], c: dict[int, int]
) -> None:
    assert merged(a, merged(b, c)) == merged(merged(a, b), c) == merged(a, b, c)
    assert merged(a, b) == merged(b, a)
    assert merged(a, {}) == merged(a) == a
    assert merged(a, {counter: -amount for counter, amount in a.items()}) == {}


@thorough
@given(events=cities(days=DAYS), data=st.data())
def test_absolute_tallies_delivered_again_in_an_old_order_and_then_last_change_nothing(
    events: list[e.Event], data: st.DataObject
) -> None:
    city = City()
    delivered = []
    for start in range(0, len(events), 3):
        for changes in city.apply_batch(events[start : start + 3]):
            delivered += changes.tallies
    rules = city.rules[LIGHTS.id]
    again = MergedTallies({LIGHTS.id: rules.local_time})
    read_each_time = MergedTallies({LIGHTS.id: rules.local_time})
    for _, key, value in delivered[: data.draw(st.integers(0, len(delivered)))] + delivered + delivered[-1:]:
        again.apply(key, value)
        read_each_time.apply(key, value)
        read_each_time.services()
    assert list(again.items()) == list(read_each_time.items()) == list(city.tallies.items())


def test_tallies_that_nobody_reads_are_added_up_before_they_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tallies, "MOST_WAITING", 5)
    few = MergedTallies({LIGHTS.id: City().rules[LIGHTS.id].local_time})
    for number in range(23):
        few.apply(*message((LIGHTS.id, "", ""), Bucket(0, 300 * number), {counters.OPENED: 1}))
        assert len(few._waiting) < 5
    assert sum(tally[counters.OPENED] for _, _, tally in few.items()) == 23


# (f) restart


@thorough
@given(events=cities(days=DAYS), data=st.data())
def test_stopping_after_any_batch_and_restoring_changes_nothing(events: list[e.Event], data: st.DataObject) -> None:
    through, expected = run(events, batch=3, partitions=2)
    stops = data.draw(st.sets(st.integers(0, len(events) // 3)))
    city = City(partitions=2)
    for number, start in enumerate(range(0, len(events), 3)):
        city.apply_batch(events[start : start + 3])
        if number in stops:
            city.restart()
    assert points_of(city, end_of(events, DAYS)) == expected
    assert city.records == through.records
    assert city.accounts == through.accounts


@brief
@given(events=long_cities(days=LONG_DAYS), data=st.data())
def test_stopping_between_compactions_and_expiries_changes_nothing(events: list[e.Event], data: st.DataObject) -> None:
    through, expected = run(events, batch=4, days=LONG_DAYS)
    stops = data.draw(st.sets(st.integers(0, len(events) // 4)))
    city = City()
    for number, start in enumerate(range(0, len(events), 4)):
        city.apply_batch(events[start : start + 4])
        if number in stops:
            city.restart()
    assert points_of(city, end_of(events, LONG_DAYS)) == expected
    assert city.records == through.records


# (h) stocks against a count over the cases


class Life:
    """One case as of a moment, told step by step; written from the definitions, not from the program."""

    def __init__(self, events: list[e.Event], at_ms: int) -> None:
        self.opened = self.due = self.promised = self.paused = self.closed = None
        self.outcome = ""
        opening = min(
            (x for x in events if isinstance(x, e.CaseOpened)), key=lambda x: (x.time, e.identity(x)), default=None
        )
        if opening is None:
            return
        self.opened = e.milliseconds(opening.time)
        self._promise(self.opened + 5 * 86_400_000 if opening.data.due is None else e.milliseconds(opening.data.due))
        relevant = [x for x in events if type(x) in _RANK]
        relevant.sort(key=lambda x: (x.time, _RANK[type(x)], e.identity(x)))
        for index, one in enumerate(relevant):
            self._live(one, relevant[index + 1 :])
        self.at = at_ms

    def _promise(self, due: int) -> None:
        self.due, self.promised = due, due - self.opened

    def _live(self, one: e.Event, later: list[e.Event]) -> None:
        now = max(e.milliseconds(one.time), self.opened)
        if isinstance(one, e.CaseReopened):
            self.closed = None
        elif self.closed is not None:
            return
        elif isinstance(one, e.CasePaused):
            self.paused = now if self.paused is None else self.paused
        elif isinstance(one, e.CaseDueChanged):
            broken_at = now if self.paused is None else self.paused
            if self.due >= now if self.paused is None else self.due > broken_at:
                self._promise(e.milliseconds(one.data.due))
                self.paused = None if self.paused is None else now
        elif isinstance(one, e.CaseResumed):
            self._resume(now)
        elif not any(isinstance(x, e.CaseCompleted) for x in _until_reopened(later)):
            self._resume(now)
            self.closed, self.outcome = e.milliseconds(one.time), one.data.outcome

    def _resume(self, now: int) -> None:
        if self.paused is not None and self.due > self.paused:
            self.due += now - self.paused
        self.paused = None

    def stocks(self) -> Counter[str]:
        if self.opened is None:
            return Counter()
        counts = Counter[str]()
        is_open, running = self.closed is None, self.closed is None and self.paused is None
        counts["backlog"] = is_open
        counts["paused"] = is_open and not running
        counts["overdue"] = running and self.due <= self.at
        counts["at_risk"] = running and self.promised > 0 and 0 < 5 * (self.due - self.at) < self.promised
        withdrawn_before = self.outcome == "withdrawn" and self.closed is not None and self.closed <= self.due
        waits = is_open and not running and self.due > self.paused
        counts["due"] = self.due <= self.at and not withdrawn_before and not waits
        kept = self.closed is not None and self.outcome != "withdrawn" and self.closed <= self.due
        counts["kept"] = kept and self.due <= self.at
        return counts


_RANK = {e.CaseDueChanged: 1, e.CasePaused: 2, e.CaseResumed: 3, e.CaseCompleted: 6, e.CaseReopened: 7}


def _until_reopened(later: list[e.Event]) -> list[e.Event]:
    for index, one in enumerate(later):
        if isinstance(one, e.CaseReopened):
            return later[:index]
    return later


@settings(thorough, max_examples=150)
@given(cases=st.lists(st.integers(0, 99), max_size=8).flatmap(
    lambda numbers: st.tuples(*[case_events(index, DAYS) for index, _ in enumerate(numbers)])
), more_steps=st.integers(0, 5 * 288))  # fmt: skip
def test_stocks_equal_a_count_over_the_cases(cases: tuple[list[e.Event], ...], more_steps: int) -> None:
    events = sorted((one for case in cases for one in case), key=lambda one: one.time)
    at_ms = end_of(events, DAYS) + more_steps * 5 * MINUTE_MS
    city = City()
    city.apply(events)
    points = {p.indicator: p for p in city.points(at_ms, windows=["all"], slices=False)}
    counts = sum((Life(case, at_ms).stocks() for case in cases), Counter[str]())
    if not points:
        assert not counts
        return
    for name in ("backlog", "paused"):
        assert points[name].value == counts[name], name
    for name in ("overdue", "at_risk"):
        assert (points[name].value or 0) == counts[name], name
    assert (points["promise_kept"].denominator or 0) == counts["due"]
    assert (points["promise_kept"].numerator or 0) == counts["kept"]
    assert sum(p.value for name, p in points.items() if name.startswith("backlog_age_")) == counts["backlog"]
    assert city.states[0].open_cases().get(LIGHTS.id, 0) == counts["backlog"]


# (i) compaction


def uncompacted(events: list[e.Event], at_ms: int) -> list[Point]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PartitionTallies, "compact", lambda self, watermark_ms: None)
        city = City()
        city.apply(events)
        points = points_of(city, at_ms)
        assert all(bucket.size < 2 for _, bucket, _ in city.tallies.items())
        return points


@settings(thorough, max_examples=80)
@given(events=long_cities(days=LONG_DAYS), batch=st.integers(1, 30), more_steps=st.integers(0, 600))
def test_compaction_changes_no_value(events: list[e.Event], batch: int, more_steps: int) -> None:
    at_ms = end_of(events, LONG_DAYS) + more_steps * 5 * MINUTE_MS
    expected = uncompacted(events, at_ms)
    at_once, often = City(), City()
    at_once.apply(events)
    often.apply(events, batch=batch)
    assert points_of(at_once, at_ms) == expected
    assert points_of(often, at_ms) == expected


@brief
@given(events=cities(days=4.0, cases=4), steps=st.lists(st.integers(0, 100 * 288), min_size=1, max_size=4))
def test_compaction_changes_no_value_while_time_goes_on(events: list[e.Event], steps: list[int]) -> None:
    living = City()
    living.apply(events)
    for step in sorted(steps):
        at_ms = end_of(events, 4.0) + step * 5 * MINUTE_MS
        assert points_of(living, at_ms) == uncompacted(events, at_ms)


@brief
@given(events=long_cities(days=LONG_DAYS), behind=st.integers(0, 24 * 12), one=st.integers(1, 9))
def test_a_partition_up_to_a_day_ahead_has_not_joined_what_the_common_moment_needs(
    events: list[e.Event], behind: int, one: int
) -> None:
    # Windows are read at the least watermark, buckets are joined by each partition's own.
    at_ms = end_of(events, LONG_DAYS)
    ahead_ms = at_ms + behind * 5 * MINUTE_MS
    together, apart = City(partitions=2), City(partitions=2)
    for city in (together, apart):
        city.apply(events, batch=one * 10)
    apart.tick(ahead_ms)
    assert read_at(apart, at_ms) == read_at(together, at_ms, tick=True)


def read_at(city: City, at_ms: int, *, tick: bool = False) -> list[Point]:
    if tick:
        city.tick(at_ms)
    (rules,) = city.rules.values()
    return sorted(evaluate(city.tallies, rules, at_ms // 1000), key=Point.key)


def test_the_register_of_a_long_history_lets_closed_cases_go_without_changing_a_value() -> None:
    events = [event("case.opened", START_MS + day * 86_400_000, f"c{day}") for day in range(200)]
    events += [event("case.completed", START_MS + day * 86_400_000 + 3_600_000, f"c{day}") for day in range(200)]
    events.sort(key=lambda one: one.time)
    city = City(PLAIN)
    city.apply(events, batch=10)
    assert 70 <= city.states[0].cases < 75  # twice the 35 days
    (arrivals,) = [
        p for p in city.points("2025-01-01 00:00", windows=["all"], slices=False) if p.indicator == "arrivals"
    ]
    assert arrivals.value == 200
