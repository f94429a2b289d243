"""Made-up changes in real weeks: at dates at which nobody registered anything, "worked" must be rare."""

from __future__ import annotations

import csv
import gzip
import statistics
from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from kept.buckets import WEEK_SECONDS
from kept.effects.judge import judge
from kept.effects.stretch import LEAST_AFTER, LEAST_BEFORE
from kept.indicators.intervals import wilson
from kept.registered_changes import RegisteredChange
from kept.signals.chart_weeks import ChartWeek
from kept.signals.spc import Direction

AS_OF = datetime(2012, 1, 1)
FIRST_WEEK_ENDS, LAST_WEEK_ENDS = date(2011, 7, 10), date(2011, 12, 25)
LEAST_CASES, LEAST_WEEKS = 10, 20
WAYS: tuple[Direction, Direction] = ("down", "up")
Series = Mapping[str, list[ChartWeek]]


def sunday(moment: datetime) -> date:
    return moment.date() + timedelta(days=6 - moment.weekday())


@pytest.fixture(scope="module")
def boston(shared_data: Path) -> dict[str, Series]:
    """By indicator and kind of request: weeks of at least ten cases, kinds with at least twenty such weeks."""
    times: dict[str, dict[date, list[float]]] = defaultdict(lambda: defaultdict(list))
    kept: dict[str, dict[date, list[bool]]] = defaultdict(lambda: defaultdict(list))
    with gzip.open(shared_data / "boston_311_2011H2.csv.gz", "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            opened = datetime.fromisoformat(row["open_dt"])
            closed = datetime.fromisoformat(row["closed_dt"]) if row["closed_dt"].strip() else AS_OF
            if closed < AS_OF:
                times[row["reason"]][sunday(closed)].append((closed - opened).total_seconds())
            if row["target_dt"].strip() and opened <= AS_OF:
                due = datetime.fromisoformat(row["target_dt"])
                kept[row["reason"]][sunday(due - timedelta(microseconds=1))].append(closed <= due and closed < AS_OF)
    return {
        "delivery_time_closed_p50": _series(dict(times), "delivery_time_closed_p50"),
        "promise_kept": _series(dict(kept), "promise_kept"),
    }


def _series(cases: Mapping[str, Mapping[date, list[float]] | Mapping[date, list[bool]]], indicator: str) -> Series:
    found = {}
    for kind, by_week in cases.items():
        weeks = [
            _week(kind, indicator, week, list(by_week[week]))
            for week in sorted(by_week)
            if FIRST_WEEK_ENDS <= week <= LAST_WEEK_ENDS and len(by_week[week]) >= LEAST_CASES
        ]
        if len(weeks) >= LEAST_WEEKS:
            found[kind] = weeks
    return found


def _week(kind: str, indicator: str, ends: date, cases: list[float] | list[bool]) -> ChartWeek:
    end = int(datetime(ends.year, ends.month, ends.day, tzinfo=UTC).timestamp()) + 86_400
    is_share = indicator == "promise_kept"
    low, high = wilson(round(sum(cases)), len(cases)) if is_share else (None, None)
    return ChartWeek(
        service=kind,
        indicator=indicator,
        week_start=end - WEEK_SECONDS,
        week_end=end,
        unit="share" if is_share else "seconds",
        better="up" if is_share else "down",
        segment=0,
        value=sum(cases) / len(cases) if is_share else statistics.median(cases),
        n=len(cases),
        low=low,
        high=high,
    )


def test_at_made_up_dates_worked_is_said_less_than_five_times_in_a_hundred(boston: dict[str, Series]) -> None:
    said: Counter[str] = Counter()
    for indicator, series in boston.items():
        for kind, weeks in series.items():
            for week in weeks[LEAST_BEFORE:-LEAST_AFTER]:
                for way in WAYS:
                    made_up = RegisteredChange(
                        service=kind, at=week.week_start + 1, id="0", title="None", indicator=indicator, direction=way
                    )
                    said[judge(made_up, weeks, series, [made_up]).outcome] += 1
    assert (said["worked"], said.total()) == (24, 544), "docs/generate_effects.py says so"
