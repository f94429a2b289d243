"""A crash of any inner service ends the worker with a non-zero exit and a clear last line."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from command_line.topics import create_topics
from kept.settings import Settings
from local_stack.broker import Broker

pytestmark = pytest.mark.broker
ROOT = Path(__file__).resolve().parents[2]
DEADLINE_SECONDS = 45.0

BREAKS = {
    "the fetcher": """
async def broken(*a, **k):
    raise RuntimeError("the fetcher broke")
    yield
batch_transport.BatchConsumer.getmany = broken
""",
    "the case processor": """
async def broken(self, partition, records):
    raise RuntimeError("the case processor broke")
case_processor.CaseProcessor.apply = broken
""",
    "the clock task": """
async def broken(self, end_of):
    raise RuntimeError("the clock task broke")
case_processor.CaseProcessor.mark_idle = broken
""",
    "the metrics server": """
async def broken(*a):
    raise RuntimeError("the metrics server broke")
worker.serve = broken
""",
}
PROGRAM = """
import os, pathlib
import catalogue
from kept.catalogue import read_catalogue
from kept.settings import read_settings
from stream_processors import batch_transport, case_processor, worker
{breaks}
worker.run_worker(read_settings(os.environ), read_catalogue([catalogue.CITY]), pathlib.Path({folder!r}))
"""


def _environment(broker: Broker, prefix: str, folder: Path, **more: str) -> dict[str, str]:
    settings = Settings(brokers=broker.bootstrap, topic_prefix=prefix, partitions=2)
    create_topics(settings)
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "KEPT_BROKERS": broker.bootstrap,
        "KEPT_TOPIC_PREFIX": prefix,
        "KEPT_PARTITIONS": "2",
        "KEPT_HISTORY_PATH": str(folder / "history.sqlite"),
        **more,
    }


def _publish_one(broker: Broker, prefix: str) -> None:
    from kafka import KafkaProducer

    producer = KafkaProducer(bootstrap_servers=broker.bootstrap)
    for partition in (0, 1):
        producer.send(f"{prefix}service-events", b"not an event", partition=partition).get(timeout=10)
    producer.close()


@pytest.mark.parametrize("inner", BREAKS)
def test_a_crash_inside_ends_the_process_and_says_why(
    inner: str, broker: Broker, topic_prefix: str, tmp_path: Path
) -> None:
    environment = _environment(broker, topic_prefix, tmp_path)
    _publish_one(broker, topic_prefix)
    program = PROGRAM.format(breaks=BREAKS[inner], folder=str(tmp_path))
    ended = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=DEADLINE_SECONDS
    )
    assert ended.returncode not in (0, None)
    assert ended.stderr.strip().splitlines()[-1] == f"kept worker worker-1 stopped: RuntimeError: {inner} broke"


def test_a_taken_metrics_port_is_named(broker: Broker, topic_prefix: str, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        environment = _environment(broker, topic_prefix, tmp_path, KEPT_METRICS_PORT=str(port))
        ended = subprocess.run(
            [sys.executable, "-m", "command_line.main", "worker"],
            env=environment,
            capture_output=True,
            text=True,
            timeout=DEADLINE_SECONDS,
        )
    assert ended.returncode != 0
    assert f"KEPT_METRICS_PORT: 127.0.0.1:{port} cannot be used" in ended.stderr.splitlines()[-1]


def test_a_worker_told_to_stop_stops_with_zero(broker: Broker, topic_prefix: str, tmp_path: Path) -> None:
    environment = _environment(broker, topic_prefix, tmp_path)
    log = tmp_path / "worker.log"
    with log.open("wb") as output:
        worker = subprocess.Popen(
            [sys.executable, "-m", "command_line.main", "worker"], env=environment, stdout=output, stderr=output
        )
        try:
            deadline = time.monotonic() + DEADLINE_SECONDS
            while "healthz" not in log.read_text() and time.monotonic() < deadline:
                time.sleep(0.1)
            worker.send_signal(signal.SIGTERM)
            assert worker.wait(timeout=20) == 0
        finally:
            worker.kill()
