"""Does the faults of a story: each begins when the feed has come to its hour, and ends when its time is over."""

from __future__ import annotations

import signal
import sqlite3
import time
from collections.abc import Callable, Generator, Sequence

from local_stack.chaos.faults import OWN, Fault, Target
from local_stack.chaos.process import STOP_SECONDS, Process

PULSE_SECONDS = 0.15
Wounds = Generator[None, None, None]
"""A fault under way: it is gone on with again and again, and is over when it returns."""


class Striker:
    """Use it from the thread that starts the processes: `strike` again and again."""

    def __init__(
        self,
        faults: Sequence[Fault],
        processes: dict[Target, list[Process]],
        history_path: str,
        step: Callable[[], tuple[int, float]],
        refused: Callable[[], int],
    ) -> None:
        """`step` tells which hour is being told and since when (time.monotonic()); `refused` how many requests the
        producers have refused so far because their spools were full."""
        self._waiting = list(faults)
        self._processes = processes
        self._history_path = history_path
        self._step = step
        self._refused = refused
        self._under_way: list[tuple[Fault, Process | None, Wounds]] = []
        self.ended_at: float | None = None
        """When the last fault was over (time.monotonic())."""
        self.failed: list[str] = []
        """What did not come about as it should: a spool that was not full, a process of Kept's that did not end."""

    def strike(self) -> None:
        """Begin what is due, go on with what is under way."""
        step, since = self._step()
        now = time.monotonic()
        for fault in list(self._waiting):
            victim = self._victim(fault)
            busy = any(other is victim for _, other, _ in self._under_way)
            if (step, now - since) >= (fault.step, fault.after) and not busy:
                self._waiting.remove(fault)
                self._under_way.append((fault, victim, self._wounds(fault, victim)))
        for one in list(self._under_way):
            # Before, since a broker that is started again is waited for: that is part of the recovery.
            now = time.monotonic()
            try:
                next(one[2])
            except StopIteration:
                self._under_way.remove(one)
                self.ended_at = now

    def has_begun(self, fault: Fault) -> bool:
        """Whether it has begun, or is over."""
        return fault not in self._waiting

    def over(self) -> bool:
        """Whether all faults have ended."""
        return not self._waiting and not self._under_way

    def heal(self) -> None:
        """End at once what is under way."""
        for _, victim, wounds in self._under_way:
            wounds.close()
            if victim is not None:
                victim.signal(signal.SIGCONT)
                victim.begin()
        self._waiting.clear()
        self._under_way.clear()

    def _victim(self, fault: Fault) -> Process | None:
        if fault.kind == "lock":
            return None
        return self._processes["broker" if fault.kind == "fill" else fault.target][
            0 if fault.kind == "fill" else fault.number
        ]

    def _wounds(self, fault: Fault, victim: Process | None) -> Wounds:
        if victim is None:
            return self._lock(fault)
        match fault.kind:
            case "kill":
                return _kill(fault, victim)
            case "restart":
                return self._restart(fault, victim)
            case "delay":
                return _delay(fault, victim)
            case "clock":
                return _clock(fault, victim)
            case "fill":
                return self._fill(fault, victim)
            case _:
                return _freeze(fault, victim)

    def _fill(self, fault: Fault, broker: Process) -> Wounds:
        before = self._refused()
        broker.signal(signal.SIGSTOP)
        try:
            until = time.monotonic() + fault.seconds
            while self._refused() == before and time.monotonic() < until:
                yield
        finally:
            broker.signal(signal.SIGCONT)
        if self._refused() == before:
            self.failed.append(f"{fault}: no producer refused an event, so no spool was full")

    def _restart(self, fault: Fault, victim: Process) -> Wounds:
        victim.tell_to_end()
        until = time.monotonic() + STOP_SECONDS
        while victim.running():
            if time.monotonic() > until:
                victim.kill()
                if fault.target in OWN:
                    self.failed.append(f"{fault}: {victim.name} was told to end, and had to be killed")
            yield
        yield from _for(fault.seconds)
        victim.begin()

    def _lock(self, fault: Fault) -> Wounds:
        connection = sqlite3.connect(self._history_path, timeout=5, isolation_level=None)
        try:
            connection.execute("BEGIN IMMEDIATE")
            yield from _for(fault.seconds)
            connection.execute("ROLLBACK")
        finally:
            connection.close()


def _for(seconds: float) -> Wounds:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        yield


def _kill(fault: Fault, victim: Process) -> Wounds:
    victim.kill()
    yield from _for(fault.seconds)
    victim.begin()


def _freeze(fault: Fault, victim: Process) -> Wounds:
    victim.signal(signal.SIGSTOP)
    try:
        yield from _for(fault.seconds)
    finally:
        victim.signal(signal.SIGCONT)


def _delay(fault: Fault, victim: Process) -> Wounds:
    until = time.monotonic() + fault.seconds
    try:
        while time.monotonic() < until:
            victim.signal(signal.SIGSTOP)
            yield from _for(PULSE_SECONDS)
            victim.signal(signal.SIGCONT)
            yield from _for(PULSE_SECONDS)
    finally:
        victim.signal(signal.SIGCONT)


def _clock(fault: Fault, victim: Process) -> Wounds:
    assert victim.clock is not None
    victim.clock.move(fault.jump)
    yield from _for(fault.seconds)
    victim.clock.move(0)
