"""Has this machine a place for the history and the scratch files, a port for the metrics, and a clock that is right?"""

from __future__ import annotations

import datetime
import os
import re
import shutil
import tempfile
from pathlib import Path

from catalogue import services_of
from command_line.checks.answers import clock_of, text
from command_line.checks.finding import Finding, mend, note, ok
from history.open import open_history
from history.sqlite import SQLiteHistory
from kept.catalogue import fingerprint
from kept.errors import ConfigurationError, KeptError, Retry
from kept.metric_names import CATALOGUE
from kept.settings import Settings
from web_server.connections import listen

NOT_BEFORE = datetime.datetime(2025, 1, 1, tzinfo=datetime.UTC)
"""A clock that shows an earlier time was never set."""
LEAST_FREE_BYTES = 1024**3
MOST_SKEW_SECONDS = 60.0
NEARLY_FULL = 0.9
FINGERPRINT = re.compile(rf'^{CATALOGUE.name}\{{fingerprint="([^"]*)"', re.MULTILINE)
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
    if not (os.access(path, os.W_OK) if path.exists() else _takes_files(path.parent)):
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
    if not _takes_files(folder):
        return [mend("work folder", f"{folder} may not be written by this user", "set KEPT_WORK_FOLDER elsewhere")]
    return [ok("work folder", str(folder))]


def metrics_port(settings: Settings) -> list[Finding]:
    """Can a worker listen where the settings say? One that listens there already is no fault."""
    found = []
    if settings.metrics_host not in LOOPBACKS:
        seen = f"{settings.metrics_host}: who reaches this machine may read the indicators"
        found.append(note("metrics host", seen, "set KEPT_METRICS_HOST=127.0.0.1, or let a firewall decide"))
    host = f"[{settings.metrics_host}]" if ":" in settings.metrics_host else settings.metrics_host
    where = f"{host}:{settings.metrics_port}"
    if settings.metrics_port == 0:
        return [*found, ok("metrics port", "a free one at each start; set KEPT_METRICS_PORT for Prometheus")]
    try:
        listen("KEPT_METRICS_PORT", settings.metrics_host, settings.metrics_port).close()
        return [*found, ok("metrics port", f"{where} is free")]
    except ConfigurationError as error:
        reason = getattr(error.__cause__, "strerror", None) or str(error)
    except OverflowError as error:
        reason = str(error)
    return [*found, _who_listens(settings, where, reason)]


def _who_listens(settings: Settings, where: str, reason: str) -> Finding:
    """A worker that is there already is no fault, when it counts by the same catalogue."""
    fix = "set another KEPT_METRICS_PORT, or end the other program"
    try:
        counted_by = FINGERPRINT.search(text(settings, f"http://{where}", "/metrics"))
    except KeptError:
        counted_by = None
    if counted_by is None:
        return mend("metrics port", f"{where} cannot be listened on: {reason}, and no worker answers there", fix)
    try:
        own = fingerprint(services_of(settings))
    except (KeptError, OSError):  # that is told by another check
        return ok("metrics port", f"a worker serves {where}")
    if counted_by[1] != own:
        seen = f"the worker at {where} counts by {counted_by[1]}, the catalogue here is {own}"
        return mend("worker's catalogue", seen, "restart it with this catalogue, or name its own in KEPT_CATALOGUE")
    return ok("metrics port", f"a worker serves {where}, by the catalogue of here")


def clocks(settings: Settings) -> list[Finding]:
    """Is the clock of here that of the servers that say theirs?"""
    named = {"InfluxDB": settings.influxdb_url if settings.history == "influxdb" else ""}
    named |= {"Prometheus": settings.prometheus_url, "Alertmanager": settings.alertmanager_url}
    return [found for name, url in named.items() if url for found in _clock_beside(settings, name, url)]


def _clock_beside(settings: Settings, name: str, url: str) -> list[Finding]:
    try:
        theirs = clock_of(settings, url)
    except KeptError:  # that is told by another check
        return []
    if theirs is None:
        return []
    ahead = (datetime.datetime.now(datetime.UTC) - theirs).total_seconds()
    if abs(ahead) < MOST_SKEW_SECONDS:
        return [ok("clocks", f"{name}'s is the same within {abs(ahead):.0f} s")]
    seen = f"this machine's is {abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'} {name}'s at {url}"
    return [mend("clocks", f"{seen}; live events 300 s ahead of a worker's are put aside", "keep both set by NTP")]


def spool(settings: Settings) -> list[Finding]:
    """Where `kept intake` and live publishing keep what the broker has not taken: may it be written, has it room?"""
    what, folder = "spool folder", Path(settings.spool_folder).absolute()
    there = next(path for path in (folder, *folder.parents) if path.exists())
    if not there.is_dir() or not _takes_files(there):
        return [mend(what, f"{folder}: {there} may not be written by this user", "set KEPT_SPOOL_FOLDER elsewhere")]
    used = sum(map(_size, folder.rglob("*.segment"))) if there == folder else 0
    free = shutil.disk_usage(there).free
    limit = settings.spool_bytes
    seen = f"{_mib(free)} free in {there}, {_mib(used)} of {_mib(limit)} used"
    if used > NEARLY_FULL * limit:
        return [mend(what, seen, "start the broker, so that it is delivered, or raise KEPT_SPOOL_BYTES")]
    if free < limit - used:
        return [mend(what, f"{seen}: the disk is full first", "make room, or lower KEPT_SPOOL_BYTES")]
    return [ok(what, seen)]


def _size(file: Path) -> int:
    """Bytes of a file; 0 of one that was delivered, and deleted, meanwhile."""
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0


def _mib(count: int) -> str:
    return f"{count / 1024**2:,.0f} MiB"


def _takes_files(folder: Path) -> bool:
    try:
        with tempfile.TemporaryFile(dir=folder):
            return os.access(folder, os.W_OK)
    except OSError:
        return False


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
