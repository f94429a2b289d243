"""When the weekly summary is due, and which weeks have missed theirs. Pure: the clock is an argument.

A summary is of an ISO week (Monday 00:00 to Monday 00:00 in `zone`). It is due on the Monday after it at `hour`, and
missed when it has not been delivered a day after that.
"""

from __future__ import annotations

import datetime
from collections.abc import Collection
from typing import Final
from zoneinfo import ZoneInfo

MISSED_AFTER: Final = datetime.timedelta(hours=24)
WAIT_FOR_FIGURES: Final = datetime.timedelta(hours=6)
"""So long a summary waits for figures that are not published yet; then it is sent, and says what is not known."""
MOST_MISSED_WEEKS: Final = 8
"""So far back missed weeks are counted: one who comes back after a year is not told of fifty."""
_WEEK: Final = datetime.timedelta(days=7)


def week_name(monday: datetime.date) -> str:
    """The ISO week that begins on `monday`: 2026-W47."""
    year, week, _ = monday.isocalendar()
    return f"{year}-W{week:02d}"


def last_whole_week(now: datetime.datetime) -> datetime.date:
    """The Monday of the last week that was over at `now`, in its zone."""
    today = now.date()
    return today - datetime.timedelta(days=today.weekday()) - _WEEK


def due_at(monday: datetime.date, hour: int, zone: ZoneInfo) -> datetime.datetime:
    """When the summary of the week that begins on `monday` is to be sent."""
    return datetime.datetime.combine(monday + _WEEK, datetime.time(hour), zone)


def due_week(now: datetime.datetime, hour: int, zone: ZoneInfo, delivered: Collection[str]) -> datetime.date | None:
    """The Monday of the week whose summary is to be sent at `now`; None when there is nothing to send.

    Only the last whole week is ever sent: older ones that were missed are told of, not sent late.
    """
    monday = last_whole_week(now.astimezone(zone))
    if week_name(monday) in delivered or now < due_at(monday, hour, zone):
        return None
    return monday


def missed_weeks(
    now: datetime.datetime, hour: int, zone: ZoneInfo, delivered: Collection[str], first: datetime.date
) -> list[str]:
    """Weeks from the one that begins on `first` whose summary should have been delivered a day ago and was not."""
    monday = last_whole_week(now.astimezone(zone))
    missed: list[str] = []
    for _ in range(MOST_MISSED_WEEKS):
        if monday < first:
            break
        if week_name(monday) not in delivered and now >= due_at(monday, hour, zone) + MISSED_AFTER:
            missed.append(week_name(monday))
        monday -= _WEEK
    return missed[::-1]
