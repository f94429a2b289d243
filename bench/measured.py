"""A contender's rounds on one stream, as medians with their spread."""

from __future__ import annotations

from statistics import median

import msgspec

from bench.stopwatch import Result
from bench.written import Written


class Measured(msgspec.Struct, frozen=True):
    """One contender on the first `events` events of a stream; one result a round. `compared`: counters found equal."""

    name: str
    words: str
    events: int
    compared: int
    rounds: list[Result]
    written: list[Written]

    @property
    def per_second(self) -> float:
        """Events a second of wall clock (median)."""
        return median(_per_second(one) for one in self.rounds)

    @property
    def per_cpu_second(self) -> float:
        """Events a second of the contender's own CPU time (median)."""
        return median(one.events / one.cpu_seconds for one in self.rounds)

    @property
    def spread(self) -> float:
        """(greatest - least) / median of the events a second."""
        rates = [_per_second(one) for one in self.rounds]
        return (max(rates) - min(rates)) / median(rates)

    @property
    def peak_mib(self) -> int:
        """Largest resident memory of all rounds (MiB)."""
        return max(one.peak_mib for one in self.rounds)

    @property
    def drift(self) -> float:
        """The rate in the second half of the timed events over the rate in the first (median)."""
        return median(one.second_half_rate / one.first_half_rate for one in self.rounds)


class NotRun(msgspec.Struct, frozen=True):
    """A contender that took no part, and why."""

    name: str
    words: str
    reason: str


def _per_second(one: Result) -> float:
    return one.events / one.seconds
