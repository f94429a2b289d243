"""Moments as people type them, read in a service's local time."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from kept.catalogue import Service
from kept.durations import MINUTE_MS
from kept.errors import ConfigurationError
from producers.sources.local_times import LocalTimes

UTC = ZoneInfo("UTC")
_OFFSET = re.compile(r"(Z|[+-]\d\d:?\d\d)\Z", re.IGNORECASE)
STEP_MS = 5 * MINUTE_MS
AsOf = Annotated[
    str | None,
    typer.Option(
        "--as-of",
        help="As it was known then: such as 2026-11-16T09:05 (local time of the services), or with an offset.",
    ),
]


def as_of_of(text: str | None, services: Iterable[Service]) -> int | None:
    """The moment (s since 1970 UTC) that an option `AsOf` asks for; None when it was not given.

    Without an offset it is local time of the `services`. Raises `ConfigurationError` as `as_of_ms`.
    """
    if text is None:
        return None
    zones = {service.time_zone for service in services}
    return as_of_ms(text, ZoneInfo(zones.pop()) if len(zones) == 1 else None) // 1000


def as_of_ms(text: str, zone: ZoneInfo | None) -> int:
    """Milliseconds since 1970 UTC of `--as-of`; without an offset it is local time in `zone`.

    Without a `zone` the offset must be given. Raises `ConfigurationError` unless it is a whole 5 minutes.
    """
    if zone is None and not _OFFSET.search(text):
        raise ConfigurationError(
            f"--as-of: {text!r} has no offset, and the services are in several time zones; "
            "valid: with an offset, such as 2012-01-01T00:00Z or 2012-01-01T00:00+01:00"
        )
    try:
        at_ms = LocalTimes(zone or UTC, date_only="start_of_day").read(text)
    except ValueError as error:
        valid = "2012-01-01T00:00 (local time of the service), or with an offset"
        raise ConfigurationError(f"--as-of: {text!r} is not valid; valid: {valid}") from error
    if at_ms % STEP_MS:
        raise ConfigurationError(f"--as-of: {text!r} is not valid; valid: a whole 5 minutes, such as 09:00 or 09:05")
    return at_ms
