"""Times a contender from within: from the end of its warm-up to the last event, by the clock and by its own CPU."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import msgspec

from bench.job import Place
from kept.errors import Stop

RESULT = "KEPT_BENCH_RESULT"
EVENTS = "KEPT_BENCH_EVENTS"
WARM_UP = "KEPT_BENCH_WARM_UP"
TOPIC = "KEPT_BENCH_TOPIC"
APPLICATION = "KEPT_BENCH_APPLICATION"
BROKERS = "KEPT_BENCH_BROKERS"
FOLDER = "KEPT_BENCH_FOLDER"


class Result(msgspec.Struct, frozen=True):
    """`events` dealt with in `seconds` and `cpu_seconds` (user and system, all threads and ended children).

    The rates (events a second) of both halves, without what comes after the last event, tell whether the contender was
    still warming up, or slows down as its state grows.
    """

    events: int
    seconds: float
    cpu_seconds: float
    peak_mib: int
    first_half_rate: float
    second_half_rate: float
    tallies: list[tuple[Place, dict[int, int]]] | None = None
    """None when they are to be read from where the contender wrote them."""


class _Reading(NamedTuple):
    events: int
    seconds: float
    cpu_seconds: float


def peak_mib_of(process: int | str) -> int:
    """Largest resident memory of a process (MiB). Not `ru_maxrss`: that begins with what the parent had."""
    status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) // 1024


class Stopwatch:
    """Starts when the warm-up has been dealt with, stops when all has."""

    def __init__(self) -> None:
        self._all = int(os.environ[EVENTS])
        self._warm_up = int(os.environ[WARM_UP])
        self._file = Path(os.environ[RESULT])
        self._begun: _Reading | None = None
        self._halfway: _Reading | None = None
        self._last: _Reading | None = None
        self._next = self._warm_up

    def seen(self, events: int) -> bool:
        """So many events have been dealt with until now; True when these are all."""
        if events < self._next:
            return False
        if self._begun is None:
            self._begun = _read(events)
            self._next = events + (self._all - events) // 2
        elif self._halfway is None:
            self._halfway = _read(events)
            self._next = self._all
        if events < self._all:
            return False
        self._last = _read(events)
        return True

    def finish(self, tallies: Iterable[tuple[Place, dict[int, int]]] | None = None) -> None:
        """All events have been dealt with, as durably as the contender can: write the result."""
        end = _read(self._all)
        begun, halfway, last = self._begun, self._halfway, self._last
        if begun is None or halfway is None or last is None:
            raise Stop(f"{self._all} events came in too few batches to be timed; take more, or a smaller batch")
        result = Result(
            events=end.events - begun.events,
            seconds=end.seconds - begun.seconds,
            cpu_seconds=end.cpu_seconds - begun.cpu_seconds,
            peak_mib=peak_mib_of("self"),
            first_half_rate=_rate(begun, halfway),
            second_half_rate=_rate(halfway, last),
            tallies=None if tallies is None else list(tallies),
        )
        written = self._file.with_suffix(".new")
        written.write_bytes(msgspec.json.encode(result))
        written.replace(self._file)


def _rate(begun: _Reading, end: _Reading) -> float:
    return (end.events - begun.events) / max(end.seconds - begun.seconds, 1e-9)


def _read(events: int) -> _Reading:
    times = os.times()
    return _Reading(events, time.perf_counter(), sum(times[:4]))
