from __future__ import annotations

from collections import Counter

import pytest

from kept.durations import DAY_MS, HOUR_MS
from kept.events import Event, tick
from producers.disorder import shuffled_within_day, with_duplicates

EVENTS: list[tuple[int, Event]] = [(hour * HOUR_MS, tick(hour * HOUR_MS, 0)) for hour in range(96)]


def test_duplicates_come_after_the_first_and_leave_the_rest_in_order() -> None:
    twice = with_duplicates(EVENTS, share=0.3, seed=1)
    first_times = list(dict.fromkeys(twice))
    counts = Counter(timed[1].id for timed in twice)
    assert first_times == EVENTS
    assert set(counts.values()) == {1, 2}
    assert 10 < len(twice) - len(EVENTS) < 50


def test_a_share_of_all_repeats_every_event_and_of_none_changes_nothing() -> None:
    assert len(with_duplicates(EVENTS, share=1.0, seed=1)) == 2 * len(EVENTS)
    assert with_duplicates(EVENTS, share=0.0, seed=1) == EVENTS
    with pytest.raises(ValueError, match="valid: 0 to 1"):
        with_duplicates(EVENTS, share=1.5, seed=1)


def test_a_shuffle_keeps_every_event_in_its_day() -> None:
    shuffled = shuffled_within_day(EVENTS, seed=1)
    assert shuffled != EVENTS
    assert sorted(shuffled, key=lambda timed: timed[0]) == EVENTS
    days = [time_ms // DAY_MS for time_ms, _ in shuffled]
    assert days == sorted(days)


def test_the_same_seed_gives_the_same_disorder_and_another_another() -> None:
    assert shuffled_within_day(EVENTS, seed=1) == shuffled_within_day(EVENTS, seed=1)
    assert shuffled_within_day(EVENTS, seed=1) != shuffled_within_day(EVENTS, seed=2)
    assert with_duplicates(EVENTS, share=0.5, seed=1) != with_duplicates(EVENTS, share=0.5, seed=2)
