"""The stores that the contract in test_contract.py is held against. A new store is one more factory here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from history.sqlite import SQLiteHistory
from history.store import HistoryStore
from tests.influxd import Server

OpenStore = Callable[[], HistoryStore]
"""Opens the store of this test; called again it opens the same points."""


def sqlite_file(request: pytest.FixtureRequest) -> OpenStore:
    folder: Path = request.getfixturevalue("tmp_path")
    return lambda: SQLiteHistory(folder / "history.sqlite")


def influxdb_bucket(request: pytest.FixtureRequest) -> OpenStore:
    server: Server = request.getfixturevalue("influxd")
    bucket = server.make_bucket()
    return lambda: server.history(bucket)


FACTORIES: dict[str, Callable[[pytest.FixtureRequest], OpenStore]] = {
    "sqlite": sqlite_file,
    "influxdb": influxdb_bucket,
}


@pytest.fixture(
    params=["sqlite", pytest.param("influxdb", marks=pytest.mark.influxdb)],
)
def open_store(request: pytest.FixtureRequest) -> Iterator[OpenStore]:
    opened: list[HistoryStore] = []
    open_one = FACTORIES[request.param](request)

    def remember() -> HistoryStore:
        opened.append(open_one())
        return opened[-1]

    yield remember
    for store in opened:
        store.close()
