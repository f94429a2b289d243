"""What is looked at during a soak: of each process what Linux says, of the pipeline what it says of itself."""

from __future__ import annotations

import os
import urllib.request
from collections.abc import Iterable, Sequence
from pathlib import Path

from msgspec import Struct
from prometheus_client.parser import text_string_to_metric_families

from kept import metric_names as names
from kept.topics import Topics
from local_stack.child import Child
from local_stack.ports import LOOPBACK

MIB = 1024 * 1024
Value = tuple[dict[str, str], float]


class ProcessSample(Struct, frozen=True):
    """Of one process."""

    resident_mib: float
    files: int
    threads: int


class Sample(Struct, frozen=True, kw_only=True):
    """At `minute` (of the wall clock, from the start of the soak). `lag` are events that wait to be counted, `pending`
    records of tallies of which no points are in the history yet; `behind_seconds` is how long ago that was told which
    is published now."""

    minute: float
    processes: dict[str, ProcessSample]
    applied: int
    lag: int
    pending: int
    behind_seconds: float
    spooled: int
    cases: int
    buckets: int


def of_process(child: Child) -> ProcessSample:
    """What Linux says of it; raises `OSError` when it is gone."""
    folder = Path("/proc") / str(child.pid)
    pages = int((folder / "statm").read_text().split()[1])
    return ProcessSample(
        resident_mib=pages * os.sysconf("SC_PAGE_SIZE") / MIB,
        files=len(list((folder / "fd").iterdir())),
        threads=len(list((folder / "task").iterdir())),
    )


def exposed(port: int) -> dict[str, list[Value]]:
    """(labels, value) of each sample on loopback `port`, by name; raises `OSError`."""
    return samples_in(exposition(port))


def exposition(port: int) -> str:
    """What is on loopback `port`, as it stands there; raises `OSError`."""
    with urllib.request.urlopen(f"http://{LOOPBACK}:{port}/metrics", timeout=10) as answer:
        return str(answer.read().decode())


def samples_in(text: str) -> dict[str, list[Value]]:
    """(labels, value) of each sample of an exposition, by name."""
    found: dict[str, list[Value]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, []).append((sample.labels, sample.value))
    return found


def take(
    minute: float,
    children: Sequence[Child],
    worker_ports: Iterable[int],
    producer_port: int,
    topics: Topics,
    behind: float,
) -> Sample:
    """Look once; raises `OSError` when a process does not answer."""
    workers = [exposed(port) for port in worker_ports]
    producer = exposed(producer_port)
    return Sample(
        minute=minute,
        processes={child.name: of_process(child) for child in children},
        applied=total(workers, names.EVENTS.name, account="applied"),
        lag=total(workers, names.LAG.name, topic=topics.events.name),
        pending=total(workers, names.LAG.name, topic=topics.tallies.name),
        behind_seconds=behind,
        spooled=total([producer], names.SPOOL_EVENTS.name),
        cases=total(workers, names.REGISTER.name),
        buckets=total(workers, names.TALLY_BUCKETS.name),
    )


def total(of: Iterable[dict[str, list[Value]]], name: str, **labels: str) -> int:
    """The sum of the samples of that name that have these labels."""
    values = (value for samples in of for found, value in samples.get(name, []) if labels.items() <= found.items())
    return round(sum(values))
