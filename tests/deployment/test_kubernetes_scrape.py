"""A real Prometheus with the labels that the operator gives: what the ServiceMonitor makes of a worker's metrics."""

from __future__ import annotations

import json
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from local_stack.child import Child
from local_stack.ports import LOOPBACK, free_port
from local_stack.prometheus import INSTALL_COMMAND, prometheus_command
from tests.deployment.kubernetes import found

SECONDS = 30.0
EXPOSITION = (
    'kept_signal_active{service="street-lights",signal="source_silent",about=""} 1\nkept_lag_records{topic="t"} 3\n'
)
OPERATORS_LABELS = {
    "job": "kept-worker",  # the Service's name, which an overlay may change
    "service": "kept-worker",
    "namespace": "kept",
    "pod": "kept-worker-5d9c7-x2x4z",
    "container": "worker",
    "endpoint": "metrics",
}
"""The target labels that the operator's own relabelings make, before those of the ServiceMonitor."""


class _Worker(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write(EXPOSITION.encode())

    def log_message(self, *_: object) -> None:
        """Silent."""


@pytest.fixture
def port() -> Iterator[int]:
    with ThreadingHTTPServer((LOOPBACK, 0), _Worker) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def _configuration(port: int) -> dict[str, Any]:
    (endpoint,) = found("ServiceMonitor", "kept-worker")["spec"]["endpoints"]
    names = {"targetLabel": "target_label", "sourceLabels": "source_labels"}
    relabelings = [{names.get(key, key): value for key, value in one.items()} for one in endpoint["relabelings"]]
    scrape = {
        "job_name": "serviceMonitor/kept/kept-worker/0",
        "metrics_path": endpoint["path"],
        "honor_labels": endpoint["honorLabels"],
        "scrape_interval": "1s",
        "scrape_timeout": "1s",
        "static_configs": [
            {"targets": [f"{LOOPBACK}:{port}"], "labels": {**OPERATORS_LABELS, "job": "city-kept-worker"}}
        ],
        "relabel_configs": relabelings,
    }
    return {"scrape_configs": [scrape]}


def test_a_worker_is_scraped_under_its_job_and_keeps_its_own_services(port: int, tmp_path: Path) -> None:
    command = prometheus_command()
    if command is None:
        pytest.skip(f"no prometheus on PATH: {INSTALL_COMMAND}")
    at, settings = free_port(), tmp_path / "prometheus.yml"
    settings.write_text(yaml.safe_dump(_configuration(port)), encoding="utf-8")
    arguments = [f"--config.file={settings}", f"--storage.tsdb.path={tmp_path / 'tsdb'}"]
    child = Child("Prometheus", [command, *arguments, f"--web.listen-address={LOOPBACK}:{at}"], tmp_path / "log")
    child.start()
    try:
        (signal,) = _answer(at, "kept_signal_active", child)
        (lag,) = _answer(at, "kept_lag_records", child)
        (up,) = _answer(at, "up == 1", child)
    finally:
        child.stop()
    assert signal["service"] == "street-lights"
    assert "exported_service" not in signal
    assert {one["job"] for one in (signal, lag, up)} == {"kept-worker"}
    assert "service" not in lag
    assert up["pod"] == OPERATORS_LABELS["pod"]


def _answer(port: int, query: str, child: Child) -> list[dict[str, str]]:
    url = f"http://{LOOPBACK}:{port}/api/v1/query?{urllib.parse.urlencode({'query': query})}"
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        assert child.running(), child.log_tail()
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                result = json.load(answer)["data"]["result"]
        except OSError:
            result = []
        if result:
            return [one["metric"] for one in result]
        time.sleep(0.1)
    raise AssertionError(f"{query}: no answer within {SECONDS:.0f} s\n{child.log_tail()}")
