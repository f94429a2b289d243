"""The events of a soak: cases that open and are completed hours later, so fast in event time that they also leave.

Cases are kept by the register for twice the retention, a day in all, after their last event: in a run of twelve days
what comes and what goes are in balance after five, when buckets have been joined, too. What remains of a past day are
its tallies, for ever: slices and lengths of time are few here, so that they are small beside the register.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from random import Random
from typing import Final

from kept.durations import HOUR_MS, MINUTE_MS, SECOND_MS

RUN_DAYS: Final = 12
"""Event time of a run, however long it takes."""
RETENTION_HOURS: Final = 12
SERVICES: Final = ("street-lights", "waste-pickup", "parking-permits", "noise-complaints")
EVENTS_A_CASE: Final = 2
LONGEST_HOURS: Final = 10
_CATALOGUE: Final = """
id = "{id}"
name = "{id} (invented)"
owner = "Public Works, simulated city"
time_zone = "Europe/Amsterdam"
expected_silence = "1d"
case_retention = "{hours}h"
duplicate_retention = "{hours}h"
simulated = true
[channels]
digital = ["Website"]
[promise]
words = "Done within eight hours"
target_share = 0.5
target_time = "8h"
"""
_OPENED: Final = (
    '{{"type":"case.opened","specversion":"1.0","id":"{case}:o","source":"soak","time":"{time}","subject":"{case}",'
    '"data":{{"service":"{service}","channel":"Website"}}}}'
)
_COMPLETED: Final = (
    '{{"type":"case.completed","specversion":"1.0","id":"{case}:c","source":"soak","time":"{time}","subject":"{case}",'
    '"data":{{"service":"{service}","channel":"Website","outcome":"intended"}}}}'
)


def catalogue_texts() -> list[str]:
    """The services' entries, as TOML."""
    return [_CATALOGUE.format(id=service, hours=RETENTION_HOURS) for service in SERVICES]


class Stream:
    """Events by event time, from `begins_ms` (since 1970 UTC) on; each call of `until` goes on where the last ended."""

    def __init__(self, begins_ms: int, seed: int) -> None:
        """The same seed and calls give the same events."""
        self._dice = Random(seed)  # noqa: S311 - a test's dice, not a secret
        self._told_ms = begins_ms
        self._numbers = 0
        self._ahead: dict[int, list[tuple[int, str]]] = {}
        """What will be told, by the minute of event time."""

    def until(self, end_ms: int, cases: int) -> Sequence[bytes]:
        """What is told up to `end_ms`, exclusive, in order, with `cases` new cases spread evenly over that time."""
        begins_ms, self._told_ms = self._told_ms, max(end_ms, self._told_ms)
        span = self._told_ms - begins_ms
        if span <= 0:
            return []
        for number in range(cases):
            self._open(begins_ms + number * span // cases)
        due: list[tuple[int, str]] = []
        for minute in range(begins_ms // MINUTE_MS, self._told_ms // MINUTE_MS + 1):
            of_minute = self._ahead.pop(minute, [])
            due += [one for one in of_minute if one[0] < self._told_ms]
            later = [one for one in of_minute if one[0] >= self._told_ms]
            if later:
                self._ahead[minute] = later
        due.sort()
        return [text.encode() for _, text in due]

    def _open(self, at_ms: int) -> None:
        self._numbers += 1
        case, hours = f"c{self._numbers}", self._dice.randint(1, LONGEST_HOURS)
        about = {
            "case": case,
            "service": SERVICES[self._numbers % len(SERVICES)],
        }
        ends_ms = at_ms + hours * HOUR_MS
        for time_ms, text in ((at_ms, _OPENED), (ends_ms, _COMPLETED)):
            told = text.format(time=_text(time_ms), **about)
            self._ahead.setdefault(time_ms // MINUTE_MS, []).append((time_ms, told))


def _text(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / SECOND_MS, UTC).isoformat(timespec="milliseconds")
