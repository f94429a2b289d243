"""`make bench`: publish a stream once, let every contender read it, compare what they computed, report.

Fails (exit 1) when two contenders disagree on any total.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
import uuid
import warnings
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

import msgspec

with warnings.catch_warnings():
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    from local_stack.broker import Broker

from bench.contenders import (
    Measured,
    bare_loop,
    differences,
    kept_cases_only,
    kept_worker,
    stock_faust,
)
from bench.report import Report, StreamReport, machine, markdown
from bench.workload import SERVICES, Workload, catalogue_text, dense, sparse
from command_line.topics import create_topics
from kept.errors import KeptError
from kept.events import CaseCompleted, Event, encode
from kept.settings import Settings, read_settings
from kept.topics import topics
from producers.publisher import Publisher

EVENTS = 300_000
STOCK_SHARE = 50
STOCK_AT_LEAST = 10_000
PARTITIONS = 4
MARKDOWN = Path("docs/benchmarks.md")


class Disagreement(KeptError):
    """Two contenders computed different totals: the measurement means nothing."""


def main(arguments: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    options = _options(arguments)
    try:
        with tempfile.TemporaryDirectory(prefix="kept-bench-") as folder, Broker(Path(folder) / "kafka") as broker:
            report = measure(broker.bootstrap, Path(folder), options.events, both=options.sparse)
    except KeptError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    text = markdown(report)
    if options.markdown:
        options.markdown.parent.mkdir(parents=True, exist_ok=True)
        options.markdown.write_text(text, encoding="utf-8")
    if options.json:
        options.json.write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n")
    print(text.partition("## What is measured")[0])
    return 0


def measure(brokers: str, folder: Path, events: int, *, both: bool) -> Report:
    """Run all contenders on the dense stream, and on the sparse one too when `both`.

    Raises `Disagreement` when two of them computed different totals.
    """
    about = machine()
    workloads = [dense(events), sparse(events)] if both else [dense(events)]
    return Report(about, [_measure(workload, brokers, folder) for workload in workloads])


def _measure(workload: Workload, brokers: str, folder: Path) -> StreamReport:
    prefix = min(workload.events, max(STOCK_AT_LEAST, workload.events // STOCK_SHARE))
    base = _settings(brokers, folder, f"bench-{workload.name}")
    start, first = f"{base.topic_prefix}worker-", f"{base.topic_prefix}prefix-"
    whole = msgspec.structs.replace(base, topic_prefix=start)
    part = msgspec.structs.replace(base, topic_prefix=first)
    cases = msgspec.structs.replace(base, topic_prefix=f"{base.topic_prefix}cases-")
    for settings in (whole, part, cases):
        create_topics(settings)
    _say(f"{workload.name}: publishing {workload.events:,} events")
    size = _publish(workload.stream(), whole)
    _publish(islice(workload.stream(), prefix), part)
    completions = sum(type(event) is CaseCompleted for event in islice(workload.stream(), prefix))
    topic, prefix_topic = _events_topic(whole), _events_topic(part)
    bare = _done(bare_loop(base, topic, workload.events, folder))
    worker = _done(kept_worker(whole, workload.events, folder))
    alone = _done(kept_cases_only(cases, topic, workload.events, folder))
    stock = _done(stock_faust(base, prefix_topic, prefix, folder))
    check = bare_loop(base, prefix_topic, prefix, folder)
    check_agreement(workload.name, [bare, worker, alone])
    check_agreement(workload.name, [check, stock])
    average = size // workload.events
    contenders = [worker, alone, stock, bare]
    return StreamReport(workload.name, workload.days, workload.events, prefix, completions, average, contenders)


def check_agreement(stream: str, contenders: list[Measured]) -> None:
    """Compare all with the first; raises `Disagreement` when a total differs."""
    reference = contenders[0]
    for other in contenders[1:]:
        found = differences(reference.totals, other.totals)
        if found:
            shown = "\n  ".join(found[:10])
            names = f"{reference.name} and {other.name}"
            raise Disagreement(f"{names} disagree on the {stream} stream ({len(found)} totals):\n  {shown}")


def _publish(events: Iterable[Event], settings: Settings) -> int:
    """Publish all; returns their bytes."""
    size = 0
    with Publisher(_events_topic(settings), settings) as publisher:
        for event in events:
            publisher.publish(event)
            size += len(encode(event))
        publisher.finish()
    return size


def _settings(brokers: str, folder: Path, name: str) -> Settings:
    catalogue = folder / "catalogue"
    catalogue.mkdir(exist_ok=True)
    for service in SERVICES:
        (catalogue / f"{service.id}.toml").write_text(catalogue_text(service), encoding="utf-8")
    return msgspec.structs.replace(
        read_settings({name: value for name, value in os.environ.items() if name.startswith("KEPT_MAX_BATCH")}),
        brokers=brokers,
        topic_prefix=f"{name}-{uuid.uuid4().hex[:8]}-",
        partitions=PARTITIONS,
        catalogue=str(catalogue),
        history_path=str(folder / f"{name}.sqlite"),
        live=False,
    )


def _events_topic(settings: Settings) -> str:
    return topics(settings.topic_prefix, settings.partitions).events.name


def _done(one: Measured) -> Measured:
    state = "" if one.state is None else f", {one.state.records / one.all_events:.2f} state records an event"
    _say(
        f"  {one.name}: {one.events:,} events in {one.seconds:.1f} s, {one.per_second:,.0f}/s, "
        f"{one.per_cpu_second:,.0f} per CPU-second, peak {one.peak_mib:,} MiB{state}"
    )
    return one


def _say(line: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {line}", file=sys.stderr, flush=True)


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description="Measure Kept beside its peers on this machine.")
    parser.add_argument("--events", type=int, default=EVENTS, help="events in the stream (default %(default)s)")
    parser.add_argument("--sparse", action="store_true", help="measure the sparse stream too")
    parser.add_argument("--json", type=Path, help="write the numbers to this file")
    parser.add_argument("--markdown", type=Path, default=MARKDOWN, help="write the page here (default %(default)s)")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
