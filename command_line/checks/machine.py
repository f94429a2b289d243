"""Has this machine a place for the history and the scratch files, a port for the metrics, and a clock that is right?"""

from __future__ import annotations

import datetime
import os
import shutil
import socket
import tempfile
from pathlib import Path

from command_line.checks.finding import Finding, mend, note, ok
from history.open import open_history
from history.sqlite import SQLiteHistory
from kept.errors import KeptError, Retry
from kept.settings import Settings

NOT_BEFORE = datetime.datetime(2025, 1, 1, tzinfo=datetime.UTC)
"""A clock that shows an earlier time was never set."""
LEAST_FREE_BYTES = 1024**3
LOOPBACKS = frozenset({"127.0.0.1", "localhost", "::1"})


def history(settings: Settings) -> list[Finding]:
    """The history store: does it open, and may it be written? It is only read, never made."""
    return _sqlite(settings) if settings.history == "sqlite" else _influxdb(settings)


def _influxdb(settings: Settings) -> list[Finding]:
    what = "history"
    try:
        store = open_history(settings, read_only=True)
        try:
            count = len(store.published())
        finally:
            store.close()
    except Retry as error:
        return [mend(what, str(error), "start it, or set KEPT_INFLUXDB_URL")]
    except KeptError as error:
        return [mend(what, str(error), "make it ready with: kept influx init")]
    return [ok(what, f"{settings.influxdb_url}, bucket {settings.influxdb_bucket}, holds {_services(count)}")]


def _sqlite(settings: Settings) -> list[Finding]:
    path = Path(settings.history_path).absolute()
    if not path.parent.is_dir():
        return [mend("history", f"no folder {path.parent}", "make it, or set KEPT_HISTORY_PATH elsewhere")]
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        return [
            mend("history", f"{path} may not be written by this user", "give it to this user, or set KEPT_HISTORY_PATH")
        ]
    seen = f"{path} is not there yet; the first worker makes it"
    if path.exists():
        try:
            store = SQLiteHistory(path, read_only=True, busy_seconds=2.0)
            try:
                count = len(store.services())
            finally:
                store.close()
            seen = f"{path} holds {_services(count)}"
        except Retry as error:
            seen = str(error)
        except KeptError as error:
            return [mend("history", str(error), "mend it, or set KEPT_HISTORY_PATH to another file")]
    return [ok("history", seen), _free("history disk", path.parent)]


def work_folder(settings: Settings) -> list[Finding]:
    """Where a worker keeps its scratch files."""
    folder = Path(settings.work_folder or tempfile.gettempdir())
    if not folder.is_dir():
        return [mend("work folder", f"no folder {folder}", "make it, or set KEPT_WORK_FOLDER elsewhere")]
    if not os.access(folder, os.W_OK):
        return [mend("work folder", f"{folder} may not be written by this user", "set KEPT_WORK_FOLDER elsewhere")]
    return [ok("work folder", str(folder))]


def metrics_port(settings: Settings) -> list[Finding]:
    """Can a worker listen where the settings say? One that listens there already is no fault."""
    found = []
    if settings.metrics_host not in LOOPBACKS:
        seen = f"{settings.metrics_host}: who reaches this machine may read the indicators"
        found.append(note("metrics host", seen, "set KEPT_METRICS_HOST=127.0.0.1, or let a firewall decide"))
    where = f"{settings.metrics_host}:{settings.metrics_port}"
    if settings.metrics_port == 0:
        return [*found, ok("metrics port", "a free one at each start; set KEPT_METRICS_PORT for Prometheus")]
    try:
        with socket.create_server((settings.metrics_host, settings.metrics_port)):
            return [*found, ok("metrics port", f"{where} is free")]
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        fix = "if that is no worker of yours, set another KEPT_METRICS_PORT"
        return [*found, note("metrics port", f"{where} cannot be listened on: {reason}", fix)]


def clock(now: datetime.datetime) -> list[Finding]:
    """Live events ahead of the clock are put aside: one that was never set would put all aside."""
    seen = now.isoformat(timespec="seconds")
    if now < NOT_BEFORE:
        return [
            mend("clock", f"{seen}: live events would be put aside as in the future", "set it, and keep it set by NTP")
        ]
    return [ok("clock", seen)]


def _services(count: int) -> str:
    return f"{count} service{'' if count == 1 else 's'}"


def _free(what: str, folder: Path) -> Finding:
    free = shutil.disk_usage(folder).free
    seen = f"{free / 1024**3:.1f} GiB free in {folder}"
    return ok(what, seen) if free >= LEAST_FREE_BYTES else mend(what, seen, "make room: a worker waits on a full disk")
