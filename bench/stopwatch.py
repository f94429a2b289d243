"""Times a contender from within: from the end of its warm-up to the last event, by the clock and by its own CPU."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import msgspec

from bench.job import Place

RESULT = "KEPT_BENCH_RESULT"
EVENTS = "KEPT_BENCH_EVENTS"
WARM_UP = "KEPT_BENCH_WARM_UP"
TOPIC = "KEPT_BENCH_TOPIC"
APPLICATION = "KEPT_BENCH_APPLICATION"
BROKERS = "KEPT_BENCH_BROKERS"
FOLDER = "KEPT_BENCH_FOLDER"


class Result(msgspec.Struct, frozen=True):
    """`events` dealt with in `seconds` and `cpu_seconds` (user and system, all threads and ended children).

    The second half of them tells whether the contender was still warming up, or slows down as its state grows.
    """

    events: int
    seconds: float
    cpu_seconds: float
    peak_mib: int
    second_half_events: int
    second_half_seconds: float
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
        self._middle = 0
        self._next = self._warm_up

    def seen(self, events: int) -> bool:
        """So many events have been dealt with until now; True when these are all."""
        if events < self._next:
            return False
        if self._begun is None:
            self._begun = _read(events)
            self._next = self._middle = events + (self._all - events) // 2
        elif self._halfway is None:
            self._halfway = _read(events)
            self._next = self._all
        return events >= self._all

    def finish(self, tallies: Iterable[tuple[Place, dict[int, int]]] | None = None) -> None:
        """All events have been dealt with, as durably as the contender can: write the result."""
        end = _read(self._all)
        begun, halfway = self._begun, self._halfway
        assert begun is not None and halfway is not None
        result = Result(
            events=end.events - begun.events,
            seconds=end.seconds - begun.seconds,
            cpu_seconds=end.cpu_seconds - begun.cpu_seconds,
            peak_mib=peak_mib_of("self"),
            second_half_events=end.events - halfway.events,
            second_half_seconds=end.seconds - halfway.seconds,
            tallies=None if tallies is None else list(tallies),
        )
        written = self._file.with_suffix(".new")
        written.write_bytes(msgspec.json.encode(result))
        written.replace(self._file)


def _read(events: int) -> _Reading:
    times = os.times()
    return _Reading(events, time.perf_counter(), sum(times[:4]))
