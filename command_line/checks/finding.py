"""What a check found: one row of `kept doctor`."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Level = Literal["ok", "note", "mend"]
"""`mend`: Kept does not work so. `note`: it does, but something is left out or unsafe."""


class Finding(Struct, frozen=True):
    """`what` was looked at, what was `seen`, and how to `fix` it (empty when it is ok)."""

    what: str
    level: Level
    seen: str
    fix: str = ""


def ok(what: str, seen: str) -> Finding:
    """As needed."""
    return Finding(what, "ok", seen)


def note(what: str, seen: str, fix: str) -> Finding:
    """Works without; good to know."""
    return Finding(what, "note", seen, fix)


def mend(what: str, seen: str, fix: str) -> Finding:
    """Kept does not work before this is done."""
    return Finding(what, "mend", seen, fix)
