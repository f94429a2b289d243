"""Registered changes with their verdicts, from what was known at a moment."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from kept.effects.judge import Judgement, judge
from kept.effects.stretch import promised_seconds
from kept.effects.words import sentence
from kept.intake import Rules
from kept.registered_changes import RegisteredChange
from kept.signals.chart_weeks import ChartWeek
from summaries.known import Known


class JudgedChanges:
    """Judges changes; the charts of each service are read once."""

    def __init__(self, known: Known) -> None:
        """What is `known` decides: the weeks and the changes of its moment."""
        self._known = known
        self._weeks: dict[str, list[ChartWeek]] | None = None
        self.changes: Sequence[RegisteredChange] = [
            change for change in known.changes() if change.service in known.catalogue
        ]
        """All that are registered, ordered by `RegisteredChange.key()`."""

    def judge(self, change: RegisteredChange) -> Judgement:
        """The verdict on `change` as of the moment."""
        service = self._known.catalogue[change.service]
        weeks = self.weeks
        return judge(
            change,
            weeks[change.service],
            weeks,
            self.changes,
            promised_seconds=promised_seconds(Rules(service), change.at),
        )

    def sentence(self, change: RegisteredChange) -> str:
        """The verdict in one plain sentence, such as the weekly summary says it."""
        return sentence(self.judge(change), ZoneInfo(self._known.catalogue[change.service].time_zone))

    @property
    def weeks(self) -> dict[str, list[ChartWeek]]:
        """Weeks of all charts, by service."""
        if self._weeks is None:
            self._weeks = {service: self._known.charts(service) for service in self._known.catalogue}
        return self._weeks
