"""What each kind of incident truly does to the published figures: with and without it, through the same core."""

from __future__ import annotations

import pytest

from kept.durations import DAY_MS
from local_stack.counterfactual import Figures, figures_at, measure, measured_at_ms
from producers.simulator.incident import Effect, Incident
from producers.simulator.profiles import PROFILES
from tests.producers.incident_city import CITY, MONDAY_MS, at, script

OTHER = "street-lights"
"""A service that no incident of these tests touches."""


def figures(
    service: str, incidents: tuple[Incident, ...], *days: float, rate: float, windows: tuple[str, ...]
) -> list[Figures]:
    """What is published of the service and of `OTHER` at each of the days."""
    services = {name: CITY[name] for name in (OTHER, service)}
    moments = [at(day) for day in days]
    found = figures_at(services, moments, start_ms=MONDAY_MS, seed=1, rate=rate, incidents=incidents, windows=windows)
    return [found[moment] for moment in moments]


def of_service(figures: Figures, service: str) -> Figures:
    return {key: value for key, value in figures.items() if key[0] == service}


def value(figures: Figures, service: str, effect: Effect, window: str) -> float:
    found = figures[(service, effect.indicator, window, tuple(effect.slice.items()))]
    assert found is not None, (effect, window)
    return found


EARLIER = 'kind = "definition_change"; books = "completion_at_an_earlier_stage"; size = 0.5; announced = false'
WHOLE_RUN = {
    # Closed-only figures show a little less of a slow-down, since its slowest cases are still open.
    "slow_down": ("parking-permits", 10.0, 1.0, 0.1, 'kind = "slow_down"; size = 2.5'),
    "cost_jump": ("identity-cards", 6.0, 0.5, 0.001, 'kind = "cost_jump"; size = 1.4'),
    "chaser_surge": ("housing-benefit", 8.0, 0.5, 0.0, 'kind = "chaser_surge"; size = 4'),
    "booked earlier": ("birth-certificates", 10.0, 1.0, 0.08, EARLIER),
    "due booked later": (
        "waste-pickup", 8.0, 0.5, 0.0,
        'kind = "definition_change"; books = "due_later"; size = 1.5; announced = false',
    ),
    "refusals booked as intended": (
        "noise-complaints", 16.0, 1.0, 0.05,
        'kind = "definition_change"; books = "refusals_as_intended"; size = 1; announced = true',
    ),
    "quicker": (
        "parking-permits", 10.0, 1.0, 0.08,
        'kind = "improvement_that_works"; indicator = "delivery_time_p50"; size = 0.6',
    ),
    "cheaper": (
        "identity-cards", 6.0, 0.5, 0.001,
        'kind = "improvement_that_works"; indicator = "cost_per_transaction"; size = 0.8',
    ),
    "fewer chasers": (
        "housing-benefit", 8.0, 0.5, 0.0,
        'kind = "improvement_that_works"; indicator = "failure_demand"; size = 0.5',
    ),
    "area_gap": (
        "parking-permits", 12.0, 1.0, 0.15,
        'kind = "area_gap"; area = "North"; size = 3; grows_over = "1h"',
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WHOLE_RUN)
def test_over_a_run_under_an_incident_each_named_indicator_moves_as_far_as_the_truth_says(name: str) -> None:
    # incident   +0 ................................ end of the run, window all
    service, days, rate, tolerance, lines = WHOLE_RUN[name]
    incidents = script(f'service = "{service}"; start = "+0"; {lines}', days=days)
    (with_it,) = figures(service, incidents, days, rate=rate, windows=("all",))
    (without,) = figures(service, (), days, rate=rate, windows=("all",))
    effects = incidents[0].effects(PROFILES[service])
    assert effects
    for effect in effects:
        before, after = (value(run, service, effect, "all") for run in (without, with_it))
        assert (after > before) if effect.direction == "up" else (after < before), effect
        if effect.ratio is not None:
            assert after / before == pytest.approx(effect.ratio, rel=tolerance), effect
    assert of_service(with_it, OTHER) == of_service(without, OTHER) != {}


MIDWAY = {
    "slow_down": ("parking-permits", 'kind = "slow_down"; size = 3'),
    "cost_jump": ("parking-permits", 'kind = "cost_jump"; size = 2'),
    "silent_source": ("parking-permits", 'kind = "silent_source"; end = "+5d"; afterwards = "catches_up"'),
    "chaser_surge": ("housing-benefit", 'kind = "chaser_surge"; size = 4'),
    "definition_change": ("parking-permits", EARLIER),
    "improvement_that_works": (
        "parking-permits", 'kind = "improvement_that_works"; indicator = "delivery_time_p50"; size = 0.5'
    ),
    "area_gap": ("parking-permits", 'kind = "area_gap"; area = "Centre"; size = 4; grows_over = "12h"'),
}  # fmt: skip


@pytest.mark.parametrize("kind", MIDWAY)
def test_nothing_moves_before_the_start_and_what_is_named_moves_after_it(kind: str) -> None:
    # time   +0 ...... +3d incident ...... +5d
    #                  |- figures here     |- and here, over 36h and all
    service, lines = MIDWAY[kind]
    incidents = script(f'service = "{service}"; start = "+3d"; {lines}')
    windows = ("36h", "all")
    started, later = figures(service, incidents, 3, 5, rate=1.0, windows=windows)
    usual, usual_later = figures(service, (), 3, 5, rate=1.0, windows=windows)
    assert started == usual
    assert of_service(later, OTHER) == of_service(usual_later, OTHER) != {}
    for effect in incidents[0].effects(PROFILES[service]):
        if effect.indicator in ("promise_kept", "cost_per_outcome"):
            continue  # so soon after the start only few cases fell due, and costs are of longer windows
        short = (service, effect.indicator, "36h", tuple(effect.slice.items()))
        window = "36h" if usual_later[short] is not None else "all"
        before, after = (value(run, service, effect, window) for run in (usual_later, later))
        assert (after > before) if effect.direction == "up" else (after < before), effect


def test_while_a_source_is_silent_nothing_arrives_and_when_it_has_caught_up_nothing_was_ever_different() -> None:
    catches_up = 'kind = "silent_source"; start = "+2d"; end = "+3d"; afterwards = "catches_up"'
    incidents = script(f'service = "parking-permits"; {catches_up}')
    silent, back = figures("parking-permits", incidents, 3, 4, rate=1.0, windows=("24h",))
    usual, usual_back = figures("parking-permits", (), 3, 4, rate=1.0, windows=("24h",))
    for effect in incidents[0].effects(PROFILES["parking-permits"]):
        assert effect.ratio == 0.0 == value(silent, "parking-permits", effect, "24h")
        assert value(usual, "parking-permits", effect, "24h") > 20
    assert back == usual_back


def test_a_source_that_lost_its_events_keeps_cases_open_that_are_long_done() -> None:
    incidents = script(
        'service = "parking-permits"; kind = "silent_source"; start = "+2d"; end = "+3d"; afterwards = "lost"'
    )
    (after,) = figures("parking-permits", incidents, 9, rate=1.0, windows=("7d",))
    (usual,) = figures("parking-permits", (), 9, rate=1.0, windows=("7d",))
    backlog, overdue = (Effect(indicator=name, direction="up") for name in ("backlog", "overdue"))
    assert value(after, "parking-permits", backlog, "7d") > value(usual, "parking-permits", backlog, "7d") + 10
    assert value(after, "parking-permits", overdue, "7d") > value(usual, "parking-permits", overdue, "7d") + 10


def test_an_improvement_without_effect_moves_no_figure_at_all() -> None:
    dud = 'kind = "improvement_without_effect"; indicator = "delivery_time_p50"; direction = "down"; start = "+1d"'
    incidents = script(f'service = "parking-permits"; {dud}')
    windows = ("24h", "all")
    assert figures("parking-permits", incidents, 2, 4, rate=0.5, windows=windows) == figures(
        "parking-permits", (), 2, 4, rate=0.5, windows=windows
    )
    assert measure(CITY, incidents, start_ms=MONDAY_MS, end_ms=at(4), seed=1, rate=0.2) == [[]]


def test_a_gap_between_areas_hardly_moves_the_whole() -> None:
    gap = 'kind = "area_gap"; area = "North"; size = 3; grows_over = "1h"; start = "+0"'
    incidents = script(f'service = "parking-permits"; {gap}')
    (with_it,) = figures("parking-permits", incidents, 12, rate=1.0, windows=("all",))
    (without,) = figures("parking-permits", (), 12, rate=1.0, windows=("all",))
    for indicator in ("delivery_time_closed_p50", "delivery_time_p50"):
        whole = Effect(indicator=indicator, direction="up")
        ratio = value(with_it, "parking-permits", whole, "all") / value(without, "parking-permits", whole, "all")
        assert ratio == pytest.approx(1, rel=0.1)


def test_effects_are_measured_when_an_incident_ends_or_the_run_does() -> None:
    ends, lasts = script(
        'service = "parking-permits"; kind = "cost_jump"; start = "+1d"; end = "+2d"; size = 2',
        'service = "housing-benefit"; kind = "cost_jump"; start = "+1d"; size = 2',
    )
    if ends.end_ms is None:
        ends, lasts = lasts, ends
    assert measured_at_ms(ends, at(4)) == at(2)
    assert measured_at_ms(lasts, at(4) + 299_999) == at(4)
    assert measured_at_ms(ends, at(1.5)) == at(1.5)


def test_every_figure_of_the_service_that_differs_is_told_once_and_no_other() -> None:
    incidents = script('service = "parking-permits"; kind = "cost_jump"; start = "+1d"; end = "+2d"; size = 2')
    (effects,) = measure(CITY, incidents, start_ms=MONDAY_MS, end_ms=MONDAY_MS + 3 * DAY_MS, seed=1, rate=0.5)
    assert {(x.indicator, x.window) for x in effects} == {
        (name, "28d") for name in ("cost_per_transaction", "cost_per_outcome")
    } | {("cost_of_waste_rework_booked", window) for window in ("7d", "28d")}
    assert all(x.without is not None and x.with_incident is not None for x in effects)
    assert all((x.with_incident or 0) > (x.without or 0) and x.at == "2026-01-06T23:00:00Z" for x in effects)


def test_of_two_incidents_of_a_service_each_is_told_only_what_it_did_itself() -> None:
    # time   +0 .. +1d costs twice as much .. +2d ....... +3d many chasers .. +4d
    costs = 'service = "parking-permits"; kind = "cost_jump"; start = "+1d"; end = "+2d"; size = 2'
    chasers = 'service = "parking-permits"; kind = "chaser_surge"; start = "+3d"; end = "+4d"; size = 5'
    effects = measure(CITY, script(costs, chasers), start_ms=MONDAY_MS, end_ms=at(5), seed=1, rate=0.5)
    dear, chased = ({effect.indicator for effect in found} for found in effects)
    assert dear == {"cost_per_transaction", "cost_per_outcome", "cost_of_waste_rework_booked"}
    assert chased == {"failure_demand", "cost_of_waste_failure_demand_modelled"}
    assert effects[1:] == measure(CITY, script(chasers), start_ms=MONDAY_MS, end_ms=at(5), seed=1, rate=0.5)
