"""The scripted gap of the simulated city: one area's parking permits take three times as long, the others make up."""

from __future__ import annotations

from itertools import groupby

from kept.durations import DAY_MS
from kept.signals.gaps import judge
from kept.signals.situation import Situation
from producers.simulator import read_script
from tests.kept.city import City
from tests.producers.incident_city import CITY, MONDAY_MS, city

PARKING = CITY["parking-permits"]
DAYS = 35
BEGINS, IS_FULL = 10, 20


def test_the_scripted_gap_is_told_of_its_area_alone_within_a_week_of_its_full_size() -> None:
    end_ms = MONDAY_MS + DAYS * DAY_MS
    incidents = read_script("area_gap", CITY, start_ms=MONDAY_MS, end_ms=end_ms).incidents
    pipeline = City(PARKING)
    active: dict[int, set[str]] = {}
    events = city(DAYS, incidents, services=[PARKING.id])
    for day, told in groupby(events, key=lambda timed: (timed[0] - MONDAY_MS) // DAY_MS + 1):
        pipeline.apply([event for _, event in told])
        at_ms = MONDAY_MS + day * DAY_MS
        pipeline.tick(at_ms)
        situation = Situation(pipeline.tallies, pipeline.rules[PARKING.id], at_ms // 1000)
        active[day] = {verdict.about for verdict in judge(situation) if verdict.active}
    first = min(day for day, areas in active.items() if areas)
    assert BEGINS < first <= IS_FULL + 7
    assert all(areas == ({"area=North"} if day >= first else set()) for day, areas in active.items())
