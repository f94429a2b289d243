"""Durations as people write them in a catalogue ("30m", "10d") and as the core counts them (integer milliseconds)."""

from __future__ import annotations

import re

SECOND_MS = 1_000
MINUTE_MS = 60 * SECOND_MS
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
WEEK_MS = 7 * DAY_MS

_UNITS_MS = {"s": SECOND_MS, "m": MINUTE_MS, "h": HOUR_MS, "d": DAY_MS, "w": WEEK_MS}
_WORDS = ((DAY_MS, "day", HOUR_MS), (HOUR_MS, "hour", MINUTE_MS), (MINUTE_MS, "minute", SECOND_MS))
_DURATION = re.compile(r"^([0-9]{1,6})(s|m|h|d|w)\Z")


def parse_duration(text: str) -> int:
    """Milliseconds of a duration such as `45s`, `30m`, `4h`, `10d` or `2w`; raises `ValueError` on anything else."""
    match = _DURATION.match(text)
    if match is None or int(match[1]) == 0:
        raise ValueError("a whole number above 0 and a unit: s, m, h, d or w, such as 30m, 4h or 10d")
    return int(match[1]) * _UNITS_MS[match[2]]


def in_words(duration_ms: int) -> str:
    """A duration for people, in its largest fitting unit with at most one decimal: `3.2 days`."""
    for unit_ms, word, smaller_ms in _WORDS:
        # Chosen after rounding, so that 59.99 minutes are 1 hour, not 60 minutes.
        if round(abs(duration_ms) / smaller_ms, 1) >= unit_ms // smaller_ms:
            number = f"{duration_ms / unit_ms:.1f}".removesuffix(".0")
            return f"{number} {word}{'' if number in ('1', '-1') else 's'}"
    seconds = round(duration_ms / SECOND_MS)
    return f"{seconds} second{'' if abs(seconds) == 1 else 's'}"
