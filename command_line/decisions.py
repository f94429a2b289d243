"""`kept decisions`: what was decided because of a signal, who does it by when, and what became of it."""

from __future__ import annotations

import csv
import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from catalogue import services_of
from command_line.alert_report import History, Json
from command_line.alerts import find_signal
from command_line.decisions_in_words import block, due_in_words, head, history_in_words, said_in_words, state_in_words
from command_line.history_choice import history_settings
from command_line.letters_in_words import printable
from command_line.moments import AsOf, as_of_seconds
from command_line.output import output
from command_line.terminal_width import terminal_width
from history.open import open_history
from history.store import HistoryStore
from kept.catalogue import Catalogue
from kept.decisions import (
    Decision,
    DecisionEntry,
    Effect,
    Says,
    checked,
    decide,
    decisions,
    moment_after,
    open_twin,
    repeats,
)
from kept.errors import ConfigurationError
from summaries.decision_words import COLUMNS, as_json_object, entry_object, open_first, today_of
from summaries.site import harmless

MOST_NAMED = 10

app = typer.Typer(help="What was decided because of a signal, who does it by when, and what became of it.")

Id = Annotated[str, typer.Argument(help="Of the decision, as `kept decisions` prints it; first digits are enough.")]
By = Annotated[str, typer.Option(help="Who says so: a post is enough, such as “Head of streets”.")]
Reason = Annotated[str, typer.Option(help="Why, in one line.")]


@app.callback(invoke_without_command=True)
def list_decisions(
    context: typer.Context,
    service: Annotated[str | None, typer.Option(help="Only of this service.")] = None,
    closed: Annotated[bool, typer.Option("--closed", help="Also what is closed.")] = False,
    as_of: AsOf = None,
    history: History = None,
    json_output: Json = False,
) -> None:
    """What is open, by its due date: what was decided, who does it by when, and what became of it so far."""
    given = service is not None or closed or as_of is not None or history is not None or json_output
    if context.invoked_subcommand is not None:
        if given:
            raise ConfigurationError(f"options go after the command: kept decisions {context.invoked_subcommand} --…")
        return
    with _opened(history, read_only=True) as (store, catalogue):
        moment = as_of_seconds(as_of, catalogue.values())
        every = decisions(store.decision_entries(until=moment))
    if service is not None:
        _refuse_unknown(service, {one.service for one in every} | catalogue.keys())
        every = [one for one in every if one.service == service]
    now = int(time.time()) if moment is None else moment
    with output():
        if not json_output:
            overdue = sum(one.is_overdue(today_of(one, catalogue, now)) for one in every)
            done = sum(not one.is_open for one in every)
            typer.echo(head(every, overdue, done))
            if done and not closed:
                typer.echo("--closed shows what is closed, too.")
        for one in open_first(every):
            if one.is_open or closed:
                _echo(one, catalogue, now, json_output=json_output)


@app.command("show")
def show(id: Id, as_of: AsOf = None, history: History = None, json_output: Json = False) -> None:
    """A decision with everything that was said of it."""
    with _opened(history, read_only=True) as (store, catalogue):
        moment = as_of_seconds(as_of, catalogue.values())
        one = _find(decisions(store.decision_entries(until=moment)), id)
    with output():
        _echo(one, catalogue, int(time.time()) if moment is None else moment, json_output=json_output)
        if not json_output:
            for line in history_in_words(one, terminal_width()):
                typer.echo(line)


@app.command("decide")
def record(
    text: Annotated[str, typer.Argument(help="What was decided, in one line.")],
    owner: Annotated[str, typer.Option(help="Who does it: a post or a team.")],
    due: Annotated[str, typer.Option(help="By when, such as 2026-12-01.")],
    by: By,
    service: Annotated[str | None, typer.Option(help="For which service; with --signal it is that signal's.")] = None,
    signal: Annotated[
        str | None, typer.Option(help="Id of the signal that led to it; first digits are enough.")
    ] = None,
    objective: Annotated[str | None, typer.Option(help="The strategic objective that it serves.")] = None,
    history: History = None,
) -> None:
    """Record a decision. The same one again, while it is open, changes nothing."""
    with _opened(history, read_only=False) as (store, catalogue):
        raised = None if signal is None else find_signal(store.signals(), signal)
        if raised is not None and service not in (None, raised.verdict.service):
            raise ConfigurationError(f"--service: {service!r}; signal {raised.id} is of {raised.verdict.service}")
        of = raised.verdict.service if raised is not None else service
        if of is None:
            raise ConfigurationError("--service or --signal: say for which service it is, or which signal led to it")
        if raised is None:
            _refuse_unknown(of, store.published().keys() | catalogue.keys())
        entry = decide(
            at=int(time.time()), by=by, service=of, text=text, owner=owner, due=due,
            signal=None if raised is None else raised.id, objective=objective,
        )  # fmt: skip
        entries = store.decision_entries()
        twin = open_twin(entry, decisions(entries))
        if twin is None:
            store.decide(checked(entry, entries))
    name, said = (entry.decision, "decided") if twin is None else (twin.id, "is decided already; nothing changed")
    with output():
        typer.echo(f"{name} {of}: {said}")


