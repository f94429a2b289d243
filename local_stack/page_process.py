"""The board as a process of the demo: `python -m local_stack.page_process PORT`, settings in `KEPT_*` variables."""

from __future__ import annotations

import os
import sys

from catalogue import services_of
from history.open import open_history
from kept.errors import KeptError
from kept.settings import read_settings
from summaries.server import serve
from summaries.site import Recording


def main(port: int) -> None:
    """Serve the board on loopback `port` until the process is told to end; decisions may be recorded."""
    settings = read_settings(os.environ)
    recording = Recording(lambda: open_history(settings), by_anyone=True)
    serve(services_of(settings), lambda: open_history(settings, read_only=True), port, recording=recording)


if __name__ == "__main__":
    try:
        main(int(sys.argv[1]))
    except KeptError as error:
        sys.exit(f"the board stopped: {error}")
