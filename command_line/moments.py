"""The moment of `--as-of`, read in the services' local time."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from kept.asked_moment import asked_moment
from kept.catalogue import Service
from kept.durations import MINUTE_MS
from kept.errors import ConfigurationError

STEP_MS = 5 * MINUTE_MS
AsOf = Annotated[
    str | None,
    typer.Option(
        "--as-of",
        help="As it was known then: such as 2026-11-16T09:05 (local time of the services), or with an offset.",
    ),
]


def as_of_seconds(text: str | None, services: Iterable[Service]) -> int | None:
    """The moment (s since 1970 UTC) that an option `AsOf` asks for; None when it was not given.

    Without an offset it is local time of the `services`. Raises `ConfigurationError` as `as_of_ms`.
    """
    if text is None:
        return None
    zones = {service.time_zone for service in services}
    return as_of_ms(text, ZoneInfo(zones.pop()) if len(zones) == 1 else None) // 1000


def as_of_ms(text: str, zone: ZoneInfo | None) -> int:
    """Milliseconds since 1970 UTC of `--as-of`; without an offset it is local time in `zone`.

    Raises `ConfigurationError` where `asked_moment` finds no moment, or no offset where there is no `zone`.
    """
    try:
        return asked_moment(text, zone) * 1000
    except ValueError as error:
        raise ConfigurationError(f"--as-of: {error}") from error