@app.command("move")
def move(
    id: Id,
    by: By,
    due: Annotated[str | None, typer.Option(help="The new due date, such as 2026-12-01.")] = None,
    owner: Annotated[str | None, typer.Option(help="Who does it from now on.")] = None,
    reason: Reason = "",
    history: History = None,
) -> None:
    """Give it another due date, another owner, or both."""
    _say(history, id, "moved", by, reason, due=due, owner=owner)


@app.command("effect")
def effect(
    id: Id,
    effect: Annotated[Effect, typer.Argument(help="What became of it, as far as can be told.")],
    by: By,
    reason: Reason = "",
    history: History = None,
) -> None:
    """Say what became of it; the last word counts."""
    _say(history, id, "effect", by, reason, effect=effect)


@app.command("close")
def close(id: Id, by: By, reason: Reason = "", history: History = None) -> None:
    """Close it: it is not shown again with what is open."""
    _say(history, id, "closed", by, reason)


@app.command("export")
def export(
    format: Annotated[Literal["csv", "json"], typer.Option(help="CSV with a head, or one JSON object a line.")] = "csv",
    as_of: AsOf = None,
    history: History = None,
) -> None:
    """Everything that was ever said of decisions, an entry a row, by time; cells do nothing in a spreadsheet."""
    with _opened(history, read_only=True) as (store, catalogue):
        entries = store.decision_entries(until=as_of_seconds(as_of, catalogue.values()))
    with output():
        if format == "json":
            for entry in entries:
                typer.echo(json.dumps(entry_object(entry), ensure_ascii=False))
            return
        table = csv.writer(sys.stdout, lineterminator="\n")
        table.writerow(COLUMNS)
        table.writerows([harmless(cell) for cell in entry_object(entry).values()] for entry in entries)


@contextmanager
def _opened(history: Path | None, *, read_only: bool) -> Iterator[tuple[HistoryStore, Catalogue]]:
    settings = history_settings(history)
    catalogue = services_of(settings)
    store = open_history(settings, read_only=read_only)
    try:
        yield store, catalogue
    finally:
        store.close()


def _say(history: Path | None, id: str, says: Says, by: str, reason: str, **more: Any) -> None:
    """Add an entry to a decision, and print how it stands then."""
    with _opened(history, read_only=False) as (store, catalogue):
        entries = store.decision_entries()
        one = _find(decisions(entries), id)
        now = int(time.time())
        entry = DecisionEntry(
            decision=one.id, at=moment_after(one, now), says=says, by=by, service=one.service, text=reason, **more
        )
        entry = checked(entry, entries)
        is_repeated = repeats(entry, one)
        if not is_repeated:
            store.decide(entry)
    if is_repeated:
        stands = "that was said last; nothing changed"
    else:
        (after,) = decisions([*one.history, entry])
        stands = due_in_words(after, today_of(after, catalogue, now)) if after.is_open else state_in_words(after)
    with output():
        typer.echo(f"{one.id} {printable(one.service)}: {said_in_words(entry)}; {stands}")


def _find(every: Sequence[Decision], prefix: str) -> Decision:
    """The one decision whose id begins with `prefix`; raises `ConfigurationError` that says which there are."""
    found = [one for one in every if one.id.startswith(prefix.lower())] if prefix else []
    if len(found) == 1:
        return found[0]
    ordered = open_first(found or every)
    named = "".join(
        f"\n  {one.id} {printable(one.service)}: {printable(one.text[:60])}" for one in ordered[:MOST_NAMED]
    )
    more = f"\n  and {len(ordered) - MOST_NAMED} more" if len(ordered) > MOST_NAMED else ""
    if found:
        raise ConfigurationError(f"{prefix!r} is the beginning of {len(found)} ids; give more digits:{named}{more}")
    known = f"known, the open ones first:{named}{more}" if named else "nothing was decided yet"
    raise ConfigurationError(f"{prefix!r} is no decision's id; {known}")


def _refuse_unknown(service: str, known: set[str]) -> None:
    if service not in known:
        raise ConfigurationError(
            f"--service: {service!r} is not known; valid: {', '.join(sorted(known)) or 'none yet'}"
        )


def _echo(one: Decision, catalogue: Catalogue, now: int, *, json_output: bool) -> None:
    today = today_of(one, catalogue, now)
    if json_output:
        typer.echo(json.dumps(as_json_object(one, today), ensure_ascii=False))
        return
    first, *rest = block(one, today, terminal_width())
    colour = typer.colors.RED if one.is_overdue(today) else None
    typer.echo("\n" + typer.style(first, fg=colour, bold=one.is_open))
    for line in rest:
        typer.echo(line)
