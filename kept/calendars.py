"""Working time: milliseconds during which a service is open, by opening hours, public holidays and time zone."""

from __future__ import annotations

import datetime
import functools
import re
from zoneinfo import ZoneInfo

import holidays

from kept.durations import MINUTE_MS, SECOND_MS
from kept.events import milliseconds, moment

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HOURS = re.compile(r"^([01][0-9]|2[0-3]):([0-5][0-9])-([01][0-9]|2[0-4]):([0-5][0-9])\Z")
_HORIZON_DAYS = 366 * 20


def parse_opening_hours(text: str) -> tuple[int, int]:
    """(opens, closes) in minutes since local midnight, from a text such as `09:00-17:00`; raises `ValueError`."""
    match = _HOURS.match(text)
    if match is None:
        raise ValueError("hours such as 09:00-17:00")
    opens, closes = int(match[1]) * 60 + int(match[2]), int(match[3]) * 60 + int(match[4])
    if not opens < closes <= 24 * 60:
        raise ValueError("opening before closing, both within one day")
    return opens, closes


def check_region(country: str, region: str | None) -> None:
    """Raises `ValueError`, with the valid values, when the holidays of that country or region are not known."""
    known = holidays.list_supported_countries(include_aliases=False)
    if country not in known:
        raise ValueError(f"an ISO 3166 code with known holidays: {', '.join(sorted(known))}")
    if region is not None and region not in known[country]:
        raise ValueError(f"a region of {country}: {', '.join(known[country]) or 'none is known'}")


class WorkingCalendar:
    """Adds and measures working time. All times are milliseconds since 1970-01-01 UTC."""

    def __init__(self, zone: ZoneInfo, country: str, region: str | None, opening_hours: dict[str, str]) -> None:
        """`opening_hours` by weekday (`mon` to `sun`); raises `ValueError` when they are none or make no sense."""
        self._zone = zone
        self._holidays = holidays.country_holidays(country, subdiv=region)
        self._hours = {WEEKDAYS.index(day): parse_opening_hours(hours) for day, hours in opening_hours.items()}
        if not self._hours:
            raise ValueError("at least one weekday with opening hours")
        self._open_on = functools.lru_cache(maxsize=4096)(self._interval)

    @property
    def week_ms(self) -> int:
        """Working time of a week without holidays."""
        return sum(closes - opens for opens, closes in self._hours.values()) * MINUTE_MS

    def add(self, start_ms: int, working_ms: int) -> int:
        """The moment at which `working_ms` (0 or more) of working time have passed since `start_ms`."""
        if working_ms <= 0:
            return start_ms
        day = self._local_date(start_ms)
        for _ in range(_HORIZON_DAYS):
            opens, closes = self._open_on(day)
            begin = max(opens, start_ms)
            if begin < closes:
                if working_ms <= closes - begin:
                    return begin + working_ms
                working_ms -= closes - begin
            day += datetime.timedelta(days=1)
        raise ValueError(f"no working time left within {_HORIZON_DAYS // 366} years")

    def between(self, start_ms: int, end_ms: int) -> int:
        """Working time in (start, end]; 0 when the end is not after the start."""
        total, day = 0, self._local_date(start_ms)
        last = self._local_date(max(start_ms, end_ms))
        while day <= last:
            opens, closes = self._open_on(day)
            total += max(0, min(closes, end_ms) - max(opens, start_ms))
            day += datetime.timedelta(days=1)
        return total

    def _local_date(self, time_ms: int) -> datetime.date:
        return moment(time_ms).astimezone(self._zone).date()

    def _interval(self, day: datetime.date) -> tuple[int, int]:
        """(opens, closes) of one local day; an empty interval when closed."""
        midnight = datetime.datetime.combine(day, datetime.time(), self._zone)
        hours = None if day in self._holidays else self._hours.get(day.weekday())
        if hours is None:
            return milliseconds(midnight), milliseconds(midnight)
        return self._at(day, hours[0]), self._at(day, hours[1])

    def _at(self, day: datetime.date, minutes: int) -> int:
        if minutes == 24 * 60:
            day, minutes = day + datetime.timedelta(days=1), 0
        at = datetime.datetime.combine(day, datetime.time(minutes // 60, minutes % 60), self._zone)
        return milliseconds(at) // MINUTE_MS * (60 * SECOND_MS)
