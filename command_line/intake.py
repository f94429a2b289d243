"""`kept intake`: events over HTTP to the events topic, by way of the disk spool. Settings are `KEPT_*` variables."""

from __future__ import annotations

import logging
import os

from catalogue import services_of
from command_line.logs import write_logs
from command_line.stopping import ended_at_once
from kept.settings import read_settings
from kept.tokens import Tokens
from producers.intake import run_intake


def intake() -> None:
    """Take CloudEvents by POST /events; answer when they are on disk; deliver them, whatever happens to the broker.

    Needs KEPT_INTAKE_TOKEN_FILE. Ends in order on SIGTERM; reads the tokens anew on SIGHUP. See docs/http-intake.md.
    """
    # The client logs each reconnection as an error; what matters of it arrives as an error of ours.
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    settings = read_settings(os.environ)
    write_logs(settings)
    with ended_at_once():  # until it serves, which has handlers of its own
        run_intake(settings, services_of(settings), lambda: Tokens(read_settings(os.environ).intake_token))
