"""`kept post --every-week` ends in time while the mail server says nothing."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from command_line import post
from history.sqlite import SQLiteHistory
from kept.settings import Settings
from summaries.post.message import Letter
from summaries.post.office import send
from summaries.post.round import Post, Prepared

LETTER = Letter(subject="Week", plain="Week", page="<p>Week", at=datetime(2024, 6, 3, tzinfo=UTC), key="week")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_a_mail_server_that_says_nothing_is_waited_for_a_few_seconds_more(
    tmp_path: Path, number: signal.Signals, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert post.GRACE_SECONDS < 8.0
    monkeypatch.setattr(post, "GRACE_SECONDS", 0.5)
    path = tmp_path / "history.sqlite"
    SQLiteHistory(path).close()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings = Settings(
            history_path=str(path), smtp_server=f"127.0.0.1:{silent.getsockname()[1]}", smtp_security="none"
        )
        sender = Post(
            sender="kept@city.example", recipients=["a@city.example"], hour=0, zone=ZoneInfo("UTC"),
            prepare=lambda store, week: Prepared(letter=LETTER, as_of=0, complete=True),
            send=partial(send, settings=settings), is_there=lambda store, week: True,
        )  # fmt: skip
        told: list[float] = []

        def tell() -> None:
            connection, _ = silent.accept()
            told.append(time.monotonic())
            os.kill(os.getpid(), number)
            kept.append(connection)

        kept: list[socket.socket] = []
        teller = threading.Thread(target=tell)
        teller.start()
        post._every_week(sender, settings)
        assert time.monotonic() - told[0] < 10.0
        teller.join()
        kept[0].close()
    assert "the next start tries it again" in caplog.text
