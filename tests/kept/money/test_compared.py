"""Which weeks are compared with which."""

from __future__ import annotations

from kept.buckets import WEEK_SECONDS
from kept.money.compared import Week, compare
from kept.registered_changes import RegisteredChange

START = 1_767_567_600


def weeks(count: int, **gaps: str) -> list[Week]:
    """Cost rises by a half after half of the weeks; the promise falls."""
    return [
        Week(
            start=START + place * WEEK_SECONDS,
            end=START + (place + 1) * WEEK_SECONDS,
            cost=(1000.0 if place < count // 2 else 500.0) + place % 2,
            promise=(0.9 if place < count // 2 else 0.8) + 0.001 * (place % 2),
            satisfaction=None,
            gap="short_week" if str(place) in gaps.get("short", "").split() else None,
        )
        for place in range(count)
    ]


def change(week: float, indicator: str | None = "delivery_time_p50") -> RegisteredChange:
    at = START + int(week * WEEK_SECONDS)
    return RegisteredChange(service="a", at=at, id=f"{at:016x}", title="t", indicator=indicator)


def test_around_the_newest_change_that_has_eight_weeks_on_either_side() -> None:
    found = compare(weeks(40), [change(20), change(36)], None)
    assert found.change == change(20)
    assert (found.before, found.after) == (
        (START, START + 20 * WEEK_SECONDS),
        (START + 20 * WEEK_SECONDS, START + 36 * WEEK_SECONDS),
    )
    assert found.trade_off.finding == "saving_worsened_quality"


def test_the_week_of_a_change_belongs_to_neither_side() -> None:
    found = compare(weeks(40), [change(20.5)], None)
    assert found.before[1] == START + 20 * WEEK_SECONDS
    assert found.after[0] == START + 21 * WEEK_SECONDS


def test_without_such_a_change_quarters_of_comparable_weeks_are_compared() -> None:
    found = compare(weeks(30, short="29 20 14"), [change(28)], None)
    assert found.by == "quarter"
    assert found.after == (START + 15 * WEEK_SECONDS, START + 29 * WEEK_SECONDS)  # 13 weeks, one short among them
    move = found.trade_off.cost
    assert move is not None and (move.weeks_before, move.weeks_after) == (13, 13)


def test_a_change_of_what_is_compared_makes_its_week_incomparable_and_faster_delivery_does_not() -> None:
    told = compare(weeks(26), [change(20.5, "cost_per_outcome"), change(22.5, None)], "quarter").trade_off.cost
    assert told is not None and told.weeks_before + told.weeks_after == 24
    untold = compare(weeks(26), [change(20.5)], "quarter").trade_off.cost
    assert untold is not None and untold.weeks_before + untold.weeks_after == 26


def test_a_year_is_compared_with_the_same_weeks_before() -> None:
    found = compare(weeks(70), [], "year")
    assert found.after == (START + 57 * WEEK_SECONDS, START + 70 * WEEK_SECONDS)
    assert found.before == (START + 5 * WEEK_SECONDS, START + 18 * WEEK_SECONDS)


def test_too_few_weeks_cannot_tell() -> None:
    for by in (None, "quarter", "year", "change"):
        assert compare(weeks(12), [change(6)], by).trade_off.finding == "cannot_tell"  # type: ignore[arg-type]
    assert compare([], [], None).before == (0, 0)
