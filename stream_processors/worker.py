"""One worker process: a Faust application with the two processors, /metrics and /healthz.

Whatever goes wrong inside ends the process with a non-zero exit and one clear last line: a supervisor starts it again,
and the state in Kafka says where to go on.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import shutil
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn

import faust
from aiokafka.errors import KafkaError
from faust.exceptions import ConsumerNotStarted
from faust.types import TP
from tenacity import before_sleep_log, retry, retry_if_exception_type

from history.open import open_history
from history.store import HistoryStore
from kept.catalogue import Service, fingerprint
from kept.errors import KeptError, Retry
from kept.intake import rules_by_service
from kept.settings import Settings
from kept.signals.judge import judge as judge_all
from kept.topics import consumer_group, topics
from stream_processors import event_loop
from stream_processors.batch_transport import BatchApp, BatchConsumer, BatchSchema
from stream_processors.case_processor import CaseProcessor
from stream_processors.connection import client_settings, faust_credentials
from stream_processors.health import Health, serve
from stream_processors.indicator_processor import IndicatorProcessor
from stream_processors.judgements import JudgeService
from stream_processors.rights_check import refusal
from stream_processors.sinks.metrics import Metrics
from stream_processors.stage_times import StageTimes
from stream_processors.store_calls import PAUSES
from stream_processors.topic_check import PartitionWatch, check_topics
from stream_processors.worker_process import STOP_SECONDS, WorkerProcess

log = logging.getLogger("kept.worker")
CRASH_EXIT_CODE = 70
BATCHES_UNDER_WAY = 2
"""Batches of events being applied or committed at once."""
WATCH_SECONDS = 10.0
"""How long the broker may take to say how far the topics go."""
HEARTBEATS = 5
"""In one session: so many may be lost, but for one, before the group takes a worker for dead."""
FETCH_BYTES = 8 * 1024 * 1024


class Worker:
    """Wires the processors to Faust."""

    def __init__(
        self,
        settings: Settings,
        catalogue: Mapping[str, Service],
        work_folder: Path,
        *,
        temporary: bool = False,
        judge: JudgeService = judge_all,
    ) -> None:
        """`temporary`: remove `work_folder` when the process ends in a hurry. `judge` gives the verdicts."""
        self._settings = settings
        self._work_folder = work_folder
        self._temporary = temporary
        self._topics = topics(settings.topic_prefix, settings.partitions)
        self.metrics = Metrics(catalogue, fingerprint(catalogue))
        self.health = Health(settings.stall_seconds)
        rules = rules_by_service(catalogue)
        stages = StageTimes()
        self.cases = CaseProcessor(settings, self._topics, rules, client_settings(settings), _clock_ms, stages=stages)
        self._history = open_history_patiently(settings)
        self.indicators = IndicatorProcessor(
            settings,
            self._topics,
            rules,
            client_settings(settings),
            self._history,
            self.metrics,
            clock=lambda: _clock_ms() // 1000,
            judge=judge,
            stages=stages,
        )
        self._partition_watch = PartitionWatch(client_settings(settings), self._topics.events)
        self.metrics.refused = self._history.refused
        self.metrics.stages = stages.totals
        self.metrics.history_waiting = self.indicators.waiting_seconds
        self.metrics.partitions = self.cases.ready_states
        self.metrics.lags = lambda: [(tp.topic, tp.partition, lag) for tp, lag in self._lags.items()]
        self._under_way = asyncio.Semaphore(BATCHES_UNDER_WAY)
        self._tasks: set[asyncio.Task[None]] = set()
        self._ends: dict[TP, int] = {}
        self._lags: dict[TP, int] = {}
        self.app = self._make_app(work_folder)
        self._every(1.0, self._mark_idle)
        self._every(1.0, self._publish_waiting)
        self._every(1.0, self._watch)
        self.app.task(self._serve)

    def run(self) -> None:
        """Run until told to stop; ends the process."""
        worker = WorkerProcess(
            self.app,
            loglevel="WARNING",
            quiet=True,
            redirect_stdouts=False,
            blocking_timeout=None,
            overdue=self.leave,
            under_way=lambda: self._tasks,
            override_logging=False,
        )
        try:
            worker.execute_from_commandline()
        except SystemExit:
            if worker.crash_reason is not None:  # one of Faust's own services crashed
                self.die(worker.crash_reason)
            raise
        finally:
            self._history.close()

    def leave(self) -> None:
        """End the process although not all has ended: nothing half-done becomes visible, whoever takes over goes on."""
        log.warning("stopped after %g s; what was under way is done again by whoever takes over", STOP_SECONDS)
        self._end(0)

    def die(self, error: BaseException) -> None:
        """End the process at once, so that nothing is committed after the failure."""
        refused = refusal(error)
        message = refused or (str(error) if isinstance(error, KeptError) else f"{type(error).__name__}: {error}")
        if not isinstance(error, KeptError) and refused is None:
            log.critical("unexpected failure", exc_info=error)
        print(f"kept worker {self._settings.worker_id} stopped: {message}", file=sys.stderr, flush=True)  # noqa: T201
        self._end(CRASH_EXIT_CODE)

    def _end(self, code: int) -> NoReturn:
        sys.stdout.flush()
        sys.stderr.flush()
        if self._temporary:
            shutil.rmtree(self._work_folder, ignore_errors=True)
        os._exit(code)

    def _make_app(self, work_folder: Path) -> faust.App:
        settings = self._settings
        app = BatchApp(
            consumer_group(settings.topic_prefix),
            broker=[f"kafka://{broker}" for broker in settings.broker_list()],
            autodiscover=False,
            datadir=str(work_folder),
            store="memory://",
            web_enabled=False,
            topic_allow_declare=False,
            topic_disable_leader=True,
            stream_wait_empty=True,
            producer_request_timeout=30.0,
            consumer_auto_offset_reset="earliest",
            consumer_max_fetch_size=FETCH_BYTES,
            consumer_group_instance_id=f"{settings.topic_prefix}{settings.worker_id}",
            broker_max_poll_records=settings.max_batch_records,
            broker_commit_interval=1.0,
            broker_session_timeout=settings.session_seconds,
            broker_heartbeat_interval=settings.session_seconds / HEARTBEATS,
            broker_request_timeout=30.0,
            broker_credentials=faust_credentials(settings),
            table_standby_replicas=0,
            topic_partitions=settings.partitions,
        )
        app.before_waiting = self._let_go
        schema = BatchSchema()
        events = app.topic(self._topics.events.name, schema=schema, internal=False)
        tallies = app.topic(self._topics.tallies.name, schema=schema, internal=False)
        app.agent(events, name="cases")(self._apply_events)
        app.agent(tallies, name="indicators")(self._apply_tallies)
        app.on_partitions_assigned.connect(self._assigned, weak=False)
        app.on_partitions_revoked.connect(self._revoked, weak=False)
        return app

    @property
    def _consumer(self) -> BatchConsumer:
        consumer: BatchConsumer = self.app.consumer
        return consumer

    async def _apply_events(self, stream: Any) -> None:
        """A batch is applied while the broker commits the one before; batches of one partition stay in order.

        What Faust believes of a batch still under way does not matter: what is durable is said by `_apply_batch`.
        """
        async for event in stream.events():
            await self._under_way.acquire()
            try:
                # Here, not in the task: what waits there could overtake a batch before it.
                await self._partition_watch.check()
            except Exception as error:
                self.die(error)
            task = asyncio.create_task(self._apply_batch(event.message, event.value))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _apply_batch(self, message: Any, records: list[Any]) -> None:
        try:
            position = await self.cases.apply(message.partition, records)
            if position is not None:
                self._consumer.set_durable(message.tp, position)
                self.health.moved("cases")
        except Exception as error:
            self.die(error)
        finally:
            self._under_way.release()

    async def _apply_tallies(self, stream: Any) -> None:
        async for event in stream.events():
            try:
                position = await self.indicators.apply(event.message.partition, event.value)
                if position is not None:
                    self._consumer.set_durable(event.message.tp, position)
                    if not self.indicators.waiting_seconds():  # what is taken in must not hide what is not written
                        self.health.moved("indicators")
            except Exception as error:
                self.die(error)

    async def _assigned(self, app: faust.App, assigned: set[TP], **_: Any) -> None:
        try:
            mine = {tp.partition for tp in assigned if tp.topic == self._topics.events.name}
            merged = [tp for tp in assigned if tp.topic == self._topics.tallies.name]
            await self.cases.assign(mine)
            # With more workers than partitions some have nothing, until another one leaves.
            committed = await self._consumer.seek_to_committed() if assigned else {}
            # What is not in it has moved away meanwhile, and is given back by the next assignment.
            await self.indicators.assign({tp.partition: committed[tp] or 0 for tp in merged if tp in committed})
        except Exception as error:
            self.die(error)

    async def _revoked(self, app: faust.App, revoked: set[TP], **_: Any) -> None:
        try:
            lost = {tp.partition for tp in revoked if tp.topic == self._topics.events.name}
            await self.cases.assign(set(self.cases.partitions) - lost)
            gone = {tp.partition for tp in revoked if tp.topic == self._topics.tallies.name}
            kept = {p: owned.position for p, owned in self.indicators.partitions.items() if p not in gone}
            await self.indicators.assign(kept)
        except Exception as error:
            self.die(error)

    async def _let_go(self) -> None:
        """What waits for a history that is away must not hold back who takes over: it is published there."""
        try:
            await self.indicators.assign({})
        except Exception as error:
            self.die(error)

    async def _mark_idle(self) -> None:
        await self.cases.mark_idle(lambda partition: self._ends.get(TP(self._topics.events.name, partition)))

    async def _publish_waiting(self) -> None:
        await self.indicators.publish_waiting()
        for partition, owned in self.indicators.partitions.items():
            if owned.settled:  # else it is being restored, and would take back what the group has committed
                self._consumer.set_durable(TP(self._topics.tallies.name, partition), owned.settled)

    async def _watch(self) -> None:
        """Ask the broker how far the topics go: what is known of lag, and a proof that the broker answers."""
        owned = self._owned()
        every = [TP(topic.name, 0) for topic in (self._topics.events, self._topics.tallies)]
        try:
            async with asyncio.timeout(WATCH_SECONDS):
                ends = await self._consumer.highwaters(*{*every, *owned})
                # Events have no gaps between offsets: what was read of them and went astray must count as waiting.
                read = await self._consumer.read_positions(
                    [tp for tp in owned if tp.topic == self._topics.tallies.name]
                )
        except (TimeoutError, KafkaError, ConsumerNotStarted) as error:
            log.warning("the broker does not say how far the topics go: %r", error)
            self._ends = {}  # what it said before makes no partition idle
            return
        self._ends = {tp: end for tp, end in ends.items() if end is not None}
        self._lags = {
            tp: max(self._consumer.behind(tp, dealt_with, self._ends.get(tp), read.get(tp)), unpublished)
            for tp, (dealt_with, unpublished) in owned.items()
        }
        for processor, topic in (("cases", self._topics.events), ("indicators", self._topics.tallies)):
            waiting = sum(lag for tp, lag in self._lags.items() if tp.topic == topic.name)
            self.health.observe(processor, waiting)  # type: ignore[arg-type]

    def _owned(self) -> dict[TP, tuple[int, int]]:
        """(position up to which records were dealt with, records not published yet) of each partition owned."""
        events, tallies = self._topics.events.name, self._topics.tallies.name
        found = {TP(events, p): (owned.state.offset + 1, 0) for p, owned in self.cases.partitions.items()}
        for partition, merged in self.indicators.partitions.items():
            found[TP(tallies, partition)] = (merged.position, merged.position - merged.settled)
        return found

    def _every(self, seconds: float, work: Callable[[], Awaitable[None]]) -> None:
        """Do `work` again and again as a task of its own; its failure ends the worker."""

        async def repeat() -> None:
            while not self.app.should_stop:
                await asyncio.sleep(seconds)
                try:
                    await work()
                except Exception as error:
                    self.die(error)

        repeat.__name__ = work.__name__
        self.app.task(repeat)

    async def _serve(self) -> None:
        try:
            await serve(self._settings, self.metrics, self.health)
        except BaseException as error:
            if not self.app.should_stop:
                self.die(error)
            raise


def prepare_process() -> None:
    """What makes a process fit for a worker: a fast event loop, and a garbage collector that leaves its state alone."""
    event_loop.install()
    # State is millions of small dictionaries without cycles: looking for cycles in them took a fifth of the time.
    gc.set_threshold(1_000_000, 50, 1000)


def run_worker(
    settings: Settings,
    catalogue: Mapping[str, Service],
    work_folder: Path,
    *,
    temporary: bool = False,
    judge: JudgeService = judge_all,
) -> None:
    """Run one worker until it is told to stop or fails."""
    prepare_process()
    asyncio.run(check_topics(settings, topics(settings.topic_prefix, settings.partitions)))
    Worker(settings, catalogue, work_folder, temporary=temporary, judge=judge).run()


@retry(
    retry=retry_if_exception_type(Retry),
    wait=PAUSES,
    before_sleep=before_sleep_log(log, logging.WARNING),
)
def open_history_patiently(settings: Settings) -> HistoryStore:
    """The history; while another program holds it, this waits as every later call does."""
    return open_history(settings)


def _clock_ms() -> int:
    return time.time_ns() // 1_000_000
