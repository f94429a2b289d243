"""The Boston file by week of the due: counted from its rows, and through the core. Per cent, to two decimals."""

from __future__ import annotations

import csv
import gzip
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from kept.signals import charts
from kept.signals.situation import Situation
from kept.signals.spc import Judged, judge_all, judge_next
from kept.signals.weekly import weekly_figures
from tests.kept.signals import published_rules
from tests.kept.test_reference_values import BOSTON_AS_OF, replay

FIRST_WEEK_ENDS, LAST_WEEK_ENDS = date(2011, 7, 10), date(2011, 12, 25)
OUTSIDE = [8, 17, 19, 21, 22, 23, 24]
SHIFT = list(range(8, 15))


@pytest.fixture(scope="module")
def cohorts(shared_data: Path) -> list[tuple[int, int]]:
    """(kept, due) of each whole week from Monday to Sunday, as known on 1 January 2012."""
    as_of = BOSTON_AS_OF.replace(tzinfo=None)
    due_in: dict[date, list[bool]] = {}
    with gzip.open(shared_data / "boston_311_2011H2.csv.gz", "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if not row["target_dt"].strip() or datetime.fromisoformat(row["open_dt"]) > as_of:
                continue
            due = datetime.fromisoformat(row["target_dt"])
            closed = datetime.fromisoformat(row["closed_dt"]) if row["closed_dt"].strip() else None
            # a due at midnight belongs to the day that ends then
            day = (due - timedelta(microseconds=1)).date()
            sunday = day + timedelta(days=6 - day.weekday())
            due_in.setdefault(sunday, []).append(closed is not None and closed <= due and closed <= as_of)
    weeks = sorted(week for week in due_in if FIRST_WEEK_ENDS <= week <= LAST_WEEK_ENDS)
    return [(sum(due_in[week]), len(due_in[week])) for week in weeks]


def places(judged: list[Judged], rule: int) -> list[int]:
    return [one.place for one in judged if rule in one.rules]


def test_weekly_due_cohorts_and_their_limits(cohorts: list[tuple[int, int]]) -> None:
    assert len(cohorts) == 25
    assert (min(n for _, n in cohorts), max(n for _, n in cohorts)) == (666, 2864)
    limits = judge_all([100 * kept / n for kept, n in cohorts])[0].limits
    assert limits is not None
    assert (limits.mean, limits.lower, limits.upper) == pytest.approx((79.52, 72.16, 86.88), abs=0.005)


def test_the_same_weeks_are_flagged_as_by_the_published_rules(cohorts: list[tuple[int, int]]) -> None:
    values = [kept / n for kept, n in cohorts]
    judged = judge_all(values, floor=0, ceiling=1)
    assert places(judged, 1) == OUTSIDE
    assert set(SHIFT) <= set(places(judged, 2))
    assert {rule: places(judged, rule) for rule in (1, 2, 3, 4)} == published_rules.flagged(values)


def test_week_by_week_the_first_point_outside_is_the_same_with_trial_limits(cohorts: list[tuple[int, int]]) -> None:
    values = [kept / n for kept, n in cohorts]
    live = [judge_next(values[: end + 1], floor=0, ceiling=1) for end in range(len(values))]
    assert live[8].trial and [one.rule for one in live[8].fires] == [1]
    assert [one.place for one in live if any(each.rule == 1 for each in one.fires)] == OUTSIDE


@pytest.mark.slow
def test_the_core_has_the_same_weeks_and_a_chart_of_them(shared_data: Path, cohorts: list[tuple[int, int]]) -> None:
    boston = replay(shared_data / "boston_311_2011H2.csv.gz", "boston_311", BOSTON_AS_OF)
    situation = Situation(boston.tallies, boston.rules, int(BOSTON_AS_OF.timestamp()))
    figures = weekly_figures(situation)["promise_kept"]
    assert [(one.numerator, one.denominator) for one in figures] == cohorts
    (chart,) = (one for one in charts.charts(situation) if one.indicator == "promise_kept")
    assert chart.newest is not None and chart.newest.limits is not None
    assert chart.newest.place == 24
    assert [one.rule for one in chart.newest.fires] == [1]
    assert 100 * chart.newest.limits.lower == pytest.approx(72.16, abs=0.005)
    verdicts = {(one.signal, one.about): one for one in charts.judge(situation) if one.active}
    assert "below the lower limit 0.722; mean 0.795 of 12 weeks; concern" in (
        verdicts[("chart_signal", "promise_kept")].words
    )
