"""Events in, tallies out: decode a batch, call the core, write one transaction. No logic of its own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any

from kept.brake import Brake
from kept.dead_letters import times_redriven
from kept.errors import StateError
from kept.events import decode_batch
from kept.intake import Rules
from kept.partition import PartitionState
from kept.settings import Settings
from kept.topics import Topics, transactional_id
from stream_processors.partition_log import PartitionLog
from stream_processors.readiness import is_ready, is_through, when_ready
from stream_processors.stage_times import StageTimes
from stream_processors.topic_check import check_partition


class OwnedPartition:
    """A source partition while this worker owns it."""

    def __init__(self, state: PartitionState, log: PartitionLog) -> None:
        self.state = state
        self.log = log
        self.ready: asyncio.Task[int] | None = None
        self.busy = asyncio.Lock()
        self.last_moved = time.monotonic()
        self.idle = False


class CaseProcessor:
    """All source partitions of this worker."""

    def __init__(
        self,
        settings: Settings,
        topics: Topics,
        rules: Mapping[str, Rules],
        client_settings: dict[str, Any],
        clock_ms: Callable[[], int],
        *,
        stages: StageTimes | None = None,
    ) -> None:
        """`stages` counts the time of stage `apply`."""
        self._stages = stages or StageTimes()
        self._settings = settings
        self._topics = topics
        self._rules = rules
        self._client_settings = client_settings
        self._clock_ms = clock_ms
        self.partitions: dict[int, OwnedPartition] = {}

    def ready_states(self) -> list[PartitionState]:
        """Those whose state is restored. Before, accounts are empty: a counter that was 0 for a moment would tell all
        of the past as news."""
        return [owned.state for owned in self.partitions.values() if is_through(owned.ready)]

    async def assign(self, partitions: set[int]) -> None:
        """Own exactly `partitions`: drop the others, start to restore the new ones."""
        for partition in set(self.partitions) - partitions:
            await self._drop(partition)
        for partition in sorted(partitions - set(self.partitions)):
            check_partition(self._topics.events, partition)
            brake = Brake(self._settings.brake_events, self._settings.brake_share)
            state = PartitionState(partition, self._rules, live=self._settings.live, brake=brake)
            writer = transactional_id(self._topics.state, partition)
            log = PartitionLog(
                self._client_settings, self._topics, writer, partition, state_format=self._settings.state_format
            )
            owned = OwnedPartition(state, log)
            owned.ready = asyncio.create_task(log.open(state))
            self.partitions[partition] = owned

    async def apply(self, partition: int, records: list[Any]) -> int | None:
        """Apply a batch and return the position after it; durable when it returns. None: another worker's by now.

        Batches of one partition are applied in the order of the calls.
        """
        owned = self.partitions.get(partition)
        if owned is None or not await when_ready(owned.ready):
            return None
        async with owned.busy:
            if self.partitions.get(partition) is not owned:
                return None
            return await self._apply(owned, records)

    async def mark_idle(self, end_of: Callable[[int], int | None]) -> None:
        """Publish a mark for each partition that has had nothing to read for `idle_seconds`."""
        for partition, owned in list(self.partitions.items()):
            if not is_ready(owned.ready) or not self._is_quiet(owned):
                continue
            async with owned.busy:
                end = end_of(partition)
                # Asked again: while this waited, a batch was applied.
                if not self._is_quiet(owned) or end is None or owned.state.offset + 1 < end:
                    continue
                if self.partitions.get(partition) is owned:
                    await owned.log.write_mark(owned.state.mark(idle=True))
                    owned.idle = True

    def _is_quiet(self, owned: OwnedPartition) -> bool:
        """Whether it is to be marked idle, and has not been yet, should there be nothing to read."""
        return not owned.idle and time.monotonic() - owned.last_moved >= self._settings.idle_seconds

    async def close(self) -> None:
        """Let go of everything."""
        for partition in list(self.partitions):
            await self._drop(partition)

    async def _apply(self, owned: OwnedPartition, records: list[Any]) -> int:
        state = owned.state
        fresh = [record for record in records if record.offset > state.offset]
        if fresh:
            self._check_gap(state, fresh[0].offset)
            await self._apply_fresh(owned, fresh)
            owned.idle = False
        owned.last_moved = time.monotonic()
        return state.offset + 1

    async def _apply_fresh(self, owned: OwnedPartition, fresh: list[Any]) -> None:
        with self._stages.measure("apply"):
            events = decode_batch([record.value for record in fresh])
            redriven = {at for at, record in enumerate(fresh) if record.headers and times_redriven(record.headers)}
            # What the brake refuses is thrown here, before anything is written: the worker ends with its batch.
            changes = owned.state.apply(fresh[-1].offset, events, self._clock_ms(), redriven=redriven)
            await owned.log.write(changes, fresh)

    def _check_gap(self, state: PartitionState, first: int) -> None:
        if first != state.offset + 1:
            raise StateError(
                f"partition {state.partition} of {self._topics.events.name} continues at offset {first}, but the state "
                f"has applied {state.offset}: {first - state.offset - 1} events were deleted before they were applied, "
                "or the state topic was lost; raise retention.ms, or publish the events again to new topics"
            )

    async def _drop(self, partition: int) -> None:
        owned = self.partitions.pop(partition)
        if owned.ready is not None and not owned.ready.done():
            owned.ready.cancel()
            await asyncio.gather(owned.ready, return_exceptions=True)
        async with owned.busy:
            await owned.log.close()
