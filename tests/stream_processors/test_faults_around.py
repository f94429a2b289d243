"""What happens around the workers: Prometheus is killed, the catalogue changes underneath, news come late."""

from __future__ import annotations

import json
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from command_line.moments import as_of_ms
from kept.events import Event
from kept.indicators.known_at import as_known_at
from kept.indicators.point import Point
from kept.settings import Settings
from local_stack.broker import Broker
from local_stack.ports import free_port
from local_stack.prometheus import INSTALL_COMMAND, Watching, prometheus, prometheus_command
from local_stack.replay import Replay, WorkerGroup, accounts_of, history_of, replay_pipeline, wait_for
from producers.mapping import read_mapping
from producers.sources import read_events
from stream_processors.embedded import EmbeddedPipeline
from tests.stream_processors.pipelines import settings_of
from tests.waiting import eventually

pytestmark = [pytest.mark.broker, pytest.mark.slow, pytest.mark.timeout(240)]

MAPPING = read_mapping("boston_311")
SERVICE = MAPPING.service()
AS_OF_MS = as_of_ms("2011-07-09T00:00", SERVICE.zone)


@pytest.fixture(scope="module")
def events(shared_data: Path) -> list[Event]:
    file = read_events(shared_data / "boston_311_2011H2.csv.gz", MAPPING, until_ms=AS_OF_MS)
    return [event for _, event in file.events]


