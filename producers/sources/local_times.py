"""Times as service systems write them -> milliseconds since 1970-01-01 UTC."""

from __future__ import annotations

import datetime
import re
from typing import Literal
from zoneinfo import ZoneInfo

from kept.errors import Reject
from kept.events import milliseconds
from producers.mapping_kinds import names_a_time_of_day

_DAY_LENGTH = 10


class LocalTimes:
    """Reads ISO 8601 (or `time_format`) times; one without an offset is local time in `zone`.

    A local time that the clocks skip (spring) moves forward by what they skip; one that occurs twice (autumn) is the
    first. A day without a time is refused, or is its first or last moment, as `date_only` says.
    """

    def __init__(
        self,
        zone: ZoneInfo,
        time_format: str | None = None,
        date_only: Literal["refuse", "start_of_day", "end_of_day"] = "refuse",
    ) -> None:
        """`time_format` is a strptime format for times that are not in ISO 8601."""
        self._zone = zone
        self._format = time_format
        self._format_is_a_day = time_format is not None and not names_a_time_of_day(time_format)
        self._date_only = date_only

    def read(self, text: str) -> int:
        """Milliseconds since 1970-01-01 UTC; raises `ValueError` that shows the form of the text, not the text."""
        try:
            at = datetime.datetime.strptime(text, self._format) if self._format else _iso(text)
            if self._day_alone(text):
                at = self._whole_day(at)
            # fold=0 is what is promised: before the change in autumn, and the old offset (thus forward) in spring.
            return milliseconds(at if at.tzinfo else at.replace(tzinfo=self._zone))
        except (ValueError, OverflowError) as error:
            valid = self._format or "2011-07-31 08:30:00, with or without an offset"
            raise ValueError(f"is not a time: seen in the form {form(text)!r}, valid: {valid}") from error
        except Reject as error:
            raise ValueError(f"is not a time of this service: {error}") from error

    def _day_alone(self, text: str) -> bool:
        return self._format_is_a_day if self._format else len(text) == _DAY_LENGTH

    def _whole_day(self, day: datetime.datetime) -> datetime.datetime:
        if self._date_only == "refuse":
            raise ValueError("a day without a time")
        return day + datetime.timedelta(days=1) if self._date_only == "end_of_day" else day


def _iso(text: str) -> datetime.datetime:
    # fromisoformat also takes week dates and bare digits, which in a table are more likely something else.
    if text[4:5] != "-" or text[7:8] != "-":
        raise ValueError("not in the form 2011-07-31")
    return datetime.datetime.fromisoformat(text)


def form(text: str) -> str:
    """What a text looks like without saying what it is: digits become 9, letters become a; at most 40 characters."""
    return re.sub(r"[^\W\d_]", "a", re.sub(r"\d", "9", text))[:40]
