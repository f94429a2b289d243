"""What came of reading a file: its events in time order, what could not be read, and what tells nothing that counts."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from msgspec import Struct

from kept.errors import Stop
from kept.events import Event
from producers.sources.problems import RowProblem
from producers.sources.time_order import TimedEvents, TimeOrder


class EventFile(Struct, frozen=True):
    """What a file tells: (event time in ms, event) in order, the rows that could not be read, and rows seen in all.

    `passed_over` counts, by what they are, rows that could be read and are about nothing that Kept counts.
    """

    events: TimedEvents
    problems: list[RowProblem]
    rows: int
    passed_over: dict[str, int] = {}

    @property
    def unreadable(self) -> int:
        """How many rows could not be read."""
        return sum(problem.rows for problem in self.problems)


class Account:
    """Kept while a file is read: every row is told of, is a problem, or is passed over."""

    def __init__(self, path: Path, until_ms: int | None, *, as_told: bool = False) -> None:
        self.rows = 0
        self.problems: list[RowProblem] = []
        self.passed_over: Counter[str] = Counter()
        self._path = path
        self._order = TimeOrder(until_ms, as_told=as_told)

    def tell(self, timed_events: list[tuple[int, Event]]) -> None:
        """The next events, in any order."""
        for time_ms, event in timed_events:
            self._order.add(time_ms, event)

    def file(self) -> EventFile:
        """The whole; raises `Stop` when there were rows and none could be read."""
        unreadable = sum(problem.rows for problem in self.problems)
        if self.rows and unreadable == self.rows:
            raise Stop(f"{self._path}: none of its {self.rows} rows can be read; {self.problems[0]}")
        return EventFile(self._order.events(), self.problems, self.rows, dict(self.passed_over))
