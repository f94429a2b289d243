"""What a terminal says of decisions: a few lines each. What people have written is made harmless there."""

from __future__ import annotations

import datetime
import textwrap
from collections.abc import Iterator, Sequence

from command_line.alerts_in_words import INDENT, shown
from command_line.letters_in_words import printable
from kept.decisions import Decision, DecisionEntry
from summaries import decision_words as words


def head(decisions: Sequence[Decision], overdue: int, closed: int) -> str:
    """How many are open, overdue and closed."""
    if not decisions:
        return "Nothing was decided yet: kept decisions decide says how."
    return f"{len(decisions) - closed} open, {overdue} overdue; {closed} closed."


def state_in_words(decision: Decision) -> str:
    """Whether it is closed, and what became of it."""
    effect = words.effect_in_words(decision)
    return effect if decision.closed_at is None else f"closed {shown(decision.closed_at)}, {effect}"


def due_in_words(decision: Decision, today: datetime.date) -> str:
    """When it is due; that this is over stands out."""
    due = words.due_in_words(decision, today)
    return due.replace("overdue", "OVERDUE", 1) if decision.is_overdue(today) else due


def said_in_words(entry: DecisionEntry) -> str:
    """What an entry says, without its reason and without who says it."""
    return printable(words.said_in_words(entry))


def block(decision: Decision, today: datetime.date, width: int) -> Iterator[str]:
    """The lines of one decision in a list."""
    about = "" if decision.signal is None else f" · signal {printable(decision.signal)}"
    serves = () if decision.objective is None else (f"serves {printable(decision.objective)}",)
    yield f"{'OPEN' if decision.is_open else 'CLOSED':<6}  {decision.id}  {printable(decision.service)}{about}"
    for text in (
        printable(decision.text),
        " · ".join((f"owner {printable(decision.owner)}", due_in_words(decision, today), *serves)),
        f"decided {shown(decision.decided_at)} by {printable(decision.decided_by)} · {state_in_words(decision)}",
    ):
        yield from textwrap.wrap(text, max(width, 40), initial_indent=INDENT, subsequent_indent=INDENT)


def history_in_words(decision: Decision, width: int) -> Iterator[str]:
    """Everything that was said of it, an entry a line."""
    for entry in decision.history:
        reason = f": {printable(entry.text)}" if entry.text and entry.says != "decided" else ""
        text = f"{shown(entry.at)}  {said_in_words(entry)}, by {printable(entry.by)}{reason}"
        yield from textwrap.wrap(text, max(width, 40), initial_indent=INDENT, subsequent_indent=INDENT + "  ")
