"""What the incidents of one service do to its events. Whatever no incident reaches passes through unchanged.

Incidents have dice of their own, one an event, so that the city with them differs from the city without them by what
they do and by nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from random import Random

import msgspec

from kept import events as e
from kept.durations import HOUR_MS
from producers.simulator.bookings import otherwise
from producers.simulator.incident import Incident
from producers.simulator.voice import Timed, Voice, in_minor_units

_AGAIN_WITHIN_MS = HOUR_MS
"""Further contacts of a surge follow the one they are added to within this time."""


class Disturbance:
    """All incidents of one service."""

    def __init__(
        self, incidents: Iterable[Incident], seed: int, voice: Voice, promised_ms: Callable[[int], int]
    ) -> None:
        """`promised_ms` gives the due of a case opened at a moment that brings none of its own."""
        self._incidents = tuple(incidents)
        self._seed = seed
        self._voice = voice
        self._promised_ms = promised_ms

    def pace(self, begun_ms: int, area: str) -> float:
        """The factor on the delivery time of a case that begins at `begun_ms` in `area`."""
        return math.prod(incident.pace(begun_ms, area) for incident in self._incidents)

    def told_ms(self, at_ms: int) -> int | None:
        """When an event of `at_ms` is told, None for never."""
        return next((told for i in self._incidents if (told := i.told_ms(at_ms)) != at_ms), at_ms)

    def announcements(self, hour: int) -> Iterator[list[Timed]]:
        """The registered changes of the hour number `hour` since 1970-01-01 UTC."""
        for incident in self._incidents:
            announced = incident.announcement()
            if announced is not None and incident.start_ms // HOUR_MS == hour:
                event_id = f"{incident.service}-{incident.start_ms}:{incident.kind}"
                yield [self._voice.changed(event_id, incident.start_ms, announced.title, announced.expected)]

    def rewritten(self, began: list[Timed]) -> list[Timed]:
        """What one beginning (a case with all that follows, an enquiry, …) becomes; its first event stays the first."""
        if not self._incidents or not began:
            return began
        for incident in self._incidents:
            booked = incident.booking(began[0][0])
            if booked is not None:
                began = otherwise(began, *booked, dice=self._dice, promised_ms=self._promised_ms)
        closed_ms = next((ms for ms, event in began if isinstance(event, e.CaseCompleted)), None)
        return [changed for timed in began for changed in self._counted_otherwise(timed, closed_ms)]

    def _counted_otherwise(self, timed: Timed, closed_ms: int | None) -> Iterable[Timed]:
        """A cost at its new amount, a chasing contact as often as it now comes."""
        at_ms, event = timed
        if isinstance(event, e.CostBooked):
            return [self._costing(timed, math.prod(incident.cost(at_ms) for incident in self._incidents))]
        if isinstance(event, e.ContactReceived) and event.data.reason == "chase_progress":
            factor = math.prod(incident.chasers(at_ms) for incident in self._incidents)
            return [timed] if factor == 1.0 else self._repeated(timed, factor, closed_ms)
        return [timed]

    def _costing(self, timed: Timed, factor: float) -> Timed:
        at_ms, event = timed
        if factor == 1.0 or self._voice.costs is None:
            return timed
        money = in_minor_units(float(event.data.amount) * factor, self._voice.costs)
        return at_ms, msgspec.structs.replace(event, data=msgspec.structs.replace(event.data, amount=money))

    def _repeated(self, timed: Timed, factor: float, closed_ms: int | None) -> Iterator[Timed]:
        """On average `factor` such contacts instead of one; those of a case come before it is closed."""
        at_ms, event = timed
        dice = self._dice(event)
        wanted = int(factor) + (dice.random() < factor % 1)
        last_ms = (
            at_ms + _AGAIN_WITHIN_MS if closed_ms is None else max(at_ms, min(at_ms + _AGAIN_WITHIN_MS, closed_ms))
        )
        for number in range(wanted):
            if number == 0:
                yield timed
                continue
            again_ms = self._within_the_same_incidents(at_ms, int(dice.uniform(at_ms, last_ms)))
            event_id = f"{event.id}:{number + 1}"
            data, time = event.data, e.moment(again_ms)
            yield again_ms, msgspec.structs.replace(event, id=event_id, time=time, subject=data.case or event_id)

    def _within_the_same_incidents(self, at_ms: int, later_ms: int) -> int:
        return later_ms if all(i.covers(later_ms) for i in self._incidents if i.covers(at_ms)) else at_ms

    def _dice(self, event: e.Event) -> Random:
        return Random(f"{self._seed}/{event.id}/incident")  # noqa: S311 - dice, not a secret
