"""The measurements of sizes, in small: they run, and what must be larger is larger."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from bench import sizing, sizing_history, sizing_kafka, sizing_register, sizing_tallies
from catalogue import CITY
from kept.durations import DAY_MS
from kept.events import Event, tick
from kept.settings import Settings
from local_stack.replay import WorkerGroup
from local_stack.soak.samples import samples_in
from tests.history.points import point


def test_a_closed_case_and_one_with_steps_are_larger_than_an_open_one() -> None:
    plain = sizing_register.size_of("open", 2000, 0, closed=False)
    closed = sizing_register.size_of("closed", 2000, 1, closed=True)
    assert 70 < plain.record_bytes < closed.record_bytes
    assert plain.memory_bytes > plain.record_bytes


def test_more_partitions_have_more_tallies() -> None:
    one, four = (sizing_tallies.size_of(CITY, 1, partitions) for partitions in (1, 4))
    assert 0 < one.tallies_a_service < four.tallies_a_service <= 4 * one.tallies_a_service
    # Added up: a tally that only waits for that takes little more than its message.
    assert one.memory_bytes > 5 * one.record_bytes * one.tallies_a_service


def test_the_committed_figures_can_be_read_and_are_whole() -> None:
    found = sizing.read()
    assert found.history.influxdb_bytes_a_point
    assert {one.words for one in found.cases} >= {"open", "closed"}
    assert found.kafka.metrics_series_a_service > 100


def _shown(received: int, tallies_waiting: int = 0, *, published: bool = True) -> str:
    lines = [
        f'kept_events_total{{partition="0",account="received"}} {received}',
        f'kept_events_total{{partition="0",account="applied"}} {received}',
        'kept_lag_records{topic="service-events",partition="0"} 0',
        f'kept_lag_records{{topic="tallies",partition="0"}} {tallies_waiting}',
        *(['kept_indicator_timestamp_seconds{service="street-lights"} 1'] if published else []),
    ]
    return "\n".join(lines) + "\n"


def test_what_the_first_look_has_seen_already_is_not_in_the_rate() -> None:
    first, last = (
        sizing_kafka.Look(at, text, samples_in(text)) for at, text in ((10.0, _shown(4000)), (15.0, _shown(9000)))
    )
    assert sizing_kafka.rate(first, last) == 1000


def test_the_clock_of_the_rate_runs_until_the_indicators_are_published(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    looks = [_shown(9000, published=False), _shown(9000, 3), _shown(9000), _shown(9000, 2), _shown(9001)]
    waiting = itertools.chain(looks, itertools.repeat(_shown(9002)))
    monkeypatch.setattr(sizing_kafka, "exposition", lambda port: next(waiting))
    monkeypatch.setattr(sizing_kafka, "POLL_SECONDS", 0.0)
    monkeypatch.setattr(sizing_kafka, "SETTLED_SECONDS", 0.01)
    monkeypatch.setattr(WorkerGroup, "watch", lambda self: None)

    ended = sizing_kafka.wait_until_published(Settings(), WorkerGroup(Settings(), tmp_path, 1))

    assert ended.received == 9001


def test_the_last_day_is_simulated_before_the_clock_of_publishing_runs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # simulated   60 days: 1 event each | the last day: 3
    # clock                                             | runs
    done: list[str] = []

    def noted(what: str) -> float:
        done.append(what)
        return 0.0

    def simulated(*_: object, **__: object) -> Iterator[tuple[int, Event]]:
        for number in range(63):
            noted("simulated")
            told_ms = sizing_history.START_MS + min(number, 60) * DAY_MS
            yield told_ms, tick(told_ms, 0)

    monkeypatch.setattr(sizing_history, "simulate", simulated)
    monkeypatch.setattr(sizing_history, "BATCH", 1)
    monkeypatch.setattr(sizing_history, "program", lambda: None)
    monkeypatch.setattr(sizing_history, "time", SimpleNamespace(process_time=lambda: noted("clock")))
    monkeypatch.setattr(sizing_history, "_day", lambda *_: [point(value=noted("published"))])
    found = sizing_history.measure(tmp_path)
    assert done == ["simulated"] * 63 + ["clock", "published", "clock"]
    assert found.influxdb_bytes_a_point is None
