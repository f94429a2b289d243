"""Kept's real worker, which reads the measured topic and has a stopwatch on its case processor.

With `--cases-only` its indicator processor is taken out: what the case processor alone can do, which is the peers' job.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import faust
import msgspec

from bench.stopwatch import APPLICATION, FOLDER, TOPIC, Stopwatch
from kept.catalogue import read_catalogue
from kept.settings import read_settings
from stream_processors.case_processor import CaseProcessor
from stream_processors.worker import Worker, prepare_process

CASES_ONLY = "--cases-only"


class TimedWorker(Worker):
    """The worker with its events under another name: one published stream serves all contenders."""

    cases_only = False

    def _make_app(self, work_folder: Path) -> faust.App:
        events = msgspec.structs.replace(self._topics.events, name=os.environ[TOPIC])
        self._topics = msgspec.structs.replace(self._topics, events=events)
        self.cases._topics = self._topics
        self._partition_watch._topic = events
        app = super()._make_app(work_folder)
        if self.cases_only:
            del app.agents["indicators"]
        _time(self.cases)
        return app


class CaseWorker(TimedWorker):
    """The case processor alone."""

    cases_only = True


def _time(cases: CaseProcessor) -> None:
    """A batch is dealt with when `apply` returns: its transaction is committed then."""
    watch, apply = Stopwatch(), cases.apply
    done: dict[int, int] = {}

    async def timed(partition: int, records: list[Any]) -> int | None:
        position = await apply(partition, records)
        if position is not None:
            done[partition] = position
        if watch.seen(sum(done.values())):
            watch.finish()
        return position

    cases.apply = timed  # type: ignore[method-assign]


if __name__ == "__main__":
    prepare_process()
    settings = read_settings(os.environ)
    kind = CaseWorker if CASES_ONLY in sys.argv[1:] else TimedWorker
    work_folder = Path(os.environ[FOLDER]) / os.environ[APPLICATION]
    kind(settings, read_catalogue([Path(settings.catalogue)]), work_folder).run()
