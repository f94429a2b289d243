"""What the tallies of a service cost in memory and in Kafka, by the number of source partitions that count it.

Each partition keeps its own part of every bucket it has an event for, so that more partitions mean more tallies.
"""

from __future__ import annotations

import sys
import tempfile
import zlib
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

import msgspec

from bench.memory import resident
from bench.own_process import output_of
from bench.sizing_history import BATCH, START_MS
from catalogue import CITY
from kept.catalogue import read_catalogue
from kept.durations import DAY_MS
from kept.events import Event
from kept.intake import rules_by_service
from kept.partition import PartitionState
from kept.tallies import MergedTallies
from producers.simulator import simulate
from stream_processors.worker import prepare_process

DAYS = 35
PARTITIONS = (1, 4, 16)


class TalliesSize(msgspec.Struct, frozen=True):
    """Means over the services of a city; `memory_bytes` of one service's tallies, merged over all partitions."""

    partitions: int
    tallies_a_service: int
    record_bytes: int
    memory_bytes: int


def measure(catalogue: Path = CITY, days: int = DAYS) -> list[TalliesSize]:
    """The same city counted by so many partitions."""
    return [size_of(catalogue, days, partitions) for partitions in PARTITIONS]


def size_of(catalogue: Path, days: int, partitions: int) -> TalliesSize:
    """The city after so many days, counted by so many partitions."""
    services = read_catalogue([catalogue])
    rules = rules_by_service(services)
    states = [PartitionState(number, rules, live=False) for number in range(partitions)]
    records: dict[bytes, bytes] = {}
    events = simulate(services.values(), start_ms=START_MS, end_ms=START_MS + days * DAY_MS, seed=1)
    while batch := list(islice(events, BATCH)):
        shares: list[list[Event]] = [[] for _ in states]
        for _, event in batch:
            shares[zlib.crc32((event.subject or event.id).encode()) % partitions].append(event)
        for state, share in zip(states, shares, strict=True):
            for _, key, value in state.apply(state.offset + len(share), share).tallies if share else ():
                if value is None:
                    records.pop(key, None)
                else:
                    records[key] = value
    grown = _memory_of(records.items(), catalogue)
    return TalliesSize(
        partitions=partitions,
        tallies_a_service=len(records) // len(services),
        record_bytes=sum(len(key) + len(value) for key, value in records.items()) // len(records),
        memory_bytes=grown // len(services),
    )


def _memory_of(records: Iterable[tuple[bytes, bytes]], catalogue: Path) -> int:
    """Bytes by which a process of its own grows in merging them."""
    with tempfile.TemporaryDirectory(prefix="kept-sizing-") as folder:
        file = Path(folder) / "records"
        file.write_bytes(msgspec.msgpack.encode(list(records)))
        return int(output_of("bench.sizing_tallies", catalogue, file, what="the tallies"))


def _merged(catalogue: Path, file: Path) -> int:
    rules = rules_by_service(read_catalogue([catalogue]))
    before = resident()
    merged = MergedTallies({service: one.local_time for service, one in rules.items()})
    for key, value in msgspec.msgpack.decode(file.read_bytes(), type=list[tuple[bytes, bytes]]):
        merged.apply(key, value)
    assert merged.services()  # reading adds them up
    return resident() - before


if __name__ == "__main__":
    prepare_process()
    print(_merged(Path(sys.argv[1]), Path(sys.argv[2])))
