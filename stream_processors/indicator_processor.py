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
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import partial
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple

from history.store import HistoryStore
from kept.indicators.amendments import amendments
from kept.indicators.evaluate import due_windows, evaluate, evaluate_slices
from kept.indicators.freshness import is_stale, last_event
from kept.indicators.point import Amendment, Point
from kept.indicators.windows import WINDOWS
from kept.intake import Rules
from kept.published_time import now, replay_end
from kept.registered_changes import RegisteredChange, unheard
from kept.settings import Settings
from kept.signals.chart_amendments import news
from kept.signals.chart_weeks import ChartWeek
from kept.signals.judge import judge as judge_all
from kept.signals.raised import Raised
from kept.topics import Topics
from stream_processors.judgements import JudgeService
from stream_processors.log_reader import read_range
from stream_processors.partition_log import partition_of_service
from stream_processors.readiness import is_ready, when_ready
from stream_processors.sinks.metrics import Metrics
from stream_processors.stage_times import StageTimes
from stream_processors.store_calls import WRITE_SECONDS, StoreCalls
from stream_processors.tallies_partition import TalliesPartition
from stream_processors.unwritten import UnwrittenWeeks

log = logging.getLogger("kept.indicators")
AMENDED_AT_ONCE_SECONDS = 6 * 3600
"""Published points are looked at again so much event time at once: bounds what is in memory."""
LONGEST_PAUSE_SECONDS = 30.0
"""Publishing makes way for a backlog for so long at most."""
PATIENCE_SECONDS = 0.5
"""So long the records that follow wait for what is being published; a store that takes longer holds nothing else up."""
REMEMBERED_SECONDS = 90 * 86_400
"""So far before what was published last, a new owner looks for signals that have ended."""
_window_end = attrgetter("window_end")


