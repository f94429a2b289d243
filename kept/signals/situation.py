"""What a signal may ask of one service at one moment. Signals are pure functions of it: no state, no clock."""

from __future__ import annotations

from kept.indicators.windows import SeriesReader
from kept.intake import Rules
from kept.tallies import MergedTallies, Series


class Situation:
    """A service as of `at` (s, a full hour of its local time)."""

    def __init__(self, tallies: MergedTallies, rules: Rules, at: int) -> None:
        self.tallies = tallies
        self.rules = rules
        self.service = rules.service
        self.at = at
        self._readers: dict[Series, SeriesReader] = {}

    @property
    def whole(self) -> SeriesReader:
        """The whole service."""
        return self.reader((self.service.id, "", ""))

    def reader(self, series: Series) -> SeriesReader:
        """One series (service, dimension, value)."""
        if series not in self._readers:
            self._readers[series] = SeriesReader(self.tallies, series, self.rules.local_time, self.at)
        return self._readers[series]

    def slices(self, dimension: str) -> list[Series]:
        """The series of a dimension (`area`, `channel`, `step`)."""
        return [series for series in self.tallies.series_of(self.service.id) if series[1] == dimension]
