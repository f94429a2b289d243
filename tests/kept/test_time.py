"""Clock changes, leap days, zones, holidays and pauses, worked by hand from the event to the published value."""

from __future__ import annotations

import msgspec
import pytest

from kept import events as e
from kept.catalogue import Service, parse_service
from kept.indicators.point import Point
from tests.kept.city import LIGHTS, Board, City, event, seconds

HOUR = 3600


def service_in(zone: str) -> Service:
    return msgspec.structs.replace(LIGHTS, time_zone=zone)


OFFICE = parse_service(
    """
    id = "street-lights"
    name = "Street lights"
    owner = "Public works"
    time_zone = "Europe/Amsterdam"
    expected_silence = "1h"

    [channels]
    unlisted = "accept"

    [promise]
    words = "Repaired within two working days of eight hours"
    target_share = 0.9
    target_time = "16h"
    counted_in = "working_time"

    [calendar]
    country = "NL"
    [calendar.opening_hours]
    mon = "09:00-17:00"
    tue = "09:00-17:00"
    wed = "09:00-17:00"
    thu = "09:00-17:00"
    fri = "09:00-17:00"
    """,
    "office.toml",
)


def opened(at: str, name: str = "a") -> e.Event:
    return event("case.opened", at, name)


def completed(at: str, name: str = "a") -> e.Event:
    return event("case.completed", at, name)


def at(city: City, moment: str) -> Board:
    return Board(city.points(moment))


# Sunday 31 March 2024, Amsterdam: at 02:00 the clock goes to 03:00; the day has 23 hours.


def test_in_spring_a_case_over_the_missing_hour_took_its_real_time() -> None:
    city = City()
    city.apply([opened("2024-03-31 01:30"), completed("2024-03-31 03:30")])
    board = at(city, "2024-03-31 12:00")
    assert board("delivery_time_closed_p50", "24h").value == pytest.approx(HOUR, rel=0.005)


def test_in_spring_24_hours_before_midnight_is_eleven_in_the_evening() -> None:
    #  Sat 22:59 a | Sat 23:00 edge | Sat 23:01 b … Sun 23:59 c | Mon 00:00
    city = City()
    city.apply([opened("2024-03-30 22:59", "a"), opened("2024-03-30 23:01", "b"), opened("2024-03-31 23:59", "c")])
    board = at(city, "2024-04-01 00:00")
    assert board("arrivals", "24h").value == 2
    assert board("arrivals", "24h").window_start == seconds("2024-03-30 23:00")
    assert board("arrivals", "week").window_start == seconds("2024-03-25 00:00")


def test_a_day_of_23_hours_is_one_bucket_that_loses_and_gains_nothing() -> None:
    #  28 days before Sunday 28 April 01:00 is Sunday 31 March 00:00: what happened by then is outside
    city = City()
    moments = ("30 23:59", "31 00:00", "31 00:01", "31 01:59", "31 03:00", "31 23:59")
    city.apply([event("case.opened", f"2024-03-{moment}", f"c{n}", area="North") for n, moment in enumerate(moments)])
    board = at(city, "2024-04-28 01:00")
    assert board("arrivals", "28d").value == 4
    assert board("arrivals", "28d", area="North").value == 4  # kept by the day by now
    assert board("arrivals", "28d", area="North").window_start == seconds("2024-03-31 00:00")
    assert at(city, "2024-07-14 00:00")("arrivals", "all").value == 6  # all of it is kept by the day


# Sunday 27 October 2024, Amsterdam: at 03:00 the clock goes back to 02:00; the hour from 02:00 comes twice.


def test_in_autumn_the_two_hours_of_one_name_are_two_hours() -> None:
    city = City()
    city.apply([opened("2024-10-27T02:30+02:00", "a"), opened("2024-10-27T02:30+01:00", "b")])
    first = at(city, "2024-10-27T02:00+01:00")  # the end of the first one
    assert first("arrivals", "1h").value == 1
    second = at(city, "2024-10-27T03:00+01:00")
    assert second("arrivals", "1h").value == 1
    assert second("arrivals", "24h").value == 2


