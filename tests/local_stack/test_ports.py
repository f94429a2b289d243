"""Ports are given once, to one process, for as long as it lives."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from kept.errors import Stop
from local_stack import ports

ROOT = Path(__file__).resolve().parents[2]
ASK = """
from local_stack import ports
from kept.errors import Stop
import sys
ports.FIRST = ports.LAST = int(sys.argv[1])
try:
    print(ports.free_port(), flush=True)
except Stop:
    print("none", flush=True)
sys.stdin.read()
"""


def asking(port: int) -> subprocess.Popen[str]:
    """A process that asks for a port where there is only this one, and lives until its input ends."""
    return subprocess.Popen(
        [sys.executable, "-c", ASK, str(port)], cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )


def told(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_a_port_is_given_once_while_its_process_lives() -> None:
    port = ports.free_port()
    with asking(port) as other:
        assert told(other) == "none"
        other.communicate()


def test_what_a_process_was_given_is_free_again_when_it_ends() -> None:
    port = ports.free_port()
    os.close(ports._reserved.pop())
    with asking(port) as first:
        assert told(first) == str(port)
        with asking(port) as second:
            assert told(second) == "none"
            second.communicate()
        first.communicate()
    with asking(port) as third:
        assert told(third) == str(port)
        third.communicate()


def test_only_so_many_are_kept_from_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "MOST_RESERVED", len(ports._reserved) + 1)
    first = ports.free_port()
    monkeypatch.setattr(ports, "FIRST", first)
    monkeypatch.setattr(ports, "LAST", first)
    with pytest.raises(Stop, match="no free port"):
        ports.free_port()
    held = len(ports._reserved)
    monkeypatch.undo()
    monkeypatch.setattr(ports, "MOST_RESERVED", held)
    ports.free_port()
    assert len(ports._reserved) == held
