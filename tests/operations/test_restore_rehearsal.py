"""Back up while it runs, lose everything, restore, go on with the feed: no indicator differs, nothing is counted twice.

The steps are those of docs/backup.md for machines without containers, in its order: Kafka's folder first.
"""

from __future__ import annotations

import shutil
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest

from command_line.moments import as_of_ms
from command_line.topics import create_topics
from kept.errors import Retry
from kept.events import Event
from kept.indicators.point import Point
from kept.settings import Settings
from local_stack.broker import Broker, missing
from local_stack.replay import Replay, WorkerGroup, accounts_of, wait_for
from producers.disorder import shuffled_within_day
from producers.mapping import read_mapping
from producers.sources import read_events
from stream_processors.embedded import EmbeddedPipeline
from tests.influxd import OwnServer
from tests.waiting import eventually

pytestmark = [
    pytest.mark.operations,
    pytest.mark.timeout(280),
    # The client leaves connections to a broker that went away to the garbage collector.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

MAPPING = read_mapping("boston_311")
SERVICE = MAPPING.service()
AS_OF_MS = as_of_ms("2011-07-20T00:00", SERVICE.zone)
PIECES, BACKED_UP, LOST, SENT_AGAIN_FROM = 12, 5, 8, 4
"""Pieces of the feed: the backup is made while that one is sent; all is lost after; sources send again from there."""


class History(Protocol):
    """A history store that can be backed up, lost and restored."""

    settings: dict[str, Any]

    def back_up(self, to: Path) -> None: ...

    def lose(self) -> None: ...

    def restore(self, copy: Path) -> None: ...

    def end(self) -> None: ...


class OneFile:
    """SQLite: copied by its own online backup, while the workers write."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "history.sqlite"
        self.settings: dict[str, Any] = {"history_path": str(self.path)}

    def back_up(self, to: Path) -> None:
        source, target = sqlite3.connect(self.path), sqlite3.connect(to)
        source.backup(target)
        target.close()
        source.close()

    def lose(self) -> None:
        for file in self.path.parent.glob("history.sqlite*"):
            file.unlink()

    def restore(self, copy: Path) -> None:
        shutil.copy(copy, self.path)

    def end(self) -> None:
        """Nothing runs."""


class OneServer:
    """InfluxDB: stopped while its folder is copied; the workers wait for it."""

    def __init__(self, program: Path, folder: Path) -> None:
        self.folder = folder / "influxd"
        self.server = OwnServer(program, self.folder)
        self.server.start()
        self.server.set_up()
        self.server.make_org()
        self.settings: dict[str, Any] = {
            "history": "influxdb", "influxdb_url": self.server.url, "influxdb_org": self.server.org,
            "influxdb_bucket": self.server.make_bucket(), "influxdb_token": self.server.token,
        }  # fmt: skip

    def back_up(self, to: Path) -> None:
        self.server.process.stop()
        shutil.copytree(self.folder, to)
        self.server.start()

    def lose(self) -> None:
        self.server.process.kill()
        shutil.rmtree(self.folder)

    def restore(self, copy: Path) -> None:
        shutil.copytree(copy, self.folder)
        self.server.start()

    def end(self) -> None:
        self.server.process.kill()


@pytest.fixture(params=["sqlite", pytest.param("influxdb", marks=pytest.mark.influxdb)])
def history(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[History]:
    made: History
    if request.param == "sqlite":
        made = OneFile(tmp_path)
    else:
        made = OneServer(request.getfixturevalue("influxd_program"), tmp_path)
    yield made
    made.end()


@pytest.fixture
def own_broker(tmp_path: Path) -> Iterator[Broker]:
    absent = missing()
    if absent is not None:
        pytest.skip(absent)
    with Broker(tmp_path / "kafka", brief=True) as broker:
        yield broker


def pieces_of(events: list[Event]) -> list[list[Event]]:
    size = -(-len(events) // PIECES)
    return [events[start : start + size] for start in range(0, len(events), size)]


def publish_patiently(replay: Replay, piece: list[Event]) -> None:
    """Publish it, again from its beginning while the broker is away: what came already changes nothing."""
    while True:
        try:
            return replay.publish(piece)
        except Retry:
            time.sleep(0.2)


def test_after_everything_was_lost_a_backup_and_the_sources_bring_the_same_indicators(
    own_broker: Broker, history: History, tmp_path: Path, shared_data: Path
) -> None:
    read = read_events(shared_data / "boston_311_2011H2.csv.gz", MAPPING, until_ms=AS_OF_MS).events
    events = [told for _, told in shuffled_within_day(list(read), seed=7)]
    pieces = pieces_of(events)
    (tmp_path / "catalogue").mkdir()
    (tmp_path / "catalogue" / "service.toml").write_text(MAPPING.catalogue_text())
    settings = Settings(
        brokers=own_broker.bootstrap, partitions=2, catalogue=str(tmp_path / "catalogue"), live=False,
        max_batch_records=300, **history.settings,
    )  # fmt: skip
    create_topics(settings)
    group = WorkerGroup(settings, tmp_path, 2)
    replay = Replay(settings, group)
    data, copies = tmp_path / "kafka" / "data", tmp_path / "backup"
    copies.mkdir()
    try:
        group.start()
        for piece in pieces[:BACKED_UP]:
            replay.publish(piece)
        eventually(lambda: accounts_of(settings).received > 0, "events are counted", seconds=90)

        feed = threading.Thread(target=publish_patiently, args=(replay, pieces[BACKED_UP]))
        feed.start()
        started = time.monotonic()
        own_broker.stop()  # in order, so that its files are whole; workers and sources wait
        shutil.copytree(data, copies / "kafka")
        own_broker.start()
        away = time.monotonic() - started
        history.back_up(
            copies / "history"
        )  # after Kafka: what is newer there is written again, what is older would lack
        feed.join()
        backed_up = time.monotonic()

        for piece in pieces[BACKED_UP + 1 : LOST]:
            replay.publish(piece)
        group.start()  # whoever has ended meanwhile
        eventually(
            lambda: accounts_of(settings).received >= sum(map(len, pieces[:LOST])) * 0.9,
            "events are counted",
            seconds=90,
        )
        for worker in group.workers:
            worker.kill()
        own_broker.kill()
        history.lose()
        shutil.rmtree(data)
        lost = time.monotonic()

        shutil.copytree(copies / "kafka", data)
        history.restore(copies / "history")
        own_broker.start()
        group.start()
        held = accounts_of(settings).received
        assert 0 < held < sum(map(len, pieces[:LOST]))
        for piece in pieces[SENT_AGAIN_FROM:]:
            replay.publish(piece)
        eventually(lambda: accounts_of(settings).received > held, "events are counted", seconds=90)
        print(
            f"broker away for {away:.1f} s; restored and counting {time.monotonic() - lost:.1f} s after the loss; "
            f"{lost - backed_up:.1f} s of the feed sent again"
        )
        replay.end(AS_OF_MS)
        points, accounts = wait_for(settings, group, SERVICE.id, AS_OF_MS // 1000, WorkerGroup.start)
    finally:
        group.stop()
    embedded = EmbeddedPipeline({SERVICE.id: SERVICE})
    embedded.apply(events)
    embedded.tick(AS_OF_MS)
    assert points == sorted(embedded.indicators(AS_OF_MS // 1000), key=Point.key)
    assert accounts.reconciles()
    assert accounts.applied == embedded.accounts.applied
    assert accounts.duplicate > 0
