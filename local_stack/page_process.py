"""The board as a process of the demo: `python -m local_stack.page_process PORT`, settings in `KEPT_*` variables."""

from __future__ import annotations

import os
import sys

from msgspec.structs import replace

from catalogue import services_of
from history.open import open_history
from kept.errors import KeptError
from kept.settings import read_settings
from local_stack.ports import LOOPBACK
from summaries.server import serve
from summaries.site import Recording


def main(port: int) -> None:
    """Serve the board on loopback `port` until the process is told to end; decisions may be recorded."""
    settings = replace(read_settings(os.environ), board_host=LOOPBACK, board_port=port)
    recording = Recording(lambda: open_history(settings), by_anyone=True)
    serve(settings, services_of(settings), lambda: open_history(settings, read_only=True), recording=recording)


if __name__ == "__main__":
    try:
        main(int(sys.argv[1]))
    except KeptError as error:
        sys.exit(f"the board stopped: {error}")
