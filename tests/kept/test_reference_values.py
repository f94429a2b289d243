"""The whole Boston and CoSeLoG files through the core, against the reference values of the design, recomputed by hand.

Counts are exact, shares hold to 1e-9, quantiles to 2 %. The brute-force counts here read the file's rows only.
"""

from __future__ import annotations

import csv
import gzip
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from statistics import mean
from zoneinfo import ZoneInfo

import pytest

from kept import counters as c
from kept.errors import Reject
from kept.events import Event, milliseconds, tick
from kept.indicators.evaluate import evaluate
from kept.indicators.point import Point
from kept.intake import Rules, rules_by_service
from kept.marks import Accounts
from kept.partition import PartitionState
from kept.tallies import MergedTallies
from producers.mapping import read_mapping
from producers.sources import read_events
from tests.kept.city import Board

pytestmark = pytest.mark.slow
DAY = 86_400
BOSTON_ZONE = ZoneInfo("America/New_York")
BOSTON_AS_OF = datetime(2012, 1, 1, tzinfo=BOSTON_ZONE)
COSELOG_AS_OF = datetime.fromisoformat("2012-01-24T00:00:00+01:00")


@dataclass
class Replayed:
    """A file through the core, as it was known at one moment."""

    rules: Rules
    state: PartitionState
    tallies: MergedTallies
    points: list[Point]
    board: Board
    accounts: Accounts
    events: int


