"""The ceiling in plain Python: aiokafka's getmany, msgspec, dictionaries. Nothing survives the process."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition

from bench import job
from bench.stopwatch import BROKERS, TOPIC, Stopwatch
from bench.workload import TARGET_MS
from kept.counters import FAMILY_SIZE, OUTCOME_INDEX, WHOLE_ONLY
from kept.events import milliseconds
from stream_processors.worker import prepare_process

BATCH = 20_000
FETCH_BYTES = 8 * 1024 * 1024

_decode = msgspec.json.Decoder(list[job.Event]).decode
Slices = tuple[tuple[str, str, str], ...]


class Counting:
    """Register and tallies of all partitions."""

    def __init__(self) -> None:
        self.seen: set[str] = set()
        self.cases: dict[str, tuple[int, int, str | None, Slices]] = {}
        self.tallies: dict[tuple[str, str, str], dict[tuple[int, int], dict[int, int]]] = {}

    def apply(self, events: list[job.Event]) -> None:
        """Count a batch."""
        for event in events:
            if event.id in self.seen:
                continue
            self.seen.add(event.id)
            data = event.data
            time_ms = milliseconds(event.time)
            if event.type == "case.opened":
                due = time_ms + TARGET_MS[data.service]
                values = ((name, getattr(data, name)) for name in job.DIMENSIONS)
                slices = tuple((data.service, name, value) for name, value in values if value is not None)
                self.cases[event.subject] = (time_ms, due, data.channel, slices)
                self._add(data.service, slices, job.opening(time_ms, due))
            else:
                opened, due, channel, slices = self.cases[event.subject]
                outcome = OUTCOME_INDEX[data.outcome]
                self._add(data.service, slices, job.completion(opened, due, time_ms, outcome, channel))

    def rows(self) -> Iterator[tuple[job.Place, dict[int, int]]]:
        """What was counted."""
        for series, buckets in self.tallies.items():
            for (size, end), tally in buckets.items():
                yield (*series, size, end), tally

    def _add(self, service: str, slices: Slices, entries: list[job.Entry]) -> None:
        whole = self.tallies.setdefault((service, "", ""), {})
        parts = [self.tallies.setdefault(series, {}) for series in slices]
        for time_ms, counter, amount in entries:
            hour = (1, job.hour(time_ms))
            own = (0, job.five_minutes(time_ms)) if counter < FAMILY_SIZE else hour
            tally = whole.setdefault(own, {})
            tally[counter] = tally.get(counter, 0) + amount
            if counter >= WHOLE_ONLY:
                continue
            for part in parts:
                tally = part.setdefault(hour, {})
                tally[counter] = tally.get(counter, 0) + amount


async def run() -> None:
    """Read the topic from its beginning until all is counted."""
    counting = Counting()
    watch = Stopwatch()
    topic = os.environ[TOPIC]
    consumer = AIOKafkaConsumer(
        bootstrap_servers=os.environ[BROKERS],
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=FETCH_BYTES,
    )
    await consumer.start()
    partitions = await consumer._client._wait_on_metadata(topic)
    consumer.assign([TopicPartition(topic, partition) for partition in partitions])
    count = 0
    while True:
        for records in (await consumer.getmany(timeout_ms=500, max_records=BATCH)).values():
            counting.apply(_decode(b"[" + b",".join([record.value for record in records]) + b"]"))
            count += len(records)
            if watch.seen(count):
                watch.finish(counting.rows())
                await consumer.stop()
                return


if __name__ == "__main__":
    prepare_process()
    asyncio.run(run())
