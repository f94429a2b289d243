"""What a part of a load test expected and found. Pure."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

WORKER_TEST = (
    "tests/bench/test_load.py::"
    "test_a_hot_service_with_an_area_a_case_on_a_slow_history_costs_no_event_and_starves_no_other"
)
"""One worker under three loads at once, in small."""


class Run(Struct, frozen=True, kw_only=True):
    """When a part was run (UTC), on what, by which command, and how long it took (s)."""

    at: datetime
    machine: str
    command: str
    took_seconds: float


class Check(Struct, frozen=True):
    """An expectation, what was found, and whether it holds."""

    expected: str
    found: str
    holds: bool


class Part(Struct, frozen=True, kw_only=True):
    """One part: what was done, what was checked, and tables of detail (title, rows of cells; the first is the head)."""

    title: str
    done: str
    checks: list[Check]
    tables: list[tuple[str, list[list[str]]]] = []
    tests: list[str] = []
    """The same in small, as tests: file::name."""
    run: Run | None = None

    def problems(self) -> list[str]:
        """What does not hold."""
        return [f"{one.expected}: {one.found}" for one in self.checks if not one.holds]
