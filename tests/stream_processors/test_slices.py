"""When slices are published: by the hour while event time goes with the clock, seldom while it runs ahead."""

from __future__ import annotations

import catalogue
from kept.catalogue import read_catalogue
from kept.indicators.windows import WINDOWS
from kept.intake import Rules, rules_by_service
from stream_processors.slices import EVERY_SECONDS, Slices

NAME = "parking-permits"
RULES: Rules = rules_by_service(read_catalogue([catalogue.CITY]))[NAME]
HOUR = 3600
NOON = 1_780_308_000
"""A full hour."""


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_first_time_everything_is_published() -> None:
    assert Slices(Clock()).due(NAME, None, NOON, RULES) == (WINDOWS, True)


def test_while_event_time_goes_with_the_clock_they_come_with_each_full_hour() -> None:
    clock = Clock()
    slices = Slices(clock)
    slices.are_published(NAME, NOON)
    previous, came = NOON, []
    for at in range(NOON + 300, NOON + 2 * HOUR + 1, 300):
        clock.now += 300
        windows, due = slices.due(NAME, previous, at, RULES)
        assert "24h" in windows
        previous = at
        if due:
            came.append(at)
            slices.are_published(NAME, at)
    assert came == [NOON + HOUR, NOON + 2 * HOUR]
    assert not slices.are_owed()


def test_while_event_time_runs_ahead_hours_are_left_out_and_the_last_one_is_owed_and_comes() -> None:
    clock = Clock()
    slices = Slices(clock)
    slices.are_published(NAME, NOON)
    windows, due = slices.due(NAME, NOON, NOON + HOUR, RULES)
    assert ("7d" in windows, due) == (True, False)  # the whole service is not left out
    assert slices.are_owed()
    assert slices.due(NAME, NOON + HOUR, NOON + HOUR, RULES) == ((), False)
    clock.now = EVERY_SECONDS
    windows, due = slices.due(NAME, NOON + HOUR, NOON + HOUR, RULES)
    assert ("7d" in windows, due) == (True, True)
    slices.are_published(NAME, NOON + HOUR)
    assert not slices.are_owed()


def test_owed_slices_bring_the_windows_of_the_hour_that_was_left_out() -> None:
    clock = Clock()
    slices = Slices(clock)
    slices.are_published(NAME, NOON)
    slices.due(NAME, NOON, NOON + HOUR, RULES)
    clock.now = EVERY_SECONDS
    windows, due = slices.due(NAME, NOON + HOUR, NOON + HOUR + 300, RULES)
    assert ("7d" in windows, due) == (True, True)


def test_a_moment_before_what_is_published_brings_nothing() -> None:
    slices = Slices(Clock())
    assert slices.due(NAME, NOON, NOON - 300, RULES) == ((), False)
