"""The job in Bytewax: stateful steps by key, snapshots in its recovery store. Runs in an environment of its own.

Its recovery store is SQLite on the local disk: what the machine loses is lost. Snapshots and positions of an epoch
belong together, so that nothing is counted twice after a restart.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

import bytewax.operators as op
import msgspec
from bytewax.connectors.kafka import KafkaSource
from bytewax.dataflow import Dataflow
from bytewax.outputs import DynamicSink, StatelessSinkPartition
from bytewax.recovery import RecoveryConfig, init_db_dir
from bytewax.testing import run_main

from bench import job
from bench.stopwatch import APPLICATION, BROKERS, FOLDER, TOPIC, Stopwatch

EPOCH = timedelta(seconds=1)
BATCH = 5000
TALLIES_STEP = "tallies"

_decode = msgspec.json.Decoder(job.Event).decode
Change = tuple[str, list[tuple[int, int]]]


class Nowhere(StatelessSinkPartition[Any]):
    """Takes what is left, which is nothing."""

    def write_batch(self, items: list[Any]) -> None:
        """Nothing to write."""


class NowhereSink(DynamicSink[Any]):
    """A flow must end in a sink."""

    def build(self, step_id: str, worker_index: int, worker_count: int) -> Nowhere:
        """One for each worker."""
        return Nowhere()


def count_case(known: job.Case | None, event: job.Event) -> tuple[job.Case | None, Iterable[Change]]:
    """The register: the case with the event, and the buckets that it changes."""
    applied = job.apply(known, event)
    if applied is None:
        return known, ()
    case, entries = applied
    return case, job.changes(event.data.service, case[2], entries).items()


def add(tally: dict[int, int] | None, counted: list[tuple[int, int]]) -> tuple[dict[int, int], Iterable[None]]:
    """One bucket: its tally with what was counted."""
    tally = {} if tally is None else tally
    for counter, amount in counted:
        tally[counter] = tally.get(counter, 0) + amount
    return tally, ()


def flow(watch: Stopwatch) -> Dataflow:
    """Source, register, tallies."""
    seen = 0

    def decode(message: Any) -> tuple[str, job.Event]:
        nonlocal seen
        seen += 1
        watch.seen(seen)
        event = _decode(message.value)
        return event.subject, event

    flow = Dataflow("kept_bench")
    source = KafkaSource([os.environ[BROKERS]], [os.environ[TOPIC]], tail=False, batch_size=BATCH)
    messages = op.input("events", flow, source)
    cases: Any = op.map("decode", messages, decode)
    changes: Any = op.stateful_flat_map("register", cases, count_case)
    by_place: Any = op.map("by_place", changes, lambda pair: pair[1])
    left = op.stateful_flat_map(TALLIES_STEP, by_place, add)
    op.output("nowhere", left, NowhereSink())
    return flow


def run() -> None:
    """Read the topic from its beginning to its end; all is in the recovery store then."""
    watch = Stopwatch()
    folder = Path(os.environ[FOLDER]) / os.environ[APPLICATION]
    folder.mkdir(parents=True)
    init_db_dir(folder, 1)
    run_main(flow(watch), epoch_interval=EPOCH, recovery_config=RecoveryConfig(folder))
    watch.finish()


if __name__ == "__main__":
    gc.set_threshold(1_000_000, 50, 1000)  # as Kept's worker has it
    run()
