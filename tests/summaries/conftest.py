"""A filled history, and the live page on a real port for the browser."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn

from history.sqlite import SQLiteHistory
from local_stack.ports import free_port, wait_until_answers
from summaries.application import application
from tests.summaries.figures import CITY, NOW, fill


@pytest.fixture
def history_file(tmp_path: Path) -> Path:
    path = tmp_path / "history.sqlite"
    store = SQLiteHistory(path)
    fill(store)
    store.close()
    return path


@pytest.fixture
def address(history_file: Path) -> Iterator[str]:
    """http://… of the live page."""
    app = application(CITY, lambda: SQLiteHistory(history_file, read_only=True), clock=lambda: NOW + 60)
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning", server_header=False))
    thread = threading.Thread(target=server.run)
    thread.start()
    assert wait_until_answers(port, time.monotonic() + 20)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()
