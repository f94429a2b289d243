from __future__ import annotations

import pytest

from kept.errors import ConfigurationError
from producers.pace import Pace, live_pace, parse_speed


class FakeClock:
    """Seconds that pass only while someone sleeps."""

    def __init__(self, now: float = 100.0) -> None:
        self.now = now
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def test_at_3600x_an_hour_between_events_takes_a_second() -> None:
    clock = FakeClock()
    pace = Pace(3600.0, clock=clock, sleep=clock.sleep)
    pace.wait_for(0)
    assert clock.now == 100.0
    pace.wait_for(3_600_000)
    assert clock.now == pytest.approx(101.0)
    pace.wait_for(3 * 3_600_000)
    assert clock.now == pytest.approx(103.0)


def test_a_late_event_is_not_held_back_and_the_pace_catches_up() -> None:
    clock = FakeClock()
    pace = Pace(1.0, clock=clock, sleep=clock.sleep)
    pace.wait_for(0)
    clock.now += 5
    pace.wait_for(2_000)
    assert clock.slept == []
    pace.wait_for(6_000)
    assert clock.now == pytest.approx(106.0)


def test_at_full_speed_nobody_sleeps() -> None:
    clock = FakeClock()
    pace = Pace(None, clock=clock, sleep=clock.sleep)
    for hour in range(5):
        pace.wait_for(hour * 3_600_000)
    assert clock.slept == []


def test_live_is_each_event_at_its_own_time_and_the_past_at_once() -> None:
    clock = FakeClock(now=1_000.0)
    pace = live_pace(clock=clock, sleep=clock.sleep)
    pace.wait_for(500_000)
    assert clock.slept == []
    pace.wait_for(1_002_500)
    assert clock.now == pytest.approx(1_002.5)


@pytest.mark.parametrize(("text", "factor"), [("max", None), ("1x", 1.0), ("3600x", 3600.0), ("0.5x", 0.5)])
def test_speeds_that_can_be_said(text: str, factor: float | None) -> None:
    assert parse_speed(text) == factor


@pytest.mark.parametrize("text", ["", "fast", "0x", "-1x", "3600", "1e3x", "3600x\n"])
def test_speeds_that_cannot(text: str) -> None:
    with pytest.raises(ConfigurationError, match="valid: max, or a factor such as 1x or 3600x"):
        parse_speed(text)
