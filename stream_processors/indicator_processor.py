"""Tallies in, indicators and signals out: merge the partitions, evaluate what is due, store it, then move on.

A tally counts only once the mark that follows it in its transaction has arrived, so that no half of a batch is seen.
Owns no state of its own: on assignment the compacted topic is read from its beginning, and what is raised from the
history. A service is judged when it is published, once for each full local hour; hours that no publication falls into,
while event time runs faster than the evaluation, are not judged.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from itertools import groupby
from operator import attrgetter
from typing import Any

from tenacity import (
    AsyncRetrying,
    RetryCallState,
    before_sleep_log,
    retry_if_exception_type,
    wait_exponential,
    wait_random,
)

from history.store import HistoryStore
from kept.errors import Retry
from kept.indicators.amendments import amendments
from kept.indicators.evaluate import evaluate
from kept.indicators.freshness import is_stale, last_event
from kept.indicators.point import Amendment, Point
from kept.indicators.windows import WINDOWS
from kept.intake import Rules
from kept.marks import Mark
from kept.published_time import now, replay_end
from kept.registered_changes import RegisteredChange, unheard, unpack_change
from kept.settings import Settings
from kept.signals.chart_amendments import news
from kept.signals.chart_weeks import ChartWeek
from kept.signals.judge import judge as judge_all
from kept.signals.raised import Raised
from kept.tallies import MergedTallies, PartitionTally, unpack
from kept.topics import Topics
from stream_processors.judgements import Judgements, JudgeService
from stream_processors.log_reader import read_range
from stream_processors.partition_log import tallies_partition, unpack_mark
from stream_processors.readiness import is_ready, when_ready
from stream_processors.sinks.metrics import Metrics
from stream_processors.slices import Slices
from stream_processors.stage_times import StageTimes
from stream_processors.unwritten import Unwritten, UnwrittenWeeks

log = logging.getLogger("kept.indicators")
AMENDED_AT_ONCE_SECONDS = 6 * 3600
"""Published points are looked at again so much event time at once: bounds what is in memory."""
LONGEST_PAUSE_SECONDS = 30.0
"""Publishing makes way for a backlog for so long at most."""
REMEMBERED_SECONDS = 90 * 86_400
"""So far before what was published last, a new owner looks for signals that have ended."""
WRITE_SECONDS = 3.0
"""So long a rebalance waits for a write to the history that has begun."""
_window_end = attrgetter("window_end")


class _MovedAway(Exception):
    """The partition is another worker's by now."""


class TalliesPartition:
    """One partition of topic `tallies`: some services, all their source partitions."""

    def __init__(self, partition: int, rules: Mapping[str, Rules], judge: JudgeService = judge_all) -> None:
        self.partition = partition
        self.judgements = Judgements(rules, judge)
        self.tallies = MergedTallies({service: r.local_time for service, r in rules.items()})
        self.marks: dict[int, Mark] = {}
        self.position = 0
        self.settled = 0
        """All below has been published, or gave nothing to publish: the group may skip it."""
        self.published: dict[str, int] = {}
        self.slices = Slices()
        self.unwritten = Unwritten()
        self.final: int | None = None
        self.late_since: dict[str, int] = {}
        """Service -> time (ms) of the earliest event that came after values of its moment had been published."""
        self.changed = False
        self.next_publication = 0.0
        self.ready: asyncio.Task[None] | None = None
        self._pending: dict[int, list[PartitionTally]] = {}

    def take_in(self, records: list[Any]) -> None:
        """Apply records in log order; what a mark does not follow yet has to wait."""
        for record in records:
            self.position = record.offset + 1
            change = unpack_change(record.key, record.value)
            if change is not None:
                self.unwritten.register(change)
                continue
            mark = unpack_mark(record.key, record.value)
            if mark is None:
                item = unpack(record.key, record.value)
                self._pending.setdefault(item.partition, []).append(item)
                continue
            for item in self._pending.pop(mark.partition, ()):
                self.tallies.apply(item)
            self.marks[mark.partition] = mark
            self.changed = True
            for service, time_ms in mark.late_since.items():
                self.late_since[service] = min(self.late_since.get(service, time_ms), time_ms)


