"""`kept replay`: a file's events through the whole pipeline, and the indicators as they stood at one moment."""

from __future__ import annotations

import json
import os
import sys
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Column, Table

from command_line.event_source import FILE_HELP, MAPPING_HELP, rows_in_words, source_of, tell_problems
from command_line.moments import as_of_ms
from command_line.output import output
from history.sqlite import SQLiteHistory
from kept.brake import Brake
from kept.catalogue import Catalogue
from kept.durations import in_words as duration_in_words
from kept.errors import ConfigurationError
from kept.events import moment
from kept.indicators.definitions import DEFINITIONS
from kept.indicators.point import STALE, Point, as_json_object
from kept.indicators.windows import WINDOWS, length_seconds
from kept.marks import Accounts
from kept.settings import read_settings
from local_stack.replay import replay_through_kafka
from local_stack.replayed_history import ReplayedHistory
from producers.sources.time_order import TimedEvents
from stream_processors.embedded import EmbeddedPipeline

_ORDER = {definition.name: index for index, definition in enumerate(DEFINITIONS)}
_UNROLLING = {"week": 1, "all": 2}
SHOWN_WINDOWS = ("28d", "all")


def replay(
    path: Annotated[Path, typer.Argument(help=FILE_HELP)],
    as_of: Annotated[
        str, typer.Option(help="The moment: local time of the service, or with an offset; a whole 5 minutes.")
    ],
    mapping: Annotated[str | None, typer.Option(help=MAPPING_HELP)] = None,
    embedded: Annotated[bool, typer.Option("--embedded", help="In this process, without a broker.")] = False,
    brokers: Annotated[str | None, typer.Option(help="A running Kafka; without it a private one is started.")] = None,
    workers: Annotated[int, typer.Option(min=1, max=16, help="Workers, when not embedded.")] = 2,
    partitions: Annotated[int, typer.Option(min=1, max=64, help="Partitions, when not embedded.")] = 4,
    window: Annotated[
        list[str] | None,
        typer.Option(
            help=f"Only this window; more than once for more. {', '.join(WINDOWS)}, or with --embedded any other "
            "length, such as 14d.",
            show_default="all of them",
        ),
    ] = None,
    history: Annotated[
        Path | None,
        typer.Option(
            help="With --embedded: a new SQLite file for the history of the replay, for `kept summary --history`."
        ),
    ] = None,
    json_output: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
) -> None:
    """Replay PATH as it was known at a moment, and print every indicator as of then.

    Nothing that happened later is seen. Events of the contract are about services of the catalogue (KEPT_CATALOGUE); a
    mapping names its own. Without --embedded the events go through Kafka and the workers, in topics of
    their own that are deleted afterwards; both ways print the same lines.
    """
    source, settings = source_of(path, mapping), read_settings(os.environ)
    services = source.services(settings)
    at_ms = as_of_ms(as_of, source.zone(settings))
    windows = _windows(window, embedded=embedded)
    _check_history(history, embedded=embedded)
    file = source.read(at_ms)
    if embedded:
        pipeline = EmbeddedPipeline(services, brake=Brake(settings.brake_events, settings.brake_share))
        _fill(pipeline, file.events, at_ms, services, history)
        points, accounts = pipeline.indicators(at_ms // 1000, windows), pipeline.accounts
    else:
        points, accounts = replay_through_kafka(
            (event for _, event in file.events),
            source.catalogue_texts(settings),
            at_ms,
            workers=workers,
            partitions=partitions,
            brokers=brokers,
        )
        points = [point for point in points if point.window in windows]
    tell_problems(file)
    points.sort(key=sort_key)
    account = in_words(accounts, rows_in_words(file))
    if json_output:
        with output():
            sys.stdout.writelines(f"{json.dumps(as_json_object(point), ensure_ascii=False)}\n" for point in points)
        typer.echo(account, err=True)
        return
    shown = tuple(window) if window else SHOWN_WINDOWS
    with output():
        for service in services.values():
            of_service = [point for point in points if point.service == service.id]
            title = f"{service.name} as of {moment(at_ms).astimezone(service.zone):%Y-%m-%d %H:%M %Z}"
            if of_service or len(services) == 1:
                print_table(of_service, title, shown)
        typer.echo(account)


def _fill(
    pipeline: EmbeddedPipeline, events: TimedEvents, at_ms: int, services: Catalogue, history: Path | None
) -> None:
    """Put all events through `pipeline`, up to `at_ms`, and what comes of it on the way into a new `history`."""
    if history is None:
        pipeline.apply(event for _, event in events)
        pipeline.tick(at_ms)
        return
    with closing(SQLiteHistory(history)) as store:
        ReplayedHistory(pipeline, services, store).fill(events, at_ms)


def _check_history(history: Path | None, *, embedded: bool) -> None:
    """Raise `ConfigurationError` for a history that a replay cannot write, or would write into another's."""
    if history is None:
        return
    if not embedded:
        raise ConfigurationError("--history: only a replay in this process writes one; add --embedded")
    if history.exists():
        raise ConfigurationError(f"--history: {history} is there already; name a new file, or remove it")


def _windows(chosen: list[str] | None, *, embedded: bool) -> tuple[str, ...]:
    for window in chosen or ():
        if window not in WINDOWS:
            try:
                length_seconds(window)
            except ValueError as error:
                raise ConfigurationError(f"--window: {window!r} is not valid; valid: {error}") from error
            if not embedded:
                raise ConfigurationError(
                    f"--window: {window!r} is not one that workers publish ({', '.join(WINDOWS)}); add --embedded"
                )
    return tuple(dict.fromkeys(chosen)) if chosen else WINDOWS


def window_order(window: str) -> tuple[int, int]:
    """Rolling windows from short to long, then the week, then all."""
    return (0, length_seconds(window)) if window not in _UNROLLING else (_UNROLLING[window], 0)


def sort_key(point: Point) -> tuple[str, bool, tuple[tuple[str, str], ...], tuple[int, int], int]:
    """Whole services first, then slices; windows from short to long; indicators in the order of the documents."""
    return (
        point.service,
        point.slice != (),
        point.slice,
        window_order(point.window),
        _ORDER.get(point.indicator, len(_ORDER)),  # one of a newer release
    )


def print_table(points: list[Point], title: str, windows: tuple[str, ...] = SHOWN_WINDOWS) -> None:
    """The whole-service values in some windows, for people; with two windows it fits 80 columns."""
    heads = [window if window in _UNROLLING else f"last {window}" for window in windows]
    table = Table(Column("indicator", no_wrap=True), *heads, title=title)
    by_key = {(p.indicator, p.window): p for p in points if p.slice == ()}
    unprovided = []
    for definition in DEFINITIONS:
        shown = [by_key.get((definition.name, window)) for window in windows]
        known = [point for point in shown if point is not None]
        if not known:
            continue
        if all(point.state == "not_provided" for point in known):
            unprovided.append(f"{definition.name} ({_reason(known[0])})")
            continue
        table.add_row(definition.name, *("" if point is None else _shown(point) for point in shown))
    Console().print(table)
    if unprovided:
        typer.echo(f"Not provided by the source: {', '.join(unprovided)}.")


def in_words(accounts: Accounts, rows: str) -> str:
    """What became of every event; `rows` says what became of what was read."""
    dead = sum(accounts.dead_lettered.values())
    reasons = ", ".join(f"{reason} {count:,}" for reason, count in sorted(accounts.dead_lettered.items()))
    return (
        f"{rows}; {accounts.received:,} events received = "
        f"{accounts.applied:,} applied + {accounts.duplicate:,} duplicate + "
        f"{accounts.beyond_retention:,} beyond retention + {dead:,} dead-lettered{f' ({reasons})' if reasons else ''}"
    )


def _shown(point: Point) -> str:
    if point.value is None:
        return f"not known: {_reason(point)}"
    if point.unit == "share":
        return f"{point.value:.1%} of {point.n:,}{', stale' if point.reason == STALE else ''}"
    if point.unit == "seconds":
        return duration_in_words(round(point.value * 1000))
    text = f"{point.value:,}" if isinstance(point.value, int) else f"{point.value:,.1f}"
    return text if point.unit == "cases" else f"{text} {point.unit}"


def _reason(point: Point) -> str:
    return (point.reason or point.state).replace("_", " ")
