"""`kept board`: the pages, from the history store. Its settings are `KEPT_*` variables."""

from __future__ import annotations

import os
from typing import Final

from catalogue import services_of
from command_line.logs import write_logs
from history.open import open_history
from kept.settings import Settings, read_settings
from summaries.access import access_of
from summaries.server import serve
from summaries.site import Recording

LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


def board() -> None:
    """Serve the board: every service, the worst promise first. Reads the history, and writes decisions if told so.

    On loopback nobody needs to log in. With KEPT_BOARD_HOST beyond it, it needs KEPT_BOARD_TOKEN_FILE, or a proxy that
    asks for a login (KEPT_BOARD_USER_HEADER, KEPT_BOARD_PROXIES, KEPT_BOARD_NAMES). See docs/board.md.
    """
    settings = read_settings(os.environ)
    write_logs(settings)
    serve(
        settings,
        services_of(settings),
        lambda: open_history(settings, read_only=True),
        names_of(settings),
        access_of(settings),
        recording(settings),
    )


def names_of(settings: Settings) -> list[str]:
    """The names of its own under which the board answers."""
    return [name.strip() for name in settings.board_names.split(",") if name.strip()]


def recording(settings: Settings) -> Recording | None:
    """Whether decisions are recorded from the page: without a login only where nobody else can reach it."""
    if not settings.board_decisions:
        return None
    is_alone = settings.board_host in LOOPBACK and not names_of(settings)
    return Recording(lambda: open_history(settings), by_anyone=is_alone)