def test_in_autumn_a_case_within_the_repeated_hour_took_an_hour() -> None:
    city = City()
    city.apply([opened("2024-10-27T02:30+02:00"), completed("2024-10-27T02:30+01:00")])
    board = at(city, "2024-10-27 12:00")
    assert board("delivery_time_closed_p50", "24h").value == pytest.approx(HOUR, rel=0.005)


def test_in_autumn_the_day_of_25_hours_begins_its_week_s_last_day_at_midnight() -> None:
    city = City()
    city.apply([opened("2024-10-21 00:00", "before"), opened("2024-10-21 00:01", "a"), opened("2024-10-27 23:59", "b")])
    board = at(city, "2024-10-28 00:00")
    #  a bucket ends with its edge: what happened at Monday 00:00 belongs to the week before
    assert board("arrivals", "week").value == 2
    assert board("arrivals", "week").window_end - board("arrivals", "week").window_start == (7 * 24 + 1) * HOUR


# The leap day.


def test_28_days_before_the_first_of_march_reach_back_to_the_second_of_february_in_a_leap_year() -> None:
    city = City()
    city.apply(
        [opened("2024-02-02 00:00", "outside"), opened("2024-02-02 00:01", "in"), opened("2024-02-29 12:00", "leap")]
    )
    board = at(city, "2024-03-01 00:00")
    assert board("arrivals", "28d").window_start == seconds("2024-02-02 00:00")
    assert board("arrivals", "28d").value == 2


def test_365_days_from_a_leap_day_end_a_day_before_its_date_comes_round() -> None:
    city = City()
    city.apply([opened("2024-02-29 12:00", "leap")])
    assert at(city, "2025-02-28 00:00")("arrivals", "365d").value == 1
    assert at(city, "2025-03-01 00:00")("arrivals", "365d").value == 0


def test_a_case_over_the_leap_day_took_a_day_more() -> None:
    leap, plain = City(), City()
    leap.apply([opened("2024-02-28 12:00"), completed("2024-03-01 12:00")])
    plain.apply([opened("2023-02-28 12:00"), completed("2023-03-01 12:00")])
    leap_time = at(leap, "2024-03-02 00:00")("delivery_time_closed_p50", "28d").value
    plain_time = at(plain, "2023-03-02 00:00")("delivery_time_closed_p50", "28d").value
    assert leap_time == pytest.approx(48 * HOUR, rel=0.005)
    assert plain_time == pytest.approx(24 * HOUR, rel=0.005)


# Zones whose hours, days and clock changes lie elsewhere.


@pytest.mark.parametrize(
    ("zone", "hour_end"),
    [
        ("Asia/Kolkata", "2024-06-03T09:30+00:00"),  # 15:00 local
        ("Asia/Kathmandu", "2024-06-03T09:15+00:00"),  # 15:00 local
        ("Australia/Lord_Howe", "2024-06-03T09:30+00:00"),  # 20:00 local, half an hour off
        ("America/St_Johns", "2024-06-03T09:30+00:00"),  # 07:00 local
        ("Europe/Lisbon", "2024-06-03T10:00+00:00"),  # 11:00 local
    ],
)
def test_slices_hold_at_the_last_full_hour_of_the_service_s_own_clock(zone: str, hour_end: str) -> None:
    city = City(service_in(zone))
    city.apply([event("case.opened", "2024-06-03T09:05+00:00", "a", area="North")])
    board = at(city, "2024-06-03T10:05+00:00")
    assert board("arrivals", "24h", area="North").window_end == seconds(hour_end)
    assert board("arrivals", "24h", area="North").value == 1


