"""A feed of which a part uses a channel that the catalogue does not know yet, and what it must come to in the end."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
from aiokafka import AIOKafkaProducer
from typer.testing import CliRunner

from command_line.main import app
from command_line.topics import create_topics
from kept import events as e
from kept.catalogue import parse_service, read_catalogue
from kept.indicators.point import Point
from kept.intake import rules_by_service
from kept.marks import Accounts
from kept.settings import Settings
from kept.topics import topics
from local_stack.broker import Broker
from local_stack.replay import Replay, WorkerGroup, wait_for
from stream_processors.case_processor import CaseProcessor
from stream_processors.connection import client_settings
from stream_processors.embedded import EmbeddedPipeline
from stream_processors.log_reader import read_range
from stream_processors.topic_growth import grow
from tests.committed import all_committed

Message = tuple[bytes | None, bytes | None, list[tuple[str, bytes | None]]]

SERVICE = "noise-complaints"
START_MS = 1_772_000_000_000 // 3_600_000 * 3_600_000
AT_MS = START_MS + 3 * 86_400_000
CATALOGUE = """
id = "noise-complaints"
name = "Noise complaints"
owner = "Public order"
time_zone = "Europe/Amsterdam"
expected_silence = "1h"
[promise]
words = "An answer within a day"
target_share = 0.9
target_time = "1d"
[channels]
digital = ["Web"]
assisted = [{assisted}]
"""
NARROW, MENDED = CATALOGUE.format(assisted='"Phone"'), CATALOGUE.format(assisted='"Phone", "Letter"')


def case(number: int, channel: str) -> list[e.Event]:
    """A case is opened at its minute and completed up to two days later."""
    envelope: dict[str, Any] = {"specversion": "1.0", "source": "test", "subject": f"SECRET-{number}"}
    opened_ms = START_MS + number * 60_000
    done_ms = opened_ms + (number % 48 + 1) * 3_600_000
    opened = e.CaseOpenedData(service=SERVICE, channel=channel, area="North" if number % 3 else "South")
    completed = e.CompletedData(service=SERVICE)
    return [
        e.CaseOpened(id=f"opened-{number}", time=e.moment(opened_ms), data=opened, **envelope),
        e.CaseCompleted(id=f"completed-{number}", time=e.moment(done_ms), data=completed, **envelope),
    ]


def feed(channels: str) -> list[e.Event]:
    """One case for each letter: W(eb), P(hone) or L(etter), which the narrow catalogue does not know; in time order."""
    names = {"W": "Web", "P": "Phone", "L": "Letter"}
    found = [event for number, letter in enumerate(channels) for event in case(number, names[letter])]
    return sorted(found, key=lambda event: (e.milliseconds(event.time), event.id))


def undisturbed(events: list[e.Event], catalogue: str = MENDED) -> list[Point]:
    """The indicators of a run in which nothing went wrong."""
    pipeline = EmbeddedPipeline({SERVICE: parse_service(catalogue, "noise.toml")})
    pipeline.apply(events)
    pipeline.tick(AT_MS)
    return pipeline.indicators(AT_MS // 1000)


async def send(settings: Settings, topic: str, partition: int, messages: Iterable[Message]) -> None:
    """Also what a client's `send` refuses: messages without key and value, headers without a value."""
    producer = AIOKafkaProducer(**client_settings(settings), max_batch_size=8_000_000)
    await producer.start()
    try:
        batch = producer.create_batch()
        for key, value, headers in messages:
            assert batch.append(key=key, value=value, timestamp=None, headers=headers) is not None
        batch.close()
        await (await producer.send_batch(batch, topic, partition=partition))
    finally:
        await producer.stop()


class Pipeline:
    """Topics of its own with a worker that can be stopped, and a catalogue that can be mended."""

    def __init__(self, broker: Broker, prefix: str, folder: Path, **more: Any) -> None:
        self.folder, self.broker = folder, broker
        (folder / "catalogue").mkdir()
        self.mend(NARROW)
        self._use(
            Settings(
                brokers=broker.bootstrap, topic_prefix=prefix, partitions=2, catalogue=str(folder / "catalogue"),
                history_path=str(folder / "history.sqlite"), live=False, **more,
            )
        )  # fmt: skip
        create_topics(self.settings)

    def set(self, **more: Any) -> None:
        """From now on the worker is started with other settings."""
        self._use(msgspec.structs.replace(self.settings, **more))

    def grow(self, partitions: int) -> None:
        """Move to topics with so many partitions."""
        former = self.settings
        wider = msgspec.structs.replace(former, topic_prefix=f"{former.topic_prefix}wide-", partitions=partitions)
        asyncio.run(grow(former, wider))
        self._use(wider)

    def _use(self, settings: Settings) -> None:
        self.settings = settings
        self.topics = topics(settings.topic_prefix, settings.partitions)
        self.group = WorkerGroup(settings, self.folder, 1)
        self.replay = Replay(settings, self.group)

    def mend(self, catalogue: str) -> None:
        (self.folder / "catalogue" / "noise.toml").write_text(catalogue)

    def apply(self) -> Accounts:
        """The case processor over all events so far, in this process: quicker than a worker, and the same log."""
        return asyncio.run(self._apply())

    async def _apply(self) -> Accounts:
        rules = rules_by_service(read_catalogue([self.folder / "catalogue"]))
        processor = CaseProcessor(self.settings, self.topics, rules, client_settings(self.settings), lambda: 0)
        try:
            await processor.assign(set(range(self.settings.partitions)))
            for partition in range(self.settings.partitions):
                async for records in read_range(client_settings(self.settings), self.topics.events.name, partition):
                    await processor.apply(partition, records)
            await self._committed(self.topics.dead_letters.name)  # as whoever reads them next finds them
            total = Accounts()
            for owned in processor.partitions.values():
                total.add(owned.state.accounts)
            return total
        finally:
            await processor.close()

    def run_to_the_end(self) -> tuple[list[Point], Accounts]:
        """Run the worker until the indicators as of the end are published."""
        self.replay.end(AT_MS)
        self.group.start()
        try:
            return wait_for(self.settings, self.group, SERVICE, AT_MS // 1000)
        finally:
            self.group.stop()

    def send(self, *messages: Message, partition: int = 0) -> None:
        """Messages as they are, whatever they are, to one partition of the events."""
        asyncio.run(send(self.settings, self.topics.events.name, partition, messages))

    def read(self, topic: str) -> list[Any]:
        """Every committed record, partition by partition."""
        return asyncio.run(self._committed(topic))

    async def _committed(self, topic: str) -> list[Any]:
        return await all_committed(self.settings, topic, range(self.settings.partitions))

    def kept(self, *arguments: str) -> str:
        """What `kept dead-letters …` prints."""
        result = CliRunner().invoke(app, ["dead-letters", arguments[0], *self.options(), *arguments[1:]])
        if result.exception is not None:
            raise result.exception
        return result.stdout

    def options(self) -> list[str]:
        return ["--brokers", self.settings.brokers, "--topic-prefix", self.settings.topic_prefix]


def same(points: list[Point], others: list[Point]) -> bool:
    """Whether two runs have the same indicators, to the last digit."""
    assert len(points) > 100
    return {point.key(): point for point in points} == {point.key(): point for point in others}
