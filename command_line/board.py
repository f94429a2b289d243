"""`kept board`: the pages, from the history store. Its settings are `KEPT_*` variables."""

from __future__ import annotations

import os

from catalogue import services_of
from history.open import open_history
from kept.settings import read_settings
from summaries.access import access_of
from summaries.server import serve


def board() -> None:
    """Serve the board: every service, the worst promise first. Reads the history, writes nothing.

    On loopback nobody needs to log in. With KEPT_BOARD_HOST beyond it, it needs KEPT_BOARD_TOKEN_FILE, or a proxy that
    asks for a login (KEPT_BOARD_USER_HEADER, KEPT_BOARD_PROXIES, KEPT_BOARD_NAMES). See docs/board.md.
    """
    settings = read_settings(os.environ)
    names = [name.strip() for name in settings.board_names.split(",") if name.strip()]
    serve(
        services_of(settings),
        lambda: open_history(settings, read_only=True),
        settings.board_port,
        settings.board_host,
        names,
        access_of(settings),
    )
