"""Run a command that dies when the process that started it dies, even by `kill -9`: `leash.py PARENT_PID COMMAND ...`.

A script of its own, so that no Python code runs between fork and exec of a process that has threads. It replaces
itself with the command: no extra process stays. Standard library only; where the system is not Linux the command runs
without a leash.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Ask the kernel for SIGKILL at the parent's death, then become the command."""
    parent, command = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before the leash was on
            sys.exit(1)
    os.execvp(command[0], command)  # noqa: S606 - becoming the command is what this is for


if __name__ == "__main__":
    main()
