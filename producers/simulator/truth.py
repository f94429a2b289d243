"""What is true of a simulated run, for scoring what was found in it: incidents, trials, and services that are quiet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from kept.catalogue import Service
from kept.durations import HOUR_MS
from kept.events import Event, Expectation, milliseconds, moment
from producers.simulator.incident import Effect, Incident, Reach
from producers.simulator.office import Office
from producers.simulator.profiles import AREAS

FORMAT = 1


class MeasuredEffect(Struct, frozen=True, kw_only=True):
    """A figure as it stood at the end of an incident (RFC 3339), with it and without; None is no value."""

    indicator: str
    slice: dict[str, str]
    window: str
    at: str
    with_incident: float | None
    without: float | None


class IncidentTruth(Struct, frozen=True, kw_only=True):
    """One incident, what it was made to do, and what it was measured to do."""

    kind: str
    service: str
    start: str
    end: str | None
    size: float | None
    parameters: dict[str, Any]
    """Whatever else the script says of it."""
    reaches: Reach
    shows_from: str | None
    """The moment from which figures can show it: by then half of the first cases that it reaches have ended."""
    announced: str | None
    """When a `service.changed` event tells of it, if one does."""
    claimed: Expectation | None
    """What that event says it will move."""
    expected: Sequence[Effect]
    measured: Sequence[MeasuredEffect] | None = None
    """Every figure that differs; None when it was not measured."""


class Trial(Struct, frozen=True, kw_only=True):
    """A registered change that belongs to the normal city: delivery times become `ratio` times what they were."""

    service: str
    at: str
    title: str
    expected: Expectation | None
    ratio: float


class Truth(Struct, frozen=True, kw_only=True):
    """Everything that is known of one run of the simulated city."""

    format: int = FORMAT
    seed: int
    rate: float
    script: str | None
    start: str
    end: str
    events: int
    services: Sequence[str]
    incidents: Sequence[IncidentTruth]
    quiet_services: Sequence[str]
    """Services that no incident touches: their events are those of the city without a script."""
    trials: Sequence[Trial]


def incident_truths(
    incidents: Sequence[Incident],
    services: Mapping[str, Service],
    measured: Sequence[Sequence[MeasuredEffect]] | None = None,
) -> list[IncidentTruth]:
    """What is true of each incident; `measured` has the effects of each, in the same order."""
    effects = [None] * len(incidents) if measured is None else measured
    return [
        _incident_truth(incident, Office(services[incident.service], seed=0, rate=1.0), found)
        for incident, found in zip(incidents, effects, strict=True)
    ]


def _incident_truth(incident: Incident, office: Office, measured: Sequence[MeasuredEffect] | None) -> IncidentTruth:
    told = msgspec.to_builtins(incident)
    known = {"kind", "service", "start", "end", "size"}
    announcement = incident.announcement()
    return IncidentTruth(
        kind=incident.kind,
        service=incident.service,
        start=rfc3339(incident.start_ms),
        end=None if incident.end_ms is None else rfc3339(incident.end_ms),
        size=told.get("size"),
        parameters={key: value for key, value in told.items() if key not in known},
        reaches=incident.reaches(),
        shows_from=_shows_from(incident, office),
        announced=None if announcement is None else rfc3339(incident.start_ms),
        claimed=None if announcement is None else announcement.expected,
        expected=incident.effects(office.profile),
        measured=measured,
    )


def trials(services: Iterable[Service], *, start_ms: int, end_ms: int) -> list[Trial]:
    """The normal city's own registered changes in [start, end), in time order."""
    hours = range(start_ms // HOUR_MS, -(-end_ms // HOUR_MS))
    found = [
        (at_ms, _trial(event, office.profile.trial_factor))
        for office in (Office(service, seed=0, rate=1.0) for service in services)
        for hour in hours
        for changes in office.trial_changes(hour)
        for at_ms, event in changes
        if start_ms <= at_ms < end_ms
    ]
    return [trial for _, trial in sorted(found, key=lambda timed: (timed[0], timed[1].service))]


def _trial(event: Event, factor: float) -> Trial:
    data = event.data
    return Trial(
        service=data.service,
        at=rfc3339(milliseconds(event.time)),
        title=data.title,
        expected=data.expected,
        ratio=factor if data.expected.direction == "down" else round(1 / factor, 6),
    )


def quiet_services(services: Iterable[str], incidents: Iterable[Incident]) -> list[str]:
    """Those without an incident."""
    touched = {incident.service for incident in incidents}
    return [service for service in services if service not in touched]


def encode(truth: Truth) -> bytes:
    """The truth as indented JSON, the same bytes for the same truth."""
    return msgspec.json.format(msgspec.json.encode(truth), indent=2) + b"\n"


def rfc3339(at_ms: int) -> str:
    """A moment in UTC."""
    return moment(at_ms).isoformat().replace("+00:00", "Z")


def _shows_from(incident: Incident, office: Office) -> str | None:
    if incident.reaches() == "nothing":
        return None
    from_ms = incident.effect_from_ms
    if incident.reaches() != "cases begun":
        return rfc3339(from_ms)
    return rfc3339(office.half_delivered_ms(from_ms, max(incident.pace(from_ms, area) for area in AREAS)))
