"""Where around its due a case is closed, moved and paused, told by the life of one case."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from kept import target_margins as m
from kept.calendars import WorkingCalendar
from kept.cases import ELAPSED_TIME
from kept.durations import HOUR_MS
from tests.kept.city import PLAIN, City, event, ms
from tests.kept.timeline import Counted, counted

NEAR = ("closed_before", "closed_after", "reopened_just", "reopened_beside", "moved_", "paused_last", "paused_fifth")


def near(case: Counted) -> Counted:
    return {name: times for name, times in case.items() if name.startswith(NEAR)}


def test_bands_lie_side_by_side_from_long_before_the_due_to_long_after() -> None:
    assert [band.name for band in m.BANDS] == [
        "before_over_25", "before_20_25", "before_15_20", "before_10_15", "before_5_10", "before_0_5",
        "after_0_5", "after_5_10", "after_10_15", "after_15_20", "after_20_25", "after_over_25",
    ]  # fmt: skip
    assert [band.number for band in m.BANDS] == list(range(12))
    assert m.BANDS[m.JUST_BEFORE].words == "0 to 5 % before"
    assert m.BANDS[-1].words == "more than 25 % after"


#   promised 100 h: a band is 5 h
@pytest.mark.parametrize(
    ("closed", "band"),
    [
        ("1", "before_over_25"), ("75", "before_over_25"), ("75+1ms", "before_20_25"), ("95", "before_5_10"),
        ("95+1ms", "before_0_5"), ("100", "before_0_5"), ("100+1ms", "after_0_5"), ("105", "after_0_5"),
        ("105+1ms", "after_5_10"), ("125", "after_20_25"), ("125+1ms", "after_over_25"), ("900", "after_over_25"),
    ],
)  # fmt: skip
def test_a_closing_is_in_the_band_of_its_distance_from_the_due(closed: str, band: str) -> None:
    case = near(counted(f"opened 0 due 100 | completed {closed}"))
    assert list(case) == [f"closed_{band}"]


def test_a_withdrawal_and_a_case_without_a_promise_are_in_no_band() -> None:
    assert near(counted("opened 0 due 100 | completed 99 withdrawn")) == {}
    assert near(counted("opened 0 | completed 99")) == {}
    assert near(counted("opened 5 due 5 | completed 5")) == {}


def test_the_time_of_a_pause_is_not_part_of_the_margin() -> None:
    #  o----p~~~~~r--------c-d     promised 100, due moved from 100 to 120, closed 3 before
    assert near(counted("opened 0 due 100 | paused 10 | resumed 30 | completed 117")) == {"closed_before_0_5": {117: 1}}


def test_every_closing_counts_and_the_first_of_two_without_a_reopening_does_not() -> None:
    case = near(counted("opened 0 due 100 | completed 40 | completed 98 | reopened 120 | completed 130"))
    assert case == {"closed_before_0_5": {98: 1}, "closed_after_over_25": {130: 1}, "reopened_just_before": {98: 1}}


def test_only_what_was_closed_near_its_due_and_reopened_soon_is_counted_as_that() -> None:
    days = m.REOPENED_SOON_DAYS * 24
    assert "reopened_just_before" in near(counted(f"opened 0 due 100 | completed 98 | reopened {98 + days}"))
    assert "reopened_just_before" not in near(counted(f"opened 0 due 100 | completed 98 | reopened {98 + days}+1ms"))
    assert near(counted("opened 0 due 100 | completed 80 | reopened 82"))["reopened_beside"] == {80: 1}
    for far in ("10", "101"):
        assert len(near(counted(f"opened 0 due 100 | completed {far} | reopened 110"))) == 1, far


@pytest.mark.parametrize(
    ("moved", "place"),
    [("60", None), ("60+1ms", "fifth_before"), ("80", "fifth_before"), ("80+1ms", "last_fifth"),
     ("100", "last_fifth"), ("100+1ms", "after_due")],
)  # fmt: skip
def test_a_promise_is_moved_in_a_fifth_of_its_time_or_when_it_is_missed(moved: str, place: str | None) -> None:
    case = near(counted(f"opened 0 due 100 | due_changed {moved} to 200"))
    assert list(case) == ([] if place is None else [f"moved_{place}"])


def test_a_promise_moved_to_earlier_is_no_move_to_look_at() -> None:
    assert near(counted("opened 0 due 100 | due_changed 95 to 99")) == {}


def test_a_case_is_counted_once_in_each_place() -> None:
    life = "opened 0 due 100 | due_changed 95 to 100 | due_changed 96 to 101 | due_changed 97 to 102"
    assert near(counted(life)) == {"moved_last_fifth": {96: 1}}


def test_a_promise_moved_while_the_clock_stands_is_where_the_clock_stood() -> None:
    assert near(counted("opened 0 due 100 | paused 10 | due_changed 95 to 200")) == {}
    assert near(counted("opened 0 due 100 | paused 90 | due_changed 300 to 400")) == {
        "paused_last_fifth": {90: 1}, "moved_last_fifth": {300: 1},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("paused", "place"), [("10", None), ("70", "fifth_before"), ("99", "last_fifth"), ("100", None), ("120", None)]
)
def test_a_clock_is_stopped_in_a_fifth_of_the_promised_time_and_after_it_that_means_nothing(
    paused: str, place: str | None
) -> None:
    case = near(counted(f"opened 0 due 100 | paused {paused}"))
    assert list(case) == ([] if place is None else [f"paused_{place}"])


def test_margins_run_by_the_clock_of_the_promise() -> None:
    office = WorkingCalendar(ZoneInfo("Europe/Amsterdam"), "NL", None, dict.fromkeys(("mon", "tue"), "09:00-17:00"))
    monday_9 = ms("2024-06-03 09:00")
    due, promised = ms("2024-06-04 17:00"), 16 * HOUR_MS
    assert office.between(monday_9, due) == promised
    #  Monday 17:00 is half of the promise away, by the clock on the wall a quarter of the hours
    assert m.band(ms("2024-06-03 17:00"), due, promised, office) == 0
    assert m.band(due - 30 * 60_000, due, promised, office) == m.JUST_BEFORE
    #  the night after the due is no time of the office
    assert m.band(ms("2024-06-09 12:00"), due, promised, office) == m.JUST_AFTER
    assert m.band(ms("2024-06-09 12:00"), due, promised, ELAPSED_TIME) == len(m.BANDS) - 1
    assert m.place(ms("2024-06-03 17:00"), due, promised, office) is None


def test_what_is_near_the_due_is_counted_of_the_whole_service_by_the_hour_and_of_no_slice() -> None:
    city = City(PLAIN, partitions=3)
    for number in range(9):
        opened = ms("2024-06-03 09:00") + number
        city.apply([
            event("case.opened", opened, f"c{number}", service=PLAIN.id, area="North", due=opened + 100 * HOUR_MS),
            event("case.completed", opened + 99 * HOUR_MS, f"c{number}", service=PLAIN.id, outcome="intended"),
        ])  # fmt: skip
    of_whole = {(series[1:], bucket.size) for series, bucket, tally in city.tallies.items() if max(tally) >= m.MARGIN}
    assert of_whole == {(("", ""), 1)}
    assert sum(tally.get(m.MARGIN + m.JUST_BEFORE, 0) for _, _, tally in city.tallies.items()) == 9
