"""A real Prometheus that scrapes what a worker would show, for tests of what boards make of it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from prometheus_client import start_http_server

from local_stack.ports import LOOPBACK, free_port
from local_stack.prometheus import INSTALL_COMMAND, Watching, prometheus, prometheus_command
from stream_processors.sinks.metrics import Metrics
from tests.grafana.prometheus_answers import Prometheus

DEADLINE_SECONDS = 30.0
EVERY_SECONDS = 0.2


@contextmanager
def scraped(
    folder: Path, metrics: Metrics, until: str, rules: Mapping[str, str] | None = None, **variables: str
) -> Iterator[Prometheus]:
    """It, once `until` has an answer; `variables` are those of the board."""
    command = prometheus_command()
    if command is None:
        pytest.skip(f"no prometheus on PATH: {INSTALL_COMMAND}")
    server, thread = start_http_server(0, LOOPBACK, metrics.registry)
    port = free_port()
    watching = Watching(metrics_ports=[server.server_port], rules=rules or {}, every_seconds=EVERY_SECONDS)
    child = prometheus(command, folder, port, watching)
    child.start()
    try:
        asked = Prometheus(f"http://{LOOPBACK}:{port}", **variables)
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not _answers(asked, until):
            assert time.monotonic() < deadline, f"no answer to {until}: {child.log_tail()}"
            time.sleep(EVERY_SECONDS)
        yield asked
    finally:
        child.kill()
        server.shutdown()
        server.server_close()
        thread.join()


def _answers(asked: Prometheus, until: str) -> bool:
    try:
        return bool(asked.rows(until))
    except OSError:
        return False
