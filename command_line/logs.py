"""Where the log lines of commands that run for long go: to standard error, as KEPT_LOG_FORMAT says."""

from __future__ import annotations

import logging
import sys
from typing import TextIO

from kept.log_lines import JsonLines, RepeatLimit, TextLines
from kept.settings import Settings


class _StandardError(logging.Handler):
    """Writes to what standard error is at that moment."""

    def emit(self, record: logging.LogRecord) -> None:
        stream: TextIO = sys.stderr
        try:
            stream.write(f"{self.format(record)}\n")
            stream.flush()
        except Exception:
            self.handleError(record)


def write_logs(settings: Settings) -> None:
    """From now on every logger of this process, also those of the clients it uses, writes limited lines in one form."""
    handler = _StandardError()
    handler.setFormatter(JsonLines() if settings.log_format == "json" else TextLines())
    handler.addFilter(RepeatLimit())
    root = logging.getLogger()
    for former in [each for each in root.handlers if isinstance(each, _StandardError)]:
        root.removeHandler(former)
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
