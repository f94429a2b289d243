"""What a worker spends its time on is counted by an injected clock, also where a stage fails."""

from __future__ import annotations

import asyncio

import pytest

from kept.metric_names import STAGES
from kept.settings import Settings
from kept.topics import topics
from stream_processors.case_processor import CaseProcessor
from stream_processors.sinks.metrics import Metrics
from stream_processors.stage_times import StageTimes
from stream_processors.store_calls import StoreCalls
from tests.kept.city import City, event
from tests.stream_processors.test_case_processor import Record, processor_of
from tests.stream_processors.test_indicator_processor import AT_MS, Store
from tests.stream_processors.test_indicator_processor import processor_of as indicators_of
from tests.stream_processors.test_metrics import samples


class Ticking:
    """A clock that is a second further at each look."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1
        return self.now


def test_seconds_and_rounds_add_up_and_every_stage_begins_at_zero() -> None:
    times = StageTimes(Ticking())
    assert times.totals() == dict.fromkeys(STAGES, (0.0, 0))
    for _ in range(3):
        with times.measure("apply"):
            pass
    assert times.totals()["apply"] == (3.0, 3)
    assert times.totals()["write"] == (0.0, 0)


def test_a_round_that_fails_is_a_round() -> None:
    times = StageTimes(Ticking())
    with pytest.raises(ValueError, match="no"), times.measure("judge"):
        raise ValueError("no")
    assert times.totals()["judge"] == (1.0, 1)


def test_rounds_of_two_partitions_at_the_same_time_are_added_up() -> None:
    times = StageTimes(Ticking())
    with times.measure("apply"), times.measure("apply"):
        pass
    assert times.totals()["apply"] == (4.0, 2)  # 1 to 4 and 2 to 3


def test_a_batch_is_one_round_of_apply_and_what_was_applied_before_is_none() -> None:
    async def run() -> StageTimes:
        times = StageTimes(Ticking())
        double = processor_of([])
        processor = CaseProcessor(Settings(partitions=2), topics("", 2), {}, {}, lambda: 0, stages=times)
        processor.partitions = double.partitions
        for owned in processor.partitions.values():
            owned.log.commit.set()  # type: ignore[attr-defined]
        await processor.apply(0, [Record(0), Record(1)])
        await processor.apply(0, [Record(0), Record(1)])
        return times

    assert asyncio.run(run()).totals()["apply"] == (1.0, 1)


def test_publishing_evaluates_judges_and_writes() -> None:
    city = City(partitions=2)
    city.apply([event("case.opened", "2024-06-03 09:00", "c1")])
    city.tick(AT_MS)

    async def run() -> StageTimes:
        processor, owned = indicators_of(Store(), city)
        times = StageTimes(Ticking())
        processor._stages, processor._calls = times, StoreCalls(times)
        await processor._publish_in_time(owned)
        return times

    totals = asyncio.run(run()).totals()
    assert totals["evaluate"][1] == 2  # the whole service, shown at once; then with its slices
    assert totals["judge"][1] == 1
    assert totals["write"][1] >= 2  # points, and that they are published
    assert all(seconds >= rounds for seconds, rounds in totals.values())
    assert totals["apply"] == (0.0, 0)


def test_stages_are_counters_with_a_label_from_a_closed_set() -> None:
    metrics = Metrics()
    times = StageTimes(Ticking())
    metrics.stages = times.totals
    with times.measure("write"):
        pass
    seen = samples(metrics)
    assert {labels["stage"]: value for labels, value in seen["kept_stage_seconds_total"]} == {
        "apply": 0.0, "evaluate": 0.0, "judge": 0.0, "write": 1.0,
    }  # fmt: skip
    assert [labels["stage"] for labels, _ in seen["kept_stage_batches_total"]] == list(STAGES)


def test_a_worker_tells_of_its_memory_and_its_processor_time() -> None:
    seen = samples(Metrics())
    for name in ("process_resident_memory_bytes", "process_cpu_seconds_total", "process_start_time_seconds"):
        ((labels, value),) = seen[name]
        assert labels == {}
        assert value > 0
