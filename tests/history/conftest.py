"""The stores that the contract in test_contract.py is held against. A new store is one more factory here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from history.sqlite import SQLiteHistory
from history.store import HistoryStore

OpenStore = Callable[[], HistoryStore]
"""Opens the store of this test; called again it opens the same points."""


def sqlite_file(folder: Path) -> OpenStore:
    return lambda: SQLiteHistory(folder / "history.sqlite")


FACTORIES: dict[str, Callable[[Path], OpenStore]] = {"sqlite": sqlite_file}


@pytest.fixture(params=sorted(FACTORIES))
def open_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OpenStore]:
    opened: list[HistoryStore] = []
    open_one = FACTORIES[request.param](tmp_path)

    def remember() -> HistoryStore:
        opened.append(open_one())
        return opened[-1]

    yield remember
    for store in opened:
        store.close()
