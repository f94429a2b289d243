"""Budget years, what was booked of one, and its forecast."""

from __future__ import annotations

import datetime
import random
from zoneinfo import ZoneInfo

import pytest

from kept.buckets import WEEK_SECONDS
from kept.money.booked import Booked, Total
from kept.money.outturn import BudgetYear, Spent, budget_share, budget_year, outturn, spent

ZONE = ZoneInfo("Europe/Amsterdam")


def at(*parts: int) -> int:
    return int(datetime.datetime(*parts, tzinfo=ZONE).timestamp())  # type: ignore[misc]


YEAR = BudgetYear(at(2026, 1, 1), at(2027, 1, 1))


@pytest.mark.parametrize(
    ("moment", "month", "start"),
    [
        (at(2026, 7, 22, 16), 1, at(2026, 1, 1)),
        (at(2026, 7, 22, 16), 4, at(2026, 4, 1)),
        (at(2026, 3, 31, 23, 59), 4, at(2025, 4, 1)),
        (at(2026, 4, 1), 4, at(2025, 4, 1)),  # (start, end]: midnight belongs to the day before
        (at(2026, 4, 1, 0, 5), 4, at(2026, 4, 1)),
    ],
)
def test_a_budget_year_begins_on_the_first_of_its_month(moment: int, month: int, start: int) -> None:
    year = budget_year(moment, ZONE, month)
    assert year.start == start
    assert year.start < moment <= year.end


def test_what_was_booked_of_the_year_is_a_difference_of_totals() -> None:
    known = [Total(at(2025, 5, 1), at(2026, 1, 1), 700, 7), Total(at(2025, 5, 1), at(2026, 6, 1), 1900, 20)]
    assert spent(known, YEAR) == Spent(at(2026, 1, 1), at(2026, 6, 1), 1200, True)


def test_data_that_begin_within_the_year_tell_a_part_of_it() -> None:
    found = spent([Total(at(2026, 4, 1), at(2026, 6, 1), 900, 9)], YEAR)
    assert found == Spent(at(2026, 4, 1), at(2026, 6, 1), 900, False)
    assert budget_share(found, YEAR) == pytest.approx(275 / 365, abs=0.001)


def test_a_years_beginning_that_no_total_tells_is_not_made_up() -> None:
    late = [Total(at(2025, 5, 1), at(2026, 2, 1), 700, 7), Total(at(2025, 5, 1), at(2026, 6, 1), 1900, 20)]
    assert spent(late, YEAR) == Spent(at(2026, 2, 1), at(2026, 6, 1), 1200, False)
    assert spent(late[:1], YEAR) is None
    assert spent([], YEAR) is None
    assert spent([Total(at(2025, 5, 1), at(2025, 12, 30), 700, 7)], YEAR) is None


def booked(amounts: list[float]) -> list[Booked]:
    return [
        Booked(n * WEEK_SECONDS, n * WEEK_SECONDS, (n + 1) * WEEK_SECONDS, round(a), 1) for n, a in enumerate(amounts)
    ]


def test_the_forecast_is_what_was_booked_and_the_weeks_left_at_the_mean() -> None:
    so_far = Spent(YEAR.start, YEAR.end - 10 * WEEK_SECONDS, 42_000, True)
    found = outturn(so_far, YEAR, booked([900, 1100] * 10))
    assert found is not None
    assert found.expected == pytest.approx(42_000 + 10 * 1000)
    assert found.low < found.expected < found.high
    assert outturn(so_far, YEAR, booked([1000] * 7)) is None


def test_at_the_years_end_nothing_is_left_to_forecast() -> None:
    found = outturn(Spent(YEAR.start, YEAR.end, 42_000, True), YEAR, booked([900, 1100] * 10))
    assert found is not None and (found.low, found.expected, found.high) == (42_000, 42_000, 42_000)


def test_the_range_holds_what_comes_about_as_often_as_it_says() -> None:
    chance = random.Random(3)
    held, runs = 0, 400
    for _ in range(runs):
        amounts = [chance.gauss(10_000, 1500) for _ in range(36)]
        so_far = Spent(YEAR.start, YEAR.end - 16 * WEEK_SECONDS, round(sum(amounts[:20])), True)
        found = outturn(so_far, YEAR, booked(amounts[:20]))
        assert found is not None
        held += found.low <= sum(amounts) <= found.high
    assert 0.93 <= held / runs <= 1.0
