"""A worker with a judge for tests: `python -m tests.stream_processors.judged_worker`, set by `KEPT_*` variables."""

from __future__ import annotations

import os
from pathlib import Path

from catalogue import services_of
from kept import counters as c
from kept.settings import read_settings
from kept.signals.situation import Situation
from kept.signals.verdict import Verdict
from stream_processors.worker import run_worker

MOST_OPEN = 3
TOO_MANY, SILENT = "promise_breached", "source_silent"


def judge(situation: Situation) -> list[Verdict]:
    """Two signals: more than `MOST_OPEN` cases are open, and (never active) silence."""
    backlog = situation.whole.view("all").stock(c.BACKLOG_ENTERED, c.BACKLOG_LEFT)
    service, at = situation.service.id, situation.at
    return [
        Verdict(
            service=service,
            signal=TOO_MANY,
            at=at,
            active=backlog > MOST_OPEN,
            since=at if backlog > MOST_OPEN else None,
            value=backlog,
            expected=MOST_OPEN,
            evidence={"windows": {"all": backlog}},
        ),
        Verdict(service=service, signal=SILENT, at=at, active=False),
    ]


if __name__ == "__main__":
    settings = read_settings(os.environ)
    run_worker(settings, services_of(settings), Path(settings.work_folder), judge=judge)
