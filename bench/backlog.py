"""One real worker that works off a backlog: how fast, with how much memory, and what became of every event."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from aiokafka import AIOKafkaProducer
from msgspec import Struct

from bench.live_pipeline import LivePipeline, live_pipeline
from bench.paced_producer import HOT_OF, event, service_of
from bench.scaling_report import Cost
from bench.scrapes import read
from bench.workload import SERVICES, city
from kept.durations import DAY_MS
from kept.errors import Stop
from kept.events import moment
from kept.marks import Accounts
from kept.settings import Settings
from kept.topics import topics
from local_stack.replay import accounts_of

PATIENCE_SECONDS = 300.0
LOOK_SECONDS = 0.2
"""Each look is a scrape, whose cost grows with the partitions: seldom enough not to be what is measured."""
AT_ONCE = 500
LONGEST_APART_MS = 50.0


class Backlog(Struct, frozen=True, kw_only=True):
    """What waits: so many events, opened and completed cases by turns, over at most a day of event time.

    `hot_share` of them are about the first of so many `services`; with `an_area_each` every case of that one has an
    area that no other has.
    """

    events: int
    partitions: int = 4
    services: int = len(SERVICES)
    hot_share: float = 0.0
    an_area_each: bool = False


class WorkedOff(Struct, frozen=True, kw_only=True):
    """How a worker got through."""

    events: int
    areas: int
    """Distinct areas that were told of the first service with `an_area_each`; else 0."""
    per_second: float
    """From the first event received to the last."""
    resident_mib: int
    accounts: Accounts
    folded: dict[str, int]
    """Cases and other events under `(other)`, by "service dimension"."""


def work_off(backlog: Backlog, brokers: str | None = None, **settings: object) -> WorkedOff:
    """Publish the backlog, then start one worker; raises `Stop` when it does not get through."""
    with live_pipeline(
        workers=1,
        partitions=backlog.partitions,
        brokers=brokers,
        services=city(backlog.services),
        begun=False,
        live=False,
        **settings,
    ) as pipeline:
        return worked_off(pipeline, backlog)


def worked_off(pipeline: LivePipeline, backlog: Backlog) -> WorkedOff:
    """The same on a pipeline that has counted nothing yet; its workers run afterwards."""
    pipeline.group.stop()
    topic = topics(pipeline.settings.topic_prefix, backlog.partitions).events.name
    areas = asyncio.run(_publish(pipeline.settings.brokers, topic, backlog))
    pipeline.group.start()
    seen: list[tuple[float, int]] = []
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        pipeline.group.watch()
        found = read(pipeline.ports)
        seen.append((time.monotonic(), 0 if found is None else sum(found.received.values())))
        if found is not None and seen[-1][1] >= backlog.events:
            return WorkedOff(
                events=seen[-1][1],
                areas=areas,
                per_second=1e6 / _microseconds(seen),
                resident_mib=found.resident // 2**20,
                accounts=_settled_accounts(pipeline.settings, backlog.events, deadline),
                folded=found.folded,
            )
        time.sleep(LOOK_SECONDS)
    raise Stop(f"{seen[-1][1]:,} of {backlog.events:,} events after {PATIENCE_SECONDS:.0f} s; see the worker's log")


def worker_cost(partitions: int, events: int) -> Cost:
    """Microseconds of an event by the clock."""
    return Cost(1e6 / work_off(Backlog(events=events, partitions=partitions)).per_second, None)


def _settled_accounts(settings: Settings, events: int, deadline: float) -> Accounts:
    """As the marks tell them: what is received is shown before its transaction is over."""
    accounts = accounts_of(settings)
    while accounts.received < events and time.monotonic() < deadline:
        time.sleep(LOOK_SECONDS)
        accounts = accounts_of(settings)
    return accounts


def _microseconds(seen: Sequence[tuple[float, int]]) -> float:
    """Between the first look that saw an event and the last."""
    begun = next(index for index, (_, count) in enumerate(seen) if count > 0)
    begun = min(begun, len(seen) - 2)
    (started, before), (ended, after) = seen[begun], seen[-1]
    return (ended - started) / max(1, after - before) * 1e6


async def _publish(brokers: str, topic: str, backlog: Backlog) -> int:
    """Publish; returns how many distinct areas of its own the first service was told."""
    partitions, hot, services = backlog.partitions, round(backlog.hot_share * HOT_OF), city(backlog.services)
    first_ms, apart_ms = time.time_ns() // 1_000_000 - DAY_MS, min(LONGEST_APART_MS, DAY_MS / backlog.events)
    areas = 0
    waiting: list[list[bytes]] = [[] for _ in range(partitions)]
    async with AIOKafkaProducer(bootstrap_servers=brokers, acks="all", max_batch_size=1024 * 1024) as producer:

        async def send(partition: int) -> None:
            batch = producer.create_batch()
            for value in waiting[partition]:
                batch.append(key=None, value=value, timestamp=None)
            waiting[partition] = []
            batch.close()
            await (await producer.send_batch(batch, topic, partition=partition))

        for index in range(backlog.events):
            number, opens = index // 2, not index % 2
            service = service_of(number, hot, services)
            alone = backlog.an_area_each and service == services[0].id
            areas += alone and opens
            text = moment(first_ms + int(index * apart_ms)).isoformat()
            told = event(number, opens, text, service, f"Street {number}" if alone else None)
            waiting[number % partitions].append(told)
            if len(waiting[number % partitions]) == AT_ONCE:
                await send(number % partitions)
        for partition in range(partitions):
            if waiting[partition]:
                await send(partition)
    return areas
