"""What a proof plays: which city, which script, how long, how fast; and its events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from msgspec import Struct, field

import catalogue
from kept.catalogue import Catalogue, read_catalogue
from kept.durations import DAY_MS, SECOND_MS
from kept.events import Event, milliseconds
from local_stack.alert_proof.expected import CONTROLS, LEAD_DAYS, QUARTER_DAYS, ROWS, SCRIPT, STANDING, Row
from local_stack.alert_proof.judging import Case, cases
from producers.simulator import Script, read_script, simulate
from producers.simulator.truth import incident_truths

BEGINS_MS = milliseconds(datetime(2026, 1, 5, tzinfo=ZoneInfo("Europe/Amsterdam")))
"""A Monday: weekly figures are whole from the first one on."""


class Proof(Struct, frozen=True, kw_only=True):
    """One run: `lead_days` at once, then `days` in which the alerts are judged.

    An hour takes `seconds_per_hour`, or longer: events are never told more than `hours_ahead` of what is judged, so
    that a slow machine makes the run longer and no alert later.
    """

    script: str = SCRIPT
    services: tuple[str, ...] = ()
    """Empty: the whole city."""
    rows: Sequence[Row] = ROWS
    standing: Mapping[str, Sequence[str]] = field(default_factory=lambda: STANDING)
    controls: Sequence[str] = CONTROLS
    lead_days: int = LEAD_DAYS
    days: int = QUARTER_DAYS
    seconds_per_hour: float = 0.1
    hours_ahead: float = 6
    partitions: int = 4
    """Of the topics; so many spread the services of the city evenly over two workers."""
    seed: int = 1

    @property
    def judged_from_ms(self) -> int:
        """Where the lead ends."""
        return BEGINS_MS + self.lead_days * DAY_MS

    @property
    def until_ms(self) -> int:
        """Where the run ends."""
        return self.judged_from_ms + self.days * DAY_MS

    def city(self) -> Catalogue:
        """The simulated services of this run."""
        city = read_catalogue([catalogue.CITY])
        return {name: city[name] for name in self.services or city}

    def play(self) -> Script:
        """The script; raises `ConfigurationError` when it does not fit."""
        return read_script(self.script, self.city(), start_ms=BEGINS_MS, end_ms=self.until_ms)

    def events(self) -> Iterator[tuple[int, Event]]:
        """(when told in ms, event) of the whole run, lead included, in the order in which they are told."""
        play = self.play()
        return simulate(
            self.city().values(),
            start_ms=BEGINS_MS,
            end_ms=self.until_ms,
            seed=self.seed,
            incidents=play.incidents,
            trials=play.trials,
        )

    def cases(self) -> list[Case]:
        """The rows with their incidents; raises `ValueError` when they do not fit each other."""
        incidents = self.play().incidents
        shown = [truth.shows_from for truth in incident_truths(incidents, self.city())]
        moments = [None if text is None else milliseconds(datetime.fromisoformat(text)) for text in shown]
        return cases(self.rows, zip(incidents, moments, strict=True))

    def day(self, at: int) -> float:
        """Days from the start of the simulation to the event time `at` (s), as scripts count them."""
        return (at * SECOND_MS - BEGINS_MS) / DAY_MS
