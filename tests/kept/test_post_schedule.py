"""When the weekly summary is due, through a whole year by the hour."""

from __future__ import annotations

import datetime
from zoneinfo import ZoneInfo

import pytest

from kept.iso_week import IsoWeek
from kept.post_schedule import due_at, due_week, missed_weeks

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
W47 = IsoWeek(2026, 47)  # 16 to 22 November


def local(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text).replace(tzinfo=AMSTERDAM)


@pytest.mark.parametrize(
    ("now", "due"),
    [
        ("2026-11-22T23:00", IsoWeek(2026, 46)),  # the week before is still owed
        ("2026-11-23T06:59", None),  # not yet seven
        ("2026-11-23T07:00", W47),
        ("2026-11-29T23:59", W47),
    ],
)
def test_a_week_is_due_from_monday_at_seven_until_it_is_delivered(now: str, due: IsoWeek | None) -> None:
    assert due_week(local(now), 7, AMSTERDAM, set()) == due


def test_a_delivered_week_is_never_due_again() -> None:
    assert due_week(local("2026-11-23T07:00"), 7, AMSTERDAM, {"2026-W47"}) is None


def test_through_a_year_each_week_is_sent_once_at_its_hour_on_the_wall() -> None:
    sent: dict[str, datetime.datetime] = {}
    now = local("2026-01-05T07:00").astimezone(datetime.UTC)
    for _ in range(364 * 24):
        week = due_week(now, 7, AMSTERDAM, sent)
        if week is not None:
            sent[week.name] = now.astimezone(AMSTERDAM)
        now += datetime.timedelta(hours=1)
    assert list(sent) == [f"2026-W{week:02d}" for week in range(1, 53)]
    assert {(at.weekday(), at.hour) for at in sent.values()} == {(0, 7)}


def test_a_week_is_missed_a_day_after_it_was_due_and_only_from_the_first_week_on() -> None:
    assert missed_weeks(local("2026-11-24T06:59"), 7, AMSTERDAM, set(), W47) == []
    assert missed_weeks(local("2026-11-24T07:00"), 7, AMSTERDAM, set(), W47) == ["2026-W47"]
    assert missed_weeks(local("2026-12-08T12:00"), 7, AMSTERDAM, {"2026-W48"}, W47) == ["2026-W47", "2026-W49"]
    assert len(missed_weeks(local("2030-12-08T12:00"), 7, AMSTERDAM, set(), W47)) == 8


def test_due_is_on_the_wall_also_where_the_clock_changed_in_between() -> None:
    assert due_at(IsoWeek(2026, 13), 7, AMSTERDAM).isoformat() == "2026-03-30T07:00:00+02:00"
