"""The demo's clock: all of the past at once, a last week faster than the clock, then live and never ahead."""

from __future__ import annotations

import itertools
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

import catalogue
from history.sqlite import SQLiteHistory
from kept.catalogue import read_catalogue
from kept.durations import DAY_MS
from kept.events import Event, ServiceChanged
from kept.signals.known_at import charts_known_at
from local_stack.city_feed import CATCH_UP_FACTOR, CityPace, city_events, feed_start_ms
from local_stack.embedded_demo import publish, run_embedded_city
from stream_processors.embedded import EmbeddedPipeline
from tests.kept.city import CHARTED, event, ms, seconds

NOW = 1_795_536_300.0


class Clock:
    """A wall clock that moves only by sleeping."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_backfill_is_at_once_then_hurried_then_live() -> None:
    # event time   -42 d ........ -7 d ........ now ........ +1 h
    # published    at once        600 times      live
    clock = Clock()
    backfill_until = int(NOW * 1000) - 7 * DAY_MS
    pace = CityPace(backfill_until, clock=clock, sleep=clock.sleep)
    pace.wait_for(backfill_until - DAY_MS)
    assert clock.now == NOW
    pace.wait_for(backfill_until + DAY_MS)
    assert clock.now == NOW + 86400 / CATCH_UP_FACTOR
    later = int((NOW + 7200) * 1000)
    pace.wait_for(later)
    assert abs(clock.now - (NOW + 7200)) < 1e-3


@given(st.lists(st.integers(-42 * DAY_MS, DAY_MS // 4), min_size=1, max_size=20).map(sorted))
def test_no_event_is_ever_published_ahead_of_the_clock(offsets: list[int]) -> None:
    clock = Clock()
    pace = CityPace(int(NOW * 1000) - 7 * DAY_MS, clock=clock, sleep=clock.sleep)
    for offset in offsets:
        time_ms = int(NOW * 1000) + offset
        pace.wait_for(time_ms)
        assert clock.now * 1000 >= time_ms - 1


def test_the_city_begins_days_before_the_catch_up() -> None:
    services = read_catalogue([catalogue.CITY])
    events, _ = city_events(services, int(NOW * 1000), 35, seed=1)
    first, _ = next(events)
    age_days = (NOW * 1000 - first) / DAY_MS
    assert 41 < age_days <= 42


def test_the_embedded_city_publishes_the_same_kind_of_history() -> None:
    services = read_catalogue([catalogue.CITY])
    clock = Clock()
    history = SQLiteHistory(":memory:")
    events, pace = city_events(services, int(NOW * 1000), 1, seed=1)
    run_embedded_city(services, history, itertools.islice(events, 800), pace, clock=clock)
    published = history.published()
    assert published
    assert all(moment % 300 == 0 for moment in published.values())
    service = next(iter(published))
    assert {point.indicator for point in history.latest(service)} >= {"promise_kept", "backlog", "arrivals"}


def test_the_embedded_city_has_charts_by_the_hour_and_registered_changes() -> None:
    history = SQLiteHistory(":memory:")
    pipeline = EmbeddedPipeline({CHARTED.id: CHARTED})
    pipeline.apply(event("case.opened", f"2024-06-{day:02} 09:00", f"c{day}") for day in range(1, 18))
    pipeline.apply([event("service.changed", "2024-06-12 09:00", id="n1", title="A second van")])
    pipeline.tick(ms("2024-06-17 10:00"))
    published = publish(pipeline, history, None)
    assert published == seconds("2024-06-17 10:00")
    assert history.charts(CHARTED.id) == pipeline.charts(published) != []
    assert history.changes() == [replace(change, known_at=published) for change in pipeline.changes()] != []

    before = history.charts(CHARTED.id)
    pipeline.apply([event("case.opened", "2024-06-08 10:00", "late")])
    for time, changed in (("2024-06-17 10:55", False), ("2024-06-17 11:00", True)):
        pipeline.tick(ms(time))
        published = publish(pipeline, history, published)
        assert (history.charts(CHARTED.id) != before) is changed
    then = charts_known_at(
        history.charts(CHARTED.id), history.chart_amendments(CHARTED.id), seconds("2024-06-17 10:55")
    )
    assert then == before
    history.close()


def test_a_script_counts_from_the_first_day_of_the_feed_and_may_still_the_city(tmp_path: Path) -> None:
    services = {"parking-permits": read_catalogue([catalogue.CITY])["parking-permits"]}
    incident = '[[incident]]\nkind = "slow_down"\nservice = "parking-permits"\nstart = "+3d"\nsize = 2\n'
    (tmp_path / "slow.toml").write_text(incident)
    (tmp_path / "still.toml").write_text(f"trials = false\n{incident}")
    now_ms = int(NOW * 1000)
    starts_ms = feed_start_ms(now_ms, 28) + 3 * DAY_MS

    def feed(script: str | None) -> list[tuple[int, Event]]:
        events, _ = city_events(services, now_ms, 28, seed=1, script=script)
        return list(itertools.takewhile(lambda timed: timed[0] < now_ms, events))

    usual, slowed, still = feed(None), feed(str(tmp_path / "slow.toml")), feed(str(tmp_path / "still.toml"))
    assert [timed for timed in slowed if timed[0] < starts_ms] == [timed for timed in usual if timed[0] < starts_ms]
    assert slowed != usual
    assert any(isinstance(event, ServiceChanged) for _, event in usual)
    assert not any(isinstance(event, ServiceChanged) for _, event in still)
