"""`kept alerts`: what is raised, why, what people make of it, and which rules are worth their interruptions."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import typer

from catalogue import services_of
from command_line.alert_report import History, Json, report
from command_line.alertmanager import Alerts, read_alerts
from command_line.alerts_in_words import (
    as_json_object,
    block,
    evidence_as_json_object,
    foot,
    head,
    kind_of,
    latest_end_first,
    shown,
    title,
    worst_first,
)
from command_line.evidence_in_words import why_in_words
from command_line.history_choice import history_settings
from command_line.moments import AsOf, as_of_seconds
from command_line.output import output
from command_line.terminal_width import terminal_width
from history.open import open_history
from history.store import HistoryStore
from kept.errors import ConfigurationError
from kept.signals.answers import UNANSWERED, Answer, answers
from kept.signals.raised import Raised, Response
from summaries.known import HistoryReader, Known

ENDED_SECONDS = 7 * 86_400
MOST_NAMED = 10
STYLES = {"page": typer.colors.RED, "ticket": typer.colors.YELLOW, "info": typer.colors.BLUE}
Judgement = Literal["useful", "noise"]


class _Listing(NamedTuple):
    """What a list is made of: up to when the data of each service are known, and its signals."""

    as_of: Mapping[str, int]
    raised: Sequence[Raised]
    ended: Sequence[Raised]
    """In the last days of the data of their service."""
    answered: Mapping[str, Answer]


app = typer.Typer(help="What is raised, why, and whether it was worth telling.")

Id = Annotated[str, typer.Argument(help="Of the signal, as `kept alerts` prints it; its first digits are enough.")]


@app.callback(invoke_without_command=True)
def list_alerts(
    context: typer.Context,
    service: Annotated[str | None, typer.Option(help="Only of this service.")] = None,
    ended: Annotated[bool, typer.Option("--ended", help="Also what ended in the last 7 days.")] = False,
    alertmanager: Annotated[
        str | None,
        typer.Option(help="URL of an Alertmanager to compare with, such as http://127.0.0.1:9093; else none is asked."),
    ] = None,
    as_of: AsOf = None,
    history: History = None,
    json_output: Json = False,
) -> None:
    """What is raised now, worst first: since when, how sure, by how many cases, what to do first."""
    given = service is not None or ended or alertmanager is not None or history is not None or json_output or as_of
    if context.invoked_subcommand is not None:
        if given:
            raise ConfigurationError(f"options go after the command: kept alerts {context.invoked_subcommand} --…")
        return
    if alertmanager is not None and as_of is not None:
        raise ConfigurationError("--alertmanager: Alertmanager tells what it fires now alone; leave --as-of away")
    with _opened(history, read_only=True) as store:
        then = _then(store, as_of, history)
        listing = _listing(then, store.published())
    if service is not None:
        listing = _only(listing, service)
    alerts = None if alertmanager is None else read_alerts(history_settings(history), alertmanager)

    def echo(signals: Iterable[Raised], compared: Alerts | None) -> None:
        for one in signals:
            answer, as_of = listing.answered.get(one.id, UNANSWERED), _now_of(one, listing.as_of)
            standing = None if compared is None else compared.standing(one)
            if json_output:
                _echo_json(as_json_object(one, as_of, answer, standing))
            else:
                _echo_block(one, list(block(one, as_of, answer, terminal_width(), standing)))

    with output():
        if not json_output:
            now = int(time.time()) if then.as_of is None else then.as_of
            typer.echo(head(listing.raised, listing.answered, listing.as_of, now))
        echo(worst_first(listing.raised), alerts)
        if not json_output:
            elsewhere = [] if alerts is None else alerts.without_signal(listing.raised)
            asked = [labels for labels in elsewhere if service in (None, labels[0])]
            for line in foot(listing.ended, shown=ended, elsewhere=asked):
                typer.echo(f"\n{line}")
        if ended:
            echo(latest_end_first(listing.ended), None)


@app.command("why")
def why(id: Id, as_of: AsOf = None, history: History = None, json_output: Json = False) -> None:
    """The evidence of a signal: the sentence, the test, the counts or the chart, and what was said to it."""
    with _opened(history, read_only=True) as store:
        then = _then(store, as_of, history)
        one = find_signal(then.signals(), id)
        responses = [response for response in then.responses() if response.id == one.id]
        known_to = _known_to(then, store.published())
    answer = answers(responses).get(one.id, UNANSWERED)
    with output():
        if json_output:
            line = as_json_object(one, _now_of(one, known_to), answer)
            _echo_json({**line, **evidence_as_json_object(one, responses)})
            return
        for text in why_in_words(one, _now_of(one, known_to), responses, terminal_width()):
            typer.echo(text)


@app.command("acknowledge")
def acknowledge(id: Id, history: History = None) -> None:
    """Say that you have taken it. Only the first time counts; saying it again changes nothing."""
    with _opened(history, read_only=False) as store:
        one = find_signal(store.signals(), id)
        before = answers(store.responses()).get(one.id, UNANSWERED).acknowledged_at
        if before is None:
            store.respond(Response(id=one.id, says="acknowledged", at=int(time.time())))
    said = "acknowledged" if before is None else f"was acknowledged {shown(before)}; nothing changed"
    with output():
        typer.echo(f"{title(one)}: {said}")


@app.command("judge")
def judge(
    id: Id,
    judgement: Annotated[Judgement, typer.Argument(help="useful: someone had something to do; noise: nobody had.")],
    history: History = None,
) -> None:
    """Say whether it was worth telling; the last judgement counts."""
    with _opened(history, read_only=False) as store:
        one = find_signal(store.signals(), id)
        before = answers(store.responses()).get(one.id, UNANSWERED)
        if before.judged != judgement:
            # The last judgement counts, also after one of the same second, or of a clock that was ahead.
            at = max(int(time.time()), -1 if before.judged_at is None else before.judged_at + 1)
            store.respond(Response(id=one.id, says=judgement, at=at))
    if before.judged == judgement:
        said = f"was judged {judgement} already; nothing changed"
    else:
        said = f"judged {judgement}" + ("" if before.judged is None else f", no longer {before.judged}")
    with output():
        typer.echo(f"{title(one)}: {said}")


app.command("report")(report)


@contextmanager
def _opened(history: Path | None, *, read_only: bool) -> Iterator[HistoryStore]:
    store = open_history(history_settings(history), read_only=read_only)
    try:
        yield store
    finally:
        store.close()


def find_signal(every: Sequence[Raised], prefix: str) -> Raised:
    """The one of these signals whose id begins with `prefix`; raises `ConfigurationError` that says which there are."""
    found = [one for one in every if one.id.startswith(prefix.lower())] if prefix else []
    if len(found) == 1:
        return found[0]
    newest = sorted(found or every, key=lambda one: (one.ended_at is not None, -one.raised_at, one.key()))
    named = "".join(f"\n  {title(one)}" for one in newest[:MOST_NAMED])
    more = f"\n  and {len(newest) - MOST_NAMED} more" if len(newest) > MOST_NAMED else ""
    if found:
        raise ConfigurationError(f"{prefix!r} is the beginning of {len(found)} ids; give more digits:{named}{more}")
    known = f"known, the open ones first:{named}{more}" if named else "the history has none yet"
    raise ConfigurationError(f"{prefix!r} is no signal's id; {known}")


def _then(store: HistoryStore, as_of: str | None, history: Path | None) -> Known:
    """What was known at the moment that is asked for."""
    services = services_of(history_settings(history)) if as_of is not None else {}
    return Known(HistoryReader(lambda: store), services, as_of_seconds(as_of, services.values()))


def _known_to(then: Known, published: Mapping[str, int]) -> dict[str, int]:
    """Up to when the data of each service were known (event time, s)."""
    return {service: at if then.as_of is None else min(at, then.as_of) for service, at in published.items()}


def _listing(then: Known, published: Mapping[str, int]) -> _Listing:
    as_of = _known_to(then, published)
    ended = [one for one in then.signals() if (one.ended_at or 0) > _now_of(one, as_of) - ENDED_SECONDS]
    return _Listing(as_of, then.open_signals(), ended, answers(then.responses()))


def _only(listing: _Listing, service: str) -> _Listing:
    known = sorted(listing.as_of.keys() | {one.verdict.service for one in listing.raised})
    if service not in known:
        valid = ", ".join(known) or "none yet"
        raise ConfigurationError(f"--service: {service!r} is not in the history; valid: {valid}")
    return listing._replace(
        as_of={name: at for name, at in listing.as_of.items() if name == service},
        raised=[one for one in listing.raised if one.verdict.service == service],
        ended=[one for one in listing.ended if one.verdict.service == service],
    )


def _now_of(one: Raised, as_of: Mapping[str, int]) -> int:
    """Up to when the data of its service are known (event time, s)."""
    return as_of.get(one.verdict.service, one.ended_at or one.raised_at)


def _echo_json(line: Mapping[str, Any]) -> None:
    typer.echo(json.dumps(line, ensure_ascii=False))


def _echo_block(one: Raised, lines: Sequence[str]) -> None:
    urgency = kind_of(one).severity
    word = urgency.upper()
    first, *rest = lines
    typer.echo("\n" + typer.style(word, fg=STYLES[urgency], bold=True) + first[len(word) :])
    for line in rest:
        typer.echo(line)
