"""What a signal may ask of one service at one moment. Signals are pure functions of it: no state, no clock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from kept.indicators.windows import SeriesReader
from kept.intake import Rules
from kept.slice_values import OTHER
from kept.tallies import MergedTallies, Series

T = TypeVar("T")


class Situation:
    """A service as of `at` (s, a full hour of its local time)."""

    def __init__(self, tallies: MergedTallies, rules: Rules, at: int) -> None:
        self.tallies = tallies
        self.rules = rules
        self.service = rules.service
        self.at = at
        self._readers: dict[Series, SeriesReader] = {}
        self._found: dict[Callable[[Situation], Any], Any] = {}

    @property
    def whole(self) -> SeriesReader:
        """The whole service."""
        return self.reader((self.service.id, "", ""))

    def reader(self, series: Series) -> SeriesReader:
        """One series (service, dimension, value)."""
        if series not in self._readers:
            self._readers[series] = SeriesReader(self.tallies, series, self.rules.local_time, self.at)
        return self._readers[series]

    def once(self, find: Callable[[Situation], T]) -> T:
        """What `find` makes of this situation, made once for all who ask; not to be changed by them."""
        if find not in self._found:
            self._found[find] = find(self)
        found: T = self._found[find]
        return found

    def slices(self, dimension: str) -> list[Series]:
        """The series of a dimension (`area`, `channel`, `step`); what is joined to `OTHER` is none of its values."""
        every = self.tallies.series_of(self.service.id)
        return [series for series in every if series[1] == dimension and series[2] != OTHER]
