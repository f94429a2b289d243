"""The job in Faust's ordinary idiom: one event at a time, one table a thing, JSON, changelogs as they come.

Keys of tally tables begin with the source partition: every worker sums what it sees, as Kept's do, so that no
repartitioning is needed. Nothing is tuned but what costs it time for nothing (its web server is off, uvloop is on).
"""

from __future__ import annotations

import logging
import os
import tempfile
import traceback
from datetime import datetime
from typing import Any

import faust
import uvloop

from bench import job
from bench.stopwatch import BROKERS, TOPIC, Stopwatch
from bench.workload import TARGET_MS
from kept.counters import FAMILY_SIZE, OUTCOME_INDEX

PARTITIONS = 4


def make_app(folder: str) -> faust.App:
    """The application; it leaves when it has seen all events."""
    topic = os.environ[TOPIC]
    app = faust.App(
        f"{topic}-stock",
        broker=f"kafka://{os.environ[BROKERS]}",
        store="memory://",
        datadir=folder,
        web_enabled=False,
        topic_partitions=PARTITIONS,
        topic_replication_factor=1,
        topic_disable_leader=True,
        table_standby_replicas=0,
        consumer_auto_offset_reset="earliest",
    )
    events = app.topic(topic, key_type=str, key_serializer="raw", value_serializer="json", internal=False)
    register = app.Table("register")
    whole = app.Table("whole-5-minutes", default=dict)
    whole_hourly = app.Table("whole-hourly", default=dict)
    parts = {name: app.Table(f"{name}-hourly", default=dict) for name in job.DIMENSIONS}

    def totals() -> job.Totals:
        tables = [("", whole), ("", whole_hourly), *parts.items()]
        return job.totals_of(
            (key.split("|")[1], name, {int(counter): amount for counter, amount in tally.items()})
            for name, table in tables
            for key, tally in table.items()
        )

    def add(table: Any, key: str, counted: list[tuple[str, int]]) -> None:
        tally = table[key]
        for counter, amount in counted:
            tally[counter] = tally.get(counter, 0) + amount
        table[key] = tally

    def count(partition: int, service: str, slices: dict[str, str], entries: list[job.Entry]) -> None:
        """One table update for each bucket touched, not for each counter."""
        fine: dict[int, list[tuple[str, int]]] = {}
        binned: dict[int, list[tuple[str, int]]] = {}
        hourly: dict[int, list[tuple[str, int]]] = {}
        for time_ms, counter, amount in entries:
            change, hour = (str(counter), amount), job.hour(time_ms)
            hourly.setdefault(hour, []).append(change)
            if counter < FAMILY_SIZE:
                fine.setdefault(job.five_minutes(time_ms), []).append(change)
            else:
                binned.setdefault(hour, []).append(change)
        for end, counted in fine.items():
            add(whole, f"{partition}|{service}|{end}", counted)
        for end, counted in binned.items():
            add(whole_hourly, f"{partition}|{service}|{end}", counted)
        for name, value in slices.items():
            for end, counted in hourly.items():
                add(parts[name], f"{partition}|{service}|{value}|{end}", counted)

    watch = Stopwatch(totals)

    @app.agent(events, name="cases")  # type: ignore[untyped-decorator]
    async def cases(stream: Any) -> None:
        seen = 0
        async for event in stream.events():
            body, partition = event.value, event.message.partition
            try:
                apply(body, partition)
            except Exception:  # Faust would acknowledge the event and go on
                traceback.print_exc()
                os._exit(1)
            seen += 1
            if watch.seen(seen):
                os._exit(0)

    def apply(body: dict[str, Any], partition: int) -> None:
        case, data = body["subject"], body["data"]
        service = data["service"]
        known = register.get(case)
        if known is not None and body["id"] in known["ids"]:
            return
        time_ms = round(datetime.fromisoformat(body["time"]).timestamp() * 1000)
        if body["type"] == "case.opened":
            slices = {name: data[name] for name in job.DIMENSIONS if name in data}
            due = time_ms + TARGET_MS[service]
            register[case] = {"ids": [body["id"]], "opened": time_ms, "due": due, "slices": slices}
            count(partition, service, slices, job.opening(time_ms, due))
        else:
            assert known is not None
            register[case] = {**known, "ids": [*known["ids"], body["id"]]}
            outcome = OUTCOME_INDEX[data.get("outcome", "intended")]
            count(partition, service, known["slices"], job.completion(known["opened"], known["due"], time_ms, outcome))

    return app


def changelogs(topic: str) -> list[str]:
    """Names of the changelog topics of the application that reads `topic`."""
    tables = ["register", "whole-5-minutes", "whole-hourly", *(f"{name}-hourly" for name in job.DIMENSIONS)]
    return [f"{topic}-stock-{table}-changelog" for table in tables]


if __name__ == "__main__":
    uvloop.install()
    logging.disable(logging.INFO)  # Faust lets debug records be made and thrown away: a tenth of its time
    with tempfile.TemporaryDirectory(prefix="kept-bench-") as work_folder:
        worker = faust.Worker(make_app(work_folder), loglevel="WARNING", redirect_stdouts=False)
        worker.execute_from_commandline()
