"""Measures the pipeline without a broker: how many encoded events a second become merged tallies in one process.

Run as a module it is the measured process: catalogue and number of events as arguments, the measurement as JSON.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import msgspec

from bench.own_process import output_of
from bench.workload import dense
from kept.buckets import STEP_MS, STEP_SECONDS
from kept.catalogue import read_catalogue
from kept.events import decode_batch, encode
from stream_processors.embedded import BATCH, EmbeddedPipeline
from stream_processors.worker import prepare_process


class EmbeddedReport(msgspec.Struct, frozen=True):
    """So many events of the dense stream, in one process."""

    events: int
    seconds: float
    cpu_seconds: float


def measure(catalogue: Path, events: int) -> EmbeddedReport:
    """Measure `events` of the dense stream in a process of its own. Raises `Stop`."""
    told = output_of("bench.embedded", catalogue, events, what="the embedded pipeline")
    return msgspec.json.decode(told, type=EmbeddedReport)


def _run(catalogue: Path, events: int) -> EmbeddedReport:
    pipeline = EmbeddedPipeline(read_catalogue([catalogue]))
    encoded = [encode(event) for event in dense(events).stream()]
    began, cpu = time.perf_counter(), time.process_time()
    for start in range(0, len(encoded), BATCH):
        pipeline.apply(decode_batch(encoded[start : start + BATCH]))
    assert pipeline.watermark is not None
    pipeline.indicators(pipeline.watermark // STEP_MS * STEP_SECONDS, windows=("1h",))  # reading adds them up
    seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - cpu
    assert pipeline.accounts.received == len(encoded)
    return EmbeddedReport(len(encoded), seconds, cpu_seconds)


if __name__ == "__main__":
    prepare_process()
    print(msgspec.json.encode(_run(Path(sys.argv[1]), int(sys.argv[2]))).decode())
