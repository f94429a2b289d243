"""The indicator processor and its signals: when it judges, in which order it tells, and what the next owner knows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from time import monotonic

import pytest
from msgspec.structs import replace
from prometheus_client.samples import Sample

from kept.signals.raised import Raised
from kept.signals.situation import Situation
from kept.signals.verdict import Verdict
from stream_processors.embedded import EmbeddedPipeline
from stream_processors.indicator_processor import LONGEST_PAUSE_SECONDS, IndicatorProcessor
from stream_processors.tallies_partition import TalliesPartition
from tests.kept.city import LIGHTS, City, event, ms, seconds
from tests.stream_processors.judged_worker import SILENT, TOO_MANY, judge
from tests.stream_processors.test_indicator_processor import CLOCK, PARTITION, Store, processor_of
from tests.waiting import until

DAY = "2024-06-03"


class Town:
    """A city, its processor and its store; time moves by words."""

    def __init__(self) -> None:
        self.city = City(partitions=2)
        self.store = Store()
        self.judged: list[int] = []
        self.processor, self.owned = self.worker()

    def worker(self) -> tuple[IndicatorProcessor, TalliesPartition]:
        def judge_and_remember(situation: Situation) -> list[Verdict]:
            verdicts = judge(situation)
            self.judged.append(verdicts[0].at)
            return verdicts

        return processor_of(self.store, self.city, judge_and_remember)

    async def reach(self, time: str, *events: tuple[str, str], ends: bool = False) -> None:
        """Cases open or complete (kind, case) five minutes before `time`, which is then published."""
        at_ms = ms(f"{DAY} {time}")
        for kind, case in events:
            more = {"outcome": "intended"} if kind == "case.completed" else {}
            self.city.apply([event(kind, at_ms - 300_000, case, **more)])
        self.city.tick(at_ms)
        marks = {state.partition: state.mark() for state in self.city.states}
        if not ends:
            marks = {number: replace(mark, tick=None) for number, mark in marks.items()}
        self.owned.marks = marks
        self.owned.next_publication = 0.0
        await self.processor._publish_in_time(self.owned)

    async def successor(self) -> None:
        """The worker is gone; another one takes the partition over, and reads what is stored."""
        self.processor, self.owned = self.worker()
        await self.processor._restore(self.owned, 0)

    @property
    def spans(self) -> list[tuple[int, int | None]]:
        return [(one.raised_at, one.ended_at) for one in self.store.signals()]

    def shown(self) -> dict[str, float]:
        """kept_signal_active by signal."""
        return {one.labels["signal"]: one.value for one in self._samples("kept_signal_active")}

    def freshness(self) -> dict[str, float]:
        """When the service was last heard (s), and whether it is stale."""
        (heard,) = self._samples("kept_service_last_event_timestamp_seconds")
        (stale,) = self._samples("kept_service_stale")
        return {"heard": heard.value, "stale": stale.value}

    def _samples(self, name: str) -> list[Sample]:
        families = {family.name: family for family in self.processor._metrics.collect()}
        return list(families[name].samples)


OPENED = [("case.opened", f"c{number}") for number in range(5)]
CLOSED = [("case.completed", f"c{number}") for number in range(5)]


def run(scene: Callable[[Town], Coroutine[None, None, None]]) -> None:
    asyncio.run(scene(Town()))


def at(time: str) -> int:
    return seconds(f"{DAY} {time}")


def test_each_full_local_hour_is_judged_once_when_it_is_published() -> None:
    async def scene(town: Town) -> None:
        for time in ("09:00", "09:05", "09:55", "10:00", "10:05", "10:40", "11:10"):
            await town.reach(time, ("case.opened", f"at-{time}"))
        assert town.judged == [at("09:00"), at("10:00"), at("11:00")]

    run(scene)


def test_each_publication_shows_when_the_service_was_heard_and_whether_that_is_too_long_ago() -> None:
    async def scene(town: Town) -> None:
        await town.reach("09:00", *OPENED)
        assert town.freshness() == {"heard": at("08:55"), "stale": 0}
        await town.reach("09:55")
        assert town.freshness() == {"heard": at("08:55"), "stale": 0}
        await town.reach("10:00")
        assert town.freshness() == {"heard": at("08:55"), "stale": 1}
        await town.reach("10:10", ("case.opened", "after the silence"))
        assert town.freshness() == {"heard": at("10:05"), "stale": 0}

    run(scene)


def test_hours_that_no_publication_falls_into_are_not_judged() -> None:
    async def scene(town: Town) -> None:
        await town.reach("09:00", *OPENED[:1])
        await town.reach("14:30", *OPENED[1:])
        assert town.judged == [at("09:00"), at("14:00")]

    run(scene)


def test_the_end_of_a_replay_is_judged_even_within_an_hour_that_was() -> None:
    async def scene(town: Town) -> None:
        await town.reach("09:00", *OPENED[:1])
        await town.reach("09:30", ends=True)
        assert town.judged == [at("09:00"), at("09:00")]

    run(scene)


def test_a_signal_is_recorded_once_with_the_wall_clock_before_its_moment_is_announced() -> None:
    async def scene(town: Town) -> None:
        for hour in ("09", "10", "11", "12"):
            await town.reach(f"{hour}:00", *(OPENED if hour == "10" else ()), ("case.opened", f"h{hour}"))
        assert town.spans == [(at("10:00"), None)]
        assert len(town.store.recorded) == 1
        (one,) = town.store.recorded
        assert (one.told_at, one.verdict.value, one.verdict.evidence) == (CLOCK, 7, {"windows": {"all": 7}})
        record = town.store.calls.index("record")
        assert town.store.calls[record - 2 : record + 2] == ["write", "record begins", "record", "publish"]
        assert town.shown() == {TOO_MANY: 1, SILENT: 0}

    run(scene)


def test_it_ends_at_the_time_its_evidence_was_gone_after_the_quiet_of_its_kind() -> None:
    async def scene(town: Town) -> None:
        await town.reach("09:00", *OPENED)
        for hour in range(10, 17):
            await town.reach(f"{hour}:00", *(CLOSED if hour == 10 else ()), ("case.opened", "one"))
            assert town.shown()[TOO_MANY] == (1 if hour < 16 else 0)
        assert town.spans == [(at("09:00"), at("10:00"))]

    run(scene)


def test_the_next_owner_goes_on_with_the_same_signal_and_raises_nothing_twice() -> None:
    async def scene(town: Town) -> None:
        await town.reach("09:00", *OPENED)
        raised = town.store.signals()
        await town.successor()
        await town.reach("09:00")  # judged anew: the same
        await town.reach("10:00", ("case.opened", "more"))
        assert town.store.recorded == raised
        assert town.shown()[TOO_MANY] == 1
        await town.reach("11:00", *CLOSED)
        await town.successor()
        assert [one.quiet_since for one in town.store.open_signals()] == [at("11:00")]
        await town.reach("17:00", ("case.opened", "another"))
        assert town.spans == [(at("09:00"), at("11:00"))]
        assert {one.id for one in town.store.signals()} == {one.id for one in raised}

    run(scene)


def test_what_ended_just_before_an_owner_died_is_not_raised_again_by_the_next() -> None:
    async def scene(town: Town) -> None:
        await town.reach("09:00", *OPENED)
        await town.reach("10:00", *CLOSED)
        await town.reach("16:00", ("case.opened", "another"))
        assert town.spans == [(at("09:00"), at("10:00"))]
        town.store.published().clear()  # recorded, and the owner died before it announced the moment
        await town.successor()
        judged = len(town.judged)
        await town.reach("16:00")
        assert len(town.judged) == judged
        assert town.spans == [(at("09:00"), at("10:00"))]
        await town.reach("17:00")
        assert len(town.judged) == judged + 1

    run(scene)


def test_an_outage_of_the_history_makes_publishing_wait_half_a_minute_at_most() -> None:
    async def scene(town: Town) -> None:
        town.processor._settings = replace(town.processor._settings, publishing_pause=100.0)
        town.store.away = True
        publishing = asyncio.create_task(town.reach("09:00", *OPENED))
        await asyncio.sleep(0.6)
        town.store.away = False
        await publishing
        assert 0 < town.owned.next_publication - monotonic() <= LONGEST_PAUSE_SECONDS

    run(scene)


def test_the_next_owner_shows_what_is_raised_before_it_has_published_anything() -> None:
    async def scene(town: Town) -> None:
        await town.reach("09:00", *OPENED)
        await town.successor()
        assert town.shown() == {TOO_MANY: 1}
        await town.processor.assign({})
        assert town.shown() == {}

    run(scene)


def test_an_owner_that_died_before_it_recorded_is_made_up_for_by_the_next_with_the_same_id() -> None:
    async def scene(town: Town) -> None:
        town.store.away = True
        dying = asyncio.create_task(town.reach("09:00", *OPENED))
        await asyncio.sleep(0.05)
        dying.cancel()
        await asyncio.gather(dying, return_exceptions=True)
        assert town.store.signals() == []
        town.store.away = False
        await town.successor()
        await town.reach("09:00")
        assert [one.raised_at for one in town.store.signals()] == [at("09:00")]

    run(scene)


def test_nothing_is_lost_while_the_store_is_away_and_the_position_waits() -> None:
    async def scene(town: Town) -> None:
        await town.reach("09:00", *OPENED[:1])
        town.store.records_refused = 2
        town.owned.position = 77
        publishing = asyncio.create_task(town.reach("10:00", *OPENED[1:]))
        await until(lambda: town.store.calls.count("record begins") == 2, "the second attempt to write", seconds=20)
        assert (town.owned.settled, town.store.announced) == (0, [at("09:00")])
        assert town.shown() == {TOO_MANY: 0, SILENT: 0}  # not told before it is stored
        await asyncio.wait_for(publishing, 20)
        assert town.owned.settled == 77
        assert town.spans == [(at("10:00"), None)]
        assert town.shown()[TOO_MANY] == 1

    run(scene)


def test_how_long_the_store_has_refused_is_told_until_it_accepts() -> None:
    async def scene(town: Town) -> None:
        town.store.away = True
        publishing = asyncio.create_task(town.reach("09:00", *OPENED))
        await until(lambda: town.processor.waiting_seconds() > 0.2, "a publication waits", seconds=20)
        before = town.processor.waiting_seconds()
        await until(lambda: town.processor.waiting_seconds() > before, "it waits longer", seconds=20)
        town.store.away = False
        await asyncio.wait_for(publishing, 20)
        assert town.processor.waiting_seconds() == 0

    run(scene)


def test_a_partition_that_moves_away_takes_its_gauges_along_at_once() -> None:
    async def scene(town: Town) -> None:
        await town.reach("09:00", *OPENED)
        assert town.shown()[TOO_MANY] == 1
        await town.processor.assign({})
        assert town.shown() == {}
        assert town.processor._metrics._points == {}

    run(scene)


def test_a_move_during_the_recording_leaves_no_gauge_and_announces_nothing() -> None:
    async def scene(town: Town) -> None:
        await town.reach("09:00", *OPENED[:1])
        town.store.may_record.clear()
        publishing = asyncio.create_task(town.reach("10:00", *OPENED[1:]))
        await until(lambda: "record begins" in town.store.calls, "the writing begins", seconds=20)
        moving = asyncio.create_task(town.processor.assign({}))
        await asyncio.sleep(0.02)
        assert not moving.done()  # the next owner reads after it
        town.store.may_record.set()
        await asyncio.gather(publishing, moving)
        assert town.spans == [(at("10:00"), None)]
        assert town.store.announced == [at("09:00")]
        assert town.shown() == {}

    run(scene)


def test_open_signals_of_services_elsewhere_are_left_to_their_owner() -> None:
    async def scene(town: Town) -> None:
        foreign = Raised(
            verdict=Verdict(service="of-another-catalogue", signal=TOO_MANY, at=0, active=True), raised_at=0, told_at=0
        )
        town.store.recorded.append(foreign)
        await town.successor()
        await town.reach("09:00", *OPENED)
        assert foreign in town.store.open_signals()
        other = TalliesPartition(1 - PARTITION, town.city.rules, judge)
        town.processor.partitions[1 - PARTITION] = other
        await town.processor._restore(other, 0)
        assert other.judgements._open == {}

    run(scene)


def test_a_store_is_never_asked_for_open_signals_in_the_middle_of_another_call() -> None:
    async def scene(town: Town) -> None:
        town.store.go_on.clear()
        publishing = asyncio.create_task(town.reach("09:00", *OPENED))
        await asyncio.sleep(0.05)
        other = TalliesPartition(1 - PARTITION, town.city.rules, judge)
        town.processor.partitions[1 - PARTITION] = other
        restoring = asyncio.create_task(town.processor._restore(other, 0))
        await asyncio.sleep(0.05)
        assert town.store.calls == []
        town.store.go_on.set()
        await asyncio.gather(publishing, restoring)
        assert town.store.calls == ["write", "record begins", "record", "publish", "open_signals"]

    run(scene)


@pytest.mark.parametrize("time", ["09:00", "10:00", "10:35", "12:00"])
def test_the_embedded_path_gives_the_same_verdicts_at_the_same_moment(time: str) -> None:
    events = [
        event("case.opened", f"{DAY} {8 + number // 2:02}:{number % 2 * 30:02}", f"c{number}") for number in range(8)
    ]
    told: list[Verdict] = []

    async def scene(town: Town) -> None:
        town.city.apply([one for one in events if one.time <= event("case.opened", f"{DAY} {time}", "x").time])
        town.city.tick(ms(f"{DAY} {time}"))
        town.owned.marks = {state.partition: state.mark() for state in town.city.states}
        await town.processor._publish_in_time(town.owned)
        told.extend(town.processor._metrics.signals._shown[LIGHTS.id].verdicts.values())

    run(scene)
    embedded = EmbeddedPipeline({LIGHTS.id: LIGHTS})
    embedded.apply(one for one in events if one.time <= event("case.opened", f"{DAY} {time}", "x").time)
    embedded.tick(ms(f"{DAY} {time}"))
    assert embedded.verdicts(at(time), judge) == told
    assert [one.at for one in told] == [at(time[:2] + ":00")] * 2
