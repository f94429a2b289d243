"""`kept worker`: one stream processor. Its settings are `KEPT_*` variables."""

from __future__ import annotations

import os
import socket
import tempfile
from pathlib import Path

import msgspec

from catalogue import services_of
from command_line.logs import write_logs
from kept.settings import Settings, read_settings
from stream_processors.worker import run_worker

OWN_NAME = "hostname"
"""KEPT_WORKER_ID that stands for the name of the machine: replicas of one container cannot be given one each."""


def worker() -> None:
    """Run one worker: the case processor and the indicator processor, /metrics and /healthz.

    Start as many as you like with distinct KEPT_WORKER_ID; the partitions are shared out among them. It ends with a
    non-zero exit when anything inside fails; start it again and it goes on where the state says.
    """
    settings = named_by_machine(read_settings(os.environ), socket.gethostname())
    write_logs(settings)
    services = services_of(settings)
    if settings.work_folder:
        run_worker(settings, services, Path(settings.work_folder))
    else:
        with tempfile.TemporaryDirectory(prefix="kept-worker-") as folder:
            run_worker(settings, services, Path(folder), temporary=True)


def named_by_machine(settings: Settings, machine: str) -> Settings:
    """The settings, with the name of the `machine` as `worker_id` where that is `hostname`."""
    return msgspec.structs.replace(settings, worker_id=machine) if settings.worker_id == OWN_NAME else settings
