"""Bytes of a case in Kept's register: what the process grows by, and what is packed."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import msgspec

from bench.workload import AREAS, CATEGORIES, CHANNELS, SERVICES, SOURCE, START_MS
from kept.catalogue import read_catalogue
from kept.durations import MINUTE_MS
from kept.errors import Stop
from kept.events import CaseOpened, CaseOpenedData, CaseStep, Event, StepData, moment
from kept.intake import Rules, rules_by_service
from kept.partition import Changes, PartitionState, Record
from local_stack.environment import plain_environment
from stream_processors.worker import prepare_process

CASES = 1_000_000
BATCH_CASES = 5_000
DAYS_MS = 7 * 86_400_000
"""The cases were opened over so long, so that all their tallies are at their finest for some days."""
STEPS = ("assess", "decide", "inform")
CASE_KEY = b"c"
MEGABYTE = 1024 * 1024


class StateMemory(msgspec.Struct, frozen=True):
    """A register of `cases` open cases; bytes of the whole state, of the register alone, and of packed keys and facts."""

    words: str
    cases: int
    resident_bytes: int
    register_bytes: int
    payload_bytes: int


class MemoryReport(msgspec.Struct, frozen=True):
    """One state after the other, each in a process of its own."""

    states: list[StateMemory]


def measure(catalogue: Path, cases: int = CASES) -> MemoryReport:
    """Measure open cases without and with three steps. Each state has a process of its own, for a clean start."""
    plain, stepped = (_in_process(catalogue, cases, steps) for steps in (0, len(STEPS)))
    return MemoryReport([plain, stepped])


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
    where = {"channel": CHANNELS[chance // 8 % 4], "area": AREAS[chance // 32 % 20]}
    category = CATEGORIES[chance // 640 % 30]
    yield CaseOpened(
        specversion="1.0",
        id=f"e{number:08d}-opened",
        source=SOURCE,
        time=moment(opened),
        subject=subject,
        data=CaseOpenedData(service=service, category=category, **where),
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


def _in_process(catalogue: Path, cases: int, steps: int) -> StateMemory:
    command = [sys.executable, "-m", "bench.memory", str(catalogue), str(cases), str(steps)]
    done = subprocess.run(command, env=plain_environment(), capture_output=True, text=True, check=False)
    if done.returncode:
        raise Stop(f"the memory of the register could not be measured: {done.stderr[-600:]}")
    return msgspec.json.decode(done.stdout, type=StateMemory)


def _measure(rules: dict[str, Rules], cases: int, steps: int) -> StateMemory:
    """Fill a state as a worker does; then put its register alone into a second state, as a restart does."""
    before = _resident()
    state = PartitionState(0, rules, live=False)
    offset = -1
    register: dict[bytes, bytes] = {}
    for batch in open_cases(cases, steps):
        offset += len(batch)
        register.update(_cases(state.apply(offset, batch)))
    payload = sum(len(key) + len(value) for key, value in register.items())
    assert state.cases == len(register) == cases
    # The values are those of the state itself; what this table of them takes is measured, and taken off again.
    with_table = _resident()
    del state
    alone = _resident()
    words = "open" if not steps else f"open, with {steps} steps"
    restored = PartitionState(0, rules, live=False)
    del alone, restored
    return StateMemory(words, cases, with_table - before, 0, payload)


def _cases(changes: Changes) -> Iterator[tuple[bytes, bytes]]:
    records: list[Record] = changes.state
    return ((key, value) for key, value in records if key[:1] == CASE_KEY and value is not None)


def _resident() -> int:
    """Bytes in memory of this process, after a collection."""
    gc.collect()
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) * 1024


if __name__ == "__main__":
    prepare_process()
    folder, count, with_steps = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    found = _measure(rules_by_service(read_catalogue([folder])), count, with_steps)
    sys.stdout.write(json.dumps(msgspec.to_builtins(found)) + os.linesep)
