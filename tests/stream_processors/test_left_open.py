"""A transaction that is committed by its broker's account and has no end in a partition: the next owner undoes it.

Kafka 4 makes such ones while a partition has no leader (KAFKA-20734). Here a broker that does not check which
partitions belong to a transaction is told of some of them only: the others never hear how it ended.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from kept import events as e
from kept.errors import Reject, StateError
from kept.partition import PartitionState
from kept.settings import Settings
from kept.tallies import is_tally_key, unpack
from kept.topics import topics
from local_stack.broker import Broker, missing
from stream_processors import partition_log, topic_growth
from stream_processors.connection import client_settings
from stream_processors.log_reader import all_ended
from stream_processors.partition_log import PartitionLog
from tests.committed import ENDED_SECONDS, all_committed
from tests.kept.city import LIGHTS, City, event
from tests.stream_processors.pipelines import settings_of

RULES = City().rules
TALLIES = "tallies"
STATE = "case-state"


@pytest.fixture(scope="module")
def careless_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    absent = missing()
    if absent is not None:
        pytest.skip(absent)
    unchecked = {"transaction.partition.verification.enable": "false"}
    with Broker(tmp_path_factory.mktemp("kafka"), settings=unchecked, brief=True) as broker:
        yield broker


@pytest.fixture
def settings(careless_broker: Broker, topic_prefix: str, tmp_path: Path) -> Settings:
    return settings_of(careless_broker, topic_prefix, tmp_path, 'id = "street-lights"\n')


class Owner:
    """One owner of source partition 0 after the other."""

    def __init__(self, settings: Settings, *, writer: str = "writer", partition: int = 0) -> None:
        self.named = topics(settings.topic_prefix, settings.partitions)
        self.settings = settings
        self.clients = client_settings(settings)
        self.state = PartitionState(partition, RULES, live=False)
        self.log = PartitionLog(self.clients, self.named, settings.topic_prefix + writer, partition)

    async def __aenter__(self) -> Owner:
        try:
            await self.log.open(self.state)
        except BaseException:
            await self.log.close()
            raise
        return self

    async def __aexit__(self, *_: Any) -> None:
        await self.log.close()

    async def apply(self, events: list[e.Event | Reject], *, unheard: Collection[str] = ()) -> None:
        """Write a batch; partitions of the topics in `unheard` are not told that it is committed."""
        if unheard:  # else the end of the batch before would be taken for that of this one
            await self._ended(self.named.state.name, 0)
            for partition in range(self.named.tallies.partitions):
                await self._ended(self.named.tallies.name, partition)
        manager = self.log._producer._txn_manager
        add = manager.maybe_add_partition_to_txn

        def add_some(tp: Any) -> None:
            if not any(tp.topic.endswith(topic) for topic in unheard):
                add(tp)

        manager.maybe_add_partition_to_txn = add_some
        try:
            await self.log.write(self.state.apply(self.state.offset + len(events), events), SOURCES[: len(events)])
        finally:
            manager.maybe_add_partition_to_txn = add

    async def _ended(self, topic: str, partition: int) -> int:
        """Wait until the broker has told a partition how its transactions ended, which it does after a commit."""
        return await all_ended(self.clients, topic, partition, ENDED_SECONDS)

    async def tallies(self) -> dict[bytes, Any]:
        """What topic tallies holds, as a reader of what is committed finds it once the broker has ended the commit."""
        held: dict[bytes, Any] = {}
        for record in await all_committed(self.settings, self.named.tallies.name, range(self.named.tallies.partitions)):
            if is_tally_key(record.key):
                held[record.key] = unpack(record.key, record.value)
        return {key: item for key, item in held.items() if item.tally}


def same(owner: Owner, tallies: dict[bytes, Any]) -> bool:
    told = {(item.series, *item.bucket): item.tally for item in tallies.values()}
    return told == {(series, size, end): tally for series, size, end, tally in owner.state.tallies.items() if tally}


SOURCES = [SimpleNamespace(topic="t", partition=0, offset=n, key=b"k", value=b"{", headers=[]) for n in range(20)]
OPENED: list[e.Event | Reject] = [event("case.opened", "2024-06-03 09:00", f"c{n}") for n in range(6)]
CLOSED: list[e.Event | Reject] = [
    event("case.completed", "2024-06-03 10:00", f"c{n}", outcome="intended") for n in range(6)
]
"""A batch that holds both leaves no tally of a risk; one that ends between them does, for a while."""


@pytest.mark.parametrize("unheard", [(STATE, TALLIES), (STATE,)], ids=["nobody heard", "the tallies heard"])
def test_what_was_left_open_is_undone_and_the_tallies_are_those_of_the_state(
    settings: Settings, unheard: tuple[str, ...]
) -> None:
    async def run() -> None:
        async with Owner(settings) as first:
            await first.apply([event("case.opened", "2024-06-03 08:00", "a")])
            await first.apply(OPENED, unheard=unheard)
        async with Owner(settings) as second:
            assert second.state.offset == 0
            assert same(second, await second.tallies())
            await second.apply([*OPENED, *CLOSED])
            assert same(second, await second.tallies())
        async with Owner(settings) as third:
            assert (third.state.offset, third.state.cases) == (12, 7)
            assert same(third, await third.tallies())
        plain = PartitionState(0, RULES, live=False)
        plain.apply(12, [event("case.opened", "2024-06-03 08:00", "a"), *OPENED, *CLOSED])
        assert third.state.accounts == plain.accounts
        assert third.state.open_cases() == plain.open_cases()

    asyncio.run(run())


@pytest.mark.parametrize("place", range(3))
def test_an_undoing_that_is_cut_off_is_done_again(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, place: int
) -> None:
    """After the tallies have heard, after they were written, and after the state has heard as well."""
    name, last_call = [("_abort", 1), ("_transaction", 1), ("_abort", 2)][place]
    cut: Any = getattr(PartitionLog, name)
    calls = 0

    async def cut_off(self: PartitionLog, *arguments: Any) -> None:
        nonlocal calls
        calls += 1
        await cut(self, *arguments)
        if calls == last_call:
            raise ZeroDivisionError

    async def run() -> None:
        async with Owner(settings) as first:
            await first.apply([event("case.opened", "2024-06-03 08:00", "a")])
            await first.apply(OPENED, unheard=(STATE,))
        with monkeypatch.context() as patch:
            patch.setattr(PartitionLog, name, cut_off)
            with pytest.raises(ZeroDivisionError):
                async with Owner(settings):
                    pass
        async with Owner(settings) as second:
            assert second.state.offset == 0
            assert same(second, await second.tallies())
            await second.apply([*OPENED, *CLOSED])
            assert same(second, await second.tallies())

    asyncio.run(run())


def test_without_that_a_later_commit_would_count_what_nobody_saw(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def undo_nothing(*_: Any) -> None:
        return None

    monkeypatch.setattr(PartitionLog, "_undo", undo_nothing)

    async def run() -> None:
        async with Owner(settings) as first:
            await first.apply([event("case.opened", "2024-06-03 08:00", "a")])
            await first.apply(OPENED, unheard=(STATE, TALLIES))
        async with Owner(settings) as second:
            await second.apply([*OPENED, *CLOSED])
            assert not same(second, await second.tallies())

    asyncio.run(run())


def test_what_another_producer_left_open_stops_the_worker_and_says_how_to_end_it(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run() -> None:
        monkeypatch.setattr(partition_log, "ENDED_SECONDS", 0.5)
        async with Owner(settings, writer="expired") as first:
            await first.apply(OPENED, unheard=(STATE, TALLIES))
        with pytest.raises(StateError) as raised:
            async with Owner(settings):
                pass
        said = str(raised.value)
        found = re.search(r"(\S+)-(\d): a transaction is open from offset (\d+) on", said)
        assert found
        command = "kafka-transactions.sh --bootstrap-server BROKER abort --topic {} --partition {} --start-offset {}"
        assert command.format(*found.groups()) in said

    asyncio.run(run())


def test_another_partition_that_is_just_writing_is_waited_for(settings: Settings) -> None:
    async def run() -> None:
        async with Owner(settings) as first:
            await first.apply(OPENED, unheard=(STATE, TALLIES))
        async with Owner(settings, writer="other", partition=1) as other:
            producer = other.log._producer
            await producer.begin_transaction()
            changes = other.state.apply(5, OPENED)
            await asyncio.gather(*await other.log._append(changes))
            second = Owner(settings)
            opening = asyncio.create_task(second.log.open(second.state))
            await asyncio.sleep(3)
            assert not opening.done()
            await producer.commit_transaction()
            await asyncio.wait_for(opening, 20)
            held = await second.tallies()
            await second.log.close()
        assert second.state.offset == -1
        assert {item.partition for item in held.values()} == {1}
        assert same(other, held)

    asyncio.run(run())


def test_topics_do_not_grow_while_something_is_left_open_that_would_be_left_out(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def leave_open() -> None:
        async with Owner(settings) as first:
            await first.apply([Reject("invalid", "no event")], unheard=("dead-letters",))

    asyncio.run(leave_open())

    async def no_worker(_: Any) -> None:
        """There is not even a group yet."""

    monkeypatch.setattr(topic_growth._Move, "_check_no_worker", no_worker)
    monkeypatch.setattr(topic_growth, "ENDED_SECONDS", 0.5)
    wider = msgspec.structs.replace(settings, topic_prefix=settings.topic_prefix + "wider-", partitions=4)
    with pytest.raises(StateError, match="dead-letters-0: a transaction is open from offset 0 on"):
        asyncio.run(topic_growth.grow(settings, wider))


def test_a_log_without_anything_left_open_is_not_touched(settings: Settings) -> None:
    async def run() -> None:
        async with Owner(settings) as first:
            await first.apply(OPENED)
            before = await first._ended(first.named.state.name, 0)
        async with Owner(settings) as second:
            assert await second.log._reader.end() == before
            assert same(second, await second.tallies())
            assert second.state.open_cases() == {LIGHTS.id: 6}

    asyncio.run(run())
