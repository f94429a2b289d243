from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kept.calendars import WorkingCalendar, check_region, parse_opening_hours
from kept.durations import HOUR_MS, MINUTE_MS
from kept.events import milliseconds

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
WEEK = dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), "09:00-17:00")
OFFICE = WorkingCalendar(AMSTERDAM, "NL", None, WEEK)


def at(text: str) -> int:
    return milliseconds(datetime.fromisoformat(text).replace(tzinfo=AMSTERDAM))


def test_working_time_runs_during_opening_hours() -> None:
    assert OFFICE.add(at("2026-01-05 10:00"), 3 * HOUR_MS) == at("2026-01-05 13:00")


def test_working_time_goes_on_the_next_day_and_skips_the_weekend() -> None:
    # Friday 16:00 + 2 h: one on Friday, one on Monday.
    assert OFFICE.add(at("2026-01-09 16:00"), 2 * HOUR_MS) == at("2026-01-12 10:00")


def test_the_last_open_minute_still_counts_for_its_day() -> None:
    assert OFFICE.add(at("2026-01-05 09:00"), 8 * HOUR_MS) == at("2026-01-05 17:00")


def test_what_begins_at_night_begins_when_the_office_opens() -> None:
    assert OFFICE.add(at("2026-01-05 03:00"), HOUR_MS) == at("2026-01-05 10:00")


def test_a_public_holiday_is_not_worked() -> None:
    # 27 April 2026 is a Monday and King's Day.
    assert OFFICE.add(at("2026-04-24 16:00"), 2 * HOUR_MS) == at("2026-04-28 10:00")
    assert OFFICE.between(at("2026-04-27 00:00"), at("2026-04-28 00:00")) == 0


def test_no_working_time_needs_no_time() -> None:
    assert OFFICE.add(at("2026-01-10 12:00"), 0) == at("2026-01-10 12:00")


def test_between_counts_only_open_time() -> None:
    assert OFFICE.between(at("2026-01-09 16:00"), at("2026-01-12 10:00")) == 2 * HOUR_MS
    assert OFFICE.between(at("2026-01-12 10:00"), at("2026-01-09 16:00")) == 0
    assert OFFICE.between(at("2026-01-05 12:00"), at("2026-01-05 12:00")) == 0


def test_a_day_on_which_the_clocks_change_has_its_real_length() -> None:
    night = WorkingCalendar(AMSTERDAM, "NL", None, {"sun": "00:00-24:00"})
    assert night.between(at("2026-03-29 00:00"), at("2026-03-30 00:00")) == 23 * HOUR_MS
    assert night.between(at("2026-10-25 00:00"), at("2026-10-26 00:00")) == 25 * HOUR_MS


def test_regions_have_holidays_of_their_own() -> None:
    # Epiphany is a holiday in Bavaria and not in Berlin.
    zone = ZoneInfo("Europe/Berlin")
    bavaria, berlin = (WorkingCalendar(zone, "DE", region, WEEK) for region in ("BY", "BE"))
    day = (milliseconds(datetime(2026, 1, 6, tzinfo=zone)), milliseconds(datetime(2026, 1, 7, tzinfo=zone)))
    assert bavaria.between(*day) == 0
    assert berlin.between(*day) == 8 * HOUR_MS


def test_a_calendar_without_opening_hours_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one weekday"):
        WorkingCalendar(AMSTERDAM, "NL", None, {})


@pytest.mark.parametrize(("text", "minutes"), [("09:00-17:30", (540, 1050)), ("00:00-24:00", (0, 1440))])
def test_opening_hours_are_minutes_since_midnight(text: str, minutes: tuple[int, int]) -> None:
    assert parse_opening_hours(text) == minutes


@pytest.mark.parametrize(
    "text", ["", "9-17", "09:00-09:00", "17:00-09:00", "09:00-24:30", "09:60-17:00", "09:00-17:00\n"]
)
def test_opening_hours_that_make_no_sense_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"hours such as|opening before closing"):
        parse_opening_hours(text)


def test_an_unknown_country_or_region_lists_the_known_ones() -> None:
    check_region("NL", None)
    check_region("DE", "BY")
    with pytest.raises(ValueError, match="NL"):
        check_region("XX", None)
    with pytest.raises(ValueError, match=r"a region of DE: .*BY"):
        check_region("DE", "XX")


START_MS, END_MS = (milliseconds(datetime(year, 1, 1, tzinfo=UTC)) for year in (2025, 2028))


@given(start_ms=st.integers(START_MS, END_MS), working_ms=st.integers(1, 300 * HOUR_MS))
def test_what_was_added_lies_between(start_ms: int, working_ms: int) -> None:
    assert OFFICE.between(start_ms, OFFICE.add(start_ms, working_ms)) == working_ms


@given(
    start_ms=st.integers(START_MS, END_MS),
    first_ms=st.integers(1, 100 * HOUR_MS),
    second_ms=st.integers(1, 100 * HOUR_MS),
)
def test_adding_in_two_parts_is_adding_at_once(start_ms: int, first_ms: int, second_ms: int) -> None:
    assert OFFICE.add(OFFICE.add(start_ms, first_ms), second_ms) == OFFICE.add(start_ms, first_ms + second_ms)


@given(start_ms=st.integers(START_MS, END_MS), length_ms=st.integers(0, 90 * 24 * HOUR_MS), cut=st.floats(0, 1))
def test_working_time_of_a_period_is_the_sum_of_its_parts(start_ms: int, length_ms: int, cut: float) -> None:
    middle_ms, end_ms = start_ms + int(length_ms * cut), start_ms + length_ms
    parts = OFFICE.between(start_ms, middle_ms) + OFFICE.between(middle_ms, end_ms)
    assert OFFICE.between(start_ms, end_ms) == parts <= length_ms + MINUTE_MS
