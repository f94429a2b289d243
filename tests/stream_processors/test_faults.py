"""Faults on the real broker: whatever is killed, stopped, doubled or shuffled, the final indicators are the same."""

from __future__ import annotations

import itertools
import random
import signal
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest
from msgspec.structs import replace

from command_line.moments import as_of_ms
from kept.events import Event, decode, milliseconds
from kept.indicators.point import Point
from kept.marks import Accounts
from kept.registered_changes import RegisteredChange
from kept.settings import Settings
from kept.signals.chart_amendments import ChartAmendment
from kept.signals.chart_weeks import ChartWeek
from local_stack.broker import Broker
from local_stack.replay import Replay, WorkerGroup, accounts_of, history_of, replay_pipeline, wait_for
from producers.disorder import shuffled_within_day, with_duplicates
from producers.mapping import read_mapping
from producers.sources import read_events
from stream_processors import worker
from stream_processors.embedded import EmbeddedPipeline

pytestmark = [pytest.mark.broker, pytest.mark.slow, pytest.mark.timeout(420)]

MAPPING = read_mapping("boston_311")
SERVICE = MAPPING.service()
AS_OF_MS = as_of_ms("2011-08-01T00:00", SERVICE.zone)
SMALL_BATCHES = 300
PIECES = 20
SEED = 20111
CHANGES = (
    ("2011-07-13T11:00:00-04:00", "A second crew", {"indicator": "backlog", "direction": "down"}),
    ("2011-07-13T11:00:00-04:00", "A new form", None),
    ("2011-07-20T09:30:00-04:00", "Vans start\nearlier", {"indicator": "delivery_time_p50", "direction": "down"}),
)
"""Registered changes of that month: when, with which title, and what they are expected to move."""


def change_events() -> list[tuple[int, Event]]:
    told = []
    for number, (time_text, title, expected) in enumerate(CHANGES):
        data = {"service": SERVICE.id, "title": title} | ({} if expected is None else {"expected": expected})
        change = decode(
            msgspec.json.encode(
                {"type": "service.changed", "specversion": "1.0", "source": "works", "id": f"change-{number}",
                 "time": time_text, "data": data}
            )
        )  # fmt: skip
        told.append((milliseconds(change.time), change))
    return told


class Outcome(NamedTuple):
    """What a replay came to: points by key, what became of every event, charts with amendments, registered changes."""

    points: dict[object, Point]
    accounts: Accounts
    charts: list[ChartWeek]
    amendments: list[ChartAmendment]
    changes: list[RegisteredChange]


