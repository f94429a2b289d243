"""`make bench`: publish a stream once, let every contender read it, compare what they computed, report.

Fails (exit 1) when a contender's tallies differ from those of Kept in any counter of any bucket.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
import uuid
import warnings
from collections.abc import Collection, Iterable, Sequence
from itertools import islice
from pathlib import Path

import msgspec

with warnings.catch_warnings():
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    from local_stack.broker import Broker
from bench import embedded, memory, restore
from bench.comparison import check, joined
from bench.contenders import CONTENDERS, KAFKA_STREAMS, KEPT_CASES, Contender, Task
from bench.environments import NotInstalled
from bench.measured import Measured, NotRun
from bench.reference import Reference, references
from bench.report import Report, StreamReport, machine, markdown
from bench.stopwatch import Result
from bench.workload import SERVICES, Workload, catalogue_text, dense, light, sparse
from bench.written import Row, Written
from command_line.topics import create_topics
from kept.catalogue import read_catalogue
from kept.errors import KeptError
from kept.events import Event
from kept.intake import rules_by_service
from kept.settings import Settings, read_settings
from kept.topics import topics
from local_stack.work_folder import work_folder
from producers.publisher import Publisher

EVENTS = 600_000
ROUNDS = 3
QUICK_EVENTS = 6_000
QUICK_CASES = 20_000
QUICK_BATCH = 500
"""So many records at once, that a short stream has more than one batch a partition."""
PART_AT_LEAST = 10_000
PARTITIONS = 4
LIGHT_CONTENDERS = (KEPT_CASES, KAFKA_STREAMS)
"""Who is measured on the light stream too."""
MARKDOWN = Path("docs/benchmarks.md")


def main(arguments: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    options = _options(arguments)
    chosen = [one for one in CONTENDERS if not options.only or one.name in options.only]
    events, rounds = (QUICK_EVENTS, 1) if options.quick else (options.events, options.rounds)
    workloads = [dense(events), *([sparse(events)] if options.sparse else []), light(events)]
    try:
        with work_folder(prefix="kept-bench-") as folder, Broker(folder / "kafka") as broker:
            settings = settings_of(broker.bootstrap, folder, quick=options.quick)
            report = measure(settings, folder, workloads, chosen, rounds)
            if not options.only:
                cases = QUICK_CASES if options.quick else memory.CASES
                report = with_state(report, settings, folder, cases, events)
    except KeptError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    text = markdown(report)
    whole = not options.only and events >= EVENTS and rounds >= ROUNDS
    page = options.markdown or (MARKDOWN if whole else None)
    if page is not None:
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(text, encoding="utf-8")
    if options.json:
        options.json.write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n")
    print(text.partition("## What is measured")[0])
    return 0


def measure(
    settings: Settings,
    folder: Path,
    workloads: Sequence[Workload],
    contenders: Sequence[Contender] = CONTENDERS,
    rounds: int = 1,
) -> Report:
    """Run the contenders on each workload, `rounds` times, one after another within a round.

    Raises `Disagreement` when one of them left other tallies than Kept. One that cannot be installed is reported so.
    """
    about = machine()
    able, absent = _prepare(contenders)
    return Report(about, rounds, [_measure(one, settings, folder, able, absent, rounds) for one in workloads])


def with_state(report: Report, settings: Settings, folder: Path, cases: int, events: int) -> Report:
    """`report` with the memory and the restoring of so many open cases, and so many events without a broker."""
    _say(f"{events:,} events without a broker")
    alone = embedded.measure(Path(settings.catalogue), events)
    _say(f"memory of {cases:,} open cases")
    held = memory.measure(Path(settings.catalogue), cases)
    _say(f"restoring {cases:,} open cases")
    restored = restore.measure(settings, folder, cases)
    return msgspec.structs.replace(report, embedded=alone, memory=held, restore=restored)


def _prepare(contenders: Sequence[Contender]) -> tuple[list[Contender], list[NotRun]]:
    able: list[Contender] = []
    absent: list[NotRun] = []
    for one in contenders:
        try:
            one.prepare()
        except NotInstalled as error:
            _say(f"{one.name}: not run: {error}")
            absent.append(NotRun(one.name, one.words, str(error)))
        else:
            able.append(one)
    return able, absent


def _measure(
    workload: Workload,
    settings: Settings,
    folder: Path,
    contenders: Sequence[Contender],
    absent: list[NotRun],
    rounds: int,
) -> StreamReport:
    if workload.light:
        contenders = [one for one in contenders if one.name in LIGHT_CONTENDERS]
    parts = {one.name: min(workload.events, max(PART_AT_LEAST, workload.events // one.part)) for one in contenders}
    sizes = {workload.events, *parts.values()}
    _say(f"{workload.name}: what Kept's core makes of {workload.events:,} events")
    expected = references(workload.stream(), sizes, rules_by_service(read_catalogue([Path(settings.catalogue)])))
    published = _publish(workload, settings, sizes)
    results: dict[str, list[Result]] = {one.name: [] for one in contenders}
    compared: dict[str, int] = {}
    wrote: dict[str, list[Written]] = {}
    for number in range(1, rounds + 1):
        for one in contenders:
            events = parts[one.name]
            name = f"{settings.topic_prefix}{workload.name}-{one.name.replace('_', '-')}-{number}"
            task = Task(settings, published[events], events, folder, name)
            result, rows, wrote[one.name] = one.run(task)
            compared[one.name] = _agree(workload, one, expected[events], rows)
            results[one.name].append(msgspec.structs.replace(result, tallies=None))
            _say(f"  round {number}: {_shown(one, result)}, {compared[one.name]:,} counters equal")
    measured = [
        Measured(one.name, one.words, parts[one.name], compared[one.name], results[one.name], wrote[one.name])
        for one in contenders
    ]
    whole = expected[workload.events]
    shares = {size: expected[size].completions / size for size in sizes}
    average = whole.bytes // workload.events
    return StreamReport(workload.name, workload.days, workload.events, shares, average, measured, absent)


def _agree(workload: Workload, one: Contender, expected: Reference, rows: Iterable[Row]) -> int:
    names = f"Kept's core and {one.name}, on the {workload.name} stream,"
    return check(names, expected.tallies, joined(rows, expected.watermark))


def _publish(workload: Workload, settings: Settings, sizes: Collection[int]) -> dict[int, str]:
    """Publish the first events of the stream, so many to a topic of their own; returns the topics by size."""
    found = {}
    for size in sorted(sizes):
        _say(f"{workload.name}: publishing {size:,} events")
        part = msgspec.structs.replace(settings, topic_prefix=f"{settings.topic_prefix}{workload.name}-{size}-")
        create_topics(part)
        found[size] = topics(part.topic_prefix, part.partitions).events.name
        _publish_to(found[size], islice(workload.stream(), size), part)
    return found


def _publish_to(topic: str, events: Iterable[Event], settings: Settings) -> None:
    with Publisher(topic, settings) as publisher:
        for event in events:
            publisher.publish(event)
        publisher.finish()


def settings_of(brokers: str, folder: Path, *, quick: bool = False) -> Settings:
    """For measurements on a broker, with the catalogue of the workload in `folder`; `quick` means small batches."""
    catalogue = folder / "catalogue"
    catalogue.mkdir(exist_ok=True)
    for service in SERVICES:
        (catalogue / f"{service.id}.toml").write_text(catalogue_text(service), encoding="utf-8")
    settings = read_settings({name: value for name, value in os.environ.items() if name.startswith("KEPT_MAX_BATCH")})
    return msgspec.structs.replace(
        settings,
        brokers=brokers,
        topic_prefix=f"bench-{uuid.uuid4().hex[:8]}-",
        partitions=PARTITIONS,
        catalogue=str(catalogue),
        history_path=str(folder / "history.sqlite"),
        live=False,
        max_batch_records=QUICK_BATCH if quick else settings.max_batch_records,
    )


def _shown(one: Contender, result: Result) -> str:
    return (
        f"{one.name}: {result.events:,} events in {result.seconds:.1f} s, {result.events / result.seconds:,.0f}/s, "
        f"{result.events / result.cpu_seconds:,.0f} per CPU-second, peak {result.peak_mib:,} MiB"
    )


def _say(line: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {line}", file=sys.stderr, flush=True)


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description="Measure Kept beside its peers on this machine.")
    names = [one.name for one in CONTENDERS]
    parser.add_argument("--events", type=int, default=EVENTS, help="events in the stream (default %(default)s)")
    parser.add_argument(
        "--rounds", type=int, default=ROUNDS, help="how often each contender runs (default %(default)s)"
    )
    parser.add_argument("--sparse", action="store_true", help="measure the sparse stream too")
    parser.add_argument(
        "--quick", action="store_true", help="a few events, one round: do all run and agree? (its times mean nothing)"
    )
    parser.add_argument("--only", action="append", choices=names, help="this contender alone (may be repeated)")
    parser.add_argument("--json", type=Path, help="write the numbers to this file")
    page = f"write the page here (default: {MARKDOWN}, and with less than usual nowhere)"
    parser.add_argument("--markdown", type=Path, help=page)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
