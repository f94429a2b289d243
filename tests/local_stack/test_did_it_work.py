"""The simulated city announces two improvements: the one that works and the one that does not are told apart."""

from __future__ import annotations

import zoneinfo
from datetime import UTC, datetime

import pytest

import catalogue
from kept.catalogue import read_catalogue
from kept.durations import DAY_MS
from kept.effects.judge import Judgement, judge
from kept.effects.stretch import promised_seconds
from kept.effects.words import sentence
from kept.intake import rules_by_service
from kept.registered_changes import RegisteredChange
from kept.signals.chart_weeks import ChartWeek
from producers.simulator import read_script, simulate
from stream_processors.embedded import EmbeddedPipeline

DAYS = 147
START_MS = int(datetime(2026, 1, 4, 23, tzinfo=UTC).timestamp()) * 1000
SERVICES = ("street-lights", "identity-cards", "parking-permits")
WORKS, USELESS = "street-lights", "identity-cards"
City = tuple[list[ChartWeek], list[RegisteredChange]]


@pytest.fixture(scope="module")
def city() -> City:
    """21 weeks of three services at a fifth of their volume."""
    services = {name: one for name, one in read_catalogue([catalogue.CITY]).items() if name in SERVICES}
    end_ms = START_MS + DAYS * DAY_MS
    script = read_script("did_it_work", services, start_ms=START_MS, end_ms=end_ms)
    events = simulate(
        services.values(),
        start_ms=START_MS,
        end_ms=end_ms,
        seed=1,
        rate=0.2,
        incidents=script.incidents,
        trials=script.trials,
    )
    pipeline = EmbeddedPipeline(services)
    pipeline.apply(event for _, event in events)
    pipeline.tick(end_ms)
    return pipeline.charts(end_ms // 1000), pipeline.changes()


def verdict(city: City, service: str, days: int = DAYS) -> Judgement:
    """The verdict on the service's change when `days` of the city are known."""
    weeks, changes = city
    until = START_MS // 1000 + days * 86_400
    known = {name: [week for week in weeks if week.service == name and week.week_end <= until] for name in SERVICES}
    (change,) = (one for one in changes if one.service == service)
    rules = rules_by_service(read_catalogue([catalogue.CITY]))[service]
    return judge(change, known[service], known, changes, promised_seconds=promised_seconds(rules, change.at))


def test_the_improvement_that_works_worked(city: City) -> None:
    found = verdict(city, WORKS)
    assert (found.outcome, found.reason) == ("worked", "moved_as_expected")
    assert found.effect is not None
    _, low, high = found.effect.size
    assert low < -0.4 < high < 0, "it was made to take 0.6 times as long"
    assert "the median delivery time fell by" in sentence(found, zoneinfo.ZoneInfo("Europe/Amsterdam"))


def test_the_one_without_effect_did_not(city: City) -> None:
    found = verdict(city, USELESS)
    assert (found.outcome, found.reason) == ("did_not", "nothing_worthwhile")
    assert found.effect is not None
    assert found.effect.size[1] < 0 < found.effect.size[2]


@pytest.mark.parametrize("service", [WORKS, USELESS])
def test_four_weeks_after_it_is_too_early(city: City, service: str) -> None:
    found = verdict(city, service, days=85 + 28)
    assert (found.outcome, found.weeks_after) == ("too_early", 3)
    assert found.known_from is not None and found.known_from <= START_MS // 1000 + 134 * 86_400
