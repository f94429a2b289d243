"""When the weekly summary is due, and which weeks have missed theirs. Pure: the clock is an argument.

A summary is of an ISO week (Monday 00:00 to Monday 00:00 in `zone`). It is due on the Monday after it at `hour`, and
missed when it has not been delivered a day after that.
"""

from __future__ import annotations

import datetime
from collections.abc import Collection
from typing import Final
from zoneinfo import ZoneInfo

from kept.iso_week import IsoWeek, last_week_over

MISSED_AFTER: Final = datetime.timedelta(hours=24)
WAIT_FOR_FIGURES: Final = datetime.timedelta(hours=6)
"""So long a summary waits for figures that are not published yet; then it is sent, and says what is not known."""
MOST_MISSED_WEEKS: Final = 8
"""So far back missed weeks are counted: one who comes back after a year is not told of fifty."""


def due_at(week: IsoWeek, hour: int, zone: ZoneInfo) -> datetime.datetime:
    """When the summary of `week` is to be sent."""
    return datetime.datetime.combine(week.plus(1).monday, datetime.time(hour), zone)


def due_week(now: datetime.datetime, hour: int, zone: ZoneInfo, delivered: Collection[str]) -> IsoWeek | None:
    """The week whose summary is to be sent at `now`; None when there is nothing to send.

    Only the last whole week is ever sent: older ones that were missed are told of, not sent late.
    """
    week = last_week_over(int(now.timestamp()), zone)
    if week.name in delivered or now < due_at(week, hour, zone):
        return None
    return week


def missed_weeks(
    now: datetime.datetime, hour: int, zone: ZoneInfo, delivered: Collection[str], first: IsoWeek
) -> list[str]:
    """Weeks from `first` on whose summary should have been delivered a day ago and was not."""
    last = last_week_over(int(now.timestamp()), zone)
    recent = (last.plus(-ago) for ago in reversed(range(MOST_MISSED_WEEKS)))
    return [
        week.name
        for week in recent
        if week >= first and week.name not in delivered and now >= due_at(week, hour, zone) + MISSED_AFTER
    ]
