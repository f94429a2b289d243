"""The job in Faust's ordinary idiom: one event at a time, one table a thing, JSON, changelogs as they come.

Keys of tally tables begin with the source partition: every worker sums what it sees, as Kept's do, so that no
repartitioning is needed. Nothing is tuned but what costs it time for nothing (its web server is off, uvloop is on).
"""

from __future__ import annotations

import logging
import os
import traceback
from collections.abc import Iterator
from typing import Any

import faust
import msgspec

from bench import job
from bench.stopwatch import APPLICATION, BROKERS, FOLDER, TOPIC, Stopwatch
from stream_processors.worker import prepare_process

PARTITIONS = 4
TABLES = ("register", "tallies")


def make_app() -> faust.App:
    """The application; it leaves when it has seen all events."""
    app = faust.App(
        os.environ[APPLICATION],
        broker=f"kafka://{os.environ[BROKERS]}",
        store="memory://",
        datadir=os.environ[FOLDER],
        web_enabled=False,
        topic_partitions=PARTITIONS,
        topic_replication_factor=1,
        topic_disable_leader=True,
        table_standby_replicas=0,
        consumer_auto_offset_reset="earliest",
    )
    events = app.topic(os.environ[TOPIC], key_type=str, key_serializer="raw", value_serializer="json", internal=False)
    register = app.Table("register")
    tallies = app.Table("tallies", default=dict)

    def rows() -> Iterator[tuple[job.Place, dict[int, int]]]:
        for key, tally in tallies.items():
            yield job.place_of(key.partition("|")[2]), {int(counter): amount for counter, amount in tally.items()}

    watch = Stopwatch()

    @app.agent(events, name="cases")  # type: ignore[untyped-decorator]
    async def cases(stream: Any) -> None:
        seen = 0
        async for event in stream.events():
            try:
                apply(msgspec.convert(event.value, job.Event), event.message.partition)
            except Exception:  # Faust would acknowledge the event and go on
                traceback.print_exc()
                os._exit(1)
            seen += 1
            if watch.seen(seen):
                watch.finish(rows())
                os._exit(0)

    def apply(event: job.Event, partition: int) -> None:
        applied = job.apply(register.get(event.subject), event)
        if applied is None:
            return
        case, entries = applied
        register[event.subject] = case
        for place, counted in job.changes(event.data.service, case[2], entries).items():
            key = f"{partition}|{place}"
            tally = tallies[key]
            for number, amount in counted:
                counter = str(number)
                tally[counter] = tally.get(counter, 0) + amount
            tallies[key] = tally

    return app


def changelogs(application: str) -> list[str]:
    """Names of the application's changelog topics."""
    return [f"{application}-{table}-changelog" for table in TABLES]


if __name__ == "__main__":
    prepare_process()
    logging.disable(logging.INFO)  # Faust lets debug records be made and thrown away: a tenth of its time
    worker = faust.Worker(make_app(), loglevel="WARNING", redirect_stdouts=False)
    worker.execute_from_commandline()