class IndicatorProcessor:
    """All partitions of topic `tallies` that this worker owns."""

    def __init__(
        self,
        settings: Settings,
        topics: Topics,
        rules: Mapping[str, Rules],
        client_settings: dict[str, Any],
        history: HistoryStore,
        metrics: Metrics,
        *,
        clock: Callable[[], int],
        judge: JudgeService = judge_all,
        stages: StageTimes | None = None,
    ) -> None:
        """`clock` gives the wall clock (s since 1970 UTC): it says when a signal was told, and nothing else.

        `stages` counts the time of the stages `evaluate`, `judge` and `write`.
        """
        self._stages = stages or StageTimes()
        self._settings = settings
        self._topics = topics
        self._rules = rules
        self._client_settings = client_settings
        self._history = history
        self._metrics = metrics
        self._clock = clock
        self._judge_service = judge
        self._refused_since: dict[object, float] = {}
        self._store_lock = asyncio.Lock()
        self.partitions: dict[int, TalliesPartition] = {}

    async def assign(self, committed: Mapping[int, int]) -> None:
        """Own exactly the partitions in `committed` (partition -> position at which reading goes on)."""
        for partition in set(self.partitions) - set(committed):
            owned = self.partitions.pop(partition)
            if owned.ready is not None:
                owned.ready.cancel()
            self._metrics.forget(self._services_of(owned))
        await self._let_writing_end()
        for partition, position in committed.items():
            if partition not in self.partitions:
                owned = TalliesPartition(partition, self._rules, self._judge_service)
                owned.ready = asyncio.create_task(self._restore(owned, position))
                self.partitions[partition] = owned

    async def _let_writing_end(self) -> None:
        """Wait, a little, for a write that has begun: the next owner's must come after it."""
        with suppress(TimeoutError):
            async with asyncio.timeout(WRITE_SECONDS), self._store_lock:
                pass

    async def apply(self, partition: int, records: list[Any]) -> int | None:
        """Take a batch in and publish what is due; the position that may be committed, or None: not ours any more.

        What is not published now, because publishing would take too much of the time, is left to `publish_waiting`.
        """
        owned = self.partitions.get(partition)
        if owned is None or not await when_ready(owned.ready) or self.partitions.get(partition) is not owned:
            return None
        owned.take_in([record for record in records if record.offset >= owned.position])
        await self._publish_in_time(owned)
        return owned.settled if self.partitions.get(partition) is owned else None

    async def publish_waiting(self) -> None:
        """Publish what a busy moment left unpublished."""
        for owned in list(self.partitions.values()):
            if is_ready(owned.ready) and owned.changed:
                await self._publish_in_time(owned)

    async def _publish_in_time(self, owned: TalliesPartition) -> None:
        """Evaluate and store what has become due, unless it is too soon; the end of a replay never is."""
        count = self._topics.events.partitions
        if time.monotonic() < owned.next_publication and replay_end(owned.marks, count) in (None, owned.final):
            return
        async with self._store_lock:
            owned.changed = False
            started, position = time.monotonic(), owned.position
            # Asked here, both of the same marks: while this waited, the last tick may have come.
            final, at = replay_end(owned.marks, count), now(owned.marks, count, replay=not self._settings.live)
            ends = final is not None and final != owned.final and (at is None or at <= final)
            moment = final if ends else at
            if moment is not None:
                # First, so that what is announced as published includes it.
                await self._amend(owned, moment)
                await self._publish_at(owned, moment, everything=ends)
            if ends:
                owned.final = final
            if self.partitions.get(owned.partition) is not owned:
                return  # moved to another worker meanwhile: it publishes this itself
            owned.settled = position
            owned.changed = owned.changed or owned.slices.are_owed()
            ended = time.monotonic()
            # Capped, since what a store that was away made it wait is in it too.
            pause = min(self._settings.publishing_pause * (ended - started), LONGEST_PAUSE_SECONDS)
            owned.next_publication = ended + pause

    async def _publish_at(self, owned: TalliesPartition, at: int, *, everything: bool) -> None:
        services = owned.tallies.services()
        for service in services:
            if self.partitions.get(owned.partition) is not owned:
                return
            previous = owned.published.get(service)
            rules = self._rules[service]
            windows, slices = (WINDOWS, True) if everything else owned.slices.due(service, previous, at, rules)
            if not windows:
                continue
            with self._stages.measure("evaluate"):
                points = evaluate(owned.tallies, rules, at, windows=windows, slices=slices)
            await self._store(owned, points)
            if slices:
                owned.slices.are_published(service, at)
            if self.partitions.get(owned.partition) is owned:
                self._metrics.show(service, points)
                heard = last_event(owned.tallies, service, rules.local_time, at)
                self._metrics.signals.show_freshness(service, heard, is_stale(owned.tallies, rules, at))
            if everything or owned.judgements.is_due(service, at):
                await self._judge(owned, service, at)
            owned.published[service] = at
            await asyncio.sleep(0)
        # A replay that counted nothing has ended all the same: who waits for it must be told.
        ended = self._services_of(owned) if everything else services
        if ended:
            await self._write_changes(owned, at)
            await self._retrying(owned, self._history.publish, ended, at)

    async def _judge(self, owned: TalliesPartition, service: str, at: int) -> None:
        """Judge a service, write its charts, record what that changes, then show it; before `publish`, which so
        announces it."""
        with self._stages.measure("judge"):
            judgement = owned.judgements.judge(service, owned.tallies, at, self._clock())
            unwritten = owned.unwritten.weeks(judgement.situation)
        if unwritten.weeks:
            await self._write_charts(owned, service, unwritten, at)
        # Last: an hour whose signals are there counts as judged for the next owner, with its charts.
        if judgement.changed:
            await self._retrying(owned, self._history.record, judgement.changed)
        if self.partitions.get(owned.partition) is owned:
            owned.judgements.settle(judgement)
            self._metrics.signals.show(service, judgement.verdicts, judgement.open)

    async def _write_charts(
        self, owned: TalliesPartition, service: str, unwritten: UnwrittenWeeks, known_at: int
    ) -> None:
        """Write the weeks that the history does not hold like that, and how those that it holds otherwise were known.

        A former owner may have written them, so that only the history itself can tell what is new.
        """
        ends = [week.week_end for week in unwritten.weeks]
        read = partial(self._history.charts, service, since=min(ends), until=max(ends))
        stored: list[ChartWeek] | None = await self._retrying(owned, read)
        if stored is None:
            return
        found = news(stored, unwritten.weeks, known_at)
        if found.amendments:
            await self._retrying(owned, self._history.amend_charts, found.amendments)
        if found.fresh:
            await self._retrying(owned, self._history.write_charts, found.fresh)
        owned.unwritten.settle_weeks(unwritten)

    async def _write_changes(self, owned: TalliesPartition, known_at: int) -> None:
        """Write the registered changes that the history does not hold yet."""
        changes = owned.unwritten.changes()
        if not changes:
            return
        times = [change.at for change in changes]
        read = partial(self._history.changes, since=min(times), until=max(times))
        stored: list[RegisteredChange] | None = await self._retrying(owned, read)
        if stored is None:
            return
        found = unheard(stored, changes, known_at)
        if found:
            await self._retrying(owned, self._history.write_changes, found)
        owned.unwritten.settle_changes(changes)

    async def _amend(self, owned: TalliesPartition, known_at: int) -> None:
        """Write the published points that late events have changed anew, and how they were known before."""
        late, owned.late_since = owned.late_since, {}
        # Marks tell of all services, and go to every partition of the tallies; the others' tallies are not here.
        for service in [service for service in self._services_of(owned) if service in late]:
            since_ms = late[service]
            last = owned.published.get(service, known_at)  # after a restart: whatever there is
            for start in range(-(-since_ms // 1000), last + 1, AMENDED_AT_ONCE_SECONDS):
                end = min(start + AMENDED_AT_ONCE_SECONDS - 1, last)
                found = await self._amendments(owned, service, start, end, known_at)
                if found:
                    await self._retrying(owned, self._history.amend, found)
                    self._metrics.points_amended(len(found))
                if self.partitions.get(owned.partition) is not owned:
                    return
                self._metrics.show(service, [one.new for one in found if one.new.window_end == last])

    async def _amendments(
        self, owned: TalliesPartition, service: str, start: int, end: int, known_at: int
    ) -> list[Amendment]:
        read = partial(self._history.read, service, since=start, until=end)
        stored: list[Point] = await self._retrying(owned, read) or []
        found: list[Amendment] = []
        for _, points in groupby(sorted(stored, key=_window_end), key=_window_end):
            found += amendments(list(points), owned.tallies, self._rules[service], known_at)
            await asyncio.sleep(0)
        return found

    def _services_of(self, owned: TalliesPartition) -> list[str]:
        """All services of the catalogue whose tallies this partition holds."""
        count = self._topics.tallies.partitions
        return [service for service in self._rules if tallies_partition(service, count) == owned.partition]

    async def _store(self, owned: TalliesPartition, points: list[Point]) -> None:
        await self._retrying(owned, self._history.write, points)
        self._metrics.points_written(len(points))

    def waiting_seconds(self) -> float:
        """For how long a call to the history store has been refused and tried again; 0 when it accepts."""
        return max((time.monotonic() - since for since in self._refused_since.values()), default=0.0)

    async def _retrying(self, owned: TalliesPartition, call: Any, *arguments: Any) -> Any:
        """Call the history store in a thread until it accepts, and return its answer; nothing is dropped meanwhile.

        Gives up (None) when the partition has moved to another worker, which publishes the same itself.
        """
        call_of_its_own, started = object(), time.monotonic()

        def refused(state: RetryCallState) -> None:
            self._refused_since[call_of_its_own] = started
            before_sleep_log(log, logging.WARNING)(state)

        try:
            async for attempt in AsyncRetrying(
                retry=retry_if_exception_type(Retry),
                wait=wait_exponential(multiplier=0.1, max=10) + wait_random(0, 0.2),
                before_sleep=refused,
                reraise=True,
            ):
                with attempt:
                    if self.partitions.get(owned.partition) is not owned:
                        raise _MovedAway
                    with self._stages.measure("write"):
                        return await asyncio.to_thread(call, *arguments)
        except _MovedAway:
            return None
        finally:
            self._refused_since.pop(call_of_its_own, None)

    async def _restore(self, owned: TalliesPartition, position: int) -> None:
        if position > 0:
            async for records in read_range(
                self._client_settings, self._topics.tallies.name, owned.partition, position
            ):
                owned.take_in(records)
        await self._take_over_signals(owned)
        # Shown before anything is published: a restart must not look as if all were well.
        for service, open_signals in owned.judgements.open_by_service.items():
            self._metrics.signals.show(service, (), open_signals)
        owned.late_since.clear()  # the position moved on only after it had been amended
        owned.position = owned.settled = max(owned.position, position)
        owned.changed = True

    async def _take_over_signals(self, owned: TalliesPartition) -> None:
        """Go on with what a former owner has recorded: what is open, and up to which hour it had judged."""
        services = self._services_of(owned)
        async with self._store_lock:
            still_open: list[Raised] = await self._retrying(owned, self._history.open_signals) or []
            published: dict[str, int] = await self._retrying(owned, self._history.published) or {}
            recent: list[Raised] = []
            for service in services:
                since = published.get(service, 0) - REMEMBERED_SECONDS
                recent += await self._retrying(owned, partial(self._history.signals, service, since=since)) or []
        owned.judgements.take_over(
            [raised for raised in still_open if raised.verdict.service in services],
            recent,
            {service: published[service] for service in services if service in published},
        )
