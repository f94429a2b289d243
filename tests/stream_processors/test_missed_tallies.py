"""A batch of tallies that never arrives: it is noticed by its marks, and the partition is read anew from the log."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import aclosing
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kept.registered_changes import RegisteredChange
from kept.settings import Settings
from kept.topics import topics
from local_stack.broker import Broker
from stream_processors import indicator_processor
from stream_processors.connection import client_settings
from stream_processors.indicator_processor import IndicatorProcessor
from stream_processors.log_reader import read_range
from stream_processors.partition_log import PartitionLog, pack_mark_key
from stream_processors.partition_log import _pack as pack_plain
from stream_processors.sinks.metrics import Metrics
from stream_processors.tallies_partition import TalliesPartition
from tests.kept.city import LIGHTS, City, event, ms
from tests.stream_processors.pipelines import settings_of
from tests.stream_processors.test_indicator_processor import PARTITION, Store, processor_of

AT_MS = ms("2024-06-10 12:00")


class Record:
    """A record of topic tallies."""

    def __init__(self, offset: int, key: bytes, value: bytes | None) -> None:
        self.offset, self.key, self.value = offset, key, value


class Log:
    """Topic tallies of a city with one source partition, by transaction."""

    def __init__(self) -> None:
        self.city = City()
        self.batches: list[list[Record]] = []
        self._end = 0

    def add(self, *events: Any) -> None:
        (changes,) = self.city.apply_batch(list(events))
        keys = [(key, value) for _, key, value in (*changes.tallies, *changes.registered)]
        self._append([*keys, (pack_mark_key(0), pack_plain(changes.mark))])

    def idle(self) -> None:
        self._append([(pack_mark_key(0), pack_plain(self.city.states[0].mark(idle=True)))])

    def _append(self, records: Iterable[tuple[bytes, bytes | None]]) -> None:
        batch = [Record(self._end + at, key, value) for at, (key, value) in enumerate(records)]
        self.batches.append(batch)
        self._end += len(batch) + 1  # where the transaction ends there is a record that nobody reads

    def read(self, *_: Any) -> AsyncIterator[list[Record]]:
        async def records() -> AsyncIterator[list[Record]]:
            for batch in self.batches:
                yield batch

        return records()


@pytest.fixture
def log() -> Log:
    """A risk that never comes: the case is closed, and its buckets in the future are no more."""
    made = Log()
    made.add(*(event("case.opened", "2024-06-03 09:00", f"c{n}") for n in range(5)))
    made.add(event("case.completed", "2024-06-03 10:00", "c1", outcome="intended"))
    made.add(event("service.changed", "2024-06-03 11:00", title="More lamps"))
    made.add(event("case.opened", "2024-06-07 09:00", "d"))
    return made


@pytest.fixture(autouse=True)
def reads(log: Log, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """How often the partition was read from its beginning."""
    counted: list[str] = []

    def read(_: Any, topic: str, partition: int, *rest: Any) -> AsyncIterator[list[Record]]:
        counted.append(f"{topic}-{partition}")
        return log.read()

    monkeypatch.setattr(indicator_processor, "read_range", read)
    yield counted


def owner(log: Log) -> tuple[IndicatorProcessor, TalliesPartition]:
    processor, owned = processor_of(Store(), log.city)
    empty = TalliesPartition(PARTITION, log.city.rules)
    owned.tallies, owned.marks = empty.tallies, empty.marks
    return processor, owned


def sums(owned: TalliesPartition) -> list[Any]:
    return sorted((*key, sorted(tally.items())) for *key, tally in owned.tallies.items() if tally)


async def _take_in(processor: IndicatorProcessor, batches: Iterable[list[Record]]) -> None:
    processor.partitions[PARTITION].ready = asyncio.create_task(asyncio.sleep(0))
    for batch in batches:
        assert await processor.apply(PARTITION, batch) is not None


@pytest.mark.parametrize("missed", range(3))
def test_what_was_missed_is_there_after_the_next_batch(
    log: Log, reads: list[str], missed: int, caplog: pytest.LogCaptureFixture
) -> None:
    _, expected = owner(log)
    for batch in log.batches:
        assert expected.take_in(batch)
    processor, owned = owner(log)
    with caplog.at_level(logging.WARNING):
        asyncio.run(_take_in(processor, [batch for at, batch in enumerate(log.batches) if at != missed]))
    assert sums(owned) == sums(expected)
    assert owned.position == expected.position
    assert reads == [f"tallies-{PARTITION}"]
    assert "a batch is missing before offset" in caplog.text
    asyncio.run(_take_in(processor, log.batches))  # a second time: known already
    assert sums(owned) == sums(expected)
    assert len(reads) == 1


def test_a_batch_that_nobody_follows_is_missed_until_the_partition_is_idle(log: Log, reads: list[str]) -> None:
    processor, owned = owner(log)
    log.idle()
    asyncio.run(_take_in(processor, [*log.batches[:3], log.batches[4]]))
    assert len(reads) == 1
    assert owned.marks[0].idle
    assert owned.position == log.batches[4][-1].offset + 1


def test_nothing_of_what_is_behind_the_gap_counts_before_all_is_there(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run() -> None:
        go_on = asyncio.Event()

        async def slowly(*_: Any) -> AsyncIterator[list[Record]]:
            await go_on.wait()
            async for records in log.read():
                yield records

        monkeypatch.setattr(indicator_processor, "read_range", slowly)
        processor, owned = owner(log)
        await _take_in(processor, log.batches[:2])
        store: Any = processor._history
        owned.late_since["street-lights"] = 5
        reading = asyncio.create_task(processor.apply(PARTITION, log.batches[3]))
        await asyncio.sleep(0.05)
        owned.next_publication = 0.0
        await processor.publish_waiting()
        assert owned.marks[0].offset == 5
        assert owned.settled <= log.batches[3][0].offset
        assert all(point.window_end <= ms("2024-06-03 10:00") // 1000 for point in store.points)
        owned.late_since["street-lights"] = 5
        go_on.set()
        assert await reading is not None
        assert owned.marks[0].offset == 7
        assert owned.position == log.batches[3][-1].offset + 1

    asyncio.run(run())


def test_a_change_that_was_registered_in_the_missed_batch_is_written(log: Log) -> None:
    processor, owned = owner(log)
    asyncio.run(_take_in(processor, [*log.batches[:2], log.batches[3]]))
    store: Any = processor._history
    known: list[RegisteredChange] = [*store.registered, *owned.unwritten.changes()]
    assert [change.title for change in known] == ["More lamps"]


def test_nothing_is_read_anew_when_nothing_is_missing(log: Log, reads: list[str]) -> None:
    log.idle()
    log.add(event("case.opened", "2024-06-07 10:00", "e"))
    processor, _ = owner(log)
    asyncio.run(_take_in(processor, log.batches))
    assert reads == []


@given(st.sets(st.integers(0, 3)))
def test_whatever_is_missed_before_the_last_batch_the_tallies_are_those_of_the_log(missed: set[int]) -> None:
    log = Log()
    log.add(*(event("case.opened", "2024-06-03 09:00", f"c{n}") for n in range(3)))
    log.add(event("case.completed", "2024-06-03 10:00", "c1", outcome="intended"))
    log.add(event("case.completed", "2024-06-03 10:00", "c2", outcome="intended"))
    log.add(event("case.opened", "2024-06-12 09:00", "d"))
    log.idle()
    _, expected = owner(log)
    for batch in log.batches:
        expected.take_in(batch)
    processor, owned = owner(log)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(indicator_processor, "read_range", log.read)
        asyncio.run(_take_in(processor, [batch for at, batch in enumerate(log.batches) if at not in missed]))
    assert sums(owned) == sums(expected)


def test_on_a_broker_it_is_the_log_that_is_read(
    broker: Broker, topic_prefix: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indicator_processor, "read_range", read_range)
    settings = settings_of(broker, topic_prefix, tmp_path, 'id = "street-lights"\n')
    asyncio.run(_lose_one_of(settings))


async def _lose_one_of(settings: Settings) -> None:
    named, client = topics(settings.topic_prefix, settings.partitions), client_settings(settings)
    city = City()
    writer = PartitionLog(client, named, "writer", 0)
    await writer.open(city.states[0])
    for events in (
        [event("case.opened", "2024-06-03 09:00", f"c{n}") for n in range(5)],
        [event("case.completed", "2024-06-03 10:00", "c1", outcome="intended")],
        [event("case.opened", "2024-06-07 09:00", "d")],
    ):
        (changes,) = city.apply_batch(events)
        await writer.write(changes, [])
    await writer.close()
    history: Any = Store()
    processor = IndicatorProcessor(settings, named, city.rules, client, history, Metrics(), clock=lambda: AT_MS)
    await processor.assign({PARTITION: 0})
    records: list[Any] = []
    async with aclosing(read_range(client, named.tallies.name, PARTITION)) as read:
        async for some in read:
            records += some
    marks = [at for at, record in enumerate(records) if record.key == pack_mark_key(0)]
    assert len(marks) == 3
    await processor.apply(PARTITION, records[: marks[0] + 1])
    await processor.apply(PARTITION, records[marks[1] + 1 :])
    owned = processor.partitions[PARTITION]
    expected = sorted((*key, sorted(tally.items())) for *key, tally in city.tallies.items() if tally)
    assert sums(owned) == expected
    await processor.assign({})
    assert LIGHTS.id in {key[0][0] for key in expected}
