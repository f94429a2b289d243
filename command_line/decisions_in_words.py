"""What is said of decisions: a few lines each in a list, an object each as JSON, a row an entry in a file."""

from __future__ import annotations

import datetime
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final
from zoneinfo import ZoneInfo

from command_line.alerts_in_words import INDENT, rfc3339, shown
from command_line.letters_in_words import printable
from kept.catalogue import Catalogue
from kept.decisions import Decision, DecisionEntry, Effect

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
    late = (today - datetime.date.fromisoformat(decision.due)).days
    if not decision.is_overdue(today):
        return f"due {decision.due}"
    return f"OVERDUE since {decision.due}, {late} {'day' if late == 1 else 'days'}"


def state_in_words(decision: Decision) -> str:
    """Whether it is closed, and what became of it."""
    effect = "no effect is said yet" if decision.effect is None else EFFECTS[decision.effect]
    return effect if decision.closed_at is None else f"closed {shown(decision.closed_at)}, {effect}"


def head(decisions: Sequence[Decision], overdue: int, closed: int) -> str:
    """How many are open, overdue and closed."""
    still_open = len(decisions) - closed
    if not decisions:
        return "Nothing was decided yet: kept decisions decide says how."
    return f"{still_open} open, {overdue} overdue; {closed} closed."


def block(decision: Decision, today: datetime.date, width: int) -> Iterator[str]:
    """The lines of one decision in a list."""
    about = "" if decision.signal is None else f" · signal {decision.signal}"
    first = f"{'OPEN' if decision.is_open else 'CLOSED':<6}  {decision.id}  {printable(decision.service)}{about}"
    serves = () if decision.objective is None else (f"serves {printable(decision.objective)}",)
    yield first
    for text in (
        printable(decision.text),
        " · ".join((f"owner {printable(decision.owner)}", due_in_words(decision, today), *serves)),
        f"decided {shown(decision.decided_at)} by {printable(decision.decided_by)} · {state_in_words(decision)}",
    ):
        yield from textwrap.wrap(text, max(width, 40), initial_indent=INDENT, subsequent_indent=INDENT)


def history_in_words(decision: Decision, width: int) -> Iterator[str]:
    """Everything that was said of it, an entry a line."""
    for entry in decision.history:
        text = f"{shown(entry.at)}  {said_in_words(entry)}, by {printable(entry.by)}"
        reason = f": {printable(entry.text)}" if entry.text and entry.says != "decided" else ""
        yield from textwrap.wrap(text + reason, max(width, 40), initial_indent=INDENT, subsequent_indent=INDENT + "  ")


def said_in_words(entry: DecisionEntry) -> str:
    """What an entry says, without who says it."""
    if entry.says == "moved":
        moved = [f"to {printable(entry.owner)}" if entry.owner else "", f"due {entry.due}" if entry.due else ""]
        return f"moved: {', '.join(part for part in moved if part)}"
    if entry.says == "effect" and entry.effect is not None:
        return EFFECTS[entry.effect]
    if entry.says == "decided":
        return f"decided: owner {printable(entry.owner or '')}, due {entry.due}"
    return entry.says


def as_json_object(decision: Decision, today: datetime.date) -> dict[str, Any]:
    """A decision in a line of JSON; times as RFC 3339 in UTC, its entries among it."""
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
        "decided_at": rfc3339(decision.decided_at),
        "decided_by": decision.decided_by,
        "effect": decision.effect,
        "effect_at": rfc3339(decision.effect_at),
        "closed_at": rfc3339(decision.closed_at),
        "history": [entry_object(entry) for entry in decision.history],
    }


def entry_object(entry: DecisionEntry) -> dict[str, Any]:
    """An entry, with all of `COLUMNS`."""
    return {name: rfc3339(entry.at) if name == "at" else getattr(entry, name) for name in COLUMNS}
