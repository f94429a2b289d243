"""`kept publish`: events of a file, or of the simulated city, to the events topic."""

from __future__ import annotations

import json
import logging
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from msgspec import Struct
from tqdm import tqdm

import catalogue
from command_line.event_source import FILE_HELP, MAPPING_HELP, Source, rows_in_words, source_of, tell_problems
from command_line.given import Brokers, Prefix, settings_with
from command_line.logs import write_logs
from command_line.moments import STEP_MS, as_of_ms
from command_line.stopping import asked_to_stop, ended_at_once, sleep_until, until
from kept.case_hashing import CaseHashing
from kept.catalogue import read_catalogue
from kept.durations import DAY_MS
from kept.errors import ConfigurationError, Retry
from kept.events import Event
from kept.settings import Settings
from kept.topics import topics
from producers.durable_publisher import DurablePublisher
from producers.mapping import built_in_mappings
from producers.pace import Pace, live_pace, parse_speed
from producers.publisher import Publisher
from producers.simulator import NO_SCRIPT, built_in_scripts, read_script, simulate
from producers.sources import EventFile

_SHOWN_PROBLEMS = 10
_FAREWELL_SECONDS = 3.0
"""What is under way when publishing is stopped may be acknowledged for so long."""
_CLOSE_SECONDS = 1.0
"""The connection is then let go of within about twice that time."""
_SPOOL_SECONDS = 3.0
"""What is on disk when live events are stopped is delivered for so long."""


class _Load(Struct):
    """What is to be published: (when it is told in ms, event) in order, and what is said about it."""

    events: Iterable[tuple[int, Event]]
    total: int | None
    factor: float | None
    """How many times as fast as the clock; None is as fast as possible."""
    tick_at_ms: int | None
    hashing: CaseHashing
    file: EventFile | None = None


def publish(
    path: Annotated[Path | None, typer.Argument(help=FILE_HELP, show_default=False)] = None,
    mapping: Annotated[str | None, typer.Option(help=MAPPING_HELP)] = None,
    simulated_city: Annotated[bool, typer.Option("--simulated-city", help="Events of the simulated city.")] = False,
    seed: Annotated[int, typer.Option(help="Simulated city: the same seed gives the same events.")] = 1,
    days: Annotated[
        float, typer.Option(min=0, max=3660, help="Simulated city: so many days up to now, or to --as-of.")
    ] = 28.0,
    rate: Annotated[float, typer.Option(min=0, help="Simulated city: multiplies the volume.")] = 1.0,
    script: Annotated[
        str | None,
        typer.Option(
            help=f"Simulated city: incidents ({', '.join(built_in_scripts())}, or the path of a .toml file).",
            show_default="none",
        ),
    ] = None,
    live: Annotated[bool, typer.Option("--live", help="Simulated city: then go on in real time.")] = False,
    as_of: Annotated[
        str | None, typer.Option(help="Only what was known at this moment (a whole 5 minutes); ends with a tick there.")
    ] = None,
    speed: Annotated[str, typer.Option(help="max, or 3600x: event time runs 3600 times as fast as the clock.")] = "max",
    brokers: Brokers = None,
    topic_prefix: Prefix = None,
    json_output: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    no_progress: Annotated[bool, typer.Option("--no-progress", help="No progress bar.")] = False,
) -> None:
    """Publish events and say how many the broker acknowledged.

    Publishing the same file twice changes no indicator: events keep their ids. Live events go by way of a disk spool
    (KEPT_SPOOL_FOLDER): while the broker is away they wait there.
    """
    # The client logs each reconnection as an error; what matters of it arrives as an error of ours.
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    settings = settings_with(brokers=brokers, topic_prefix=topic_prefix)
    if simulated_city:
        if path is not None or mapping is not None:
            raise ConfigurationError("--simulated-city takes no file and no --mapping; leave one of them out")
        load = _city(seed, days, rate, script, live, as_of, speed, settings)
    elif script is not None:
        raise ConfigurationError("--script is for --simulated-city; what is in a file has happened already")
    elif path is None:
        raise ConfigurationError(
            f"nothing to publish: give a file and --mapping ({', '.join(built_in_mappings())}), a file of events "
            "(.jsonl), or --simulated-city"
        )
    elif live:
        raise ConfigurationError("--live is for --simulated-city; a file has an end")
    else:
        load = _file(source_of(path, mapping), as_of, speed, settings)
    if live:
        write_logs(settings)
    deliver = _deliver_by_spool if live else _deliver
    counts = deliver(load, settings, quiet=no_progress or not sys.stderr.isatty())
    _report(counts, load, json_output)
    if live and counts["failed"]:  # a file can be published again
        raise Retry(
            f"{counts['failed']} events are neither at the broker nor on disk: the spool in {settings.spool_folder} "
            "did not take them before the end; start the broker, or raise KEPT_SPOOL_BYTES"
        )


