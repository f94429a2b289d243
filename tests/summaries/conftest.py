"""A filled history, and the pages on a real port."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from starlette.applications import Starlette

from history.sqlite import SQLiteHistory
from local_stack.ports import LOOPBACK, free_port, wait_until_answers
from summaries.application import application
from summaries.server import Server
from tests.summaries.figures import CITY, NOW, fill


@pytest.fixture
def history_file(tmp_path: Path) -> Path:
    return filled(tmp_path)


@pytest.fixture
def address(history_file: Path) -> Iterator[str]:
    """http://… of the pages."""
    with served(history_file) as address:
        yield address


def filled(folder: Path) -> Path:
    """The history of the city in `folder`."""
    path = folder / "history.sqlite"
    store = SQLiteHistory(path)
    fill(store)
    store.close()
    return path


def pages(history_file: Path) -> Starlette:
    """The application for the city, a minute after its newest figures."""
    return application(CITY, lambda: SQLiteHistory(history_file, read_only=True), clock=lambda: NOW + 60)


@contextmanager
def serving(app: Starlette) -> Iterator[str]:
    """http://… of `app`, on a port of its own."""
    port = free_port()
    server = Server(app, LOOPBACK, port)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        assert wait_until_answers(port, time.monotonic() + 20)
        yield f"http://{LOOPBACK}:{port}"
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def served(history_file: Path) -> Iterator[str]:
    """http://… of `pages`."""
    with serving(pages(history_file)) as address:
        yield address
