"""ISO weeks, as each service has them: Monday 00:00 to Monday 00:00 of its own time."""

from __future__ import annotations

import datetime
import re
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

VALID: Final = "an ISO week such as 2026-W47"
TOLD_HOUR: Final = 6
"""A week is told of as it was known on the Monday after it at this hour, unless another moment is asked for."""
FIRST_YEAR: Final = 1971
LAST_YEAR: Final = 2099
_NAME: Final = re.compile(r"(\d{4})-?[Ww](\d{2})\Z", re.ASCII)
_WEEK: Final = datetime.timedelta(days=7)


class IsoWeek(NamedTuple):
    """A calendar week by the year and number of ISO 8601. Weeks are ordered by time."""

    year: int
    number: int

    @property
    def name(self) -> str:
        """As in addresses: 2026-W47."""
        return f"{self.year:04d}-W{self.number:02d}"

    @property
    def monday(self) -> datetime.date:
        """Its first day."""
        return datetime.date.fromisocalendar(self.year, self.number, 1)

    @property
    def sunday(self) -> datetime.date:
        """Its last day."""
        return self.monday + datetime.timedelta(days=6)

    @property
    def days_in_words(self) -> str:
        """From when to when: 16 to 22 November 2026."""
        first, last = self.monday, self.sunday
        start = f"{first.day}"
        if first.month != last.month:
            start += f" {first:%B}"
        if first.year != last.year:
            start += f" {first.year}"
        return f"{start} to {last.day} {last:%B %Y}"

    def start(self, zone: ZoneInfo) -> int:
        """Its beginning (s) in a time zone."""
        return _midnight(self.monday, zone)

    def end(self, zone: ZoneInfo) -> int:
        """Its end (s) in a time zone, which is the beginning of the next."""
        return _midnight(self.monday + _WEEK, zone)

    def told_at(self, zone: ZoneInfo) -> int:
        """The moment (s) of which it is told: Monday 06:00 after it."""
        day = self.monday + _WEEK
        return int(datetime.datetime.combine(day, datetime.time(TOLD_HOUR), zone).timestamp())

    def plus(self, weeks: int) -> IsoWeek:
        """So many weeks later, or earlier."""
        return _of_date(self.monday + weeks * _WEEK)


def week_named(name: str) -> IsoWeek:
    """The week of a name such as `2026-W47`; raises `ValueError` with what is valid."""
    found = _NAME.match(name)
    if found is None:
        raise ValueError(f"{name[:60]!r} is no week; valid: {VALID}")
    year, number = int(found[1]), int(found[2])
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise ValueError(f"{name!r} is out of range; valid: {VALID}, from {FIRST_YEAR} to {LAST_YEAR}")
    last = datetime.date(year, 12, 28).isocalendar().week
    if not 1 <= number <= last:
        raise ValueError(f"{name!r}: {year} has weeks 01 to {last}; valid: {VALID}")
    return IsoWeek(year, number)


def last_week_over(moment: int, zone: ZoneInfo) -> IsoWeek:
    """The last week that was over at `moment` (s) in a time zone."""
    return _of_date(datetime.datetime.fromtimestamp(moment, zone).date()).plus(-1)


def week_of(moment: int, zone: ZoneInfo) -> IsoWeek:
    """The week that holds `moment` (s); a Monday 00:00 begins one."""
    return _of_date(datetime.datetime.fromtimestamp(moment, zone).date())


def _of_date(day: datetime.date) -> IsoWeek:
    year, number, _ = day.isocalendar()
    return IsoWeek(year, number)


def _midnight(day: datetime.date, zone: ZoneInfo) -> int:
    return int(datetime.datetime(day.year, day.month, day.day, tzinfo=zone).timestamp())
