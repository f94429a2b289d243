"""The moment that somebody asks to see a page or a table as of: `2026-11-16`, `2026-11-16T09:05`, or with an offset."""

from __future__ import annotations

import datetime
from zoneinfo import ZoneInfo

from kept.buckets import STEP_SECONDS

VALID = "such as 2026-11-16 (its beginning), 2026-11-16T09:05, or with an offset: 2026-11-16T09:05+01:00"


def asked_moment(text: str, zone: ZoneInfo | None) -> int:
    """Seconds since 1970 UTC. Without an offset it is local time in `zone`; of a time that the clocks show twice, the
    first.

    Raises `ValueError` with what is valid: no moment, no offset where there is no `zone`, or not a whole 5 minutes.
    """
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text[:60]!r} is no moment; valid: {VALID}") from None
    if moment.tzinfo is None:
        if zone is None:
            raise ValueError(
                f"{text!r} has no offset, and the services are in several time zones; add one: {moment.isoformat()}Z"
            )
        moment = moment.replace(tzinfo=zone)
    try:
        at = moment.timestamp()
    except (OverflowError, ValueError):
        raise ValueError(f"{text!r} is out of range; valid: {VALID}") from None
    if at % STEP_SECONDS:
        raise ValueError(f"{text!r} is not a whole 5 minutes; valid: {VALID}")
    if not 0 < at < datetime.datetime(2100, 1, 1, tzinfo=datetime.UTC).timestamp():
        raise ValueError(f"{text!r} is out of range; valid: {VALID}")
    return int(at)
