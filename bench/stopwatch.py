"""Times a contender from within: from the first events dealt with to the last, by the clock and by its own CPU."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from bench.job import Totals

RESULT = "KEPT_BENCH_RESULT"
EVENTS = "KEPT_BENCH_EVENTS"
TOPIC = "KEPT_BENCH_TOPIC"
BROKERS = "KEPT_BENCH_BROKERS"


class Result(msgspec.Struct, frozen=True):
    """`events` dealt with in `seconds` and `cpu_seconds` of this process (user and system, all threads)."""

    events: int
    seconds: float
    cpu_seconds: float
    peak_mib: int
    totals: Totals | None = None
    """None when they are to be read from Kafka."""


def peak_mib_of(process: int | str) -> int:
    """Largest resident memory of a process (MiB). Not `ru_maxrss`: that begins with what the parent had."""
    status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) // 1024


class Stopwatch:
    """Starts after the first events, so that start-up is not measured; writes the result when all have been seen."""

    def __init__(self, totals: Callable[[], Totals] | None = None) -> None:
        self._all = int(os.environ[EVENTS])
        self._file = Path(os.environ[RESULT])
        self._totals = totals
        self._first: tuple[int, float, float] | None = None

    def seen(self, events: int) -> bool:
        """So many events have been dealt with until now; True when these are all."""
        if self._first is None:
            self._first = (events, time.perf_counter(), time.process_time())
        if events < self._all:
            return False
        already, began, cpu = self._first
        seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - cpu
        totals = None if self._totals is None else self._totals()
        written = self._file.with_suffix(".new")
        peak_mib = peak_mib_of("self")
        written.write_bytes(msgspec.json.encode(Result(events - already, seconds, cpu_seconds, peak_mib, totals)))
        written.replace(self._file)
        return True
