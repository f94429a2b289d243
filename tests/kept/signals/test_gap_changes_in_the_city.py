"""The simulated city: an honest half-year has no gap that changes, and the scripted one is told of its area alone."""

from __future__ import annotations

from itertools import groupby

from kept.buckets import DAY_SECONDS
from kept.durations import DAY_MS
from kept.signals.gap_changes import judge
from kept.signals.situation import Situation
from kept.signals.verdict import Verdict
from producers.simulator.incident import Incident
from tests.kept.city import City
from tests.producers.incident_city import CITY, MONDAY_MS, city, script

PARKING = CITY["parking-permits"]
WEEKS = 23
BEGINS_WEEK = 18
"""So many weeks are over when the gap begins to grow."""
RATE = 0.25
"""Of the city's usual traffic, so that half a year is simulated in seconds."""


def judged_by_week(*incidents: Incident) -> dict[int, list[Verdict]]:
    """Verdicts by number of the week that is just over."""
    pipeline = City(PARKING)
    judged: dict[int, list[Verdict]] = {}
    events = city(7 * WEEKS, incidents, services=[PARKING.id], rate=RATE)
    for week, told in groupby(events, key=lambda timed: (timed[0] - MONDAY_MS) // (7 * DAY_MS) + 1):
        pipeline.apply([event for _, event in told])
        at_ms = MONDAY_MS + week * 7 * DAY_MS
        pipeline.tick(at_ms)
        now = pipeline.rules[PARKING.id].local_time.day_start(at_ms // 1000 + DAY_SECONDS // 2)
        situation = Situation(pipeline.tallies, pipeline.rules[PARKING.id], now)
        judged[week] = list(judge(situation))
    return judged


def test_an_honest_half_year_is_silent() -> None:
    judged = judged_by_week()
    last = [verdict.about for verdict in judged[WEEKS]]
    assert {about.partition("=")[0] for about in last} == {"area", "channel"} and len(last) >= 8
    assert [verdict for verdicts in judged.values() for verdict in verdicts if verdict.active] == []


def test_an_injected_gap_that_widens_is_told_of_its_area_alone() -> None:
    start = 7 * BEGINS_WEEK
    incident = (
        f'kind = "area_gap"; service = "parking-permits"; start = "+{start}d"; area = "North"; size = 5.0; '
        'grows_over = "10d"'
    )
    judged = judged_by_week(*script(incident, days=7 * WEEKS))
    active = {week: {one.about for one in verdicts if one.active} for week, verdicts in judged.items()}
    first = min(week for week, areas in active.items() if areas)
    assert BEGINS_WEEK < first <= BEGINS_WEEK + 4
    assert all(areas == ({"area=North"} if week >= first else set()) for week, areas in active.items())
