"""The comparison series: who is in it, and when it is used."""

from __future__ import annotations

import math

import pytest

from kept.effects.comparison import Comparison, comparison
from kept.effects.scale import Scale, scale_of
from kept.effects.stretch import stretch
from kept.registered_changes import RegisteredChange
from kept.signals.chart_weeks import ChartWeek
from tests.kept.effects.weeks import change, line

SEASON = [1, 1.3, 0.8, 1.1, 0.7, 1.2, 1, 0.9, 1.3, 0.8, 1, 1.1, 0.9, 1.2, 0.8, 1, 1.1, 0.9]
STILL = [1, 1.02, 0.99] * 6


def compared(
    others: dict[str, list[ChartWeek]], changes: list[RegisteredChange], own: list[float] = SEASON
) -> Comparison:
    part = stretch(change(10.5), "delivery_time_closed_p50", line([48 * each for each in own]), [], 0)
    return comparison(part.before, part.after, others, changes, Scale("seconds", True))


def test_services_that_move_with_it_are_used_as_their_mean() -> None:
    slow, fast = line([480 * each for each in SEASON]), line([4.8 * each for each in SEASON])
    found = compared({"slow": slow, "fast": fast}, [])
    assert (found.why, found.services) == ("steadier", ("fast", "slow"))
    assert found.spread == pytest.approx(0, abs=1e-9)
    usual = sum(math.log(each) for each in SEASON[:10]) / 10
    assert found.values[slow[11].week_end] == pytest.approx(math.log(SEASON[11]) - usual)


def test_a_service_that_lacks_a_week_makes_no_jump_in_the_mean() -> None:
    values = [480 * each if number != 11 else None for number, each in enumerate(SEASON)]
    full = line([4.8 * each for each in SEASON])
    found = compared({"slow": line(values), "fast": full}, [])
    usual = sum(math.log(each) for each in SEASON[:10]) / 10
    assert found.values[full[11].week_end] == pytest.approx(math.log(SEASON[11]) - usual)


def test_what_does_not_move_with_it_is_named_and_not_used() -> None:
    found = compared({"other": line([48 * each for each in SEASON])}, [], own=STILL)
    assert (found.why, found.used, found.services) == ("moves_apart", False, ("other",))


def test_a_service_with_a_change_of_its_own_meanwhile_is_left_out() -> None:
    same = line([48 * each for each in SEASON])
    found = compared({"a": same, "b": same}, [change(12, service="a")])
    assert found.services == ("b",)
    assert compared({"a": same}, [change(12, service="a")]).why == "own_changes"
    assert compared({"a": same}, [change(12, service="a", indicator="cost_per_outcome")]).why == "steadier"
    assert compared({"a": same}, [change(30, service="a")]).why == "steadier"


def test_without_anybody_it_says_so() -> None:
    assert compared({}, []).why == "no_other"
    assert compared({"a": line([48.0] * 18, indicator="backlog")}, []).why == "no_other"
    few = line([48 * each if number % 2 else None for number, each in enumerate(SEASON)])
    assert compared({"a": few}, []).why == "too_few_weeks"


def test_times_and_money_are_ratios_and_shares_differences() -> None:
    assert scale_of("seconds", [3.0, 4.0]).relative
    assert not scale_of("seconds", [3.0, 0.0]).relative
    assert not scale_of("share", [0.5]).relative
    assert scale_of("EUR", [3.0]).size(math.log(0.9)) == pytest.approx(-0.1)


@pytest.mark.parametrize(
    ("unit", "level", "way", "least"),
    [
        ("share", 0.70, "up", 0.03),
        ("share", 0.96, "up", 0.01),
        ("share", 0.04, "down", 0.01),
        ("points", 60, "up", 3.0),
        ("seconds", 100, "down", -math.log(0.9)),
        ("EUR", 100, "up", math.log(1.1)),
    ],
)
def test_what_is_worth_while(unit: str, level: float, way: str, least: float) -> None:
    assert scale_of(unit, [level]).worthwhile(level, "up" if way == "up" else "down") == pytest.approx(least)
