"""`python -m bench.latency`: how long an event takes from the broker's acknowledgement to a gauge and to the history.

Real parts: a broker, workers, a producer that keeps pace with the clock, and a thread that reads /metrics as Prometheus
would, only more often. `bench.delays` says which stamps are compared. Written as JSON and as docs/latency.md.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import msgspec

from bench.delays import closings, counted, until_seen
from bench.drawing import write_svg
from bench.latency_report import LatencyReport, Spent, markdown, plot
from bench.live_pipeline import LivePipeline, live_pipeline
from bench.paced_producer import Pace, acknowledged, events_of
from bench.report import machine
from bench.scrapes import Scrape, Scraper
from bench.workload import SERVICES
from kept.buckets import STEP_SECONDS
from kept.errors import KeptError, Stop
from local_stack.pages import page_to_write
from local_stack.replay import history_of

PAGE, JSON = Path("docs/latency.md"), Path("docs/latency.json")
USUAL_SECONDS = 600.0
EVERY_SECONDS = 0.25
WARM_UP_SECONDS = 15.0
"""Workers that have just started are not what is measured."""
PATIENCE_SECONDS = 60.0
"""What was not seen so long after the last event counts as never."""


def measure(pipeline: LivePipeline, rate: float, seconds: float) -> LatencyReport:
    """Publish for so long and find every delay; the first `WARM_UP_SECONDS` are left out of what is counted."""
    out = pipeline.folder / "acknowledged.jsonl"
    producer = pipeline.producer(Pace(rate=rate, seconds=seconds), out)
    written: list[tuple[float, dict[str, int]]] = []
    with Scraper(pipeline.ports, EVERY_SECONDS) as scraper:
        producer.start()
        started = time.time()
        deadline = started + seconds + PATIENCE_SECONDS
        while time.time() < deadline:
            pipeline.group.watch()
            _look(pipeline, written)
            if not producer.running() and _is_over(scraper.scrapes, written, out):
                break
            time.sleep(EVERY_SECONDS)
    if producer.exit_code() != 0:
        raise Stop(f"the producer ended with {producer.exit_code()}:\n{producer.log_tail()}")
    told = acknowledged(out)
    closed = closings(told, pipeline.settings.partitions)
    services = [service.id for service in SERVICES]
    return LatencyReport(
        machine=machine(),
        rate=rate,
        achieved=events_of(told) / (max(one.at for one in told) - started),
        seconds=seconds,
        workers=len(pipeline.ports),
        partitions=pipeline.settings.partitions,
        every_seconds=EVERY_SECONDS,
        started=started,
        counted=[one for one in counted(told, scraper.scrapes) if one.at >= started + WARM_UP_SECONDS],
        shown=until_seen(closed, services, [(one.at, one.published) for one in scraper.scrapes]),
        written=until_seen(closed, services, written),
        stages=_spent(scraper.scrapes),
    )


def _look(pipeline: LivePipeline, written: list[tuple[float, dict[str, int]]]) -> None:
    with history_of(pipeline.settings) as store:
        published = {} if store is None else dict(store.published())
    if published and (not written or published != written[-1][1]):
        written.append((time.time(), published))


def _is_over(scrapes: list[Scrape], written: list[tuple[float, dict[str, int]]], out: Path) -> bool:
    """Whether all that was acknowledged has been received, and the last moment was written for every service."""
    told = acknowledged(out)
    last = min(max(one.time_ms for one in told if one.partition == of) for of in {one.partition for one in told})
    moment = last // 1000 // STEP_SECONDS * STEP_SECONDS
    received = sum(scrapes[-1].received.values()) if scrapes else 0
    newest = written[-1][1] if written else {}
    shown = scrapes[-1].published if scrapes else {}
    return received >= events_of(told) and all(
        min(newest.get(service.id, 0), shown.get(service.id, 0)) >= moment for service in SERVICES
    )


def _spent(scrapes: list[Scrape]) -> list[Spent]:
    first, last = scrapes[0], scrapes[-1]
    passed = last.at - first.at
    return [
        Spent(stage, (seconds - first.stages.get(stage, 0.0)) / passed)
        for stage, seconds in sorted(last.stages.items())
    ]


def _wait_for_a_moment_within(seconds: float) -> None:
    """A short run begins so that a whole 5 minutes ends in its middle: otherwise it would publish nothing."""
    if seconds < 2 * STEP_SECONDS:
        lead = min(seconds / 2, STEP_SECONDS / 2)
        wait = (STEP_SECONDS - time.time() % STEP_SECONDS - lead) % STEP_SECONDS
        time.sleep(wait)


def main(arguments: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.latency", description=__doc__)
    parser.add_argument("--rate", type=float, default=20_000, help="events a second")
    parser.add_argument("--seconds", type=float, default=USUAL_SECONDS)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--partitions", type=int, default=4)
    parser.add_argument("--json", type=Path, default=JSON)
    parser.add_argument("--markdown", type=Path, default=PAGE)
    options = parser.parse_args(arguments)
    if options.rate <= 0 or options.seconds < 2 * WARM_UP_SECONDS:
        parser.error(f"--rate must be above 0 and --seconds at least {2 * WARM_UP_SECONDS:.0f}")
    trial = options.seconds < USUAL_SECONDS
    page, json = (page_to_write(one, print, trial=trial) for one in (options.markdown, options.json))
    try:
        with live_pipeline(workers=options.workers, partitions=options.partitions) as pipeline:
            _wait_for_a_moment_within(options.seconds)
            report = measure(pipeline, options.rate, options.seconds)
    except KeptError as error:
        print(error, file=sys.stderr)
        return 2
    picture = options.markdown.with_suffix(".svg")
    if page is not None:
        write_svg(plot(report), picture)
        page.write_text(markdown(report, picture.name), encoding="utf-8")
    if json is not None:
        json.write_bytes(msgspec.json.format(msgspec.json.encode(report.summary()), indent=1) + b"\n")
    print(markdown(report, picture.name))
    return 0


if __name__ == "__main__":
    sys.exit(main())