@lru_cache(maxsize=1)
def replay(path: Path, mapping: str, as_of: datetime) -> Replayed:
    described = read_mapping(mapping)
    service = described.service()
    at_ms = milliseconds(as_of)
    rules = rules_by_service({service.id: service})
    state = PartitionState(0, rules, live=False)
    tallies = MergedTallies({service.id: rules[service.id].local_time})
    events: list[Event | Reject] = [one for _, one in read_events(path, described, until_ms=at_ms).events]
    for start in range(0, len(events), 20_000):
        batch = events[start : start + 20_000]
        for _, key, value in state.apply(state.offset + len(batch), batch).tallies:
            tallies.apply(key, value)
    for _, key, value in state.apply(state.offset + 1, [tick(at_ms, 0)]).tallies:
        tallies.apply(key, value)
    points = evaluate(tallies, rules[service.id], at_ms // 1000)
    return Replayed(rules[service.id], state, tallies, points, Board(points), state.accounts, len(events))


@pytest.fixture(scope="module")
def boston_file(shared_data: Path) -> Path:
    return shared_data / "boston_311_2011H2.csv.gz"


@pytest.fixture(scope="module")
def boston(boston_file: Path) -> Replayed:
    return replay(boston_file, "boston_311", BOSTON_AS_OF)


@pytest.fixture(scope="module")
def coselog_file(shared_data: Path) -> Path:
    return shared_data / "coselog_permit_receipt_events.csv.gz"


@pytest.fixture(scope="module")
def coselog(coselog_file: Path) -> Replayed:
    return replay(coselog_file, "coselog_permits", COSELOG_AS_OF)


def rows(path: Path) -> Iterator[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


@dataclass
class Request:
    """One row of the Boston file as it was known at the as-of moment; seconds since 1970."""

    opened: float
    due: float | None
    closed: float | None
    channel: str


@pytest.fixture(scope="module")
def requests(boston_file: Path) -> list[Request]:
    """The rows opened by the as-of moment, with later closings hidden."""
    end, known = BOSTON_AS_OF.timestamp(), []
    for row in rows(boston_file):
        opened, due, closed = (_local(row[name]) for name in ("open_dt", "target_dt", "closed_dt"))
        if opened is not None and opened <= end:
            known.append(Request(opened, due, closed if closed is not None and closed <= end else None, row["source"]))
    return known


def _local(text: str) -> float | None:
    return datetime.fromisoformat(text.strip()).replace(tzinfo=BOSTON_ZONE).timestamp() if text.strip() else None


def share(point: Point) -> tuple[float | int | None, float | int | None]:
    assert point.state == "value"
    assert point.value == pytest.approx(point.numerator / point.denominator, abs=1e-9)  # type: ignore[operator]
    return point.numerator, point.denominator


# Boston


def test_boston_every_event_is_applied(boston: Replayed) -> None:
    assert boston.accounts.applied == boston.accounts.received == boston.events
    assert boston.accounts.reconciles()


def test_boston_promises_kept_among_closed_cases_and_in_the_due_cohort(
    boston: Replayed, requests: list[Request]
) -> None:
    assert share(boston.board("promise_kept_closed")) == (33_436, 38_486)
    assert share(boston.board("promise_kept")) == (29_928, 39_685)
    assert boston.board("promise_kept_closed").value == pytest.approx(0.8688, abs=5e-5)
    assert boston.board("promise_kept").value == pytest.approx(0.7541, abs=5e-5)
    end = BOSTON_AS_OF.timestamp()
    due = [r for r in requests if r.due is not None and r.due <= end]
    assert len(due) == 39_685
    assert sum(r.closed is not None and r.closed <= r.due for r in due) == 29_928  # type: ignore[operator]
    assert boston.board("overdue").value == sum(r.closed is None for r in due)


def test_boston_delivery_times_with_and_without_the_open_cases(boston: Replayed) -> None:
    assert boston.board("delivery_time_p50").value == pytest.approx(1.147 * DAY, rel=0.02)
    assert boston.board("delivery_time_p75").value == pytest.approx(17.73 * DAY, rel=0.02)
    ninety = boston.board("delivery_time_p90")
    assert (ninety.value, ninety.state, ninety.reason) == (None, "not_applicable", "too_many_open")
    assert boston.board("delivery_time_closed_p50").value == pytest.approx(0.63 * DAY, rel=0.02)
    assert boston.board("delivery_time_closed_p90").value == pytest.approx(18.8 * DAY, rel=0.02)


def test_boston_backlog_is_what_the_register_holds_open(boston: Replayed, requests: list[Request]) -> None:
    assert boston.board("backlog").value == 9_879
    assert boston.state.open_cases() == {"boston-311": 9_879}
    assert sum(r.closed is None for r in requests) == 9_879
    bands = [
        p.value for p in boston.points if p.window == "all" and not p.slice and p.indicator.startswith("backlog_age_")
    ]
    assert sum(bands) == 9_879  # type: ignore[arg-type]


def test_boston_digital_share_of_residents_among_opened_and_completed_cases(boston: Replayed) -> None:
    kinds = boston.rules.service.channels
    by_channel = {dict(p.slice)["channel"]: p.value for p in boston.points
                  if p.indicator == "arrivals" and p.window == "all" and dict(p.slice).get("channel")}  # fmt: skip
    residents = {name: count for name, count in by_channel.items() if name not in kinds.staff}
    digital = sum(residents.get(name, 0) for name in kinds.digital)  # type: ignore[misc]
    assert (digital, sum(residents.values())) == (12_067, 40_206)  # type: ignore[arg-type]
    assert digital / sum(residents.values()) == pytest.approx(0.300, abs=5e-4)  # type: ignore[arg-type]
    assert boston.board("digital_take_up").value == pytest.approx(0.334, abs=5e-4)


@pytest.mark.parametrize("dimension", ["channel", "category"])
def test_boston_slices_sum_to_the_whole(boston: Replayed, dimension: str) -> None:
    # The as-of moment is a full hour, so slices and the whole hold at the same moment.
    for indicator in ("arrivals", "completions", "backlog", "overdue"):
        # A slice without any promise does not provide `overdue`.
        slices = [p.value or 0 for p in boston.points if p.indicator == indicator and p.window == "all"
                  and p.slice and p.slice[0][0] == dimension]  # fmt: skip
        assert sum(slices) == boston.board(indicator).value, indicator
    parts = [p for p in boston.points if p.indicator == "promise_kept" and p.window == "all" and p.slice
             and p.slice[0][0] == dimension and p.denominator]  # fmt: skip
    assert (sum(p.numerator for p in parts), sum(p.denominator for p in parts)) == (29_928, 39_685)  # type: ignore[misc]


def test_boston_arrivals_by_channel_are_those_of_the_file(boston: Replayed, requests: list[Request]) -> None:
    expected = Counter(r.channel for r in requests)
    for channel, count in expected.items():
        assert boston.board("arrivals", channel=channel).value == count


def mondays() -> list[int]:
    """The ends (s) of the 25 full weeks: Mondays 00:00 from 11 July to 26 December 2011."""
    first = datetime(2011, 7, 11, tzinfo=BOSTON_ZONE)
    return [int((first + timedelta(weeks=number)).timestamp()) for number in range(25)]


@pytest.fixture(scope="module")
def weeks(boston: Replayed) -> list[Point]:
    """promise_kept of each full week."""
    return [
        next(p for p in evaluate(boston.tallies, boston.rules, monday, windows=["week"], slices=False)
             if p.indicator == "promise_kept")
        for monday in mondays()
    ]  # fmt: skip


def test_boston_weekly_due_cohorts_equal_a_count_over_the_rows(weeks: list[Point], requests: list[Request]) -> None:
    #  |Mon 00:00 ------------------ Mon 00:00|    (start, end], local time, two of them with a clock change
    for monday, point in zip(mondays(), weeks, strict=True):
        due = [r for r in requests if r.due is not None and point.window_start < r.due <= monday]
        kept = sum(r.closed is not None and r.closed <= r.due for r in due)  # type: ignore[operator]
        assert (point.window_end, point.numerator, point.denominator) == (monday, kept, len(due))
        local = datetime.fromtimestamp(point.window_start, BOSTON_ZONE)
        assert (local.weekday(), local.hour, local.minute) == (0, 0, 0)
    sizes = [point.denominator for point in weeks]
    assert (len(sizes), min(sizes), max(sizes)) == (25, 666, 2_864)  # type: ignore[type-var]


def test_boston_weekly_due_cohorts_have_the_control_limits_of_the_design(weeks: list[Point]) -> None:
    values = [100 * point.value for point in weeks]  # type: ignore[operator]
    baseline = values[:12]
    ranges = [abs(b - a) for a, b in pairwise(baseline)]
    screened = [r for r in ranges if r < 3.267 * mean(ranges)]
    assert len(ranges) - len(screened) == 1
    centre, spread = mean(baseline), 2.66 * mean(screened)
    assert centre == pytest.approx(79.52, abs=0.005)
    assert (centre - spread, centre + spread) == pytest.approx((72.16, 86.88), abs=0.005)
    outside = [index for index, value in enumerate(values) if abs(value - centre) > spread]
    assert outside[0] == 8
    assert [index for index in outside if index > 14] == [17, 19, 21, 22, 23, 24]


# CoSeLoG


def test_coselog_every_event_is_applied(coselog: Replayed, coselog_file: Path) -> None:
    assert coselog.accounts.applied == coselog.accounts.received == coselog.events
    assert sum(1 for _ in rows(coselog_file)) == 8_577
    assert coselog.board("arrivals").value == 1_434


def test_coselog_rows_say_what_the_design_says(coselog_file: Path) -> None:
    cases = {row["case_id"]: row for row in rows(coselog_file)}
    ended = [row for row in cases.values() if row["case_enddate"].strip()]
    promised = [row for row in ended if row["case_enddate_planned"].strip()]
    at = datetime.fromisoformat
    in_time = [row for row in promised if at(row["case_enddate"]) <= at(row["case_enddate_planned"])]
    assert (len(cases), len(in_time), len(ended)) == (1_434, 940, 1_329)


def test_coselog_promises_by_due_cohort_and_among_closed_cases(coselog: Replayed) -> None:
    cohort = coselog.board("promise_kept")
    assert cohort.denominator == 1_342
    assert cohort.value == pytest.approx(0.67958, abs=5e-6)
    kept, with_promise = share(coselog.board("promise_kept_closed"))
    assert kept == 940
    assert with_promise <= coselog.board("completions").value  # type: ignore[operator]


def test_coselog_completions_and_their_median(coselog: Replayed) -> None:
    assert coselog.board("completions").value == 1_329
    assert coselog.board("delivery_time_closed_p50").value == pytest.approx(50.637 * DAY, rel=0.02)
    assert coselog.board("delivery_time_closed_p50").n == 1_329


def test_coselog_internet_share_of_opened_cases(coselog: Replayed) -> None:
    internet = coselog.board("arrivals", channel="Internet").value
    assert internet == 1_250
    assert internet / 1_434 == pytest.approx(0.872, abs=5e-4)


def test_coselog_two_cases_were_completed_before_they_were_opened(coselog: Replayed) -> None:
    anomalies = sum(tally.get(c.COMPLETED_BEFORE_OPENING, 0)
                    for series, _, tally in coselog.tallies.items() if series[1] == "")  # fmt: skip
    assert anomalies == 2


def test_coselog_backlog_is_what_the_register_holds_open(coselog: Replayed) -> None:
    assert coselog.state.open_cases() == {"coselog-permits": coselog.board("backlog").value}
    assert coselog.board("backlog").value == 1_434 - 1_329


def test_coselog_steps_of_all_kinds_sum_to_the_rows(coselog: Replayed) -> None:
    assert coselog.board("rework_share").denominator == 8_577
    by_step = [p.denominator for p in coselog.points if p.indicator == "rework_share" and p.window == "all"
               and p.slice and p.slice[0][0] == "step"]  # fmt: skip
    assert sum(by_step) == 8_577  # type: ignore[arg-type]
