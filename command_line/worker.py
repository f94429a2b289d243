"""`kept worker`: one stream processor. Its settings are `KEPT_*` variables."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from catalogue import services_of
from kept.settings import read_settings
from stream_processors.worker import run_worker


def worker() -> None:
    """Run one worker: the case processor and the indicator processor, /metrics and /healthz.

    Start as many as you like with distinct KEPT_WORKER_ID; the partitions are shared out among them. It ends with a
    non-zero exit when anything inside fails; start it again and it goes on where the state says.
    """
    settings = read_settings(os.environ)
    services = services_of(settings)
    if settings.work_folder:
        run_worker(settings, services, Path(settings.work_folder))
    else:
        with tempfile.TemporaryDirectory(prefix="kept-worker-") as folder:
            run_worker(settings, services, Path(folder), temporary=True)
