"""Vulnerabilities that are known and allowed: by whom it is said why, and until when."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

from msgspec import Struct, ValidationError, convert

from kept.errors import ConfigurationError

PATH: Final = Path(__file__).with_name("allowed.toml")
LONGEST: Final = timedelta(days=180)
"""An allowance ends at most so far ahead: then somebody looks again."""
SHORTEST_REASON: Final = 20


class Allowance(Struct, frozen=True, forbid_unknown_fields=True):
    """One advisory of one package, until a day."""

    package: str
    advisory: str
    reason: str
    until: date


def read_allowed(text: str, today: date) -> list[Allowance]:
    """The allowances of a file; raises `ConfigurationError` for one without a reason, or without an end in sight."""
    try:
        told: dict[str, Any] = tomllib.loads(text)
        if set(told) - {"allowed"}:
            raise ConfigurationError(
                f"{PATH.name}: {sorted(set(told) - {'allowed'})[0]!r} is not known; valid: allowed"
            )
        allowed = convert(told.get("allowed", []), list[Allowance])
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise ConfigurationError(f"{PATH.name}: {error}") from error
    for one in allowed:
        if len(one.reason) < SHORTEST_REASON:
            raise ConfigurationError(
                f"{PATH.name}: {one.advisory}: the reason has less than {SHORTEST_REASON} characters"
            )
        if one.until > today + LONGEST:
            raise ConfigurationError(
                f"{PATH.name}: {one.advisory}: until {one.until} is more than {LONGEST.days} days ahead"
            )
    return allowed


def may_be(allowed: Sequence[Allowance], package: str, advisories: Sequence[str], today: date) -> bool:
    """Whether one of the names of a vulnerability is allowed for `package` today."""
    return any(one.package == package and one.advisory in advisories and today <= one.until for one in allowed)
