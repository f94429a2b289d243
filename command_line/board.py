"""`kept board`: the live page, from the history store. Its settings are `KEPT_*` variables."""

from __future__ import annotations

import os

from catalogue import services_of
from history.open import open_history
from kept.settings import read_settings
from summaries.application import serve


def board() -> None:
    """Serve the live page: every service, the worst promise first. Reads the history, writes nothing.

    It has no login: KEPT_BOARD_HOST keeps it on loopback. Behind a proxy, name what it is reached as in
    KEPT_BOARD_NAMES.
    """
    settings = read_settings(os.environ)
    names = [name.strip() for name in settings.board_names.split(",") if name.strip()]
    serve(
        services_of(settings),
        lambda: open_history(settings, read_only=True),
        settings.board_port,
        settings.board_host,
        names,
    )
