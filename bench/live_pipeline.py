"""A live pipeline of its own for a measurement: broker, topics, workers with known ports, and a paced producer."""

from __future__ import annotations

import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec

from bench.paced_producer import Pace
from bench.scrapes import read
from bench.workload import SERVICES, BenchService, catalogue_text
from command_line.topics import create_topics
from kept.errors import Stop
from kept.settings import Settings
from kept.topics import topics
from local_stack.broker import Broker
from local_stack.child import Child
from local_stack.ports import LOOPBACK, free_port
from local_stack.replay import WorkerGroup
from local_stack.work_folder import work_folder

START_SECONDS = 60.0


class LivePipeline:
    """Running workers, and what to publish to them with."""

    def __init__(self, settings: Settings, folder: Path, workers: int) -> None:
        self.settings = settings
        self.folder = folder
        self.ports = [free_port() for _ in range(workers)]
        self.group = WorkerGroup(settings, folder, workers, self.ports)

    def wait_until_serving(self) -> None:
        """Wait until every worker answers and knows its partitions; raises `Stop` after a minute."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            self.group.watch()
            found = read(self.ports)
            if found is not None and len(found.received) == self.settings.partitions:
                return
            time.sleep(0.2)
        tails = "\n".join(worker.log_tail(5) for worker in self.group.workers)
        raise Stop(f"the workers do not own all partitions after {START_SECONDS:.0f} s; their logs end:\n{tails}")

    def producer(self, pace: Pace, out: Path) -> Child:
        """A producer, not started, that writes down in `out` what was acknowledged."""
        topic = topics(self.settings.topic_prefix, self.settings.partitions).events.name
        told = [str(self.settings.partitions), msgspec.json.encode(pace).decode(), str(out)]
        command = [sys.executable, "-m", "bench.paced_producer", self.settings.brokers, topic, *told]
        return Child("producer", command, self.folder / f"{out.stem}.log")


@contextmanager
def live_pipeline(
    *,
    workers: int,
    partitions: int,
    brokers: str | None = None,
    services: Sequence[BenchService] = SERVICES,
    retention: str | None = None,
    begun: bool = True,
    **more: object,
) -> Iterator[LivePipeline]:
    """Everything started, and gone at the end; without `brokers` a broker of its own. `more` are other settings.

    `retention` of the cases of all `services`; None means the usual one. With `begun` False workers are not started.
    """
    with ExitStack() as stack:
        folder = stack.enter_context(work_folder(prefix="kept-live-"))
        if brokers is None:
            broker = stack.enter_context(Broker(folder / "kafka"))
            brokers = broker.bootstrap
        (folder / "catalogue").mkdir()
        for service in services:
            text = catalogue_text(service, retention)
            (folder / "catalogue" / f"{service.id}.toml").write_text(text, encoding="utf-8")
        settings = msgspec.structs.replace(
            Settings(
                brokers=brokers,
                topic_prefix=f"live-{uuid.uuid4().hex[:12]}-",
                partitions=partitions,
                catalogue=str(folder / "catalogue"),
                history_path=str(folder / "history.sqlite"),
                metrics_host=LOOPBACK,
            ),
            **more,
        )
        create_topics(settings)
        pipeline = LivePipeline(settings, folder, workers)
        stack.callback(pipeline.group.stop)
        if begun:
            pipeline.group.start()
            pipeline.wait_until_serving()
        yield pipeline
