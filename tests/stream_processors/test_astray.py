"""Events that are read and never reach the case processor, with nothing behind them, are told of as waiting."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from kafka import KafkaProducer

from kept import metric_names as names
from local_stack.broker import Broker
from local_stack.environment import environment_of
from local_stack.ports import free_port
from local_stack.soak.samples import exposed
from local_stack.soak.stream import catalogue_texts
from tests.stream_processors.pipelines import health_of, settings_of

pytestmark = pytest.mark.broker
DEADLINE_SECONDS = 45.0

PROGRAM = """
import os, pathlib
from kept.catalogue import read_catalogue
from kept.settings import read_settings
from stream_processors.batch_transport import BatchConsumer
from stream_processors import worker

whole = BatchConsumer._wait_next_records

async def astray(self, timeout):
    records, active = await whole(self, timeout)
    gone = [tp for tp in records or {} if tp.topic.endswith("service-events") and tp.partition == 0]
    for tp in gone:
        del records[tp]
    return records, active

BatchConsumer._wait_next_records = astray
settings = read_settings(os.environ)
worker.run_worker(settings, read_catalogue([pathlib.Path(settings.catalogue)]), pathlib.Path(os.environ["FOLDER"]))
"""


def _lags(port: int, topic: str) -> dict[int, int]:
    try:
        found = exposed(port)[names.LAG.name]
    except (OSError, KeyError):
        return {}
    return {int(labels["partition"]): round(value) for labels, value in found if labels["topic"] == topic}


def _health_told(port: int) -> tuple[str, int]:
    """Status, and how many events wait."""
    said = health_of(port)
    return said["status"], said["cases"]["lag_records"]


def test_a_batch_that_is_read_and_lost_at_the_end_of_a_partition_is_lag(
    broker: Broker, topic_prefix: str, tmp_path: Path
) -> None:
    port = free_port()
    settings = settings_of(broker, topic_prefix, tmp_path, catalogue_texts()[0], metrics_port=port, stall_seconds=3)
    topic = f"{topic_prefix}service-events"
    producer = KafkaProducer(bootstrap_servers=broker.bootstrap)
    log = tmp_path / "worker.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM],
            env=environment_of(settings) | {"FOLDER": str(tmp_path), "PATH": os.environ["PATH"]},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        deadline = time.monotonic() + DEADLINE_SECONDS
        while _lags(port, topic) != {0: 0, 1: 0} and time.monotonic() < deadline:
            time.sleep(0.1)
        assert _lags(port, topic) == {0: 0, 1: 0}, log.read_text()
        for partition in (0, 0, 1):
            producer.send(topic, b"not an event", partition=partition).get(timeout=10)
        while _health_told(port) != ("stalled", 2) and time.monotonic() < deadline:
            time.sleep(0.2)
        assert _health_told(port) == ("stalled", 2), log.read_text()
        assert _lags(port, topic) == {0: 2, 1: 0}
    finally:
        process.kill()
        process.wait()
        producer.close()
