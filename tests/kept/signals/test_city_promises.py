"""The simulated city as its promises are judged: a service that keeps its own is silent, one that slows down pages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path

import pytest

from kept.catalogue import Service, read_catalogue
from kept.durations import DAY_MS, HOUR_MS
from kept.signals import leading, promises
from kept.signals.situation import Situation
from kept.signals.verdict import Verdict
from producers.simulator import simulate
from producers.simulator.incident import Incident
from producers.simulator.incidents import SlowDown
from tests.kept.city import City, ms

pytestmark = pytest.mark.slow
CITY = read_catalogue([Path(__file__).resolve().parents[3] / "catalogue" / "city"])
START_MS = ms("2026-01-05 00:00")


def hour_by_hour(service: Service, days: range, incidents: Sequence[Incident] = ()) -> Iterable[Verdict]:
    """Every verdict at every full hour of the given days, by what had been told until then."""
    city = City(service)
    end_ms = START_MS + days.stop * DAY_MS
    events = simulate([service], start_ms=START_MS, end_ms=end_ms, seed=1, rate=1.0, incidents=incidents)
    for hour, told in groupby(events, key=lambda timed: -(-timed[0] // HOUR_MS)):
        city.apply(one for _, one in told)
        city.tick(hour * HOUR_MS)
        if hour * HOUR_MS < START_MS + days.start * DAY_MS:
            continue
        found = Situation(city.tallies, city.rules[service.id], hour * HOUR_MS // 1000)
        yield from (*promises.judge(found), *leading.judge(found))


@pytest.mark.parametrize("name", ["parking-permits", "identity-cards", "birth-certificates"])
def test_a_service_that_keeps_its_promise_is_silent(name: str) -> None:
    said = list(hour_by_hour(CITY[name], range(28, 63)))
    assert {one.signal for one in said} >= {"promise_budget_fast", "promise_budget_slow"}
    assert [one.words for one in said if one.active] == []


def test_parking_permits_that_take_two_and_a_half_times_as_long_page_within_a_week() -> None:
    """Their misses rise from under 3 % to about 14 %, with 5 % allowed; the first late ones fall due after two days."""
    slower = SlowDown(service="parking-permits", start_ms=START_MS + 14 * DAY_MS, size=2.5)
    said = list(hour_by_hour(CITY["parking-permits"], range(7, 23), [slower]))
    pages = [one for one in said if one.active and one.signal == "promise_budget_fast"]
    hours = (pages[0].at * 1000 - slower.start_ms) // HOUR_MS
    assert 48 < hours <= 7 * 24
    assert pages[0].since is not None
    assert abs(pages[0].since * 1000 - slower.start_ms - 2 * DAY_MS) <= 2 * DAY_MS
    assert {one.signal for one in said if one.active} == {"promise_budget_fast", "promise_budget_slow"}
