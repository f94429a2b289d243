"""When a week is so far from the weeks before it that someone is told."""

from __future__ import annotations

import pytest

from kept.signals.grave import FAR, FAR_TWICE, LEAST_CASES, GravePoint, grave
from tests.kept.signals import chart_simulation as simulation


def money(*values: float, segment: int = 0) -> list[GravePoint]:
    return [GravePoint(value, 200, None, segment) for value in values]


USUAL = money(*[90, 110] * 6)
"""Mean 100, ranges of 20: half-width 2.66 x 20 x sqrt(1 + 1/12) x (1 + 1/11) = 60.40."""
HALF = 60.402


def newest(points: list[GravePoint], *after: GravePoint) -> float | None:
    found = grave([*points, *after])
    return None if found is None else found.times * (1 if found.direction == "up" else -1)


def test_one_week_two_half_widths_away_is_grave_and_less_is_not() -> None:
    assert newest(USUAL, *money(100 + FAR * HALF - 0.1)) is None
    assert newest(USUAL, *money(100 + FAR * HALF + 0.1)) == pytest.approx(FAR, abs=0.01)
    assert newest(USUAL, *money(100 - FAR * HALF - 0.1)) == pytest.approx(-FAR, abs=0.01)


def test_two_weeks_in_a_row_one_and_a_quarter_half_widths_away_on_one_side_are_grave() -> None:
    far = 100 + FAR_TWICE * HALF + 0.1
    assert newest(USUAL, *money(far)) is None
    assert newest(USUAL, *money(far, far)) == pytest.approx(FAR_TWICE, abs=0.01)
    assert newest(USUAL, *money(far, 200 - far)) is None
    assert newest(USUAL, *money(far, 100, far)) is None
    assert newest(USUAL, *money(far - 0.3, far)) is None


def test_eight_weeks_in_a_row_must_be_known() -> None:
    assert grave([*USUAL[:8], *money(500)]) is not None
    assert grave([*USUAL[:7], *money(500)]) is None
    assert grave([]) is None
    assert grave(money(500)) is None


def test_a_week_of_few_cases_is_never_grave() -> None:
    assert grave([*USUAL, GravePoint(900, LEAST_CASES - 1, None)]) is None
    assert grave([*USUAL, GravePoint(900, LEAST_CASES, None)]) is not None


def test_the_half_width_is_never_less_than_what_chance_does_to_so_many_cases() -> None:
    # ranges of 0: nothing but the interval of the newest week counts. 3 sigma = 3 / 1.96 x 10 = 15.31
    alike = [GravePoint(50, 400, 5.0) for _ in range(12)]
    assert grave([*alike, GravePoint(50 + 30.5, 400, 10.0)]) is None
    found = grave([*alike, GravePoint(50 + 30.7, 400, 10.0)])
    assert found is not None
    assert found.half == pytest.approx(15.306, abs=0.001)


def test_where_nothing_tells_what_chance_does_fifteen_per_cent_is_the_least() -> None:
    alike = money(*[100.0] * 12)
    assert newest(alike, *money(114.9)) is None
    assert newest(alike, *money(115.1)) == pytest.approx(2, abs=0.02)
    assert newest(alike, *money(100)) is None


def test_the_mean_is_that_of_the_first_twelve_weeks_so_that_a_slow_drift_adds_up() -> None:
    drift = money(*[100 + 1.5 * week + (10 if week % 2 else -10) for week in range(90)])
    assert grave(drift[:30]) is None
    assert grave(drift) is not None


def test_a_new_level_after_a_re_basing_is_compared_with_itself_from_its_second_week_on() -> None:
    new = money(*[490, 510] * 6, segment=1)
    first = grave([*USUAL, *new[:1]])
    assert first is not None and not first.settled
    assert grave([*USUAL, *new[:2]]) is None
    assert grave([*USUAL, *new[:3]]) is None
    found = grave([*USUAL, *new[:3], *money(250, segment=1)])
    assert found is not None and found.settled
    assert found.direction == "down"
    assert found.mean == pytest.approx(1490 / 3)


def test_the_week_of_the_change_is_no_part_of_a_mean() -> None:
    mixed = [GravePoint(300, 200, None, 1, mixed=True)]
    new = money(490, 510, 500, segment=1)
    assert grave([*USUAL, *mixed, *new]) is None
    found = grave([*USUAL, *mixed])
    assert found is not None and not found.settled and found.mean == 100


def test_false_tickets_are_as_rare_as_the_page_says_and_real_changes_are_found() -> None:
    """A tenth of what docs/generate_control_charts.py simulates, with its own dice."""
    for kind in simulation.QUIET:
        trial, full = simulation.false_tickets_a_year(kind, chart_years=100, seed=11)
        assert trial <= kind.most_a_year and full <= kind.most_a_year, kind.name
    for change in simulation.CHANGES:
        found = simulation.weeks_until_found(change, charts=100, seed=12)
        assert found.within_two_weeks >= change.least_found, change.name


def test_after_a_re_basing_a_week_is_compared_with_the_stretch_before_and_not_with_older_ones() -> None:
    between = money(*[490, 510] * 3, segment=1)
    found = grave([*USUAL, *between, *money(100, segment=2)])
    assert found is not None and not found.settled
    assert (found.mean, found.weeks) == (500, 6)
