"""Charts and registered changes: written before their moment is announced, each once, whoever owns the partition."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import msgspec
import pytest
from msgspec.structs import replace

from kept.registered_changes import RegisteredChange, pack_change
from kept.signals.chart_history import chart_weeks
from kept.signals.situation import Situation
from kept.signals.weekly import WeekFigure, weekly_figures
from stream_processors.embedded import EmbeddedPipeline
from stream_processors.indicator_processor import IndicatorProcessor
from stream_processors.tallies_partition import TalliesPartition
from stream_processors.unwritten import Unwritten
from tests.kept.city import CHARTED, City, event, ms, seconds
from tests.kept.signals.test_charts import COSTS, of_weeks
from tests.kept.signals.weeks import Tallied, changed, money
from tests.stream_processors.test_indicator_processor import Store, processor_of

COST = "cost_per_transaction"
CHANGE = RegisteredChange(service="street-lights", at=seconds("2024-06-05 09:00"), id="00ff", title="A second van")


def ends(found: list[tuple[str, str, int]]) -> list[int]:
    return [week_end for _, _, week_end in found]


def test_what_is_written_is_not_asked_for_again_until_a_week_ends_or_something_of_it_changes() -> None:
    tallied, unwritten = of_weeks(*COSTS), Unwritten()
    first = unwritten.weeks(tallied.situation(12))
    assert first.weeks == chart_weeks(tallied.situation(12))
    assert unwritten.weeks(tallied.situation(12)).weeks == first.weeks  # not settled: asked for again
    unwritten.settle_weeks(first)
    for day, hour in ((0, 0), (3, 12), (6, 23)):
        assert unwritten.weeks(tallied.situation(12, day, hour)).weeks == []

    tallied.week(12, money(41))  # a week ends
    second = unwritten.weeks(tallied.situation(13))
    assert [week.week_end for week in second.weeks] == [tallied.situation(13).at]
    unwritten.settle_weeks(second)

    tallied.day(10, 2, money(60))  # late: what follows it has other limits
    third = unwritten.weeks(tallied.situation(13))
    assert third.weeks == chart_weeks(tallied.situation(13))[10:]
    unwritten.settle_weeks(third)

    tallied.week(11, changed(COST, "up"))  # a change that is registered late re-bases the chart
    fourth = unwritten.weeks(tallied.situation(13))
    assert [(week.segment, week.mixed) for week in fourth.weeks] == [(1, True), (1, False)]


def test_all_that_was_written_piece_by_piece_is_the_chart_as_it_is_in_the_end() -> None:
    tallied, unwritten = Tallied(), Unwritten()
    stored = {}
    for number, cost in enumerate((40, 41, 39, 42, 38, 70, 41, 40, 39, 41, 40, 39, 42, 80)):
        tallied.week(number, money(cost))
        if number == 8:
            tallied.week(4, changed(COST, "down"))
        if number == 11:
            tallied.day(2, 3, money(50))
        found = unwritten.weeks(tallied.situation(number + 1))
        stored.update({week.key(): week for week in found.weeks})
        unwritten.settle_weeks(found)
    assert sorted(stored.values(), key=lambda week: week.key()) == chart_weeks(tallied.situation(14))


def city() -> City:
    built = City(CHARTED, partitions=2)
    opened = [event("case.opened", f"2024-06-{day:02} 09:00", f"c{day}") for day in range(3, 18)]
    built.apply([*opened, event("case.opened", "2024-05-30 09:00", "first")])
    return built


async def reach(processor: IndicatorProcessor, owned: TalliesPartition, city: City, time: str, *, end: bool) -> None:
    city.tick(ms(time) + (0 if end else 1000))
    marks = {state.partition: state.mark() for state in city.states}
    owned.marks = marks if end else {n: msgspec.structs.replace(mark, tick=None) for n, mark in marks.items()}
    owned.next_publication = 0.0
    await processor._publish_in_time(owned)


def take_in(owned: TalliesPartition, change: RegisteredChange) -> None:
    key, value = pack_change(change)
    owned.take_in([SimpleNamespace(key=key, value=value, offset=7)])


def test_charts_and_changes_are_written_before_their_moment_is_announced_and_once() -> None:
    async def run() -> None:
        store, town = Store(), city()
        processor, owned = processor_of(store, town)
        take_in(owned, CHANGE)
        await reach(processor, owned, town, "2024-06-17 00:00", end=False)
        assert ends([week.key() for week in store.weeks]) == [seconds("2024-06-10 00:00"), seconds("2024-06-17 00:00")]
        assert store.registered == [replace(CHANGE, known_at=seconds("2024-06-17 00:00"))]
        assert [call for call in store.calls if call in ("write_charts", "write_changes", "publish")] == [
            "write_charts", "write_charts", "write_changes", "publish"
        ]  # fmt: skip
        take_in(owned, CHANGE)  # the same record again, as a reader may meet it
        for time in ("2024-06-17 01:00", "2024-06-18 12:00"):
            await reach(processor, owned, town, time, end=False)
        assert len(store.weeks) == 2  # nothing of it has changed
        assert len(store.registered) == 1
        town.apply([event("case.opened", "2024-06-08 10:00", "late")])
        await reach(processor, owned, town, "2024-06-18 13:00", end=False)
        assert [week.value for week in store.weeks] == [8, 15, 9, 16]

        successor, taken_over = processor_of(store, town)
        take_in(taken_over, CHANGE)
        await reach(successor, taken_over, town, "2024-06-18 14:00", end=True)
        pipeline = EmbeddedPipeline({CHARTED.id: CHARTED})
        pipeline.apply(
            event("case.opened", f"2024-06-{day:02} 09:00", f"c{day}") for day in range(3, 18)
        )  # fmt: skip
        pipeline.apply(
            [event("case.opened", "2024-05-30 09:00", "first"), event("case.opened", "2024-06-08 10:00", "late")]
        )
        pipeline.tick(ms("2024-06-18 14:00"))
        newest = {week.key(): week for week in store.weeks}
        assert list(newest.values()) == store.weeks[-2:] == pipeline.charts(seconds("2024-06-18 14:00"))

    asyncio.run(run())


def test_the_charts_of_an_hour_are_computed_once_for_its_signals_and_for_the_history(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    computed: list[int] = []

    def counted(situation: Situation) -> dict[str, list[WeekFigure]]:
        computed.append(situation.at)
        return weekly_figures(situation)

    monkeypatch.setattr("kept.signals.charts.weekly_figures", counted)

    async def run() -> None:
        store, town = Store(), city()
        processor, owned = processor_of(store, town)
        for time in ("2024-06-17 00:00", "2024-06-17 01:00"):
            await reach(processor, owned, town, time, end=False)
        assert computed == [seconds("2024-06-17 00:00"), seconds("2024-06-17 01:00")]
        assert len(store.weeks) == 2

    asyncio.run(run())


def test_a_store_that_refuses_charts_holds_the_announcement_and_nothing_is_lost() -> None:
    async def run() -> None:
        store, town = Store(), city()
        store.charts_refused = 2
        processor, owned = processor_of(store, town)
        await reach(processor, owned, town, "2024-06-17 00:00", end=True)
        assert store.charts_refused == 0
        assert [week.value for week in store.weeks] == [8, 15]
        assert store.calls.index("write_charts") < store.calls.index("publish")

    asyncio.run(run())


def test_a_worker_that_has_lost_its_partition_announces_nothing_and_its_successor_writes_the_changes() -> None:
    async def run() -> None:
        store, town = Store(), city()
        processor, owned = processor_of(store, town)
        take_in(owned, CHANGE)
        store.away = True
        publishing = asyncio.create_task(reach(processor, owned, town, "2024-06-17 00:00", end=True))
        await asyncio.sleep(0.05)
        await processor.assign({})
        await asyncio.wait_for(publishing, 10)
        assert (store.weeks, store.registered, store.announced) == ([], [], [])
        store.away = False
        successor, taken_over = processor_of(store, town)
        take_in(taken_over, CHANGE)
        await reach(successor, taken_over, town, "2024-06-17 00:00", end=True)
        assert store.registered == [replace(CHANGE, known_at=seconds("2024-06-17 00:00"))]
        assert len(store.weeks) == 2

    asyncio.run(run())