class _Due(NamedTuple):
    """What is to be published of a service: its windows, whether with slices, and the points of the whole service."""

    windows: tuple[str, ...]
    slices: bool
    points: list[Point]


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
        self._calls = StoreCalls(self._stages)
        self.waiting_seconds = self._calls.waiting_seconds
        """For how long a call to the history store has been refused and tried again; 0 when it accepts."""
        self._store_lock = asyncio.Lock()
        self._publication: asyncio.Task[None] | None = None
        """What `apply` has begun to publish and did not wait for."""
        self.partitions: dict[int, TalliesPartition] = {}

    async def assign(self, committed: Mapping[int, int]) -> None:
        """Own exactly the partitions in `committed` (partition -> position at which reading goes on)."""
        for partition in set(self.partitions) - set(committed):
            owned = self.partitions.pop(partition)
            owned.let_go.set()
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

        What is not published now, because publishing would take too much of the time, or because the store is slow, is
        left to `publish_waiting`; gauges show it all the same.
        """
        owned = self.partitions.get(partition)
        if owned is None or not await when_ready(owned.ready) or self.partitions.get(partition) is not owned:
            return None
        whole = owned.take_in([record for record in records if record.offset >= owned.position])
        if not whole:
            await self._read_anew(owned)
            if self.partitions.get(partition) is not owned:
                return None
        if self._publication is None and not self._store_lock.locked():
            if self._is_too_soon(owned):
                return owned.settled
            self._publication = asyncio.create_task(self._publish_in_time(owned))
            await asyncio.wait({self._publication}, timeout=PATIENCE_SECONDS)
            self._end_publication()
        else:
            await self._show_meanwhile(owned)
        return owned.settled if self.partitions.get(partition) is owned else None

    async def publish_waiting(self) -> None:
        """Publish what a busy moment or a slow store left unpublished."""
        if self._publication is not None:
            await asyncio.wait({self._publication})
            self._end_publication()
        for owned in list(self.partitions.values()):
            if is_ready(owned.ready) and owned.changed:
                await self._publish_in_time(owned)

    def _end_publication(self) -> None:
        """Let go of the publication that `apply` has begun, when it has ended; raises what it raised."""
        if self._publication is not None and self._publication.done():
            ended, self._publication = self._publication, None
            ended.result()

    def _is_too_soon(self, owned: TalliesPartition) -> bool:
        """Whether publishing has taken enough of the time; for the end of a replay it never has."""
        over = replay_end(owned.marks, self._topics.events.partitions)
        return time.monotonic() < owned.next_publication and over in (None, owned.final)

    async def _show_meanwhile(self, owned: TalliesPartition) -> None:
        """Show what has become due while the store is at work: gauges wait for no store, however slow."""
        at = now(owned.marks, self._topics.events.partitions, replay=not self._settings.live)
        started = time.monotonic()
        if at is None or started < owned.next_showing:
            return
        for service in owned.tallies.services():
            shown = owned.shown.get(service)
            if (shown is None or shown < at) and self.partitions.get(owned.partition) is owned:
                self._show_service(owned, service, at, due_windows(shown, at, self._rules[service])[0])
                await asyncio.sleep(0)
        ended = time.monotonic()
        owned.next_showing = ended + self._settings.publishing_pause * (ended - started)

    async def _publish_in_time(self, owned: TalliesPartition) -> None:
        """Evaluate and store what has become due, unless it is too soon."""
        if self._is_too_soon(owned):
            return
        count = self._topics.events.partitions
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
            if moment is not None or not owned.late_since:
                # Else what came late would be known to nobody after a restart.
                owned.settled = position
            owned.changed = owned.changed or owned.slices.are_owed()
            ended = time.monotonic()
            # Capped, since what a store that was away made it wait is in it too.
            pause = min(self._settings.publishing_pause * (ended - started), LONGEST_PAUSE_SECONDS)
            owned.next_publication = ended + pause

    async def _publish_at(self, owned: TalliesPartition, at: int, *, everything: bool) -> None:
        services = owned.tallies.services()
        for service, due in (await self._show(owned, services, at, everything=everything)).items():
            if self.partitions.get(owned.partition) is not owned:
                return
            points = due.points
            if due.slices:
                with self._stages.measure("evaluate"):
                    sliced = evaluate_slices(owned.tallies, self._rules[service], at, windows=due.windows)
                points = [*points, *sliced]
            await self._store(owned, points)
            if due.slices:
                owned.slices.are_published(service, at)
            if everything or owned.judgements.is_due(service, at):
                await self._judge(owned, service, at)
            owned.published[service] = at
            await asyncio.sleep(0)
        # A replay that counted nothing has ended all the same: who waits for it must be told.
        ended = self._services_of(owned) if everything else services
        if ended:
            await self._write_changes(owned, at)
            await self._retrying(owned, self._history.publish, ended, at)

    async def _show(
        self, owned: TalliesPartition, services: Iterable[str], at: int, *, everything: bool
    ) -> dict[str, _Due]:
        """Evaluate the whole of each service that is due and show it, before anything is written."""
        found: dict[str, _Due] = {}
        for service in services:
            if self.partitions.get(owned.partition) is not owned:
                break
            previous, rules = owned.published.get(service), self._rules[service]
            windows, slices = (WINDOWS, True) if everything else owned.slices.due(service, previous, at, rules)
            if not windows:
                continue
            found[service] = _Due(windows, slices, self._show_service(owned, service, at, windows))
            await asyncio.sleep(0)
        return found

    def _show_service(self, owned: TalliesPartition, service: str, at: int, windows: tuple[str, ...]) -> list[Point]:
        """The points of a whole service as of `at` (s), which its gauges show unless they show a later moment."""
        rules = self._rules[service]
        with self._stages.measure("evaluate"):
            points = evaluate(owned.tallies, rules, at, windows=windows, slices=False)
        if at >= owned.shown.get(service, at):
            owned.shown[service] = at
            self._metrics.show(service, points)
            heard = last_event(owned.tallies, service, rules.local_time, at)
            self._metrics.signals.show_freshness(service, heard, is_stale(owned.tallies, rules, at))
        return points

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
                if owned.shown.get(service, last) <= last:
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
        return [service for service in self._rules if partition_of_service(service, count) == owned.partition]

    async def _store(self, owned: TalliesPartition, points: list[Point]) -> None:
        await self._retrying(owned, self._history.write, points)
        self._metrics.points_written(len(points))

    async def _retrying(self, owned: TalliesPartition, call: Any, *arguments: Any) -> Any:
        """Call the history store until it accepts; None when the partition has moved to another worker, which publishes
        the same itself."""
        return await self._calls.until_accepted(owned.let_go, call, *arguments)

    async def _restore(self, owned: TalliesPartition, position: int) -> None:
        if position > 0:
            async for records in read_range(
                self._client_settings, self._topics.tallies.name, owned.partition, position
            ):
                owned.take_in(records, restoring=True)
        await self._take_over_signals(owned)
        # Shown before anything is published: a restart must not look as if all were well.
        for service, open_signals in owned.judgements.open_by_service.items():
            self._metrics.signals.show(service, (), open_signals)
        owned.late_since.clear()  # the position moved on only after it had been amended
        owned.position = owned.settled = max(owned.position, position)
        owned.changed = True

    async def _read_anew(self, owned: TalliesPartition) -> None:
        """Read the partition from its beginning to its end of now, since a mark is missing.

        What was taken in before stands until then. No count is lost by a log that was compacted before it was read, but
        that cannot be told from a batch that was.
        """
        topic = self._topics.tallies.name
        log.warning("%s-%d: a batch is missing before offset %d; read anew", topic, owned.partition, owned.position)
        anew = TalliesPartition(owned.partition, self._rules, self._judge_service)
        async for records in read_range(self._client_settings, topic, owned.partition):
            anew.take_in(records, restoring=True)
        if anew.position >= owned.position:
            owned.go_on_with(anew)

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