def test_a_clock_change_of_half_an_hour_loses_no_case() -> None:
    #  Lord Howe, 6 October 2024: at 02:00 (+10:30) the clock goes to 02:30 (+11)
    city = City(service_in("Australia/Lord_Howe"))
    moments = ("2024-10-06T01:59+10:30", "2024-10-06T02:31+11:00", "2024-10-06T03:01+11:00")
    city.apply([event("case.opened", moment, f"c{n}", area="North") for n, moment in enumerate(moments)])
    assert at(city, "2024-10-06T06:00+11:00")("arrivals", "24h", area="North").value == 3
    assert at(city, "2024-10-20T00:00+11:00")("arrivals", "28d", area="North").value == 3  # by the day by now


def test_one_moment_is_two_days_in_two_zones() -> None:
    #  Monday 3 June 00:30 in Auckland is Sunday 2 June 13:30 in Lisbon: another week
    def week_of(zone: str) -> Point:
        city = City(service_in(zone))
        city.apply([event("case.opened", "2024-06-02T12:30+00:00", "a")])
        return at(city, "2024-06-03T12:00+00:00")("arrivals", "week")

    assert week_of("Pacific/Auckland").value == 1
    assert week_of("Europe/Lisbon").value == 0


# Promises in working time: 29 March (Good Friday) and 1 April 2024 (Easter Monday) are holidays, on Sunday between them
# the clock changes. Opened Thursday 16:00: Thursday 1 h, Tuesday 8 h, Wednesday 7 h -> due Wednesday 16:00 summer time.


@pytest.mark.parametrize(("done", "kept"), [("2024-04-03 16:00", 1), ("2024-04-03 16:01", 0)])
def test_a_promise_of_two_working_days_over_easter_is_due_on_wednesday_afternoon(done: str, kept: int) -> None:
    city = City(OFFICE)
    city.apply([opened("2024-03-28 16:00"), completed(done)])
    board = at(city, "2024-04-04 00:00")
    assert (board("promise_kept", "28d").numerator, board("promise_kept", "28d").denominator) == (kept, 1)


def test_an_open_case_is_overdue_from_wednesday_afternoon_and_not_before() -> None:
    city = City(OFFICE)
    city.apply([opened("2024-03-28 16:00")])
    assert at(city, "2024-04-03 15:55")("overdue").value == 0
    assert at(city, "2024-04-03 16:00")("overdue").value == 1


def test_a_case_is_at_risk_when_a_fifth_of_its_working_time_is_left() -> None:
    #  16 h promised, a fifth is 3 h 12 min: at risk from Wednesday 12:48 on
    city = City(OFFICE)
    city.apply([opened("2024-03-28 16:00")])
    assert at(city, "2024-04-03 12:45")("at_risk").value == 0
    assert at(city, "2024-04-03 12:50")("at_risk").value == 1


@pytest.mark.parametrize(("done", "kept"), [("2024-04-04 16:00", 1), ("2024-04-04 16:01", 0)])
def test_a_pause_in_working_time_gives_back_the_working_time_that_was_left(done: str, kept: int) -> None:
    #  paused Tuesday 12:00: Tuesday 5 h and Wednesday 7 h are left; resumed Wednesday 12:00: 5 h then, 7 h on Thursday
    city = City(OFFICE)
    city.apply([
        opened("2024-03-28 16:00"), event("case.paused", "2024-04-02 12:00", "a"),
        event("case.resumed", "2024-04-03 12:00", "a"), completed(done),
    ])  # fmt: skip
    board = at(city, "2024-04-05 00:00")
    assert (board("promise_kept", "28d").numerator, board("promise_kept", "28d").denominator) == (kept, 1)


def test_a_pause_over_the_night_of_the_clock_change_counts_its_real_hours() -> None:
    #  five days from Friday 12:00 winter time: Wednesday 13:00 summer time; paused from Saturday 12:00 to Sunday 12:00,
    #  which is 23 hours: due Thursday 12:00
    city = City()
    city.apply([
        opened("2024-03-29 12:00"), event("case.paused", "2024-03-30 12:00", "a"),
        event("case.resumed", "2024-03-31 12:00", "a"),
    ])  # fmt: skip
    assert at(city, "2024-04-04 11:55")("overdue").value == 0
    assert at(city, "2024-04-04 12:00")("overdue").value == 1
