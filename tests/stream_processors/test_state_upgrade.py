"""State on the real broker is raised when a newer release takes it over, and is never harmed by an older one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest

from kept.errors import StateError
from kept.events import Event
from kept.intake import Rules
from kept.partition import PartitionState
from kept.settings import Settings
from kept.state_formats import FORMATS, StateFormats
from kept.state_records import MARK, STATE_FORMAT, TALLY, read_head
from kept.tallies import pack_place, pack_series, pack_tally
from kept.topics import topics, transactional_id
from local_stack.broker import Broker
from stream_processors.connection import client_settings
from stream_processors.partition_log import PartitionLog
from stream_processors.state_reader import TAIL_RECORDS, StateReader
from stream_processors.tallies_partition import TalliesPartition
from tests.kept.city import LIGHTS, event
from tests.kept.test_state_formats import held_of, restored
from tests.stream_processors.next_release import NEXT, NEXT_FORMATS, SUMS, NextState
from tests.stream_processors.pipelines import settings_of

pytestmark = [pytest.mark.broker, pytest.mark.timeout(120)]
RULES = {LIGHTS.id: Rules(LIGHTS)}
ONE = [event("case.opened", "2024-06-03 09:00", f"a{number}") for number in range(TAIL_RECORDS)]
TWO = [event("case.completed", "2024-06-04 09:00", f"a{number}") for number in range(3)]


class Owner:
    """Whoever owns partition 0, with a release's formats and its own kind of state."""

    def __init__(
        self, settings: Settings, kind: type[PartitionState], formats: StateFormats, state_format: int = 0
    ) -> None:
        all_topics = topics(settings.topic_prefix, settings.partitions)
        self.state = kind(0, RULES, live=False)
        self.log = PartitionLog(
            client_settings(settings), all_topics, transactional_id(all_topics.state, 0), 0,
            state_format=state_format, formats=formats,
        )  # fmt: skip
        self.reader = StateReader(client_settings(settings), all_topics.state.name, 0)

    async def __aenter__(self) -> Owner:
        await self.log.open(self.state)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.log.close()

    async def apply(self, events: Sequence[Event]) -> None:
        await self.log.write(self.state.apply(self.state.offset + len(events), events), [])

    async def found(self) -> tuple[int, set[bytes]]:
        """The format in the log, and the kinds of records under it."""
        end = await self.reader.end()
        head = await self.reader.head(end)
        assert head is not None
        return head.format, {key[:1] for key in await self.reader.live(head.begins, end)}


def former(settings: Settings) -> Owner:
    return Owner(settings, PartitionState, FORMATS)


def coming(settings: Settings, state_format: int = 0) -> Owner:
    return Owner(settings, NextState, NEXT_FORMATS, state_format)


@pytest.fixture
def settings(broker: Broker, topic_prefix: str, tmp_path: Path) -> Settings:
    return settings_of(broker, topic_prefix, tmp_path, 'id = "street-lights"\n')


def same(one: PartitionState, other: PartitionState) -> bool:
    sums = [
        sorted((*key, sorted(tally.items())) for *key, tally in each.tallies.items() if tally) for each in (one, other)
    ]
    return sums[0] == sums[1] and (one.mark(), one.open_cases()) == (other.mark(), other.open_cases())


def test_a_newer_release_goes_on_in_the_former_format_until_it_is_told_to_write_its_own(settings: Settings) -> None:
    async def upgrade() -> None:
        async with former(settings) as old:
            await old.apply(ONE)
            async with coming(settings) as new:
                assert same(new.state, old.state)
                await new.apply(TWO[:1])
                assert await new.found() == (STATE_FORMAT, {b"c", MARK, TALLY})
                async with former(settings) as back:
                    assert same(back.state, new.state)
                    await back.apply(TWO[1:2])
                    async with coming(settings, NEXT) as switched:
                        assert same(switched.state, back.state)
                        assert await switched.found() == (NEXT, {b"c", MARK, SUMS})
                        await switched.apply(TWO[2:])
                        # Not told yet, but what is there in the next format stays so.
                        async with coming(settings) as other:
                            assert same(other.state, switched.state)
                            await other.apply(TWO)
                            assert await other.found() == (NEXT, {b"c", MARK, SUMS})
        plain = PartitionState(0, RULES, live=False)
        plain.apply(len(ONE) - 1, ONE)
        for events in (TWO[:1], TWO[1:2], TWO[2:], TWO):
            plain.apply(plain.offset + len(events), events)
        assert same(other.state, plain)

    asyncio.run(upgrade())


def test_an_older_release_that_gets_a_partition_of_a_newer_format_stops_and_changes_nothing(settings: Settings) -> None:
    async def meet() -> None:
        async with coming(settings, NEXT) as new:
            await new.apply(ONE)
            before = await new.reader.live(0, await new.reader.end())
        old = former(settings)
        with pytest.raises(StateError, match=f"format {NEXT}, this release reads formats up to {STATE_FORMAT}"):
            await old.log.open(old.state)
        await old.log.close()
        assert await old.reader.live(0, await old.reader.end()) == before
        async with coming(settings, NEXT) as again:
            assert same(again.state, new.state)

    asyncio.run(meet())


def test_a_rewriting_that_is_cut_off_leaves_the_former_format_whole(settings: Settings) -> None:
    async def cut_off() -> None:
        async with former(settings) as old:
            await old.apply(ONE)
        dying = coming(settings, NEXT)

        async def die() -> None:
            raise ZeroDivisionError

        dying.log._producer.commit_transaction = die
        with pytest.raises(ZeroDivisionError):
            await dying.log.open(dying.state)
        await dying.log.close()
        async with former(settings) as back:
            assert same(back.state, old.state)
        async with coming(settings, NEXT) as again:
            assert same(again.state, old.state)
            assert (await again.found())[0] == NEXT

    asyncio.run(cut_off())


def test_what_an_old_release_left_in_its_topic_is_gone_on_with(settings: Settings) -> None:
    async def take_over() -> None:
        async with former(settings) as old:
            mark = restored(1).mark()
            await old.log.write(old.state.apply(0, [])._replace(state=list(held_of(1).items()), mark=mark), [])
        async with coming(settings, NEXT) as new:
            assert same(new.state, restored(1))
            held = await new.reader.newest(NEXT_FORMATS)
            assert read_head(held[MARK]).format == NEXT

    asyncio.run(take_over())


def test_records_that_only_a_later_release_knows_are_left_out_of_the_tallies() -> None:
    partition = TalliesPartition(0, RULES)
    key = pack_series((LIGHTS.id, "", "")) + pack_place(0, 1_717_400_100, 0)
    kinds = [(b"forecast|\x93street", b"\xc1"), (key, pack_tally({1: 2})), (b"change|gone", None)]
    partition.take_in([SimpleNamespace(offset=at, key=key, value=value) for at, (key, value) in enumerate(kinds)])
    assert partition.position == len(kinds)
    assert partition._pending[0] == [(key, pack_tally({1: 2}))]
