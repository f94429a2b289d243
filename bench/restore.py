"""How long one worker needs until it has a million open cases back from their state topic.

The topic is written by Kept itself, batch by batch; it is not compacted yet, as it would be after a busy hour. Then the
case processor restores it in a fresh process, and after that a real `kept worker`, from the start of its process.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path

import msgspec

from bench.memory import open_cases
from bench.stopwatch import FOLDER, RESULT, peak_mib_of
from command_line.topics import create_topics
from kept.catalogue import read_catalogue
from kept.errors import Stop
from kept.intake import Rules, rules_by_service
from kept.metric_names import EVENTS
from kept.partition import PartitionState
from kept.settings import Settings, read_settings
from kept.topics import topics
from local_stack.child import Child
from local_stack.environment import environment_of
from local_stack.ports import LOOPBACK, free_port
from local_stack.replay import WorkerGroup
from local_stack.soak.samples import exposed, total
from stream_processors.case_processor import CaseProcessor
from stream_processors.connection import client_settings
from stream_processors.partition_log import PartitionLog
from stream_processors.worker import prepare_process

CASES = 1_000_000
POLL_SECONDS = 0.05
PATIENCE_SECONDS = 300.0


class Restored(msgspec.Struct, frozen=True):
    """What the case processor needed in a process of its own."""

    records: int
    cases: int
    seconds: float
    cpu_seconds: float
    peak_mib: int


class RestoreReport(msgspec.Struct, frozen=True):
    """`worker_seconds` run from the start of a worker's process until its case processor has all its partitions back.

    The indicator processor's merged tallies are not waited for.
    """

    cases: int
    partitions: int
    processor: Restored
    state_bytes: int
    worker_seconds: float
    worker_peak_mib: int


def measure(settings: Settings, folder: Path, cases: int = CASES) -> RestoreReport:
    """Write the state of `cases` open cases, and have it restored. `settings` name the broker and the catalogue."""
    settings = msgspec.structs.replace(
        settings,
        topic_prefix=f"{settings.topic_prefix}restore-",
        history_path=str(folder / "restore.sqlite"),
        metrics_host=LOOPBACK,
        metrics_port=free_port(),
    )
    create_topics(settings)
    rules = rules_by_service(read_catalogue([Path(settings.catalogue)]))
    size = asyncio.run(_write_states(settings, rules, cases))
    processor = _in_process(settings, folder)
    if processor.cases != cases:
        raise Stop(f"{processor.cases:,} cases were restored, {cases:,} were written")
    seconds, peak_mib = _with_worker(settings, folder, cases)
    return RestoreReport(cases, settings.partitions, processor, size, seconds, peak_mib)


async def _write_states(settings: Settings, rules: dict[str, Rules], cases: int) -> int:
    """The state of each partition, written as a worker writes it; returns its bytes."""
    size = 0
    names = topics(settings.topic_prefix, settings.partitions)
    share, rest = divmod(cases, settings.partitions)
    first = 0
    for partition in range(settings.partitions):
        state = PartitionState(partition, rules, live=False)
        transactional_id = f"{names.state.name}-{partition}"
        log = PartitionLog(client_settings(settings), names, transactional_id, partition)
        await log.open(state)
        count = share + (partition < rest)
        for batch in open_cases(count, steps=0, first=first):
            changes = state.apply(state.offset + len(batch), batch)
            await log.write(changes, [])
            size += sum(len(key) + len(value or b"") for key, value in changes.state)
        await log.close()
        first += count
    return size


def _in_process(settings: Settings, folder: Path) -> Restored:
    file = folder / "restored.json"
    environment = {**environment_of(settings), RESULT: str(file), FOLDER: str(folder)}
    child = Child("restore", [sys.executable, "-m", "bench.restore"], folder / "restore.log", environment=environment)
    child.start()
    try:
        if child.wait(PATIENCE_SECONDS) != 0:
            raise Stop(f"the state was not restored (exit {child.exit_code()}):\n{child.log_tail(40)}")
    finally:
        child.stop()
    return msgspec.json.decode(file.read_bytes(), type=Restored)


def _with_worker(settings: Settings, folder: Path, cases: int) -> tuple[float, int]:
    """Seconds from the start of a real worker until it tells of all cases, and its peak (MiB)."""
    group = WorkerGroup(settings, folder, 1)
    began = time.monotonic()
    group.start()
    try:
        while _received(settings.metrics_port) < cases:
            group.watch()
            if time.monotonic() - began > PATIENCE_SECONDS:
                raise Stop(f"the worker did not restore its state:\n{group.workers[0].log_tail()}")
            time.sleep(POLL_SECONDS)
        pid = group.workers[0].pid
        assert pid is not None
        return time.monotonic() - began, peak_mib_of(pid)
    finally:
        group.stop()


def _received(port: int) -> int:
    """Events that the worker's restored marks account for; 0 while it does not answer yet."""
    try:
        return total([exposed(port)], EVENTS.name, account="received")
    except OSError:
        return 0


async def _restore() -> Restored:
    settings = read_settings(os.environ)
    rules = rules_by_service(read_catalogue([Path(settings.catalogue)]))
    names = topics(settings.topic_prefix, settings.partitions)
    processor = CaseProcessor(settings, names, rules, client_settings(settings), lambda: 0)
    began, cpu = time.perf_counter(), time.process_time()
    await processor.assign(set(range(settings.partitions)))
    pending = [owned.ready for owned in processor.partitions.values() if owned.ready is not None]
    records = sum(await asyncio.gather(*pending))
    seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - cpu
    cases = sum(owned.state.cases for owned in processor.partitions.values())
    await processor.close()
    return Restored(records, cases, seconds, cpu_seconds, peak_mib_of("self"))


if __name__ == "__main__":
    prepare_process()
    restored = asyncio.run(_restore())
    Path(os.environ[RESULT]).write_bytes(msgspec.json.encode(restored))
