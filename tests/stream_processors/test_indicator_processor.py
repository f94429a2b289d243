"""The indicator processor beside its store: nothing is written for a partition that another worker has by now."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import pytest

from kept.errors import Retry
from kept.indicators.point import Amendment, Point
from kept.indicators.windows import WINDOWS
from kept.registered_changes import RegisteredChange
from kept.settings import Settings
from kept.signals.chart_amendments import ChartAmendment
from kept.signals.chart_weeks import ChartWeek
from kept.signals.judge import judge as judge_all
from kept.signals.raised import Raised
from kept.topics import topics
from stream_processors import indicator_processor, store_calls
from stream_processors.indicator_processor import IndicatorProcessor
from stream_processors.judgements import JudgeService
from stream_processors.partition_log import partition_of_service
from stream_processors.sinks.metrics import Metrics
from stream_processors.stage_times import StageTimes
from stream_processors.tallies_partition import TalliesPartition
from tests.kept.city import LIGHTS, City, event, ms
from tests.waiting import until

PARTITION = partition_of_service(LIGHTS.id, 2)
AT_MS = ms("2024-06-03 12:00")
CLOCK = 1_900_000_000


class Store:
    """A history store that can be held in the middle of a write, or be away."""

    def __init__(self) -> None:
        self.points: list[Point] = []
        self.announced: list[int] = []
        self._published: dict[str, int] = {}
        self.amendments: list[Amendment] = []
        self.recorded: list[Raised] = []
        self.weeks: list[ChartWeek] = []
        """In the order of writing, also those that take the place of others."""
        self.chart_amendments: list[ChartAmendment] = []
        self.charts_refused = 0
        """So many more calls of `write_charts` are refused."""
        self.registered: list[RegisteredChange] = []
        self.calls: list[str] = []
        self.away = False
        self.go_on = threading.Event()
        self.go_on.set()
        self.records_refused = 0
        """So many more calls of `record` are refused."""
        self.may_record = threading.Event()
        self.may_record.set()

    def write(self, points: Sequence[Point]) -> None:
        if self.away:
            raise Retry("away")
        self.go_on.wait(5)
        self.points += points
        self.calls.append("write")

    def read(self, service: str, *, since: int, until: int) -> list[Point]:
        if self.away:
            raise Retry("away")
        newest = {point.key(): point for point in self.points}
        return [point for point in newest.values() if since <= point.window_end <= until]

    def amend(self, amendments: Sequence[Amendment]) -> None:
        if self.away:
            raise Retry("away")
        self.points += [one.new for one in amendments]
        self.amendments += amendments

    def publish(self, services: Iterable[str], window_end: int) -> None:
        self.announced.append(window_end)
        self._published |= dict.fromkeys(services, window_end)
        self.calls.append("publish")

    def published(self) -> dict[str, int]:
        return self._published

    def record(self, signals: Sequence[Raised]) -> None:
        self.calls.append("record begins")
        if self.away or self.records_refused:
            self.records_refused -= not self.away
            raise Retry("away")
        self.may_record.wait(5)
        self.recorded += signals
        self.calls.append("record")

    def write_charts(self, weeks: Sequence[ChartWeek]) -> None:
        if self.away or self.charts_refused:
            self.charts_refused -= not self.away
            raise Retry("away")
        self.weeks += weeks
        self.calls.append("write_charts")

    def charts(self, service: str, *, since: int, until: int) -> list[ChartWeek]:
        """What is stored: of one key the last."""
        if self.away:
            raise Retry("away")
        newest = {week.key(): week for week in self.weeks if week.service == service}
        return [newest[key] for key in sorted(newest) if since <= newest[key].week_end <= until]

    def amend_charts(self, amendments: Sequence[ChartAmendment]) -> None:
        self.write_charts([one.new for one in amendments])
        self.chart_amendments += amendments

    def changes(self, *, since: int, until: int) -> list[RegisteredChange]:
        """What is stored: of one key the last."""
        if self.away:
            raise Retry("away")
        newest = {change.key(): change for change in self.registered}
        return [newest[key] for key in sorted(newest) if since <= newest[key].at <= until]

    def write_changes(self, changes: Sequence[RegisteredChange]) -> None:
        if self.away:
            raise Retry("away")
        self.registered += changes
        self.calls.append("write_changes")

    def signals(self, service: str | None = None, *, since: int = 0) -> list[Raised]:
        """What is stored: of one key the last."""
        newest = {raised.key(): raised for raised in self.recorded}
        found = [newest[key] for key in sorted(newest)]
        return [one for one in found if service in (None, one.verdict.service) and one.raised_at >= since]

    def open_signals(self) -> list[Raised]:
        if self.away:
            raise Retry("away")
        self.calls.append("open_signals")
        return [raised for raised in self.signals() if raised.ended_at is None]


def bare_processor(store: Store, city: City, judge: JudgeService = judge_all) -> IndicatorProcessor:
    """A processor without partitions; its wall clock stands still."""
    history: Any = store
    settings = Settings(partitions=2)
    return IndicatorProcessor(
        settings, topics("", 2), city.rules, {}, history, Metrics(), clock=lambda: CLOCK, judge=judge
    )


def processor_of(
    store: Store, city: City, judge: JudgeService = judge_all
) -> tuple[IndicatorProcessor, TalliesPartition]:
    """A processor that owns the partition of the lights, with all tallies of the city."""
    processor = bare_processor(store, city, judge)
    owned = TalliesPartition(PARTITION, city.rules, judge)
    owned.tallies = city.tallies
    owned.marks = {state.partition: state.mark() for state in city.states}
    owned.changed = True
    processor.partitions[PARTITION] = owned
    return processor, owned


@pytest.fixture
def city() -> City:
    city = City(partitions=2)
    city.apply([event("case.opened", "2024-06-03 09:00", f"c{n}") for n in range(4)])
    city.tick(AT_MS)
    return city


def test_the_end_of_a_replay_is_written_and_published(city: City) -> None:
    async def run() -> None:
        store = Store()
        processor, owned = processor_of(store, city)
        await processor._publish_in_time(owned)
        assert store.announced == [AT_MS // 1000]
        assert {p.window_end for p in store.points if not p.slice} == {AT_MS // 1000}

    asyncio.run(run())


def test_a_partition_that_moves_away_during_a_write_publishes_nothing_more(city: City) -> None:
    async def run() -> None:
        store = Store()
        store.go_on.clear()
        processor, owned = processor_of(store, city)
        publishing = asyncio.create_task(processor._publish_in_time(owned))
        await asyncio.sleep(0.05)
        moving = asyncio.create_task(processor.assign({}))
        await asyncio.sleep(0.05)
        assert not moving.done()  # the write that has begun comes before the next owner's
        store.go_on.set()
        await asyncio.gather(publishing, moving)
        assert store.announced == []
        assert processor._metrics._points == {}

    asyncio.run(run())


def test_ticks_that_come_while_another_partition_is_written_still_end_the_replay(city: City) -> None:
    async def run() -> None:
        store = Store()
        processor, owned = processor_of(store, city)
        whole = dict(owned.marks)
        owned.marks[1] = msgspec.structs.replace(whole[1], watermark=ms("2024-06-03 11:00"), tick=None)
        async with processor._store_lock:
            publishing = asyncio.create_task(processor._publish_in_time(owned))
            await asyncio.sleep(0)
            owned.marks[1] = whole[1]
        # Of a moment that is no end only what is due would be published: neither slices nor the longest window.
        owned.slices.are_published(LIGHTS.id, ms("2024-06-03 11:00") // 1000)
        owned.published[LIGHTS.id] = ms("2024-06-03 11:00") // 1000
        await publishing
        assert store.announced == [AT_MS // 1000]
        assert {p.window for p in store.points} == set(WINDOWS)
        assert owned.final == AT_MS // 1000

    asyncio.run(run())


def test_the_end_of_a_replay_is_not_announced_before_an_idle_partition_has_counted_its_own(city: City) -> None:
    async def run() -> None:
        store = Store()
        processor, owned = processor_of(store, city)
        whole = dict(owned.marks)
        owned.marks[1] = msgspec.structs.replace(whole[1], watermark=ms("2024-06-03 09:00"), tick=None, idle=True)
        await processor._publish_in_time(owned)
        assert store.announced == [AT_MS // 1000 - 300]
        owned.marks[1], owned.next_publication = whole[1], 0.0
        await processor._publish_in_time(owned)
        assert store.announced == [AT_MS // 1000 - 300, AT_MS // 1000]

    asyncio.run(run())


@pytest.mark.parametrize(("live", "announced"), [(True, AT_MS // 1000), (False, AT_MS // 1000 - 300)])
def test_events_at_the_end_of_a_replay_do_not_announce_it_before_its_ticks(
    city: City, live: bool, announced: int
) -> None:
    async def run() -> None:
        store = Store()
        processor, owned = processor_of(store, city)
        processor._settings = Settings(partitions=2, live=live)
        whole = dict(owned.marks)
        owned.marks = {number: msgspec.structs.replace(mark, tick=None) for number, mark in whole.items()}
        await processor._publish_in_time(owned)
        assert store.announced == [announced]
        owned.marks, owned.next_publication = whole, 0.0
        await processor._publish_in_time(owned)
        assert store.announced == [announced, AT_MS // 1000]
        assert owned.final == AT_MS // 1000

    asyncio.run(run())


def test_what_was_applied_for_a_partition_that_moved_away_meanwhile_commits_nothing(city: City) -> None:
    async def run() -> None:
        store = Store()
        store.go_on.clear()
        processor, owned = processor_of(store, city)
        ready = asyncio.create_task(asyncio.sleep(0))
        owned.ready, owned.settled = ready, 7
        applying = asyncio.create_task(processor.apply(PARTITION, []))
        await asyncio.sleep(0.05)
        del processor.partitions[PARTITION]
        store.go_on.set()
        assert await applying is None

    asyncio.run(run())


def test_a_store_that_stays_away_does_not_hold_a_worker_that_has_lost_the_partition(city: City) -> None:
    async def run() -> None:
        store = Store()
        store.away = True
        processor, owned = processor_of(store, city)
        publishing = asyncio.create_task(processor._publish_in_time(owned))
        await until(lambda: processor.waiting_seconds() > 0, "a publication waits", seconds=20)
        await asyncio.wait_for(asyncio.gather(processor.assign({}), publishing), 2)
        assert (store.points, store.announced, owned.settled) == ([], [], 0)
        assert processor.waiting_seconds() == 0

    asyncio.run(run())


def test_a_store_that_hangs_holds_a_worker_that_has_lost_the_partition_for_so_long_at_most(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_calls, "WRITE_SECONDS", 0.2)

    begun = threading.Event()

    class Hanging(Store):
        def write(self, points: Sequence[Point]) -> None:
            begun.set()
            super().write(points)

    async def run() -> None:
        store = Hanging()
        store.go_on.clear()
        processor, owned = processor_of(store, city)
        publishing = asyncio.create_task(processor._publish_in_time(owned))
        await until(begun.is_set, "it begins", seconds=20)
        await asyncio.wait_for(asyncio.gather(processor.assign({}), publishing), 2)
        assert (store.announced, owned.settled) == ([], 0)
        store.go_on.set()

    asyncio.run(run())


def arrivals(store: Store, window: str) -> dict[int, Any]:
    chosen = [p for p in store.points if (p.indicator, p.window, p.slice) == ("arrivals", window, ())]
    return {point.window_end: point.value for point in chosen}


def come_late(processor: IndicatorProcessor, owned: TalliesPartition, city: City) -> None:
    """An opening of 11:30 comes after 12:00 has been published."""
    for changes in city.apply_batch([event("case.opened", "2024-06-03 11:30", "late")]):
        owned.marks[changes.mark.partition] = changes.mark
        owned.late_since.update(changes.mark.late_since)
    owned.next_publication = 0.0


def test_a_late_event_amends_published_points_before_the_position_moves(city: City) -> None:
    async def run() -> None:
        store = Store()
        processor, owned = processor_of(store, city)
        await processor._publish_in_time(owned)
        assert arrivals(store, "1h") == {AT_MS // 1000: 0}
        come_late(processor, owned, city)
        owned.position = 77
        await processor._publish_in_time(owned)
        assert arrivals(store, "1h") == {AT_MS // 1000: 1}
        assert {one.known_at for one in store.amendments} == {AT_MS // 1000}
        assert processor._metrics._points[LIGHTS.id][("arrivals", "1h")].value == 1
        assert processor._metrics._amended == len(store.amendments) > 0
        assert (owned.settled, owned.late_since) == (77, {})

    asyncio.run(run())


def test_what_was_late_of_a_service_whose_tallies_are_elsewhere_amends_nothing_here(city: City) -> None:
    async def run() -> None:
        store = Store()
        processor, owned = processor_of(store, city)
        await processor._publish_in_time(owned)
        elsewhere = TalliesPartition(1 - PARTITION, city.rules)
        elsewhere.marks = {state.partition: state.mark() for state in city.states}
        processor.partitions[elsewhere.partition] = elsewhere
        elsewhere.late_since = {LIGHTS.id: ms("2024-06-03 09:00")}
        await processor._publish_in_time(elsewhere)
        assert store.amendments == []

    asyncio.run(run())


def test_the_position_waits_while_the_store_cannot_take_amendments(city: City) -> None:
    async def run() -> None:
        store = Store()
        processor, owned = processor_of(store, city)
        await processor._publish_in_time(owned)
        come_late(processor, owned, city)
        owned.position = 77
        store.away = True
        publishing = asyncio.create_task(processor._publish_in_time(owned))
        await asyncio.sleep(0.05)
        assert not publishing.done()
        assert owned.settled < 77
        store.away = False
        await asyncio.wait_for(publishing, 10)
        assert owned.settled == 77
        assert store.amendments

    asyncio.run(run())


def test_the_position_waits_while_published_time_stands_still_and_something_came_late(city: City) -> None:
    async def run() -> None:
        store = Store()
        processor, owned = processor_of(store, city)
        await processor._publish_in_time(owned)
        come_late(processor, owned, city)
        both = dict(owned.marks)
        owned.position = 77
        del owned.marks[next(iter(both))]  # one partition has not spoken: there is no moment to publish
        await processor._publish_in_time(owned)
        assert (owned.settled < 77, store.amendments) == (True, [])
        owned.marks, owned.next_publication = both, 0.0
        await processor._publish_in_time(owned)
        assert (owned.settled, owned.late_since) == (77, {})
        assert store.amendments

    asyncio.run(run())


def test_what_was_late_before_a_restart_was_amended_before_it(city: City) -> None:
    owned = TalliesPartition(PARTITION, city.rules)
    owned.late_since = {LIGHTS.id: 0}
    asyncio.run(bare_processor(Store(), city)._restore(owned, 0))
    assert owned.late_since == {}


def shown_until(processor: IndicatorProcessor) -> int:
    """The moment (s) that the gauges of the lights show."""
    return processor._metrics._points[LIGHTS.id]["arrivals", "1h"].window_end


def go_on_until(city: City, owned: TalliesPartition, clock: str) -> None:
    """Another opening, and event time goes on."""
    city.apply([event("case.opened", f"2024-06-03 {clock}", f"at-{clock}")])
    city.tick(ms(f"2024-06-03 {clock}"))
    owned.marks = {state.partition: state.mark() for state in city.states}
    owned.changed = True


def test_gauges_wait_for_no_store_and_what_waits_is_published_afterwards(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indicator_processor, "PATIENCE_SECONDS", 0.05)

    async def run() -> None:
        store = Store()
        store.away = True
        processor, owned = processor_of(store, city)
        owned.ready = asyncio.create_task(asyncio.sleep(0))
        assert await asyncio.wait_for(processor.apply(PARTITION, []), 5) == 0
        for clock in ("13:00", "14:00", "15:00"):
            go_on_until(city, owned, clock)
            owned.next_showing = 0.0
            assert await asyncio.wait_for(processor.apply(PARTITION, []), 5) == 0
            assert shown_until(processor) == ms(f"2024-06-03 {clock}") // 1000
        assert (store.points, store.announced) == ([], [])
        store.away = False
        await processor.publish_waiting()
        assert store.announced == [AT_MS // 1000, ms("2024-06-03 15:00") // 1000]
        assert owned.published == owned.shown

    asyncio.run(run())


def test_gauges_never_go_back_to_the_moment_of_a_slow_publication(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indicator_processor, "PATIENCE_SECONDS", 0.05)

    async def run() -> None:
        store = Store()
        processor, owned = processor_of(store, city)
        owned.ready = asyncio.create_task(asyncio.sleep(0))
        await processor.apply(PARTITION, [])
        go_on_until(city, owned, "13:00")
        owned.next_publication, store.away = 0.0, True
        await processor.apply(PARTITION, [])  # as of 13:00, and the store does not take it
        come_late(processor, owned, city)
        go_on_until(city, owned, "14:00")
        await processor.apply(PARTITION, [])
        assert shown_until(processor) == ms("2024-06-03 14:00") // 1000
        seen: list[int] = []
        show = processor._metrics.show

        def watching(service: str, points: Iterable[Point]) -> None:
            show(service, points)
            seen.append(shown_until(processor))

        monkeypatch.setattr(processor._metrics, "show", watching)
        owned.late_since[LIGHTS.id] = ms("2024-06-03 11:30")
        owned.next_publication, store.away = 0.0, False
        await processor.publish_waiting()
        assert store.amendments
        assert set(seen) <= {ms("2024-06-03 14:00") // 1000}
        assert owned.published[LIGHTS.id] == ms("2024-06-03 14:00") // 1000

    asyncio.run(run())


def test_what_fails_while_nobody_waits_for_it_ends_the_worker_all_the_same(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indicator_processor, "PATIENCE_SECONDS", 0.05)

    class Broken(Store):
        def write(self, points: Sequence[Point]) -> None:
            self.go_on.wait(5)
            raise ValueError("a store that breaks its word")

    async def run() -> None:
        store = Broken()
        store.go_on.clear()
        processor, owned = processor_of(store, city)
        owned.ready = asyncio.create_task(asyncio.sleep(0))
        await processor.apply(PARTITION, [])
        store.go_on.set()
        with pytest.raises(ValueError, match="breaks its word"):
            await processor.publish_waiting()

    asyncio.run(run())


def test_a_call_that_is_accepted_leaves_nothing_to_the_garbage_collector() -> None:
    async def run() -> int:
        calls, given_up = store_calls.StoreCalls(StageTimes()), asyncio.Event()
        await calls.until_accepted(given_up, len, ())
        gc.collect()
        for _ in range(50):
            assert await calls.until_accepted(given_up, len, "abc") == 3
        return gc.collect()

    assert asyncio.run(run()) < 50
