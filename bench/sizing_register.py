"""Bytes of a case in the register, open and closed, in memory after a restart and in the compacted state topic.

Each state is filled here and restored in a process of its own, so that what the process grew by is the register alone.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from itertools import islice
from pathlib import Path

import msgspec

from bench.memory import CASE_KEY, LENGTH_BYTES, STEPS, open_cases, restored
from bench.own_process import output_of
from bench.workload import SERVICES, catalogue_text
from kept.catalogue import read_catalogue
from kept.errors import Stop
from kept.events import CaseCompleted, CaseOpened, CompletedData, Event
from kept.intake import Rules, rules_by_service
from kept.partition import PartitionState
from stream_processors.worker import prepare_process

CASES = 100_000


class CaseSize(msgspec.Struct, frozen=True):
    """One case: bytes a restored process holds for it, and key and value of its record in the state topic."""

    words: str
    cases: int
    memory_bytes: int
    record_bytes: int


def measure(cases: int = CASES) -> list[CaseSize]:
    """An open case, a closed one that is still remembered, and both with three steps."""
    return [
        size_of(
            f"{'closed' if closed else 'open'}{f', with {steps} steps' if steps else ''}", cases, steps, closed=closed
        )
        for steps in (0, len(STEPS))
        for closed in (False, True)
    ]


def size_of(words: str, cases: int, steps: int, *, closed: bool) -> CaseSize:
    """The size of cases with so many steps; `words` say which."""
    with tempfile.TemporaryDirectory(prefix="kept-sizing-") as folder:
        catalogue, file = Path(folder) / "catalogue", Path(folder) / "records"
        catalogue.mkdir()
        for service in SERVICES:
            (catalogue / f"{service.id}.toml").write_text(catalogue_text(service), encoding="utf-8")
        rules = rules_by_service(read_catalogue([catalogue]))
        written = _write(rules, cases, steps, file, closed=closed)
        grown = int(output_of("bench.sizing_register", catalogue, file, what="the register"))
    return CaseSize(words, cases, grown // cases, written // cases)


def _write(rules: dict[str, Rules], cases: int, steps: int, file: Path, *, closed: bool) -> int:
    """The last records of each case, as they are when the topic is compacted; returns their bytes."""
    state = PartitionState(0, rules, live=False)
    latest: dict[bytes, bytes | None] = {}
    for batch in open_cases(cases, steps):
        events = [*batch, *(_completed(event) for event in batch if isinstance(event, CaseOpened))] if closed else batch
        changes = state.apply(state.offset + len(events), events)
        latest.update((key, value) for key, value in changes.state if key[:1] == CASE_KEY)
    if state.cases != cases:
        raise Stop(f"{state.cases:,} cases are in the register, {cases:,} were opened")
    records = list(latest.items())
    with file.open("wb") as stream:
        for chunk in _chunks(records):
            packed = msgspec.msgpack.encode(chunk)
            stream.write(len(packed).to_bytes(LENGTH_BYTES, "big") + packed)
    return sum(len(key) + len(value or b"") for key, value in records)


def _completed(opened: CaseOpened) -> Event:
    return CaseCompleted(
        specversion="1.0",
        id=f"{opened.id}-completed",
        source=opened.source,
        time=opened.time + timedelta(hours=1),
        subject=opened.subject,
        data=CompletedData(
            service=opened.data.service, channel=opened.data.channel, area=opened.data.area, outcome="intended"
        ),
    )


def _chunks(records: list[tuple[bytes, bytes | None]]) -> Iterator[list[tuple[bytes, bytes | None]]]:
    iterator = iter(records)
    while chunk := list(islice(iterator, 5000)):
        yield chunk


if __name__ == "__main__":
    prepare_process()
    print(restored(rules_by_service(read_catalogue([Path(sys.argv[1])])), Path(sys.argv[2]))[1])
