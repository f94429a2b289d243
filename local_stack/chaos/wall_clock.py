"""A wall clock that can be moved under a running process of Kept; its other clocks stay as they are.

The process is started as `python -m local_stack.chaos.wall_clock FILE MODULE ARGUMENTS...`: the functions of `time`
that tell the wall clock add what stands in `FILE` (seconds, 8 bytes). libfaketime cannot do it: with its 0.9.10 every
`time.sleep` of Python 3.11 fails, and waits on locks return too late.
"""

from __future__ import annotations

import mmap
import runpy
import struct
import sys
import time
from pathlib import Path

_SECONDS = struct.Struct("<q")
NANOSECONDS = 1_000_000_000


class WallClock:
    """The wall clock of one process, in `file`. Right until it is moved."""

    def __init__(self, file: Path) -> None:
        self._file = file
        file.write_bytes(_SECONDS.pack(0))

    def move(self, seconds: int) -> None:
        """From now on it is so many seconds ahead of the right time; negative: behind."""
        with self._file.open("r+b") as stream:
            stream.write(_SECONDS.pack(seconds))

    def command(self, module: tuple[str, ...]) -> list[str]:
        """The command that runs `module` with its arguments by this clock."""
        return [sys.executable, "-m", "local_stack.chaos.wall_clock", str(self._file), *module]


def follow(file: Path) -> None:
    """From now on the wall clock of this process is the one in `file`."""
    with file.open("rb") as stream:
        moved = mmap.mmap(stream.fileno(), _SECONDS.size, access=mmap.ACCESS_READ)
    right, right_ns = time.time, time.time_ns

    def now() -> float:
        seconds: int = _SECONDS.unpack(moved[:])[0]
        return right() + seconds

    def now_ns() -> int:
        seconds: int = _SECONDS.unpack(moved[:])[0]
        return right_ns() + seconds * NANOSECONDS

    time.time, time.time_ns = now, now_ns


if __name__ == "__main__":
    file, module, *arguments = sys.argv[1:]
    follow(Path(file))
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
