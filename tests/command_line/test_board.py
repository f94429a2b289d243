"""`kept board`, asked by `python -m command_line.healthz`: as containers run and ask it."""

from __future__ import annotations

import http.client
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from command_line.board import recording
from command_line.healthz import main as healthz
from kept.settings import Settings
from local_stack.child import Child
from local_stack.environment import plain_environment
from local_stack.ports import LOOPBACK, free_port, wait_until_answers


@pytest.fixture
def board(tmp_path: Path) -> Iterator[int]:
    """The port of a board whose history is not there yet; it is known as kept.example.org too."""
    port = free_port()
    environment = {
        **plain_environment(),
        "KEPT_BOARD_PORT": str(port),
        "KEPT_BOARD_NAMES": "kept.example.org, other.example.org",
        "KEPT_HISTORY_PATH": str(tmp_path / "history.sqlite"),
    }
    command = [sys.executable, "-m", "command_line.main", "board"]
    child = Child("board", command, tmp_path / "board.log", environment=environment)
    child.start()
    try:
        assert wait_until_answers(port, time.monotonic() + 30), child.log_tail()
        yield port
    finally:
        child.kill()


def asked(port: int, host: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=10)
    connection.request("GET", "/", headers={"Host": host})
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


def test_the_board_answers_under_its_names_alone(board: int, capsys: pytest.CaptureFixture[str]) -> None:
    status, text = asked(board, f"127.0.0.1:{board}")
    assert status == 200
    assert "Street light repairs" in text
    assert asked(board, "kept.example.org")[0] == 200
    assert asked(board, "other.example.org:443")[0] == 200
    assert asked(board, "elsewhere.example.org")[0] == 400
    assert healthz([str(board)]) == 0
    assert capsys.readouterr().out.startswith("200 ")


@pytest.mark.parametrize(
    ("more", "by_anyone"),
    [
        ({"board_decisions": False}, None),
        ({}, True),
        ({"board_host": "0.0.0.0"}, False),
        ({"board_names": "kept.example.org"}, False),
    ],
    ids=["off", "alone", "reached_by_others", "behind_a_proxy"],
)
def test_decisions_are_recorded_without_a_login_only_where_nobody_else_comes(
    more: dict[str, Any], by_anyone: bool | None
) -> None:
    settings = Settings(**({"board_decisions": True} | more))
    found = recording(settings)
    assert (None if found is None else found.by_anyone) is by_anyone


class Unwell(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(503 if self.path == "/healthz" else 200)
        self.end_headers()
        self.wfile.write(b'{"status": "stalled"}')

    def log_message(self, *arguments: object) -> None:
        return


def test_a_process_that_is_not_well_is_told_as_such(capsys: pytest.CaptureFixture[str]) -> None:
    server = ThreadingHTTPServer((LOOPBACK, 0), Unwell)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        assert healthz([str(server.server_port)]) == 1
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert capsys.readouterr().out == '503 {"status": "stalled"}\n'


def test_a_process_that_does_not_answer_is_not_well(capsys: pytest.CaptureFixture[str]) -> None:
    assert healthz([str(free_port())]) == 1
    assert "refused" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["eight"], ["1", "2"]], ids=str)
def test_it_says_what_it_is_to_be_told(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert healthz(arguments) == 2
    assert "valid: python -m command_line.healthz PORT" in capsys.readouterr().err


def test_asking_loads_none_of_the_clients() -> None:
    code = (
        "import sys, command_line.healthz; "
        "print([name for name in ('kafka', 'faust', 'scipy', 'typer', 'influxdb_client') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=plain_environment(), capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")