@pytest.fixture(scope="module")
def expected(events: list[Event]) -> list[Point]:
    pipeline = EmbeddedPipeline({SERVICE.id: SERVICE})
    pipeline.apply(events)
    pipeline.tick(AS_OF_MS)
    return sorted(pipeline.indicators(AS_OF_MS // 1000), key=Point.key)


def applied(settings: Settings, count: int) -> None:
    """Wait until so many events have been accounted for."""
    eventually(lambda: accounts_of(settings).received >= count, f"{count} events")


def test_a_prometheus_killed_in_the_middle_shows_the_same_in_the_end(
    events: list[Event], expected: list[Point], broker: Broker, topic_prefix: str, tmp_path: Path
) -> None:
    command = prometheus_command()
    if command is None:
        pytest.skip(f"Prometheus is not on this machine; {INSTALL_COMMAND}")
    settings = settings_of(broker, topic_prefix, tmp_path, MAPPING.catalogue_text(), metrics_port=free_port())
    group = WorkerGroup(settings, tmp_path, 1)
    port = free_port()
    watcher = prometheus(command, tmp_path, port, Watching(metrics_ports=[settings.metrics_port]))
    group.start()
    watcher.start()
    try:
        replay = Replay(settings, group)
        third = len(events) // 3
        replay.publish(events[:third])
        applied(settings, third)
        eventually(lambda: query(port, "kept_events_total"), "a first sample")
        watcher.kill()
        replay.publish(events[third : 2 * third])
        applied(settings, 2 * third)
        watcher.start()
        replay.publish(events[2 * third :])
        replay.end(AS_OF_MS)
        points, accounts = wait_for(settings, group, SERVICE.id, AS_OF_MS // 1000)
        assert points == expected
        assert accounts.reconciles()
        assert accounts.applied == len(events)
        total = f'sum(kept_events_total{{account="applied"}}) == {len(events)}'
        eventually(lambda: query(port, total), "the last count")
        whole = {
            p.window: p.value
            for p in expected
            if (p.indicator, p.slice) == ("promise_kept", ()) and p.value is not None
        }
        # Counters and gauges of one scrape are of one moment, which may lie before the last publication. A series that
        # ended while Prometheus was away has no end mark there: it is shown for five more minutes.
        eventually(
            lambda: {w: promise_kept(port).get(w) for w in whole} == pytest.approx(whole), "scrape of the last values"
        )
    finally:
        group.stop()
        watcher.kill()


def test_two_versions_of_the_catalogue_side_by_side_change_nothing_that_was_counted(
    events: list[Event], expected: list[Point], broker: Broker
) -> None:
    text = MAPPING.catalogue_text()
    newer = text.replace("target_share = 0.8", "target_share = 0.95").replace(
        'owner = "City of Boston"', 'owner = "Boston"'
    )
    another = text.replace('id = "boston-311"', 'id = "another-311"')
    assert len({text, newer, another}) == 3
    with replay_pipeline(text, brokers=broker.bootstrap, max_batch_records=300) as replay:
        first, second = replay.group.workers
        quarter = len(events) // 4
        replay.publish(events[:quarter])
        (replay.group.folder / "catalogue" / "service-0.toml").write_text(newer, encoding="utf-8")
        (replay.group.folder / "catalogue" / "another.toml").write_text(another, encoding="utf-8")
        first.kill()
        replay.group.start()  # one worker counts by the newer catalogue now
        replay.publish(events[quarter : 2 * quarter])
        applied(replay.settings, quarter)
        replay.publish(events[: 2 * quarter])  # all again: known under the older one
        second.kill()
        replay.group.start()
        replay.publish(events[2 * quarter :])
        replay.end(AS_OF_MS)
        points, accounts = wait_for(replay.settings, replay.group, SERVICE.id, AS_OF_MS // 1000, WorkerGroup.start)
    assert points == expected
    assert accounts.reconciles()
    assert (accounts.applied, accounts.duplicate) == (len(events), 2 * quarter)


def promise_kept(port: int) -> dict[str, float]:
    """What Prometheus shows, by window."""
    samples = query(port, "kept_promise_kept_ratio")
    return {sample["metric"]["window"]: float(sample["value"][1]) for sample in samples}


def query(port: int, expression: str) -> list[dict[str, Any]]:
    """The answer of Prometheus; nothing while it is away."""
    address = f"http://127.0.0.1:{port}/api/v1/query?query={urllib.parse.quote(expression)}"
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:
            found: list[dict[str, Any]] = json.loads(answer.read())["data"]["result"]
            return found
    except OSError:
        return []


def test_events_that_come_late_amend_what_was_published_and_the_amendments_are_kept(
    events: list[Event], expected: list[Point], broker: Broker
) -> None:
    late = events[-500::25]
    held = {event.id for event in late}
    in_time = [event for event in events if event.id not in held]
    with replay_pipeline(MAPPING.catalogue_text(), brokers=broker.bootstrap) as replay:
        replay.publish(in_time[:-500])
        for start in range(len(in_time) - 500, len(in_time), 250):
            before = published(replay.settings)
            replay.publish(in_time[start : start + 250])
            eventually(lambda before=before: published(replay.settings) > before, "next moment")
        replay.publish(late)
        replay.end(AS_OF_MS)
        points, accounts = wait_for(replay.settings, replay.group, SERVICE.id, AS_OF_MS // 1000)
        with history_of(replay.settings) as history:
            assert history is not None
            amendments = history.amendments(SERVICE.id)
            stored = history.read(SERVICE.id, indicator="arrivals", window="24h")
    assert points == expected
    assert accounts.applied == len(events)
    assert amendments
    assert [one for one in amendments if one.old == one.new or one.new.window_end > one.known_at] == []
    pipeline = EmbeddedPipeline({SERVICE.id: SERVICE})
    pipeline.apply(events)
    amended = {one.new.key() for one in amendments}
    assert {point.key() for point in stored} & amended
    for point in stored:
        if point.key() in amended:
            now_known = {p.key(): p for p in pipeline.indicators(point.window_end, ["24h"])}
            assert point == now_known[point.key()]
    first = min(one.known_at for one in amendments)
    then = {point.key(): point for point in as_known_at(stored, amendments, first - 1)}
    assert all(then[one.old.key()] == one.old for one in amendments if one.known_at == first and one.old.key() in then)


def published(settings: Settings) -> int:
    """The moment (s) up to which the service is published; 0 before the first."""
    with history_of(settings) as store:
        return 0 if store is None else store.published().get(SERVICE.id, 0)
