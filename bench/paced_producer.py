"""Publishes events at a steady rate in real time, and writes down when the broker acknowledged each batch of them.

`python -m bench.paced_producer BROKERS TOPIC PARTITIONS PACE OUT`: `PACE` is a `Pace` as JSON; a case is opened and,
some seconds later, completed. `OUT` gets one `Acknowledged` a line. What cannot be sent in time is sent as soon as
possible, later events never before. Told to end (TERM), it sends no more and waits for what is under way.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from aiokafka import AIOKafkaProducer

from bench.workload import AREAS, CATEGORIES, CHANNELS, SERVICES, BenchService, city
from kept.events import moment

TICK_SECONDS = 0.05
OPEN_SECONDS = 5
"""A case is completed so long after it was opened."""
MOST_UNDER_WAY = 20
"""Ticks that wait for the broker: a second's worth. What waits for longer than the client's time-out would fail."""
MANY = 2_654_435_761
HOT_OF = 1000
EXTRA_CASES = 1_000_000_000


class CityClock(msgspec.Struct, frozen=True):
    """Event time: `begins_ms` at the moment `begun` (s since 1970 UTC), then `speed` times as fast as the clock."""

    begun: float
    begins_ms: int
    speed: float

    def time_ms(self, at: float) -> int:
        """Event time at the moment `at` (s since 1970 UTC)."""
        return self.begins_ms + round((at - self.begun) * self.speed * 1000)


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """What is told: `rate` events a second for so many seconds.

    `hot_share` of them are about the first of so many `services`. Cases are numbered from `first_case` on, so that two
    producers of one pipeline tell of different ones. Without `city_clock` event time is the clock.
    """

    rate: float
    seconds: float
    hot_share: float = 0.0
    services: int = len(SERVICES)
    first_case: int = 0
    city_clock: CityClock | None = None


class Acknowledged(msgspec.Struct, frozen=True, array_like=True):
    """Events of one partition up to `count` since the start: their common time (ms), and the clock (s) when the broker
    had them."""

    partition: int
    count: int
    time_ms: int
    at: float


def event(number: int, opens: bool, time_text: str, service: str, area: str | None = None) -> bytes:
    """The opening, or the completion, of case `number`, as it is sent; in one of the usual areas when none is named."""
    chance = number * MANY & 0xFFFFFFFF
    kind, data = (
        ("opened", f'"category":"{CATEGORIES[chance // 80 % 30]}"') if opens else ("completed", '"outcome":"intended"')
    )
    return (
        f'{{"type":"case.{kind}","specversion":"1.0","id":"{kind}-{number}","source":"/bench","time":"{time_text}",'
        f'"subject":"c-{number}","data":{{"service":"{service}","channel":"{CHANNELS[chance % 4]}",'
        f'"area":"{area or AREAS[chance // 4 % 20]}",{data}}}}}'
    ).encode()


def service_of(number: int, hot: int, services: Sequence[BenchService] = SERVICES) -> str:
    """The service that case `number` is about; `hot` of a thousand cases are about the first one, the others about
    any of the rest; without any `hot` all are spread evenly."""
    chance = number * MANY & 0xFFFFFFFF
    if not hot:
        return services[chance // HOT_OF % len(services)].id
    return (services[0] if chance % HOT_OF < hot else services[1 + chance // HOT_OF % (len(services) - 1)]).id


class PacedProducer:
    """One topic, one pace."""

    def __init__(self, topic: str, partitions: int, pace: Pace, out: Path) -> None:
        self._topic = topic
        self._partitions = partitions
        self._pace = pace
        self._rate = pace.rate
        self._hot = round(pace.hot_share * HOT_OF)
        self._services = city(pace.services)
        self._over = asyncio.Event()
        self._counts = [0] * partitions
        self._out = out.open("ab", buffering=0)
        self._sent = 0
        self._encode = msgspec.json.Encoder().encode

    def end(self) -> None:
        """Send no more."""
        self._over.set()

    async def run(self, producer: AIOKafkaProducer) -> int:
        """Publish for as long as the pace says, or until `end`; returns how many events, all acknowledged."""
        started, waiting, seconds = time.monotonic(), set[asyncio.Task[None]](), self._pace.seconds
        while (passed := time.monotonic() - started) < seconds and not self._over.is_set():
            due = int(min(passed + TICK_SECONDS, seconds) * self._rate) - self._sent
            # At most a second's worth at once: behind its rate it must not grow without bound.
            for sending in await self._tick(producer, min(due, int(self._rate) + 1)):
                waiting.add(sending)
                sending.add_done_callback(waiting.discard)
            while len(waiting) > MOST_UNDER_WAY * self._partitions:
                await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.sleep(max(0.0, TICK_SECONDS - (time.monotonic() - started - passed)))
        await asyncio.gather(*waiting)
        return self._sent

    async def _tick(self, producer: AIOKafkaProducer, due: int) -> list[asyncio.Task[None]]:
        now, city_clock = time.time(), self._pace.city_clock
        time_ms = int(now * 1000) if city_clock is None else city_clock.time_ms(now)
        text = moment(time_ms).isoformat()
        behind = int(self._rate / 2 * OPEN_SECONDS)
        by_partition: list[list[tuple[bytes, bytes]]] = [[] for _ in range(self._partitions)]
        for index in range(self._sent, self._sent + due):
            number, opens = index // 2, not index % 2
            case = number if opens else number - behind
            if case < 0:  # nothing is old enough to be completed: one more is opened
                case, opens = index + EXTRA_CASES, True
            case += self._pace.first_case
            told = event(case, opens, text, service_of(case, self._hot, self._services))
            by_partition[case % self._partitions].append((f"c-{case}".encode(), told))
        self._sent += due
        return [
            asyncio.create_task(self._send(producer, partition, messages, time_ms))
            for partition, messages in enumerate(by_partition)
            if messages
        ]

    async def _send(
        self, producer: AIOKafkaProducer, partition: int, messages: list[tuple[bytes, bytes]], time_ms: int
    ) -> None:
        self._counts[partition] += len(messages)
        count = self._counts[partition]
        pending: list[Any] = []
        batch = producer.create_batch()
        for key, value in messages:
            if batch.append(key=key, value=value, timestamp=time_ms) is None:
                batch.close()
                pending.append(await producer.send_batch(batch, self._topic, partition=partition))
                batch = producer.create_batch()
                batch.append(key=key, value=value, timestamp=time_ms)
        batch.close()
        pending.append(await producer.send_batch(batch, self._topic, partition=partition))
        await asyncio.gather(*pending)
        self._out.write(self._encode(Acknowledged(partition, count, time_ms, time.time())) + b"\n")


def acknowledged(file: Path) -> list[Acknowledged]:
    """What a producer wrote down, in order of acknowledgement."""
    decode = msgspec.json.Decoder(Acknowledged).decode
    return [decode(line) for line in file.read_bytes().splitlines()]


def events_of(told: Sequence[Acknowledged]) -> int:
    """How many events were acknowledged, of all partitions."""
    return sum({one.partition: one.count for one in sorted(told, key=lambda one: one.count)}.values())


async def _publish(arguments: list[str]) -> int:
    brokers, topic, partitions, pace, out = arguments
    paced = PacedProducer(topic, int(partitions), msgspec.json.decode(pace, type=Pace), Path(out))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, paced.end)
    async with AIOKafkaProducer(
        bootstrap_servers=brokers, acks="all", enable_idempotence=True, max_batch_size=256 * 1024
    ) as producer:
        return await paced.run(producer)


if __name__ == "__main__":
    print(asyncio.run(_publish(sys.argv[1:])))