def _file(source: Source, as_of: str | None, speed: str, settings: Settings) -> _Load:
    until_ms = None if as_of is None else as_of_ms(as_of, source.zone(settings))
    factor = parse_speed(speed)
    hashing = CaseHashing(source.services(settings), settings.case_key)
    file = source.read(until_ms)
    return _Load(file.events, len(file.events), factor, until_ms, hashing, file)


def _city(
    seed: int,
    days: float,
    rate: float,
    script: str | None,
    live: bool,
    as_of: str | None,
    speed: str,
    settings: Settings,
) -> _Load:
    services = read_catalogue([catalogue.CITY])
    hashing = CaseHashing(services, settings.case_key)
    factor = parse_speed(speed)
    if live and (as_of is not None or factor is not None):
        raise ConfigurationError("--live goes on in real time; leave out --as-of and --speed")
    if as_of is None:
        end_ms = int(time.time() * 1000) // STEP_MS * STEP_MS
    else:
        end_ms = as_of_ms(as_of, next(iter(services.values())).zone)
    start_ms, until_ms = end_ms - int(days * DAY_MS), None if live else end_ms
    play = NO_SCRIPT if script is None else read_script(script, services, start_ms=start_ms, end_ms=until_ms)
    events = simulate(
        services.values(),
        start_ms=start_ms,
        end_ms=until_ms,
        seed=seed,
        rate=rate,
        incidents=play.incidents,
        trials=play.trials,
    )
    return _Load(events, None, factor, None if live else end_ms, hashing)


def _deliver(load: _Load, settings: Settings, quiet: bool) -> dict[str, Any]:
    topic = topics(settings.topic_prefix, settings.partitions).events.name
    started = time.monotonic()
    ticks = 0
    with ended_at_once():
        connected = Publisher(topic, settings, hashing=load.hashing)
    with connected as publisher, asked_to_stop() as stop:
        try:
            publisher.publish_all(_shown(load, quiet), Pace(load.factor, sleep=sleep_until(stop)), stop)
            if load.tick_at_ms is not None:
                publisher.tick_all_partitions(load.tick_at_ms)
                ticks = len(publisher.partitions)
            publisher.finish()
        except KeyboardInterrupt:
            publisher.settle(_FAREWELL_SECONDS)
            publisher.close(_CLOSE_SECONDS)
        return {
            "topic": topic,
            "published": publisher.published,
            "acknowledged": publisher.acknowledged,
            "failed": publisher.failed,
            "ticks": ticks,
            "stopped": stop.is_set(),
            "seconds": round(time.monotonic() - started, 3),
        }


def _deliver_by_spool(load: _Load, settings: Settings, quiet: bool) -> dict[str, Any]:
    """Live events do not come again: they wait on disk while the broker is away."""
    topic = topics(settings.topic_prefix, settings.partitions).events.name
    started = time.monotonic()
    stop = threading.Event()
    with ended_at_once():
        connected = DurablePublisher(topic, settings, hashing=load.hashing, when_full="wait", stop=stop)
    with connected as publisher, asked_to_stop(stop):
        with suppress(KeyboardInterrupt):
            publisher.publish_all(until(stop, _shown(load, quiet)), live_pace(sleep=sleep_until(stop)))
        if publisher.delivery.connected():
            publisher.finish(_SPOOL_SECONDS)
    return {  # counted when it is closed: what was handed over at the end is on disk by then
        "topic": topic,
        "published": publisher.accepted,
        "acknowledged": publisher.delivery.acknowledged,
        "failed": publisher.failed,
        "ticks": 0,
        "stopped": True,
        "waiting": publisher.spool.waiting,
        "seconds": round(time.monotonic() - started, 3),
    }


def _shown(load: _Load, quiet: bool) -> Iterator[tuple[int, Event]]:
    with tqdm(load.events, total=load.total, unit=" events", file=sys.stderr, disable=quiet) as progress:
        yield from progress


def _report(counts: dict[str, Any], load: _Load, json_output: bool) -> None:
    file = load.file
    if json_output:
        problems = [] if file is None else [msgspec.to_builtins(problem) for problem in file.problems]
        read = {"rows": None if file is None else file.rows, "passed_over": {} if file is None else file.passed_over}
        typer.echo(json.dumps({**counts, **read, "problems": problems}))
        return
    if file is not None:
        tell_problems(file, shown=_SHOWN_PROBLEMS, all_of_them="see --json")
    rows = "" if file is None else f"{rows_in_words(file)}; "
    ticks = f", {counts['ticks']} of them ticks" if counts["ticks"] else ""
    stopped = "; stopped by hand" if counts["stopped"] else ""
    if counts.get("waiting"):
        stopped += f"; {counts['waiting']} wait in the spool and are sent after the next start"
    typer.echo(
        f"{rows}{counts['published']} messages to {counts['topic']} in {counts['seconds']:.1f} s{ticks}, "
        f"{counts['acknowledged']} acknowledged{stopped}"
    )
