"""The job in Quix Streams: state in RocksDB with a changelog, exactly once. Runs in an environment of its own.

State belongs to a message's key and its source partition. All events of a partition are given one key, so that a single
stateful step has both the register and the partition's tallies in reach: the step costs more than the state, and a
topic between two steps would double the job. Tallies are summed over source partitions by the reader, as Kept's are.
"""

from __future__ import annotations

import gc
import os
from typing import Any

import msgspec
from quixstreams import Application, State
from quixstreams.models import Deserializer

from bench import job
from bench.stopwatch import APPLICATION, BROKERS, FOLDER, TOPIC, Stopwatch

ONE_KEY = b"p"
COMMIT_SECONDS = 1.0

_decode = msgspec.json.Decoder(job.Event).decode


class OneKey(Deserializer):
    """Whatever the key: all events of a partition share one state."""

    def __call__(self, *arguments: Any, **named: Any) -> bytes:
        """The key."""
        return ONE_KEY


def count(value: bytes, state: State) -> None:
    """One event."""
    event = _decode(value)
    case_key = f"c|{event.subject}"
    applied = job.apply(state.get(case_key), event)
    if applied is None:
        return
    case, entries = applied
    state.set(case_key, case)
    for place, counted in job.changes(event.data.service, case[2], entries).items():
        key = f"t|{place}"
        tally: dict[str, int] = state.get(key) or {}
        for number, amount in counted:
            counter = str(number)
            tally[counter] = tally.get(counter, 0) + amount
        state.set(key, tally)


def run() -> None:
    """Read the topic from its beginning until all is counted and committed."""
    watch = Stopwatch()
    seen = 0

    def processed(topic: str, partition: int, offset: int) -> None:
        nonlocal seen
        seen += 1
        if watch.seen(seen):
            app.stop()

    app = Application(
        broker_address=os.environ[BROKERS],
        consumer_group=os.environ[APPLICATION],
        auto_offset_reset="earliest",
        commit_interval=COMMIT_SECONDS,
        state_dir=os.environ[FOLDER],
        processing_guarantee="exactly-once",
        on_message_processed=processed,
        loglevel="WARNING",
    )
    frame: Any = app.dataframe(app.topic(os.environ[TOPIC], value_deserializer="bytes", key_deserializer=OneKey()))
    frame.update(count, stateful=True)
    app.run()  # returns when the last checkpoint is committed
    watch.finish()


if __name__ == "__main__":
    gc.set_threshold(1_000_000, 50, 1000)  # as Kept's worker has it
    run()
