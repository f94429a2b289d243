"""Bytes of a case in Kept's register: what the process grows by, and what is packed."""

from __future__ import annotations

import gc
import sys
import tempfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import msgspec

from bench.own_process import output_of
from bench.workload import AREAS, CATEGORIES, CHANNELS, SERVICES, SOURCE, START_MS
from kept.catalogue import read_catalogue
from kept.durations import MINUTE_MS
from kept.events import CaseOpened, CaseOpenedData, CaseStep, Event, StepData, moment
from kept.intake import Rules, rules_by_service
from kept.marks import Accounts, Mark
from kept.partition import Changes, PartitionState
from kept.state_records import MARK, Record, pack_mark
from stream_processors.worker import prepare_process

CASES = 1_000_000
BATCH_CASES = 5_000
DAYS_MS = 7 * 86_400_000
"""The cases were opened over so long, so that all their tallies are at their finest for some days."""
STEPS = ("assess", "decide", "inform")
STEPPED_PART = 4
"""One case in so many is measured with steps: they are four events each."""
CASE_KEY = b"c"
WHOLE, REGISTER = "whole", "register"
LENGTH_BYTES = 4


class StateMemory(msgspec.Struct, frozen=True):
    """A register of `cases` open cases: bytes the process grew by with all its state, and with its register alone."""

    words: str
    cases: int
    resident_bytes: int
    register_bytes: int
    payload_bytes: int
    """Packed facts and keys."""


class MemoryReport(msgspec.Struct, frozen=True):
    """One state after the other, each measured in processes of its own."""

    states: list[StateMemory]


class _Grown(msgspec.Struct, frozen=True):
    resident: int
    payload: int


def measure(catalogue: Path, cases: int = CASES) -> MemoryReport:
    """Measure open cases without steps, and a part of them with three steps each."""
    stepped = max(1, cases // STEPPED_PART)
    return MemoryReport([_state(catalogue, cases, 0), _state(catalogue, stepped, len(STEPS))])


def open_cases(cases: int, steps: int, first: int = 0) -> Iterator[list[Event]]:
    """Batches of events that open `cases` cases, and give each so many steps."""
    for begin in range(first, first + cases, BATCH_CASES):
        numbers = range(begin, min(begin + BATCH_CASES, first + cases))
        yield [event for number in numbers for event in _events(number, cases, steps)]


def _events(number: int, cases: int, steps: int) -> Iterator[Event]:
    chance = number * 2_654_435_761 & 0xFFFFFFFF
    service = SERVICES[chance % len(SERVICES)].id
    subject = f"{service[:2].upper()}-{number:08d}"
    opened = START_MS + number * DAYS_MS // cases
    yield CaseOpened(
        specversion="1.0",
        id=f"e{number:08d}-opened",
        source=SOURCE,
        time=moment(opened),
        subject=subject,
        data=CaseOpenedData(
            service=service,
            channel=CHANNELS[chance // 8 % 4],
            area=AREAS[chance // 32 % 20],
            category=CATEGORIES[chance // 640 % 30],
        ),
    )
    for place, step in enumerate(islice(STEPS, steps)):
        began = opened + (place + 1) * 10 * MINUTE_MS
        yield CaseStep(
            specversion="1.0",
            id=f"e{number:08d}-{step}",
            source=SOURCE,
            time=moment(began + 5 * MINUTE_MS),
            subject=subject,
            data=StepData(service=service, step=step, started=moment(began), ended=moment(began + 5 * MINUTE_MS)),
        )


def _state(catalogue: Path, cases: int, steps: int) -> StateMemory:
    with tempfile.TemporaryDirectory(prefix="kept-bench-") as folder:
        file = Path(folder) / "records"
        whole, register = (_in_process(catalogue, cases, steps, what, file) for what in (WHOLE, REGISTER))
    words = f"open, with {steps} steps" if steps else "open"
    return StateMemory(words, cases, whole.resident, register.resident, whole.payload)


def _in_process(catalogue: Path, cases: int, steps: int, what: str, file: Path) -> _Grown:
    told = output_of("bench.memory", catalogue, cases, steps, what, file, what="the memory of the register")
    return msgspec.json.decode(told, type=_Grown)


def _whole(rules: dict[str, Rules], cases: int, steps: int, file: Path) -> _Grown:
    """A state filled as a worker fills it: register and tallies. The records of its cases go to `file`."""
    before = resident()
    state = PartitionState(0, rules, live=False)
    offset, payload = -1, 0
    with file.open("wb") as stream:
        for batch in open_cases(cases, steps):
            offset += len(batch)
            records = _case_records(state.apply(offset, batch))
            payload += sum(len(key) - len(CASE_KEY) + len(value or b"") for key, value in records)
            packed = msgspec.msgpack.encode(records)
            stream.write(len(packed).to_bytes(LENGTH_BYTES, "big") + packed)
    assert state.cases == cases
    return _Grown(resident() - before, payload)


def _register(rules: dict[str, Rules], cases: int, file: Path) -> _Grown:
    state, grown = restored(rules, file)
    assert state.cases == cases
    return _Grown(grown, 0)


def restored(rules: dict[str, Rules], file: Path) -> tuple[PartitionState, int]:
    """A state restored from the records of its cases alone, and the bytes that this process grew by."""
    decode = msgspec.msgpack.Decoder(list[tuple[bytes, bytes | None]]).decode
    before = resident()
    state = PartitionState(0, rules, live=False)
    with file.open("rb") as stream:
        while length := stream.read(LENGTH_BYTES):
            state.restore(decode(stream.read(int.from_bytes(length, "big"))))
    state.restore([(MARK, pack_mark(Mark(0, 0, None, Accounts())))])
    state.restored()
    return state, resident() - before


def _case_records(changes: Changes) -> list[Record]:
    return [record for record in changes.state if record[0][:1] == CASE_KEY]


def resident() -> int:
    """Bytes in memory of this process, after a collection."""
    gc.collect()
    return resident_of("self")


def resident_of(process: int | str) -> int:
    """Bytes in memory of a process."""
    status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) * 1024


if __name__ == "__main__":
    prepare_process()
    of_catalogue = rules_by_service(read_catalogue([Path(sys.argv[1])]))
    count, with_steps, asked, records_file = int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], Path(sys.argv[5])
    if asked == WHOLE:
        grown = _whole(of_catalogue, count, with_steps, records_file)
    else:
        grown = _register(of_catalogue, count, records_file)
    print(msgspec.json.encode(grown).decode())
