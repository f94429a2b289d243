"""The live page as a process of the demo: `python -m local_stack.page_process PORT`, settings in `KEPT_*` variables."""

from __future__ import annotations

import os
import sys

from catalogue import services_of
from history.open import open_history
from kept.errors import KeptError
from kept.settings import read_settings
from summaries.server import serve


def main(port: int) -> None:
    """Serve the page on loopback `port` until the process is told to end."""
    settings = read_settings(os.environ)
    serve(services_of(settings), lambda: open_history(settings, read_only=True), port)


if __name__ == "__main__":
    try:
        main(int(sys.argv[1]))
    except KeptError as error:
        sys.exit(f"the live page stopped: {error}")
