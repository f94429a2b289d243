"""The measurements, in small: each contender of the main environment runs and counts the same. None asks for speed."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest

from bench import embedded, floors, memory, restore, transport
from bench.contenders import BARE, CONTENDERS, KEPT_CASES, KEPT_WORKER, STOCK_FAUST, Contender
from bench.environments import NotInstalled
from bench.report import Report, markdown
from bench.run import measure, settings_of
from bench.workload import AREAS, CATEGORIES, CHANNELS, SERVICES, catalogue_text, dense, light, sparse
from kept.catalogue import parse_service
from kept.events import CaseOpened, encode
from kept.facts import unpack
from kept.intake import rules_by_service
from kept.partition import PartitionState
from kept.settings import Settings
from kept.topics import topics, transactional_id
from local_stack.broker import Broker
from stream_processors.connection import client_settings
from stream_processors.partition_log import PartitionLog

IN_MAIN_ENVIRONMENT = (KEPT_WORKER, KEPT_CASES, STOCK_FAUST, BARE)


def _absent() -> None:
    raise NotInstalled("it is not to be had here | at all")


@pytest.mark.slow
def test_contenders_agree_on_a_small_stream_and_the_page_tells_who_is_absent(broker: Broker, tmp_path: Path) -> None:
    present = [one for one in CONTENDERS if one.name in IN_MAIN_ENVIRONMENT]
    away = Contender("away", "a contender that is away", present[0].run, _absent)

    report = measure(settings_of(broker.bootstrap, tmp_path, quick=True), tmp_path, [dense(4000)], [*present, away])

    (stream,) = report.streams
    assert [one.name for one in stream.contenders] == [one.name for one in present]
    counters = {one.compared for one in stream.contenders}  # 4,000 events are few enough for the slow ones
    assert len(counters) == 1
    assert counters.pop() > 10_000
    assert all(one.rounds[0].tallies is None for one in stream.contenders)
    page = markdown(report)
    assert all(one.words in page for one in present)
    assert "| a contender that is away | not run: it is not to be had here \\| at all |" in page
    assert msgspec.json.decode(msgspec.json.encode(report), type=Report) == report


def test_open_cases_are_restored_by_the_case_processor_and_by_a_worker(broker: Broker, tmp_path: Path) -> None:
    found = restore.measure(settings_of(broker.bootstrap, tmp_path), tmp_path, 2000)

    assert found.processor.cases == found.cases == 2000
    assert found.processor.records > 2000  # the tallies and marks too
    assert found.worker_seconds > 0


def test_the_register_of_cases_with_steps_is_larger_than_that_of_plain_ones(tmp_path: Path) -> None:
    settings = settings_of("127.0.0.1:9", tmp_path)

    plain, stepped = memory.measure(Path(settings.catalogue), 8000).states

    assert (plain.cases, stepped.cases) == (8000, 2000)
    assert 70 < plain.payload_bytes / plain.cases < 150
    assert stepped.payload_bytes / stepped.cases > plain.payload_bytes / plain.cases + 3 * 20
    assert plain.resident_bytes > plain.payload_bytes


def test_the_stream_is_the_same_every_time_and_in_order_of_publication() -> None:
    assert [encode(event) for event in dense(3000).stream()] == [encode(event) for event in dense(3000).stream()]
    events = list(sparse(3000).stream())
    assert len(events) == 3000
    assert 0 < len(events) - len({event.id for event in events}) < 100  # about 1 % come twice
    opened_first: set[str | None] = set()
    for event in events:
        if isinstance(event, CaseOpened):
            opened_first.add(event.subject)
        assert event.subject in opened_first


def test_the_stream_touches_every_service_and_slice() -> None:
    opened = [event.data for event in dense(6000).stream() if isinstance(event, CaseOpened)]
    assert {data.service for data in opened} == {service.id for service in SERVICES}
    assert {data.channel for data in opened} == set(CHANNELS)
    assert {data.area for data in opened} == set(AREAS)
    assert {data.category for data in opened} == set(CATEGORIES)


def test_all_runs_of_a_measurement_share_no_topic(tmp_path: Path) -> None:
    one, other = (settings_of("127.0.0.1:9", tmp_path) for _ in range(2))
    names = [{topic.name for topic in topics(settings.topic_prefix, 4).all()} for settings in (one, other)]
    assert not names[0] & names[1]


def test_a_light_case_has_an_area_alone_and_is_otherwise_the_same() -> None:
    for one, other in zip(light(2000).stream(), dense(2000).stream(), strict=True):
        assert (one.id, one.time, one.data.area) == (other.id, other.time, other.data.area)
        assert one.data.channel is None
        assert not isinstance(one, CaseOpened) or one.data.category is None


def test_the_pipeline_without_a_broker_is_measured_over_the_whole_stream(tmp_path: Path) -> None:
    found = embedded.measure(Path(settings_of("127.0.0.1:9", tmp_path).catalogue), 3000)
    assert found.events == 3000
    assert found.seconds > 0 < found.cpu_seconds


def test_a_floor_without_counting_has_the_whole_register_and_no_tallies() -> None:
    rules = rules_by_service({one.id: parse_service(catalogue_text(one), one.id) for one in SERVICES})
    least, without, whole = floors.LeastRegister(), floors.Core(rules, counting=False), floors.Core(rules)
    batch = [encode(event) for event in dense(2000).stream()]
    for core in (least, without, whole):
        core.apply(batch)
    assert len(least.packed) == without.state.cases == whole.state.cases > 500
    completed = [len(unpack(facts)) for facts in least.packed.values()].count(2)
    assert completed == len(least.packed) - sum(whole.state.open_cases().values()) > 100
    assert len(without.state.tallies) == 0 < len(whole.state.tallies)


def test_floors_are_told_of_both_streams_and_add_up(broker: Broker, tmp_path: Path) -> None:
    found = list(floors.measure(3000, settings_of(broker.bootstrap, tmp_path)))
    assert [floor.stream for floor in found] == ["dense"] * 9 + ["light"] * 9
    assert min(floor.microseconds for floor in found) > 0
    for stream in (found[:9], found[9:]):
        assert stream[6].microseconds == pytest.approx(sum(floor.microseconds for floor in stream[1:6]))


def test_the_transport_alone_writes_every_change_of_the_core(broker: Broker, tmp_path: Path) -> None:
    rules = rules_by_service({one.id: parse_service(catalogue_text(one), one.id) for one in SERVICES})
    events, core = list(dense(2000).stream()), floors.Core(rules)
    changes = [core.apply([encode(event) for event in events[start : start + 500]]) for start in range(0, 2000, 500)]
    settings = msgspec.structs.replace(settings_of(broker.bootstrap, tmp_path), partitions=1)
    assert transport.cpu_seconds(settings, events, changes) > 0
    state = PartitionState(0, rules)
    asyncio.run(_restore(state, settings))
    assert state.accounts == core.state.accounts
    assert list(state.tallies.items()) == list(core.state.tallies.items())


async def _restore(state: PartitionState, settings: Settings) -> None:
    every = topics(settings.topic_prefix, settings.partitions)
    log = PartitionLog(client_settings(settings), every, transactional_id(every.state, 0), 0)
    await log.open(state)
    await log.close()
