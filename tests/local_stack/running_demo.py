"""`kept demo` as people run it, for the tests that need one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from local_stack.ports import free_port

DEMO = "import typer\nfrom command_line.demo import demo\ntyper.run(demo)\n"


class Demo:
    """One demo on ports of its own, with its temporary files in `folder`."""

    def __init__(self, folder: Path, *more: str, path: str | None = None) -> None:
        self.folder = folder
        self.page = free_port()
        self.metrics, self.prometheus, self.alertmanager, self.inbox = (free_port() for _ in range(4))
        ports = {
            "--port": self.page,
            "--kafka-port": free_port(),
            "--metrics-port": f"{self.metrics},{free_port()}",
            "--prometheus-port": self.prometheus,
            "--alertmanager-port": self.alertmanager,
            "--inbox-port": self.inbox,
        }
        told = [str(word) for option in ports.items() for word in option]
        command = [sys.executable, "-c", DEMO, *told, "--days", "3", *more]
        environment = {**os.environ, "TMPDIR": str(folder), **({} if path is None else {"PATH": path})}
        environment.pop("JAVA_HOME", None)
        self.output = folder.parent / f"{folder.name}-output"
        with self.output.open("w") as output:
            self.process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=environment)

    def said(self) -> str:
        return self.output.read_text()

    def wait_for(self, words: str, seconds: float = 90.0) -> None:
        deadline = time.monotonic() + seconds
        while words not in self.said():
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.1)

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.process.wait(60)

    def parts(self) -> dict[int, str]:
        """Living processes, except the demo itself, that have to do with its folder: id and command."""
        found = {}
        for entry in Path("/proc").iterdir():
            try:
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                about = command + (entry / "environ").read_bytes().decode(errors="replace")
            except (OSError, ValueError):
                continue
            if str(self.folder) in about and entry.name != str(self.process.pid):
                found[int(entry.name)] = command
        return found

    def nothing_is_left(self) -> None:
        deadline = time.monotonic() + 10
        while self.parts() and time.monotonic() < deadline:
            time.sleep(0.1)
        assert self.parts() == {}
