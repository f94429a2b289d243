"""What the process that sends the weekly summary answers to Prometheus, and to what supervises it."""

from __future__ import annotations

import json

import pytest

from summaries.post import serving
from summaries.post.metrics import PostMetrics
from summaries.post.serving import STALLED_SECONDS, Rounds, application
from tests.summaries.asking import ask


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr(serving.time, "monotonic", lambda: now[0])
    return now


def test_it_is_healthy_while_rounds_end_and_not_when_one_hangs(clock: list[float]) -> None:
    rounds = Rounds()
    assert rounds.seconds_ago() == 0
    app = application(PostMetrics(), rounds)
    clock[0] += STALLED_SECONDS - 1
    assert ask(app, "/healthz").status == 200
    clock[0] += 1
    stalled = ask(app, "/healthz")
    assert (stalled.status, json.loads(stalled.text)["status"]) == (503, "stalled")
    rounds.ended()
    assert json.loads(ask(app, "/healthz").text) == {"status": "ok", "seconds_since_last_round": 0.0}


def test_metrics_are_told_and_nothing_else_is_there() -> None:
    metrics = PostMetrics()
    metrics.show(2, None)
    app = application(metrics, Rounds())
    assert "kept_summary_missed_weeks 2.0" in ask(app, "/metrics").text
    assert ask(app, "/").status == 404
