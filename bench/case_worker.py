"""Kept's worker without its indicator processor: what the case processor alone can do. Reads events under any name."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import faust
import msgspec

from bench.stopwatch import TOPIC, Stopwatch
from kept.catalogue import read_catalogue
from kept.settings import read_settings
from stream_processors.case_processor import CaseProcessor
from stream_processors.worker import Worker, prepare_process


class CaseWorker(Worker):
    """The real worker, with the second agent taken out and a stopwatch on the first."""

    def _make_app(self, work_folder: Path) -> faust.App:
        events = msgspec.structs.replace(self._topics.events, name=os.environ[TOPIC])
        self._topics = msgspec.structs.replace(self._topics, events=events)
        self.cases._topics = self._topics
        self._partition_watch._topic = events
        app = super()._make_app(work_folder)
        del app.agents["indicators"]
        _time(self.cases)
        return app


def _time(cases: CaseProcessor) -> None:
    watch, apply = Stopwatch(), cases.apply

    async def timed(partition: int, records: list[Any]) -> int:
        position = await apply(partition, records)
        watch.seen(sum(owned.state.accounts.received for owned in cases.partitions.values()))
        return position

    cases.apply = timed  # type: ignore[method-assign]


if __name__ == "__main__":
    prepare_process()
    settings = read_settings(os.environ)
    with tempfile.TemporaryDirectory(prefix="kept-bench-") as folder:
        CaseWorker(settings, read_catalogue([Path(settings.catalogue)]), Path(folder)).run()
