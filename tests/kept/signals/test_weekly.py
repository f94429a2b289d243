"""The weekly figures of a service: which weeks there are, what each says, and which are no point."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import msgspec
import pytest

from kept import counters as c
from kept.catalogue import Calendar, Promise, read_catalogue
from kept.events import tick
from kept.histogram import bin_of
from kept.indicators.evaluate import evaluate
from kept.intake import Rules
from kept.partition import PartitionState
from kept.signals.silences import silences
from kept.signals.situation import Situation
from kept.signals.weekly import WeekFigure, charted, weekly_figures, weeks
from kept.tallies import MergedTallies
from producers.simulator.city import simulate
from tests.kept.signals.weeks import SERVICE, ZONE, Tallied, at, contacts, money, promise, with_improvement


def values(figures: list[WeekFigure]) -> list[float | str | None]:
    return [one.gap if one.value is None else one.value for one in figures]


def kept_by_week(tallied: Tallied, week: int, day: int = 0, hour: int = 0) -> list[float | str | None]:
    return values(weekly_figures(tallied.situation(week, day, hour))["promise_kept"])


def test_a_week_is_from_monday_to_monday_of_local_time_also_when_the_clocks_change() -> None:
    tallied = Tallied()
    for number in range(13):
        tallied.week(number, promise(8, 10))
    found = weeks(tallied.situation(13))
    assert [(one.start, one.end) for one in found] == [(at(n), at(n + 1)) for n in range(13)]
    summer_time = found[11]
    assert datetime.fromtimestamp(summer_time.start, ZONE).date().isoformat() == "2025-03-24"
    assert (summer_time.end - summer_time.start) // 3600 == 7 * 24 - 1


def test_the_first_and_the_last_part_of_a_week_are_left_out() -> None:
    #   w0 (from Wednesday)   w1        w2        w3 (until Thursday)
    tallied = Tallied()
    tallied.week(0, promise(0, 10), days=range(2, 7))
    tallied.week(1, promise(8, 10))
    tallied.week(2, promise(9, 10))
    tallied.week(3, promise(0, 10), days=range(3))
    assert kept_by_week(tallied, 3, day=3, hour=9) == [0.8, 0.9]


def test_a_promise_that_falls_due_before_anything_happened_begins_no_week() -> None:
    tallied = Tallied()
    tallied.day(0, 0, promise(0, 1))
    tallied.week(2, promise(8, 10))
    assert kept_by_week(tallied, 3) == [0.8]


def test_a_week_is_a_point_from_the_hour_on_at_which_it_ends() -> None:
    tallied = Tallied()
    for number in range(3):
        tallied.week(number, promise(8, 10))
    assert len(kept_by_week(tallied, 2, day=6, hour=23)) == 2
    assert len(kept_by_week(tallied, 3)) == 3


def test_a_week_without_volume_is_a_gap() -> None:
    tallied = Tallied()
    for number, tally in enumerate((promise(8, 10), {}, promise(9, 10))):
        tallied.week(number, tally)
    assert kept_by_week(tallied, 3) == [0.8, "no_data", 0.9]


def test_nothing_at_all_has_no_weeks() -> None:
    assert weeks(Tallied().situation(5)) == []
    assert kept_by_week(Tallied(), 5) == []


def test_figures_of_each_family() -> None:
    tallied = Tallied()
    quick, slow = c.CLOSED_TIME + bin_of(3_600_000), c.CLOSED_TIME + bin_of(36_000_000)
    tally = {
        **promise(9, 12), **money(2.5, 40), **contacts(3, 9), quick: 30, slow: 10,
        c.TRANSACTIONS: 20, c.TRANSACTION_RESULTS: 13, c.TRANSACTION_RESULTS + 1: 2, c.BACKLOG_ENTERED: 50,
        c.BACKLOG_LEFT: 43,
    }  # fmt: skip
    tallied.week(0, tally)
    tallied.week(1, {c.BACKLOG_LEFT: 2, **promise(1, 1)})
    first = {name: figures[0] for name, figures in weekly_figures(tallied.situation(2, hour=1)).items()}
    assert {name: (one.value, one.numerator, one.denominator, one.n) for name, one in first.items()} == {
        "promise_kept": (0.75, 9, 12, 12),
        "delivery_time_closed_p50": (pytest.approx(3600, rel=0.01), None, None, 40),
        "backlog": (7, 7, None, 7),
        "completion_rate": (0.75, 15, 20, 20),
        "failure_demand": (0.25, 3, 12, 12),
        "cost_per_transaction": (2.5, 100, 40, 40),
    }
    assert values(weekly_figures(tallied.situation(2))["backlog"]) == [7, 5]


def test_only_what_is_to_improve_is_charted_and_delivery_time_as_what_a_week_can_tell() -> None:
    assert charted(Tallied().situation(1))[:2] == ["promise_kept", "delivery_time_closed_p50"]
    twice = with_improvement(delivery_time_p50="down", delivery_time_closed_p50="down", oldest_open="down")
    assert charted(Tallied(twice).situation(1)) == ["delivery_time_closed_p50"]
    assert weekly_figures(Tallied(with_improvement()).situation(1)) == {}


def test_a_week_of_transactions_is_over_when_the_last_one_is_past_its_time_out() -> None:
    tallied = Tallied()
    tallied.week(0, {c.TRANSACTIONS: 10, c.TRANSACTION_RESULTS: 9})
    assert weekly_figures(tallied.situation(1))["completion_rate"] == []
    assert values(weekly_figures(tallied.situation(1, hour=1))["completion_rate"]) == [0.9]


def test_a_silence_makes_its_week_a_gap_until_it_is_told_of() -> None:
    #   Tue 00:00 ......... Thu 00:00: nothing; expected silence 24 h
    tallied = Tallied()
    for number in range(3):
        tallied.week(number, promise(8, 10))
    for day in (0, 3, 4, 5, 6):
        tallied.day(3, day, {c.OPENED: 1})
    tallied.day(3, 0, promise(1, 10))
    tallied.week(4, promise(8, 10))
    assert kept_by_week(tallied, 5) == [0.8, 0.8, 0.8, "source_silent", 0.8]
    for day in (1, 2):
        tallied.day(3, day, {c.COMPLETED: 5})
    assert kept_by_week(tallied, 5) == [0.8, 0.8, 0.8, 0.1, 0.8]


def test_a_source_that_is_silent_now_makes_the_newest_week_a_gap() -> None:
    tallied = Tallied()
    for number in range(3):
        tallied.week(number, promise(8, 10))
    tallied.week(3, promise(1, 10), days=range(5))
    assert kept_by_week(tallied, 4) == [0.8, 0.8, 0.8, "source_silent"]


def test_silences_are_seen_to_the_hour_in_ninety_days_and_by_whole_days_before() -> None:
    #   Monday until 10:00, then nothing until Tuesday 20:00: 34 hours without a whole day among them
    tallied = Tallied()
    for number in (0, 20):
        for day in range(7):
            for hour in range(24):
                if not (day == 1 and hour < 20) and not (day == 0 and hour >= 10):
                    tallied.hour(number, day, hour, {c.OPENED: 1})
    for number in range(1, 20):
        tallied.week(number, {})
    assert silences(tallied.situation(21)) == [(at(20, 0, 10), at(20, 1, 20))]
    assert silences(tallied.situation(1)) == [(at(0, 0, 10), at(0, 1, 20))]


def test_what_is_scheduled_or_registered_breaks_no_silence() -> None:
    tallied = Tallied()
    tallied.week(0, {})
    tallied.week(1, {}, days=range(3))
    tallied.day(1, 4, {**promise(1, 1), c.CHANGED: 1, c.CHANGED_UP + c.INDICATOR_NUMBERS["backlog"]: 1})
    tallied.week(2, {})
    assert silences(tallied.situation(3)) == [(at(1, 3), at(2))]


PROMISED = msgspec.structs.replace(SERVICE, promise=Promise(words="soon", target_share=0.9, target_time="10d"))


def test_weeks_are_not_comparable_before_the_first_cases_can_have_ended() -> None:
    #   data begin Mon of week 0; promised 10 d: settled on Thursday of week 1
    tallied = Tallied(PROMISED)
    for number in range(4):
        tallied.week(number, promise(8, 10))
    assert kept_by_week(tallied, 4) == ["settling", "settling", 0.8, 0.8]


def test_after_a_silence_that_was_lost_cases_without_an_ending_are_under_way_for_the_promised_time() -> None:
    #   week 4: nothing on Tuesday and Wednesday; 10 d later is Sunday of week 5
    tallied = Tallied(PROMISED)
    for number in (*range(4), 5, 6, 7):
        tallied.week(number, promise(8, 10))
    for day in (0, 3, 4, 5, 6):
        tallied.day(4, day, {c.OPENED: 1})
    assert kept_by_week(tallied, 8)[3:] == [0.8, "source_silent", "after_silence", 0.8, 0.8]


def test_a_service_in_working_time_has_short_weeks() -> None:
    #   Ascension Day is Thursday 29 May 2025, in week 20
    office = msgspec.structs.replace(
        SERVICE,
        promise=Promise(words="soon", target_share=0.9, target_time="8h", counted_in="working_time"),
        calendar=Calendar(country="NL"),
    )
    tallied = Tallied(office)
    for number in range(18, 22):
        tallied.week(number, promise(8, 10))
    assert kept_by_week(tallied, 22) == ["settling", 0.8, "short_week", 0.8]


def test_every_figure_is_the_one_that_is_published_for_that_week() -> None:
    """Six weeks of a simulated service: window `week` at the end of each week, and the weekly figures afterwards."""
    folder = Path(__file__).parents[3] / "catalogue" / "city"
    service = msgspec.structs.replace(
        read_catalogue([folder])["noise-complaints"],
        improvement=dict.fromkeys(
            ("promise_kept", "delivery_time_p50", "backlog", "satisfaction_score", "satisfied_share", "digital_take_up",
             "completion_rate", "failure_demand", "first_time_right", "rework_share"), "neutral"),
    )  # fmt: skip
    rules = Rules(service)
    state = PartitionState(0, {service.id: rules}, live=False)
    tallies = MergedTallies({service.id: rules.local_time})
    start_ms, end_ms = at(0) * 1000, at(6, hour=2) * 1000
    events = [event for _, event in simulate([service], start_ms=start_ms, end_ms=end_ms, seed=3)]
    for _, key, value in state.apply(len(events), [*events, tick(end_ms, 0)]).tallies:
        tallies.apply(key, value)
    figures = weekly_figures(Situation(tallies, rules, end_ms // 1000))
    compared = 0
    for name, weekly in figures.items():
        assert len(weekly) == 6
        for figure in weekly:
            moment = figure.week.end
            if name == "completion_rate":
                continue  # `week` still waits for the time-out of its last transactions
            points = evaluate(tallies, rules, moment, windows=("week",), slices=False)
            (point,) = (one for one in points if one.indicator == name)
            assert point.window_start == figure.week.start
            assert (figure.value, figure.numerator, figure.denominator, figure.n, figure.low, figure.high) == (
                point.value, point.numerator, point.denominator, point.n, point.low, point.high
            ), (name, moment)  # fmt: skip
            compared += 1
    assert compared == 6 * 9


def test_late_news_of_a_week_are_in_it() -> None:
    tallied = Tallied()
    for number in range(2):
        tallied.week(number, promise(8, 10))
    assert kept_by_week(tallied, 2) == [0.8, 0.8]
    tallied.day(0, 3, promise(0, 6))
    assert kept_by_week(tallied, 2) == [0.5, 0.8]
