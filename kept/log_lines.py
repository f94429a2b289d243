"""Log lines: as text or as JSON with a closed set of fields, in UTC; what repeats itself is told once a minute.

An event's name is made of the message's template, before anything is put into it: so it is the same for all messages of
one kind, and carries no value. Pure: the time is the record's own.
"""

from __future__ import annotations

import datetime
import logging
import re
from collections import OrderedDict
from typing import Final

import msgspec
from msgspec import Struct

REPEAT_SECONDS: Final = 60.0
"""A message of one kind is written once in so long, with how many there were since."""
MOST_KINDS: Final = 1000
"""Kinds of messages remembered; the one that was heard of longest ago is forgotten first."""
NAME_WORDS: Final = 8
_VALUES = re.compile(r"%[-#0 +]?[\d.]*[a-zA-Z]|%\([^)]*\)[a-zA-Z]|\{[^}]*\}|<[^>]*>|'[^']*'|\"[^\"]*\"|\S*\d\S*")
_WORD = re.compile(r"[a-z]+")


class LogLine(Struct, frozen=True, omit_defaults=True):
    """All that a line can say. `repeated`: so many more of the kind were left out since the last line of it."""

    time: str
    level: str
    logger: str
    event: str
    message: str
    repeated: int = 0
    traceback: str = ""


def event_name(record: logging.LogRecord) -> str:
    """The name of the kind of message: words of its template, without what differs from one to the next."""
    return "_".join(_words(record)[:NAME_WORDS]) or "message"


def _words(record: logging.LogRecord) -> list[str]:
    return _WORD.findall(_VALUES.sub(" ", str(record.msg)).lower())


class RepeatLimit(logging.Filter):
    """Lets a message of each kind through once in `seconds`, with a count of those left out.

    A kind is logger, level and all words of the template: what fails for another reason than before is told at once,
    also by libraries that put the reason into the template.
    """

    def __init__(self, seconds: float = REPEAT_SECONDS) -> None:
        super().__init__()
        self._seconds = seconds
        self._told: OrderedDict[tuple[str, int, str], tuple[float, int]] = OrderedDict()
        """When a kind was last let through (s), and how many were left out since."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to write it; sets `repeated` on what is written."""
        kind = (record.name, record.levelno, " ".join(_words(record)))
        at, left_out = self._told.get(kind, (None, 0))
        if at is not None and 0 <= record.created - at < self._seconds:
            self._told[kind] = at, left_out + 1
            return False
        self._told[kind] = record.created, 0
        self._told.move_to_end(kind)
        if len(self._told) > MOST_KINDS:
            self._told.popitem(last=False)
        record.repeated = left_out
        return True


class JsonLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        line = LogLine(
            time=_utc(record),
            level=record.levelname.lower(),
            logger=record.name,
            event=event_name(record),
            message=record.getMessage(),
            repeated=getattr(record, "repeated", 0),
            traceback=self.formatException(record.exc_info) if record.exc_info and record.exc_info[0] else "",
        )
        return msgspec.json.encode(line).decode()


class TextLines(logging.Formatter):
    """Time, level, logger and message, for people."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, and a traceback below it where there is one."""
        repeated = getattr(record, "repeated", 0)
        more = f" ({repeated} more like this since the last)" if repeated else ""
        line = f"{_utc(record)} {record.levelname} {record.name} {record.getMessage()}{more}"
        if record.exc_info and record.exc_info[0]:
            line += "\n" + self.formatException(record.exc_info)
        return line


def _utc(record: logging.LogRecord) -> str:
    at = datetime.datetime.fromtimestamp(record.created, datetime.UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
