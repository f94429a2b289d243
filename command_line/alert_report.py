"""`kept alerts report`: the alert report card, from what the history has of signals, answers and the promise."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final

import typer

from catalogue import folders_of, services_of
from command_line.history_choice import history_settings
from command_line.moments import AsOf, as_of_seconds
from command_line.output import output
from command_line.report_card_in_words import card_in_words, card_objects
from command_line.terminal_width import terminal_width
from history.open import open_history
from kept.buckets import DAY_SECONDS
from kept.catalogue import Service
from kept.errors import ConfigurationError
from kept.owners import read_owners
from kept.settings import Settings
from kept.signals.lead_time import HORIZON_SECONDS, PromiseCourse
from kept.signals.on_call_load import UTC, period_start
from kept.signals.report_card import ReportCard, Watched, report_card
from summaries.known import HistoryReader, Known

EARLIER_SECONDS: Final = 28 * DAY_SECONDS
"""So long before the period the course of a promise is read, to know since when it is broken at its beginning."""

History = Annotated[Path | None, typer.Option(help="History file; else the store of the settings.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")]


def report(
    weeks: Annotated[int, typer.Option(min=1, max=520, help="Whole ISO weeks, besides the running one.")] = 12,
    as_of: AsOf = None,
    history: History = None,
    json_output: Json = False,
) -> None:
    """The report card of the rules: true, in time, looked at, not too often; and which may not be worth it."""
    settings = history_settings(history)
    services = services_of(settings)
    store = open_history(settings, read_only=True)
    try:
        then = Known(HistoryReader(lambda: store), services, as_of_seconds(as_of, services.values()))
        now = int(time.time()) if then.as_of is None else then.as_of
        card = _card(then, store.published(), services, _people(settings), weeks, now)
    finally:
        store.close()
    with output():
        if json_output:
            for line in card_objects(card):
                typer.echo(json.dumps(line, ensure_ascii=False))
        else:
            for text in card_in_words(card, terminal_width()):
                typer.echo(text)


def _card(
    then: Known,
    published: Mapping[str, int],
    services: Mapping[str, Service],
    people: Mapping[str, int | None],
    weeks: int,
    now: int,
) -> ReportCard:
    if not published:
        raise ConfigurationError("the history has no published service yet; a worker publishes within the first hour")
    newest = max(published.values())
    as_of = newest if then.as_of is None else min(newest, then.as_of)
    watched = {service: _watched(then, services[service], weeks, as_of) for service in published if service in services}
    # A day more than the period, so that it is enough in every time zone.
    earliest = period_start(as_of, weeks, UTC) - DAY_SECONDS - max(HORIZON_SECONDS.values())
    return report_card(
        [one for one in then.signals(since=earliest) if one.raised_at <= as_of],
        then.responses(),
        services=watched,
        people=people,
        as_of=as_of,
        now=now,
        weeks=weeks,
    )


def _watched(then: Known, service: Service, weeks: int, as_of: int) -> Watched:
    start = period_start(as_of, weeks, service.zone)
    points = then.series(service.id, "promise_kept", "28d", since=start - EARLIER_SECONDS, until=as_of)
    shares = [(point.window_end, float(point.value)) for point in points if point.value is not None]
    promise = service.promise
    return Watched(
        owner=service.owner,
        zone=service.zone,
        first_watched=points[0].window_end if points else None,
        course=None if promise is None else PromiseCourse(shares, promise.target_share),
    )


def _people(settings: Settings) -> Mapping[str, int | None]:
    return {name: owner.people for name, owner in read_owners(folders_of(settings)).items()}
