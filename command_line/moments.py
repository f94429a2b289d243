"""Moments as people type them, read in a service's local time."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from kept.durations import MINUTE_MS
from kept.errors import ConfigurationError
from producers.sources.local_times import LocalTimes

STEP_MS = 5 * MINUTE_MS


def as_of_ms(text: str, zone: ZoneInfo) -> int:
    """Milliseconds since 1970 UTC of `--as-of`; without an offset it is local time in `zone`.

    Raises `ConfigurationError` unless it is a whole 5 minutes.
    """
    try:
        at_ms = LocalTimes(zone, date_only="start_of_day").read(text)
    except ValueError as error:
        valid = "2012-01-01T00:00 (local time of the service), or with an offset"
        raise ConfigurationError(f"--as-of: {text!r} is not valid; valid: {valid}") from error
    if at_ms % STEP_MS:
        raise ConfigurationError(f"--as-of: {text!r} is not valid; valid: a whole 5 minutes, such as 09:00 or 09:05")
    return at_ms
