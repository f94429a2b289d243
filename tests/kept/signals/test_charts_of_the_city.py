"""Charts of the simulated city, judged every Monday by what was known then.

Quiet services give no ticket in a quarter; what truly happens gives one within two whole weeks.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from kept.catalogue import read_catalogue
from kept.events import Event, milliseconds, tick
from kept.intake import Rules
from kept.partition import PartitionState
from kept.signals import charts
from kept.signals.situation import Situation
from kept.signals.verdict import Verdict
from kept.tallies import MergedTallies
from producers.simulator.city import simulate
from producers.simulator.incident import Incident
from producers.simulator.incidents import ChaserSurge, CostJump, DefinitionChange, ImprovementThatWorks

pytestmark = pytest.mark.slow
ZONE = ZoneInfo("Europe/Amsterdam")
FIRST_MONDAY = datetime(2025, 6, 2, tzinfo=ZONE)
CITY = read_catalogue([Path(__file__).parents[3] / "catalogue" / "city"])
INCIDENT_WEEK = 13
RATES = {"cost_jump": 0.3, "chaser_surge": 1.0, "booked_early": 1.0}
"""Of the city's usual traffic: as much as it takes to see what happens, so that it is told in seconds."""


def monday(number: int) -> datetime:
    return (FIRST_MONDAY.replace(tzinfo=None) + timedelta(weeks=number)).replace(tzinfo=ZONE)


def tickets(
    name: str, weeks: int, incidents: Sequence[Incident] = (), *, rate: float = 1.0
) -> dict[int, list[Verdict]]:
    """Tickets by the number of whole weeks since the start, of those Mondays on which there is any."""
    service = CITY[name]
    rules = Rules(service)
    state = PartitionState(0, {name: rules}, live=False)
    tallies = MergedTallies({name: rules.local_time})
    start_ms, end_ms = milliseconds(monday(0)), milliseconds(monday(weeks))
    told = simulate([service], start_ms=start_ms, end_ms=end_ms, seed=5, rate=rate, incidents=incidents)
    found: dict[int, list[Verdict]] = {}
    waiting: list[Event] = []
    number = 1
    for told_ms, event in [*told, (end_ms, tick(end_ms, 0))]:
        while told_ms >= milliseconds(monday(number)) and number <= weeks:
            _apply(state, tallies, [*waiting, tick(milliseconds(monday(number)), 0)])
            waiting = []
            at = milliseconds(monday(number)) // 1000
            verdicts = [
                verdict
                for verdict in charts.judge(Situation(tallies, rules, at))
                if verdict.active and verdict.signal != "chart_signal"
            ]
            if verdicts:
                found[number] = verdicts
            number += 1
        waiting.append(event)
    return found


def _apply(state: PartitionState, tallies: MergedTallies, events: list[Event]) -> None:
    for _, key, value in state.apply(state.offset + len(events), events).tallies:
        tallies.apply(key, value)


@pytest.mark.parametrize("name", ["building-permits", "noise-complaints", "birth-certificates", "street-lights"])
def test_a_service_in_which_nothing_happens_gives_no_ticket_in_a_quarter(name: str) -> None:
    """Thirteen weeks are judged after the nine that are needed (of building permits fewer: eight weeks settle)."""
    assert {week: [one.words for one in found] for week, found in tickets(name, 22).items()} == {}


@pytest.mark.parametrize("day", [0, 3])
@pytest.mark.parametrize("kind", ["cost_jump", "chaser_surge", "booked_early"])
def test_what_happens_gives_its_ticket_within_two_whole_weeks_and_no_other(kind: str, day: int) -> None:
    """It begins with a week, or on a Thursday: then the first week has it in part."""
    start_ms = milliseconds(monday(INCIDENT_WEEK)) + day * 86_400_000
    incidents: dict[str, tuple[str, Incident, tuple[str, str]]] = {
        "cost_jump": (
            "identity-cards", CostJump(service="identity-cards", start_ms=start_ms, size=1.4),
            ("special_cause", "cost_per_transaction"),
        ),
        "chaser_surge": (
            "housing-benefit",
            ChaserSurge(service="housing-benefit", start_ms=start_ms, end_ms=start_ms + 7 * 86_400_000, size=4.0),
            ("special_cause", "failure_demand"),
        ),
        "booked_early": (
            "birth-certificates",
            DefinitionChange(
                service="birth-certificates", start_ms=start_ms, books="completion_at_an_earlier_stage", size=0.5,
                announced=False,
            ),
            ("unexplained_improvement", "delivery_time_closed_p50"),
        ),
    }  # fmt: skip
    name, incident, expected = incidents[kind]
    found = tickets(name, INCIDENT_WEEK + 3, [incident], rate=RATES[kind])
    assert {(one.signal, one.about) for verdicts in found.values() for one in verdicts} == {expected}
    assert min(found) in (INCIDENT_WEEK + 1, INCIDENT_WEEK + 2)


def test_an_improvement_that_was_registered_and_works_gives_no_ticket() -> None:
    start_ms = milliseconds(monday(INCIDENT_WEEK))
    works = ImprovementThatWorks(service="street-lights", start_ms=start_ms, indicator="delivery_time_p50", size=0.6)
    assert tickets("street-lights", INCIDENT_WEEK + 8, [works]) == {}
