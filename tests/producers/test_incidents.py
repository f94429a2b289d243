"""What each kind of incident does to the events, beside the same city without it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from itertools import islice, takewhile
from statistics import fmean, median

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kept import events as e
from kept.durations import DAY_MS, HOUR_MS
from kept.intake import read, rules_by_service
from producers.simulator import built_in_scripts, read_script, simulate
from producers.simulator.incident import Incident
from producers.simulator.incidents import KINDS
from producers.simulator.profiles import AREAS
from tests.producers.incident_city import CITY, MONDAY_MS, Timed, at, city, days_of, script

PARKING = ("parking-permits",)


def both(days: float, service: str, incident: str, *, rate: float = 1.0) -> tuple[list[Timed], list[Timed]]:
    """The events of one service without and with an incident."""
    incidents = script(f'service = "{service}"; {incident}', days=days)
    return city(days, services=[service], rate=rate), city(days, incidents, services=[service], rate=rate)


def delivery_times(run: Iterable[Timed]) -> dict[str, float]:
    """Elapsed ms from opening to first completion by case, withdrawals too."""
    opened: dict[str, int] = {}
    times: dict[str, float] = {}
    for ms, event in run:
        if isinstance(event, e.CaseOpened):
            opened[e.subject(event)] = ms
        elif isinstance(event, e.CaseCompleted):
            times.setdefault(e.subject(event), ms - opened[e.subject(event)])
    return times


def begun(run: Iterable[Timed]) -> dict[str, int]:
    """When the first event of each case was, its form included."""
    first: dict[str, int] = {}
    for ms, event in run:
        first.setdefault(e.subject(event).removesuffix(":form"), ms)
    return first


def of_type(run: Iterable[Timed], kind: type[e.Event]) -> list[Timed]:
    return [timed for timed in run if isinstance(timed[1], kind)]


def chases(run: Iterable[Timed]) -> list[Timed]:
    return [(ms, event) for ms, event in of_type(run, e.ContactReceived) if event.data.reason == "chase_progress"]


EARLIER_STAGE = 'kind = "definition_change"; books = "completion_at_an_earlier_stage"'
ONE_OF_EACH = {
    "slow_down": 'kind = "slow_down"; size = 3',
    "cost_jump": 'kind = "cost_jump"; size = 2',
    "silent_source": 'kind = "silent_source"; afterwards = "lost"',
    "chaser_surge": 'kind = "chaser_surge"; size = 5',
    "definition_change": f"{EARLIER_STAGE}; size = 0.5; announced = true",
    "improvement_that_works": 'kind = "improvement_that_works"; indicator = "delivery_time_p50"; size = 0.5',
    "improvement_without_effect": 'kind = "improvement_without_effect"; indicator = "backlog"; direction = "down"',
    "area_gap": 'kind = "area_gap"; area = "North"; size = 3; grows_over = "2d"',
}


def test_there_is_one_of_each_kind() -> None:
    assert set(ONE_OF_EACH) == {str(kind.__struct_config__.tag) for kind in KINDS}


@pytest.mark.parametrize("kind", ONE_OF_EACH)
def test_before_it_starts_and_in_other_services_not_one_event_is_different(kind: str) -> None:
    incidents = script(f'service = "parking-permits"; start = "+3d"; end = "+4d"; {ONE_OF_EACH[kind]}')
    usual, run = city(6, rate=0.5), city(6, incidents, rate=0.5)
    assert run != usual
    assert list(takewhile(lambda timed: timed[0] < at(3), run)) == [timed for timed in usual if timed[0] < at(3)]
    others = [[timed for timed in events if timed[1].data.service not in PARKING] for events in (usual, run)]
    assert others[0] == others[1] != []


@pytest.mark.parametrize("kind", ["slow_down", "definition_change", "improvement_that_works", "area_gap"])
def test_cases_begun_before_it_or_after_it_are_untouched_by_what_reaches_cases(kind: str) -> None:
    usual, run = both(7, "parking-permits", f'start = "+3d"; end = "+4d"; {ONE_OF_EACH[kind]}')
    starts = begun(usual)
    reached = {case for case, ms in starts.items() if at(3) <= ms < at(4)}

    def outside(events: list[Timed]) -> list[Timed]:
        return [
            (ms, event)
            for ms, event in events
            if event.id.partition(":")[0] not in reached and not isinstance(event, e.ServiceChanged)
        ]

    assert outside(run) == outside(usual)
    assert len(outside(run)) < len(run)


def test_a_slow_down_stretches_delivery_times_and_changes_nothing_else_of_a_case() -> None:
    usual, run = both(14, "parking-permits", 'kind = "slow_down"; start = "+0"; end = "+3d"; size = 2.5')
    times, slow = delivery_times(usual), delivery_times(run)
    first_days = [case for case, ms in begun(usual).items() if ms < at(3) and case in times and case in slow]
    ratios = [slow[case] / times[case] for case in first_days]
    # A pause is as long as before, so a few are stretched by less.
    assert median(ratios) == pytest.approx(2.5, rel=0.001)
    assert all(1 < ratio < 2.51 for ratio in ratios)
    for kind in (e.CaseCompleted, e.CostBooked):
        said = [{event.id: event.data for _, event in of_type(events, kind)} for events in (usual, run)]
        assert all(said[1][name] == data for name, data in said[0].items() if name in said[1])


def test_whoever_waits_longer_asks_more_often_and_whoever_waits_less_asks_less() -> None:
    usual, slow = both(10, "housing-benefit", 'kind = "slow_down"; start = "+0"; size = 2')
    _, quick = both(10, "housing-benefit", ONE_OF_EACH["improvement_that_works"] + '; start = "+0"')

    def a_case(run: list[Timed]) -> float:
        return sum(event.data.case is not None for _, event in chases(run)) / len(of_type(run, e.CaseCompleted))

    assert 2 * a_case(quick) < a_case(usual) < a_case(slow)


def test_a_cost_jump_multiplies_what_is_booked_while_it_lasts() -> None:
    usual, run = both(6, "identity-cards", 'kind = "cost_jump"; start = "+2d"; end = "+4d"; size = 1.4')
    before = {event.id: event.data.amount for _, event in of_type(usual, e.CostBooked)}
    for ms, event in of_type(run, e.CostBooked):
        factor = 1.4 if at(2) <= ms < at(4) else 1.0
        assert float(event.data.amount) == pytest.approx(float(before[event.id]) * factor, abs=0.006)
    strip = [[(ms, ev) for ms, ev in events if not isinstance(ev, e.CostBooked)] for events in (usual, run)]
    assert strip[0] == strip[1]


def test_a_silent_source_that_lost_its_events_never_tells_them() -> None:
    usual, run = both(4, "waste-pickup", 'kind = "silent_source"; start = "+1d"; end = "+2d"; afterwards = "lost"')
    assert run == [timed for timed in usual if not at(1) <= timed[0] < at(2)]
    assert len(run) < len(usual)


def test_a_silent_source_that_catches_up_tells_everything_when_it_is_back() -> None:
    # time   +1d ........ silent ........ +2d  told at once, oldest first, before what is new
    usual, run = both(
        4, "waste-pickup", 'kind = "silent_source"; start = "+1d"; end = "+2d"; afterwards = "catches_up"'
    )
    assert not any(at(1) <= told_ms < at(2) for told_ms, _ in run)
    held = [event for told_ms, event in run if told_ms == at(2) and e.milliseconds(event.time) < at(2)]
    assert held == [event for ms, event in usual if at(1) <= ms < at(2)] != []
    assert [event for _, event in run] == [event for _, event in usual]
    assert [told_ms for told_ms, _ in run] == sorted(told_ms for told_ms, _ in run)


def test_a_run_that_ends_in_the_silence_does_not_know_what_was_held_back() -> None:
    incidents = script(
        'service = "waste-pickup"; kind = "silent_source"; start = "+1d"; end = "+9d"; afterwards = "catches_up"'
    )
    run = city(3, incidents, services=["waste-pickup"])
    assert run == city(1, services=["waste-pickup"])


@pytest.mark.parametrize(("size", "low", "high"), [(4, 3.6, 4.4), (1.5, 1.35, 1.65)])
def test_a_surge_of_chasers_multiplies_the_contacts_that_chase(size: float, low: float, high: float) -> None:
    usual, run = both(14, "housing-benefit", f'kind = "chaser_surge"; start = "+6d"; end = "+13d"; size = {size}')
    within = [sum(at(6) <= ms < at(13) for ms, _ in chases(events)) for events in (usual, run)]
    assert low < within[1] / within[0] < high
    known = set(usual)
    assert known <= set(run)
    added = [timed for timed in run if timed not in known]
    assert added == [timed for timed in chases(added) if at(6) <= timed[0] < at(13)]
    closed = {e.subject(event): ms for ms, event in reversed(of_type(usual, e.CaseCompleted))}
    assert all(ms <= closed.get(e.subject(event), math.inf) for ms, event in added)
    assert all(e.subject(event) == (event.data.case or event.id) for _, event in added)


def test_an_improvement_may_take_chasers_away() -> None:
    improvement = 'kind = "improvement_that_works"; indicator = "failure_demand"; size = 0.25; start = "+4d"'
    usual, run = both(14, "housing-benefit", improvement)
    after = [sum(ms >= at(4) for ms, _ in chases(events)) for events in (usual, run)]
    assert 0.15 < after[1] / after[0] < 0.35
    assert set(run) - set(usual) == {timed for timed in run if timed[1].id.endswith(":improvement_that_works")}


def test_completions_booked_at_an_earlier_stage_look_quicker_and_people_wait_as_long() -> None:
    books = f'{EARLIER_STAGE}; size = 0.5; announced = false; start = "+0"'
    usual, run = both(10, "housing-benefit", books)
    times, booked = delivery_times(usual), delivery_times(run)
    delivered = {
        e.subject(event)
        for _, event in of_type(usual, e.CaseCompleted)
        if event.data.outcome not in ("duplicate", "withdrawn")
    }
    assert all(booked[case] == pytest.approx(times[case] / 2, abs=1) for case in delivered)
    assert all(booked[case] == times[case] for case in times.keys() - delivered)
    steps = [of_type(events, e.CaseStep) for events in (usual, run)]
    assert steps[0] == steps[1] != []


def test_no_clock_stops_and_no_due_moves_after_a_completion_that_is_booked_earlier() -> None:
    books = f'{EARLIER_STAGE}; size = 0.3; announced = false; start = "+0"'
    usual, run = both(21, "housing-benefit", books)
    completed: set[str] = set()
    for _, event in run:
        if isinstance(event, e.CaseCompleted):
            completed.add(e.subject(event))
        assert (
            not isinstance(event, e.CasePaused | e.CaseResumed | e.CaseDueChanged) or e.subject(event) not in completed
        )
    paused, resumed = (
        Counter(map(str, (e.subject(x) for _, x in of_type(run, k)))) for k in (e.CasePaused, e.CaseResumed)
    )
    assert 0 < len(paused) < len(of_type(usual, e.CasePaused))
    assert paused.keys() >= resumed.keys()


@pytest.mark.parametrize("service", ["waste-pickup", "noise-complaints"])
def test_a_due_booked_later_moves_every_promise_and_nothing_that_happens(service: str) -> None:
    books = 'kind = "definition_change"; books = "due_later"; size = 2; announced = false; start = "+0"'
    usual, run = both(5, service, books)
    rules = rules_by_service(CITY)[service]
    assert [(ms, event.id) for ms, event in run] == [(ms, event.id) for ms, event in usual]
    later: dict[str, int] = {}
    for (ms, before), (_, event) in zip(usual, run, strict=True):
        if isinstance(event, e.CaseOpened):
            due = before.data.due
            promised_ms = rules.due(ms, None if due is None else e.milliseconds(due)) or 0
            later[e.subject(event)] = promised_ms - ms
            assert e.milliseconds(event.data.due) - ms == 2 * (promised_ms - ms)
        elif isinstance(event, e.CaseDueChanged):
            moved_ms = e.milliseconds(event.data.due) - e.milliseconds(before.data.due)
            assert moved_ms == later[e.subject(event)]
        else:
            assert event == before


@pytest.mark.parametrize(("share", "low", "high"), [(1.0, 1.0, 1.0), (0.5, 0.35, 0.65)])
def test_refusals_may_be_booked_as_what_was_intended(share: float, low: float, high: float) -> None:
    books = (
        f'kind = "definition_change"; books = "refusals_as_intended"; size = {share}; announced = true; start = "+0"'
    )
    usual, run = both(21, "housing-benefit", books, rate=0.5)
    refused = {
        event.id for _, event in of_type(usual, e.CaseCompleted) if event.data.outcome in ("rejected", "not_intended")
    }
    outcomes = {event.id: event.data.outcome for _, event in of_type(run, e.CaseCompleted)}
    assert low <= sum(outcomes[name] == "intended" for name in refused) / len(refused) <= high
    assert {event.id for _, event in set(usual) ^ set(run)} - refused == {
        f"housing-benefit-{MONDAY_MS}:definition_change"
    }


def test_an_announced_change_of_definition_tells_of_no_improvement() -> None:
    usual, run = both(2, "parking-permits", ONE_OF_EACH["definition_change"] + '; start = "+1d"')
    (told,) = set(of_type(run, e.ServiceChanged)) - set(of_type(usual, e.ServiceChanged))
    assert told[0] == at(1)
    assert told[1].data.expected is None
    assert "change of definition" in told[1].data.title


def test_an_improvement_is_announced_and_then_truly_works() -> None:
    works = f'{ONE_OF_EACH["improvement_that_works"]}; effect_after = "1d"; start = "+1d"'
    usual, run = both(8, "parking-permits", works)
    (told,) = set(of_type(run, e.ServiceChanged)) - set(of_type(usual, e.ServiceChanged))
    assert told[0] == at(1)
    assert told[1].data.expected == e.Expectation("delivery_time_p50", "down")
    times, better, starts = delivery_times(usual), delivery_times(run), begun(usual)
    known = [case for case in times if case in better]
    assert all(better[case] == times[case] for case in known if starts[case] < at(2))
    assert median(better[case] / times[case] for case in known if starts[case] >= at(2)) == pytest.approx(0.5, rel=0.01)


def test_an_improvement_without_effect_is_announced_and_that_is_all() -> None:
    announced = 'kind = "improvement_without_effect"; indicator = "satisfaction_score"; direction = "up"; start = "+1d"'
    usual, run = both(4, "parking-permits", announced)
    (told,) = set(run) - set(usual)
    assert told[1].data.expected == e.Expectation("satisfaction_score", "up")
    assert [timed for timed in run if timed != told] == usual


def test_a_gap_between_areas_grows_evenly_while_the_city_stays_the_same() -> None:
    usual, run = both(
        20, "parking-permits", 'kind = "area_gap"; start = "+0"; area = "North"; size = 3; grows_over = "4d"'
    )
    area = {e.subject(event): event.data.area for _, event in of_type(usual, e.CaseOpened)}
    times, uneven, starts = delivery_times(usual), delivery_times(run), begun(usual)
    weeks = [case for case, ms in starts.items() if ms < at(12) and case in times and case in uneven]

    def ratio(where: str, since: float, until: float) -> float:
        found = [case for case in weeks if area[case] == where and at(since) <= starts[case] < at(until)]
        return median(uneven[case] / times[case] for case in found)

    assert ratio("North", 0.9, 1.1) == pytest.approx(1.5, rel=0.05)
    assert ratio("North", 4, 12) == pytest.approx(3, rel=0.01)
    assert all(0.5 < ratio(other, 4, 12) < 1 for other in AREAS if other != "North")
    logarithms = [math.log(uneven[case] / times[case]) for case in weeks if starts[case] >= at(4)]
    assert fmean(logarithms) == pytest.approx(0, abs=0.05)


@pytest.mark.parametrize("name", built_in_scripts())
def test_intake_refuses_nothing_of_a_built_in_script_and_every_id_is_its_own(name: str) -> None:
    days = days_of(name)
    incidents = read_script(name, CITY, start_ms=MONDAY_MS, end_ms=at(days)).incidents
    touched = sorted({incident.service for incident in incidents})
    run = city(days, incidents, services=touched, rate=5.6 / days)
    rules = rules_by_service(CITY)
    for _, event in run:
        read(event, rules, None)
        assert e.decode(e.encode(event)) == event
    assert len({event.id for _, event in run}) == len(run)


def test_an_endless_run_has_the_same_incidents() -> None:
    incidents = script(f'service = "parking-permits"; start = "+1d"; end = "+2d"; {ONE_OF_EACH["slow_down"]}')
    endless = simulate(CITY.values(), start_ms=MONDAY_MS, end_ms=None, seed=1, incidents=incidents)
    bounded = city(3, incidents)
    assert list(islice(endless, len(bounded))) == bounded


@st.composite
def scripts(draw: st.DrawFn) -> tuple[Incident, ...]:
    chosen = draw(st.lists(st.sampled_from(sorted(CITY)), min_size=1, max_size=3, unique=True))
    tables = []
    for service in chosen:
        start = draw(st.integers(1, 60))
        end = f'; end = "+{start + draw(st.integers(1, 48))}h"' if draw(st.booleans()) else ""
        tables.append(
            f'service = "{service}"; start = "+{start}h"{end}; {draw(st.sampled_from(sorted(ONE_OF_EACH.values())))}'
        )
    return script(*tables)


@settings(max_examples=20, deadline=None)
@given(scripts(), st.integers(1, 72))
def test_any_script_leaves_what_comes_before_and_beside_it_and_a_longer_run_only_adds(
    incidents: tuple[Incident, ...], hours: int
) -> None:
    usual, run = city(3, rate=0.1), city(3, incidents, rate=0.1)
    starts = {incident.service: incident.start_ms for incident in incidents}

    def unreached(events: list[Timed]) -> list[Timed]:
        return [timed for timed in events if timed[0] < starts.get(timed[1].data.service, math.inf)]

    assert unreached(run) == unreached(usual)
    shorter = city(hours / 24, incidents, rate=0.1)
    assert shorter == [timed for timed in run if timed[0] < MONDAY_MS + hours * HOUR_MS]
    assert [told for told, _ in run] == sorted(told for told, _ in run)
    assert all(told >= e.milliseconds(event.time) for told, event in run)


def test_a_city_without_trials_announces_nothing_and_works_the_usual_way_all_the_time() -> None:
    # weeks     0 1 2 3 4 5 6 7 8 9 10 11      housing-benefit tries out a factor of 0.7 for four weeks of eight
    #           begins or ends: a `service.changed` on a Monday at 9:00
    def housing(trials: bool) -> list[Timed]:
        service = [CITY["housing-benefit"]]
        return list(simulate(service, start_ms=MONDAY_MS, end_ms=at(110), seed=1, rate=0.5, trials=trials))

    usual, still = housing(trials=True), housing(trials=False)
    changes = [(ms, event) for ms, event in usual if isinstance(event, e.ServiceChanged)]
    assert not any(isinstance(event, e.ServiceChanged) for _, event in still)
    begins = next(ms for ms, event in changes if "(begins)" in event.data.title)
    ends = next(ms for ms, event in changes if ms > begins)
    quick, slow = delivery_times(usual), delivery_times(still)

    def ratio(since: float, until: float) -> float:
        spans = [
            median(times[case] for case, ms in begun(run).items() if since <= ms < until and case in times)
            for run, times in ((usual, quick), (still, slow))
        ]
        return spans[0] / spans[1]

    assert ratio(begins, ends) == pytest.approx(0.7, rel=0.1)
    assert ratio(ends, ends + 28 * DAY_MS) == pytest.approx(1, rel=0.1)
