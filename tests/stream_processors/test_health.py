"""/healthz means that work is being done."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.applications import Starlette

from kept.settings import Settings
from stream_processors import health
from stream_processors.sinks.metrics import Metrics


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr(health.time, "monotonic", lambda: now[0])
    return now


def test_a_worker_without_work_is_healthy_however_long(clock: list[float]) -> None:
    state = health.Health(stall_seconds=120)
    for _ in range(10):
        clock[0] += 100
        state.observe("cases", lag=0)
        state.observe("indicators", lag=0)
    assert state.report()[0]


def test_a_worker_with_work_that_moves_nothing_is_not(clock: list[float]) -> None:
    state = health.Health(stall_seconds=120)
    for _ in range(3):
        clock[0] += 50
        state.observe("cases", lag=7)
        state.observe("indicators", lag=0)
    healthy, said = state.report()
    assert not healthy
    assert said == {
        "status": "stalled",
        "cases": {"lag_records": 7, "seconds_without_progress": 150.0},
        "indicators": {"lag_records": 0, "seconds_without_progress": 0.0},
    }


def test_progress_makes_it_healthy_again(clock: list[float]) -> None:
    state = health.Health(stall_seconds=120)
    clock[0] += 500
    state.observe("indicators", lag=0)
    state.observe("cases", lag=7)
    assert not state.report()[0]
    state.moved("cases")
    assert state.report()[0]


def test_cases_that_flow_do_not_hide_a_history_store_that_hangs(clock: list[float]) -> None:
    state = health.Health(stall_seconds=120)
    for _ in range(5):
        clock[0] += 50
        state.moved("cases")
        state.observe("cases", lag=0)
        state.observe("indicators", lag=3)
    assert not state.report()[0]


def test_a_worker_that_cannot_know_because_the_broker_is_silent_is_not_healthy(clock: list[float]) -> None:
    state = health.Health(stall_seconds=120)
    state.observe("cases", lag=0)
    state.observe("indicators", lag=0)
    clock[0] += 121
    assert not state.report()[0]


async def _status(app: Starlette, path: str) -> int:
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b""}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": path, "headers": [], "query_string": b""}
    await app(scope, receive, send)
    return int(sent[0]["status"])


def test_a_worker_that_waits_for_long_is_not_healthy_but_alive(clock: list[float]) -> None:
    state = health.Health(stall_seconds=120)
    app = health.application(Metrics(set(), "none"), state)
    assert [asyncio.run(_status(app, path)) for path in ("/healthz", "/livez")] == [200, 200]
    clock[0] += 500  # the broker says nothing: nobody knows whether there is work
    assert [asyncio.run(_status(app, path)) for path in ("/healthz", "/livez", "/metrics")] == [503, 200, 200]


def test_the_metrics_of_a_worker_are_limited_and_on_loopback_unless_told(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = health.LIMITS
    assert (limits.connections, limits.of_one_client, limits.head_seconds) == (200, 100, 10)
    assert Settings().metrics_host == "127.0.0.1"
    monkeypatch.setattr(health, "REQUESTS_PER_SECOND", 0.001)
    app = health.application(Metrics(set(), "none"), health.Health(stall_seconds=120))
    assert [asyncio.run(_status(app, "/livez")) for _ in range(3)] == [200, 429, 429]
