"""What is said of decisions, the same on a page, in a terminal and in a file. Pure: the day of today is an argument."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from typing import Any, Final
from zoneinfo import ZoneInfo

from kept.catalogue import Catalogue
from kept.decisions import Decision, DecisionEntry, Effect
from kept.events import moment

EFFECTS: Final[Mapping[Effect, str]] = {
    "helped": "it helped",
    "did_not_help": "it did not help",
    "cannot_tell": "whether it helped cannot be told",
}
COLUMNS: Final = (
    "decision", "at", "says", "by", "service", "signal", "text", "owner", "due", "effect", "objective",
)  # fmt: skip
"""Of an entry in a file."""


def today_of(decision: Decision, catalogue: Catalogue, now: int) -> datetime.date:
    """The day in its service's own time at the wall clock `now` (s); in UTC when the catalogue does not have it."""
    service = catalogue.get(decision.service)
    return datetime.datetime.fromtimestamp(now, ZoneInfo("UTC") if service is None else service.zone).date()


def open_first(decisions: Iterable[Decision]) -> list[Decision]:
    """What is open by its due date, the earliest first; then what is closed, the last closed first."""
    every = list(decisions)
    return [
        *sorted((one for one in every if one.is_open), key=lambda one: (one.due, one.decided_at, one.id)),
        *sorted((one for one in every if not one.is_open), key=lambda one: (-(one.closed_at or 0), one.id)),
    ]


def due_in_words(decision: Decision, today: datetime.date) -> str:
    """When it is due, and by how much that is over."""
    if not decision.is_overdue(today):
        return f"due {decision.due}"
    late = (today - datetime.date.fromisoformat(decision.due)).days
    return f"overdue since {decision.due}, {late} {'day' if late == 1 else 'days'}"


def effect_in_words(decision: Decision) -> str:
    """What became of it, as far as somebody has said so."""
    return "no effect is said yet" if decision.effect is None else EFFECTS[decision.effect]


def said_in_words(entry: DecisionEntry) -> str:
    """What an entry says, without its reason and without who says it."""
    if entry.says == "moved":
        moved = [f"to {entry.owner}" if entry.owner else "", f"due {entry.due}" if entry.due else ""]
        return f"moved: {', '.join(part for part in moved if part)}"
    if entry.says == "effect" and entry.effect is not None:
        return EFFECTS[entry.effect]
    if entry.says == "decided":
        return f"decided: owner {entry.owner}, due {entry.due}"
    return entry.says


def as_json_object(decision: Decision, today: datetime.date) -> dict[str, Any]:
    """A decision as JSON has it; times as RFC 3339 in UTC, its entries among it."""
    return {
        "id": decision.id,
        "service": decision.service,
        "signal": decision.signal,
        "objective": decision.objective,
        "text": decision.text,
        "owner": decision.owner,
        "due": decision.due,
        "open": decision.is_open,
        "overdue": decision.is_overdue(today),
        "decided_at": _rfc3339(decision.decided_at),
        "decided_by": decision.decided_by,
        "effect": decision.effect,
        "effect_at": _rfc3339(decision.effect_at),
        "closed_at": _rfc3339(decision.closed_at),
        "history": [entry_object(entry) for entry in decision.history],
    }


def entry_object(entry: DecisionEntry) -> dict[str, Any]:
    """An entry, with all of `COLUMNS`."""
    return {name: _rfc3339(entry.at) if name == "at" else getattr(entry, name) for name in COLUMNS}


def _rfc3339(at: int | None) -> str | None:
    return None if at is None else f"{moment(at * 1000):%Y-%m-%dT%H:%M:%SZ}"
