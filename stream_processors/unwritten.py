"""What the history does not hold by this owner's doing yet: weeks of control charts, and registered changes.

A new owner of a partition knows of nothing that was written, and offers all of it once more: what the history holds
already is no news (`kept.signals.chart_amendments.news`, `kept.registered_changes.unheard`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from kept.registered_changes import RegisteredChange
from kept.signals.chart_history import ChartRow, rows_of, weeks_of
from kept.signals.chart_weeks import ChartWeek
from kept.signals.charts import charts
from kept.signals.situation import Situation

ChartKey = tuple[str, str]
"""(service, indicator)."""


class UnwrittenWeeks(NamedTuple):
    """Weeks of charts to be offered, and the rows that those charts are made of now."""

    weeks: list[ChartWeek]
    rows: Mapping[ChartKey, Sequence[ChartRow]]


class Unwritten:
    """Of the services of one partition of topic `tallies`.

    Asking changes nothing here before `settle_…`, so that what a store has not taken yet is asked for again.
    """

    def __init__(self) -> None:
        self._rows: dict[ChartKey, Sequence[ChartRow]] = {}
        """What the charts were made of when they were written last."""
        self._changes: dict[tuple[str, int, str], RegisteredChange] = {}

    def weeks(self, situation: Situation) -> UnwrittenWeeks:
        """The weeks of a service's charts from the first one on that is new, or not as it was written last."""
        found: list[ChartWeek] = []
        changed: dict[ChartKey, Sequence[ChartRow]] = {}
        for chart in charts(situation):
            key = (situation.service.id, chart.indicator)
            rows, written = rows_of(chart), self._rows.get(key, ())
            if rows != written:
                changed[key] = rows
                found += list(weeks_of(situation, chart))[_first_difference(written, rows) :]
        return UnwrittenWeeks(found, changed)

    def settle_weeks(self, written: UnwrittenWeeks) -> None:
        """These are written."""
        self._rows.update(written.rows)

    def register(self, change: RegisteredChange) -> None:
        """A change that was read: it is to be written."""
        self._changes[change.key()] = change

    def changes(self) -> list[RegisteredChange]:
        """The changes that are not written, ordered by `RegisteredChange.key()`."""
        return sorted(self._changes.values(), key=RegisteredChange.key)

    def settle_changes(self, written: Iterable[RegisteredChange]) -> None:
        """These are written."""
        for change in written:
            if self._changes.get(change.key()) is change:  # one that was read meanwhile is to be written, too
                del self._changes[change.key()]


def _first_difference(before: Sequence[ChartRow], after: Sequence[ChartRow]) -> int:
    """The first place at which `after` is not as `before`."""
    for place, (one, other) in enumerate(zip(before, after, strict=False)):
        if one != other:
            return place
    return min(len(before), len(after))