class Stream:
    """A month of Boston with changes, 10 % of it twice, shuffled within each day; and what it must come to."""

    def __init__(self, file: Path) -> None:
        changes = change_events()
        clean = sorted([*read_events(file, MAPPING, until_ms=AS_OF_MS).events, *changes], key=itemgetter(0))
        doubled = with_duplicates(clean, share=0.1, seed=SEED)
        disturbed = shuffled_within_day([*doubled, *changes], seed=SEED)
        self.events: list[Event] = [event for _, event in disturbed]
        self.duplicates = len(disturbed) - len(clean)
        pipeline = EmbeddedPipeline({SERVICE.id: SERVICE})
        pipeline.apply(event for _, event in clean)
        pipeline.tick(AS_OF_MS)
        self.expected = _by_key(pipeline.indicators(AS_OF_MS // 1000))
        self.charts = pipeline.charts(AS_OF_MS // 1000)
        self.changes = pipeline.changes()
        assert len(self.changes) == len(CHANGES)
        assert {(week.indicator, week.segment) for week in self.charts if week.mixed} == {
            ("backlog", 1),
            ("delivery_time_closed_p50", 1),
        }


@pytest.fixture(scope="module")
def stream(shared_data: Path) -> Stream:
    return Stream(shared_data / "boston_311_2011H2.csv.gz")


def _by_key(points: list[Point]) -> dict[object, Point]:
    return {point.key(): point for point in points}


def _replay(stream: Stream, broker: Broker, between: Callable[[Replay], None] | None = None) -> Outcome:
    """Replay the stream at once, or in `PIECES` with `between` after each: it is disturbed before it can end."""
    with replay_pipeline(MAPPING.catalogue_text(), brokers=broker.bootstrap, max_batch_records=SMALL_BATCHES) as replay:
        size = len(stream.events) if between is None else -(-len(stream.events) // PIECES)
        for start in range(0, len(stream.events), size):
            replay.publish(stream.events[start : start + size])
            if between is not None:
                between(replay)
        replay.end(AS_OF_MS)
        disturb = None if between is None else WorkerGroup.start
        points, accounts = wait_for(replay.settings, replay.group, SERVICE.id, AS_OF_MS // 1000, disturb)
        with history_of(replay.settings) as store:
            assert store is not None
            return Outcome(
                _by_key(points),
                accounts,
                store.charts(SERVICE.id),
                store.chart_amendments(SERVICE.id),
                store.changes(),
            )


def _assert_chains(outcome: Outcome) -> None:
    """Of each week every amendment begins where the one before it ended, and the last one ended as the week is."""
    of_week: dict[object, list[ChartAmendment]] = {}
    for one in outcome.amendments:
        of_week.setdefault(one.new.key(), []).append(one)
    for week in outcome.charts:
        chain = of_week.pop(week.key(), [])
        assert all(one.new == following.old for one, following in itertools.pairwise(chain))
        assert all(one.old != one.new for one in chain)
        assert all(one.old is not None for one in chain[1:])
        assert not chain or chain[-1].new == week
    assert of_week == {}


def _assert_same(stream: Stream, outcome: Outcome) -> None:
    assert outcome.points == stream.expected
    assert outcome.charts == stream.charts
    assert [replace(change, known_at=None) for change in outcome.changes] == stream.changes
    assert all(change.known_at is not None for change in outcome.changes)
    _assert_chains(outcome)
    accounts = outcome.accounts
    assert accounts.reconciles()
    assert accounts.received == len(stream.events)
    assert accounts.duplicate == stream.duplicates
    assert accounts.applied == len(stream.events) - stream.duplicates
    assert accounts.dead_lettered == {}


class Killer:
    """After each piece waits for a random moment, kills a random worker and starts again whatever has died."""

    def __init__(self) -> None:
        self._random = random.Random(SEED)
        self.kills = 0

    def __call__(self, replay: Replay) -> None:
        time.sleep(self._random.uniform(0.1, 2.0))
        self._random.choice(replay.group.workers).kill()
        self.kills += 1
        replay.group.start()


def test_duplicates_and_disorder_change_nothing(stream: Stream, broker: Broker) -> None:
    _assert_same(stream, _replay(stream, broker))


def test_a_worker_killed_at_twenty_random_moments_changes_nothing(stream: Stream, broker: Broker) -> None:
    killer = Killer()
    outcome = _replay(stream, broker, killer)
    assert killer.kills == PIECES == 20
    _assert_same(stream, outcome)


def test_a_dead_worker_s_partitions_move_to_the_other_and_nothing_changes(stream: Stream, broker: Broker) -> None:
    pieces = iter(range(PIECES))

    def between(replay: Replay) -> None:
        if next(pieces) == 0:
            replay.group.workers[0].kill()
            replay.group.workers.pop(0)

    _assert_same(stream, _replay(stream, broker, between))


def test_a_broker_that_stops_and_starts_changes_nothing(stream: Stream, broker: Broker) -> None:
    pieces = iter(range(PIECES))
    stops = 0

    def between(replay: Replay) -> None:
        nonlocal stops
        if next(pieces) in (5, 12):
            broker.stop()
            time.sleep(1.0)
            broker.start()
            stops += 1
        replay.group.start()

    outcome = _replay(stream, broker, between)
    assert stops == 2
    _assert_same(stream, outcome)


def test_a_worker_frozen_through_a_rebalance_writes_nothing_when_it_wakes(stream: Stream, broker: Broker) -> None:
    pieces = iter(range(PIECES))
    woken: list[str] = []

    def between(replay: Replay) -> None:
        piece, frozen = next(pieces), replay.group.workers[0]
        if piece == 3:
            frozen.signal(signal.SIGSTOP)
        elif piece == 12:
            # The group's session (10 s) is over: the other worker owns all partitions, and has gone on.
            deadline = time.monotonic() + 60
            while accounts_of(replay.settings).received < 11 * len(stream.events) // PIECES:
                assert time.monotonic() < deadline
                time.sleep(0.2)
            frozen.signal(signal.SIGCONT)
            frozen.wait(12)  # it ends, or has noticed by then that its partitions are gone
            woken.append(frozen.log_tail(3))
        if piece > 12:
            replay.group.start()

    outcome = _replay(stream, broker, between)
    assert len(woken) == 1
    _assert_same(stream, outcome)


def test_a_worker_that_starts_while_the_history_is_locked_waits_for_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = Settings(history_path=str(tmp_path / "history.sqlite"))
    lock = sqlite3.connect(settings.history_path, isolation_level=None, check_same_thread=False)
    lock.execute("BEGIN EXCLUSIVE")
    with ThreadPoolExecutor(1) as pool:
        opening = pool.submit(worker.open_history_patiently, settings)
        deadline = time.monotonic() + 60
        while "locked" not in caplog.text:  # it has been refused once
            assert time.monotonic() < deadline and not opening.done()
            time.sleep(0.1)
        lock.close()
        opening.result(timeout=60).close()


def test_a_history_store_that_is_locked_for_a_while_changes_nothing(stream: Stream, broker: Broker) -> None:
    pieces = iter(range(PIECES))
    locks: list[sqlite3.Connection] = []

    def between(replay: Replay) -> None:
        piece = next(pieces)
        if piece == 5:
            lock = sqlite3.connect(replay.settings.history_path, timeout=30, isolation_level=None)
            lock.execute("BEGIN IMMEDIATE")
            locks.append(lock)
        elif piece == 15:
            time.sleep(8.0)  # longer than a call waits by itself
            locks[0].execute("ROLLBACK")
            locks[0].close()
        replay.group.watch()

    outcome = _replay(stream, broker, between)
    assert len(locks) == 1
    _assert_same(stream, outcome)
