"""Small simulated cities with and without incidents, for the tests of both."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

import catalogue
from kept import events as e
from kept.catalogue import Catalogue, read_catalogue
from kept.durations import DAY_MS
from producers.simulator import simulate
from producers.simulator.incident import Incident
from producers.simulator.script import parse_script

CITY: Catalogue = read_catalogue([catalogue.CITY])
MONDAY_MS = e.milliseconds(datetime(2026, 1, 5, tzinfo=ZoneInfo("Europe/Amsterdam")))
Timed = tuple[int, e.Event]


def script(*incidents: str, days: float = 14) -> tuple[Incident, ...]:
    """Incidents as the lines of their tables, separated by semicolons, for a simulation that begins on `MONDAY_MS`."""
    text = "".join("[[incident]]\n" + "\n".join(lines.split("; ")) + "\n" for lines in incidents)
    return parse_script(text, "test.toml", CITY, start_ms=MONDAY_MS, end_ms=MONDAY_MS + round(days * DAY_MS)).incidents


def city(
    days: float, incidents: Sequence[Incident] = (), *, services: Sequence[str] = tuple(CITY), rate: float = 1.0
) -> list[Timed]:
    """(when told in ms, event) of some services from `MONDAY_MS` on."""
    return list(
        simulate(
            [CITY[name] for name in services],
            start_ms=MONDAY_MS,
            end_ms=MONDAY_MS + round(days * DAY_MS),
            seed=1,
            rate=rate,
            incidents=incidents,
        )
    )


def days_of(name: str) -> int:
    """So many days a simulation with the built-in script `name` should be long."""
    return {"alert_proof": 175, "did_it_work": 140}.get(name, 28)


def at(days: float) -> int:
    """So many days after `MONDAY_MS`, in ms."""
    return MONDAY_MS + round(days * DAY_MS)
