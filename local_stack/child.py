"""A child process with a log file: started on a leash, stopped politely, then by force, its log's tail at hand.

Each child has a session of its own, so that Ctrl-C in a terminal reaches the parent alone and the parent decides the
order of stopping. The kernel ties a leash to the starting *thread*: start children from one that lives long.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from kept.errors import Stop

LEASH = Path(__file__).with_name("leash.py")
TAIL_BYTES = 64 * 1024


class Child:
    """One command, `name`d for people, with its output appended to `log`."""

    def __init__(
        self, name: str, command: Sequence[str], log: Path, *, environment: Mapping[str, str] | None = None
    ) -> None:
        """Remember what to run; `environment` None means that of this process."""
        self.name = name
        self.log = log
        self._command = list(command)
        self._environment = None if environment is None else dict(environment)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the command; raises `Stop` when it is already running or cannot be started."""
        if self.running():
            raise Stop(f"{self.name} is already running (process {self.pid}); stop it first")
        leashed = [sys.executable, "-I", "-S", str(LEASH), str(os.getpid()), *self._command]
        try:
            with self.log.open("ab") as output:
                self._process = subprocess.Popen(  # noqa: S603 - no shell, and the command is ours
                    leashed,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    env=self._environment,
                    start_new_session=True,
                )
        except OSError as error:
            raise Stop(f"{self.name} cannot be started: {error}") from error

    @property
    def pid(self) -> int | None:
        """The process id, or None before the first start."""
        return None if self._process is None else self._process.pid

    def running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None

    def exit_code(self) -> int | None:
        """Exit code of the ended process (negative: the signal that ended it); None while it runs or never ran."""
        return None if self._process is None else self._process.poll()

    def wait(self, seconds: float) -> int | None:
        """Wait for the end; the exit code, or None when it still runs after `seconds`."""
        if self._process is None:
            return None
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def stop(self, patience_seconds: float = 20.0) -> None:
        """TERM, and after `patience_seconds` KILL; returns when the process is gone. Does nothing when it is."""
        if self.running():
            self.signal(signal.SIGTERM)
            self.wait(patience_seconds)
        self.kill()

    def kill(self) -> None:
        """KILL the process and what it started, and wait until it is gone."""
        if self._process is None:
            return
        self.signal(signal.SIGKILL)
        self._process.wait()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process and what it started."""
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)

    def log_tail(self, lines: int = 15) -> str:
        """The last `lines` of the log."""
        try:
            with self.log.open("rb") as stream:
                stream.seek(max(0, self.log.stat().st_size - TAIL_BYTES))
                text = stream.read().decode("utf-8", errors="replace")
        except OSError:
            return "(no log)"
        return "\n".join(text.splitlines()[-lines:])
