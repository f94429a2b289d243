"""Cases of which no more is known than an opening with a due and one completion: counted many at once.

Nearly all events of most services are these two, and each kind changes the same counters every time. So a batch of them
is a table that numpy fills by columns, instead of one contribution after the other. What comes out sums up to
`kept.cases.contribution` of the case with the event minus that without it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kept import counters as c
from kept.cases import ELAPSED_TIME, Clock
from kept.facts import Completed, Facts, Opened
from kept.histogram import bin_of
from kept.indicators.definitions import RISK_SHARE_DIVISOR
from kept.target_margins import MARGIN, band

Numbers = NDArray[np.int64]


class Rows(NamedTuple):
    """Entries by columns, each counted in the series of its line. Amounts may be 0."""

    times: Numbers
    """(n,) ms."""
    counters: Numbers
    amounts: Numbers
    series: Numbers
    """(n, series of a contribution)."""


def is_plain(before: Facts | None, after: Facts, clock: Clock) -> bool:
    """Whether a case that is `after` now is new and merely opened, or was that `before` and is completed now."""
    opened = after[0]
    if (
        clock is not ELAPSED_TIME
        or type(opened) is not Opened
        or opened.due is None
        or opened.due <= opened.time
        or opened.channel_excess
    ):
        return False
    if before is None:
        return len(after) == 1
    if len(after) != 2 or len(before) != 1 or before[0] is not opened:
        return False
    closing = after[1]
    return type(closing) is Completed and closing.outcome != c.WITHDRAWN_INDEX


class PlainCases:
    """What a batch tells of plain cases. Each contribution counts in `width` series."""

    def __init__(self, width: int) -> None:
        """Nothing told yet."""
        self._width = width
        self._opened: list[int] = []
        self._completed: list[int] = []

    def add(self, series: Sequence[int], facts: Facts) -> None:
        """A case has become `facts`, which `is_plain`."""
        opened = facts[0]
        assert isinstance(opened, Opened) and opened.due is not None
        start, due = opened.time, opened.due
        if len(facts) == 1:
            self._opened += (*series, start, due)
            return
        closing = facts[1]
        assert isinstance(closing, Completed)
        at = closing.time
        kind = 0 if opened.channel_kind is None else c.completed_by_kind(opened.channel_kind)
        margin = band(at, due, due - start, ELAPSED_TIME)
        self._completed += (*series, start, due, at, closing.outcome, bin_of(at - start), margin, kind)

    def take(self) -> list[Rows]:
        """The entries of what was added since the last call."""
        found = [
            rows(np.array(told, np.int64).reshape(-1, self._width + columns), self._width)
            for told, columns, rows in ((self._opened, 2, _openings), (self._completed, 7, _completions))
            if told
        ]
        self._opened, self._completed = [], []
        return found


def _openings(told: Numbers, width: int) -> Rows:
    start, due = told[:, width:].T
    risk = _risk(start, due)
    near = risk < due
    entries: list[tuple[Numbers, ArrayLike, ArrayLike]] = [
        (start, c.OPENED, 1),
        (start, c.BACKLOG_ENTERED, 1),
        (risk, c.RISK_ENTERED, near),
        (due, c.RISK_LEFT, near),
        (due, c.OVERDUE_ENTERED, 1),
        (due, c.DUE, 1),
    ]
    return _rows(entries, told[:, :width])


def _completions(told: Numbers, width: int) -> Rows:
    """What the completion adds, and what it takes back of what the opening foresaw."""
    start, due, at, outcome, duration_bin, margin, kind = told[:, width:].T
    risk = _risk(start, due)
    kept, near = at <= due, risk < due
    entries: list[tuple[Numbers, ArrayLike, ArrayLike]] = [
        (at, c.BACKLOG_LEFT, 1),
        (at, MARGIN + margin, 1),
        (risk, c.RISK_ENTERED, -1 * (near & (at <= risk))),
        (due, c.RISK_LEFT, -1 * (near & (at < due))),
        (at, c.RISK_LEFT, (risk < at) & (at < due)),
        (due, c.OVERDUE_ENTERED, -1 * kept),
        (at, c.OVERDUE_LEFT, ~kept),
        (due, c.DUE_KEPT, kept),
        (at, np.where(kept, c.KEPT, c.LATE), 1),
        (at, c.COMPLETED + outcome, 1),
        (at, c.CLOSED_TIME + duration_bin, 1),
        (at, c.ELAPSED_MS, at - start),
        (start, c.COMPLETION_TIME + duration_bin, 1),
        (at, c.FIRST_TIME_RIGHT, outcome != c.REJECTED_INDEX),
        (at, kind, kind != 0),
    ]
    return _rows(entries, told[:, :width])


def _risk(start: Numbers, due: Numbers) -> Numbers:
    """From when on (ms) less than a fifth of the promised time is left."""
    return due - (due - start) // RISK_SHARE_DIVISOR + 1


def _rows(entries: Sequence[tuple[Numbers, ArrayLike, ArrayLike]], series: Numbers) -> Rows:
    table = np.empty((3, len(entries), len(series)), np.int64)
    for index, entry in enumerate(entries):
        for column, value in enumerate(entry):
            table[column, index] = value
    times, counters, amounts = table.reshape(3, -1)
    counted = amounts != 0
    return Rows(times[counted], counters[counted], amounts[counted], np.tile(series, (len(entries), 1))[counted])
