"""`python -m bench.scaling`: what an event costs with more events, services, partitions and open cases.

Measured on the pure core in one process: batches that are encoded beforehand are decoded and applied to
`kept.partition.PartitionState`, and every change is packed, as before it is written. Event time moves at the same pace
everywhere, so that as many events share a bucket. With `--worker` partitions are measured on a real worker and broker
too. Written as docs/scaling.json, docs/scaling.md and docs/scaling.svg; with `--part` only where it is told to.
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from bench.backlog import worker_cost
from bench.drawing import write_svg
from bench.paced_producer import EXTRA_CASES, event
from bench.report import machine
from bench.scaling_report import Axis, Cost, ScalingReport, markdown, plot
from bench.workload import START_MS, BenchService, catalogue_text
from kept.catalogue import parse_service
from kept.durations import HOUR_MS
from kept.errors import KeptError
from kept.events import decode_batch, moment
from kept.intake import Rules, rules_by_service
from kept.partition import PartitionState
from stream_processors.worker import prepare_process

PAGE, JSON = Path("docs/scaling.md"), Path("docs/scaling.json")
BATCH = 5_000
EVENTS_A_SECOND = 20
"""Of event time: a busy city."""
OPEN_EVENTS = 20_000
"""A case is completed so many openings later."""
EVENTS, LONG_EVENTS = (100_000, 1_000_000), (100_000, 1_000_000, 10_000_000)
SERVICES = (10, 100, 1_000, 10_000)
PARTITIONS = (1, 4, 16, 64)
OPEN_CASES, LONG_OPEN_CASES = (10_000, 100_000), (10_000, 100_000, 1_000_000)
USUAL_EVENTS, USUAL_SERVICES = 200_000, 10


class Shape(NamedTuple):
    """One measurement: so many events of so many services over so many partitions, on so many open cases."""

    events: int
    services: int = USUAL_SERVICES
    partitions: int = 1
    open_cases: int = 0


def rules_of(services: int) -> dict[str, Rules]:
    """Services with a promise, all alike."""
    text = catalogue_text(BenchService("service-0", HOUR_MS, 24))
    one = parse_service(text, "service-0.toml")
    return rules_by_service({f"service-{n}": msgspec.structs.replace(one, id=f"service-{n}") for n in range(services)})


def batches(shape: Shape) -> Iterator[tuple[int, list[bytes]]]:
    """(partition, encoded events) in order of time: half open a case, half complete an earlier one.

    With `open_cases` in the register completions are of those, so that as many stay open.
    """
    waiting: list[list[bytes]] = [[] for _ in range(shape.partitions)]
    for index in range(shape.events):
        number, opens = index // 2 + shape.open_cases, not index % 2
        if not opens:
            number -= shape.open_cases or OPEN_EVENTS
            if number < 0:  # nothing is old enough to be completed: one more is opened
                number, opens = index + EXTRA_CASES, True
        text = moment(START_MS + index * 1000 // EVENTS_A_SECOND).isoformat()
        at = number % shape.partitions
        waiting[at].append(event(number, opens, text, f"service-{number % shape.services}"))
        if len(waiting[at]) == BATCH:
            yield at, waiting[at]
            waiting[at] = []
    yield from ((at, left) for at, left in enumerate(waiting) if left)


def core_cost(shape: Shape) -> Cost:
    """CPU time of an event (us) and records of state it writes, open cases being there before the clock starts."""
    rules = rules_of(shape.services)
    states = [PartitionState(number, rules) for number in range(shape.partitions)]
    for first in range(0, shape.open_cases, BATCH):
        numbers = range(first, min(first + BATCH, shape.open_cases))
        text = moment(START_MS - HOUR_MS).isoformat()
        opened = [event(number, True, text, f"service-{number % shape.services}") for number in numbers]
        _apply(states[0], opened)
    gc.collect()
    spent, records = 0.0, 0
    for partition, encoded in batches(shape):
        started = time.process_time()
        records += _apply(states[partition], encoded)
        spent += time.process_time() - started
    assert sum(state.accounts.applied for state in states) == shape.events + shape.open_cases
    return Cost(spent / shape.events * 1e6, records / shape.events)


def _apply(state: PartitionState, encoded: list[bytes]) -> int:
    changes = state.apply(state.offset + len(encoded), decode_batch(encoded))
    return len(changes.state)


def measure(
    axes: Sequence[tuple[str, Sequence[int], Callable[[int], Cost]]], usual: int = USUAL_EVENTS
) -> ScalingReport:
    """Every point of every axis, one after the other; `usual` are the events where these are not what grows."""
    about, found = machine(), []
    for name, values, cost in axes:
        found.append(Axis(name, [(value, cost(value)) for value in values]))
        print(f"{name}: {', '.join(f'{x:,} {one.microseconds:.1f} us' for x, one in found[-1].costs)}", flush=True)
    return ScalingReport(about, found, usual)


def usual_events(part: float) -> int:
    """Events of a point of every axis but their own."""
    return int(USUAL_EVENTS * part)


def axes(*, long: bool, worker: bool, part: float = 1.0) -> list[tuple[str, Sequence[int], Callable[[int], Cost]]]:
    """(name, values, cost of a value); `part` of the usual numbers of events and open cases, and as many are named."""
    usual = usual_events(part)
    events, cases = (
        sorted({max(BATCH, int(n * part)) for n in values})
        for values in (LONG_EVENTS if long else EVENTS, LONG_OPEN_CASES if long else OPEN_CASES)
    )
    found: list[tuple[str, Sequence[int], Callable[[int], Cost]]] = [
        ("events", events, lambda n: core_cost(Shape(n))),
        ("services", SERVICES, lambda n: core_cost(Shape(usual, services=n))),
        ("partitions", PARTITIONS, lambda n: core_cost(Shape(usual, partitions=n))),
        ("open cases", cases, lambda n: core_cost(Shape(usual, open_cases=n))),
    ]
    if worker:
        found.append(("partitions, real worker", PARTITIONS, lambda n: worker_cost(n, usual)))
    return found


def main(arguments: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.scaling", description=__doc__)
    parser.add_argument("--long", action="store_true", help="up to 10,000,000 events and 1,000,000 open cases")
    parser.add_argument("--worker", action="store_true", help="partitions on a real worker and broker too")
    parser.add_argument("--part", type=float, default=1.0, help="of the events of each point")
    parser.add_argument("--json", type=Path, help=f"default: {JSON}, and with --part nowhere")
    parser.add_argument("--markdown", type=Path, help=f"default: {PAGE}, and with --part nowhere")
    options = parser.parse_args(arguments)
    if not 0 < options.part <= 1:
        parser.error("--part must be above 0 and at most 1")
    whole = options.part == 1
    page, json = options.markdown or (PAGE if whole else None), options.json or (JSON if whole else None)
    prepare_process()
    try:
        report = measure(axes(long=options.long, worker=options.worker, part=options.part), usual_events(options.part))
    except KeptError as error:
        print(error, file=sys.stderr)
        return 2
    if json is not None:
        json.write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=1) + b"\n")
    if page is not None:
        picture = page.with_suffix(".svg")
        write_svg(plot(report), picture)
        page.write_text(markdown(report, picture.name), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
