"""What a service costs the indicator processor and the history: points and series, seconds, bytes on disk.

The simulated city runs for two months in one process, then for one day exactly as a live worker publishes:
every 5 minutes the short windows, every hour the others and the slices. The points of that day go to a real InfluxDB.
"""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import msgspec

from catalogue import CITY
from history.influxdb import InfluxHistory
from history.influxdb_connection import InfluxConnection
from kept.buckets import STEP_MS
from kept.catalogue import read_catalogue
from kept.durations import DAY_MS
from kept.errors import Stop
from kept.events import Event, tick
from kept.indicators.evaluate import due_windows, evaluate
from kept.indicators.point import Point
from kept.intake import Rules, rules_by_service
from kept.partition import PartitionState
from kept.tallies import MergedTallies
from local_stack.child import Child
from local_stack.influxd import program, server
from local_stack.ports import LOOPBACK, free_port
from producers.simulator import simulate

DAYS = 60
START_MS = 1_735_689_600_000
"""2025-01-01: the year of the simulated city that is measured."""
BATCH = 20_000
TOKEN = "operator-token-of-a-measurement"
WRITTEN_SOON = (
    "--storage-cache-snapshot-write-cold-duration=1s",
    "--storage-compact-full-write-cold-duration=1s",
)
SETTLED_SECONDS = 6.0
PATIENCE_SECONDS = 180.0


class HistorySize(msgspec.Struct, frozen=True):
    """Means over the services of a city, in a day after so many days."""

    services: int
    days: int
    events: int
    points_a_service_day: int
    series_a_service: int
    publishing_seconds_a_service_day: float
    """Of one core: applying, evaluating, and sending lines; InfluxDB's own work is not in it."""
    influxdb_bytes_a_point: float | None
    influxdb_index_bytes_a_series: float | None


def measure(folder: Path, catalogue: Path = CITY, days: int = DAYS) -> HistorySize:
    """Run the city; without an influxd on this machine its two figures are None."""
    services = read_catalogue([catalogue])
    rules = rules_by_service(services)
    state = PartitionState(0, rules, live=False)
    merged = MergedTallies({service: one.local_time for service, one in rules.items()})
    events = iter(simulate(services.values(), start_ms=START_MS, end_ms=START_MS + (days + 1) * DAY_MS, seed=1))
    last_day_ms = START_MS + days * DAY_MS
    held: list[tuple[int, Event]] = []
    count = 0
    for batch in _batches(events, last_day_ms, held):
        count += len(batch)
        _apply(state, merged, batch)
    last_day = [*held, *events]  # the city is simulated as it is read: not while the clock runs
    started = time.process_time()
    points = list(_day(state, merged, rules, last_day_ms, last_day))
    seconds = time.process_time() - started
    series = {(point.service, point.slice, point.indicator, point.window) for point in points}
    sent_seconds, on_disk = _influxdb(folder, points)
    return HistorySize(
        services=len(services),
        days=days,
        events=count,
        points_a_service_day=len(points) // len(services),
        series_a_service=len(series) // len(services),
        publishing_seconds_a_service_day=round((seconds + sent_seconds) / len(services), 2),
        influxdb_bytes_a_point=None if on_disk is None else round(on_disk[0] / len(points), 1),
        influxdb_index_bytes_a_series=None if on_disk is None else round(on_disk[1] / len(series), 1),
    )


def _batches(
    events: Iterator[tuple[int, Event]], until_ms: int, held: list[tuple[int, Event]]
) -> Iterator[list[Event]]:
    """Events told before `until_ms`; the first one after goes to `held`."""
    while chunk := list(islice(events, BATCH)):
        held += [one for one in chunk if one[0] >= until_ms]
        yield [event for told_ms, event in chunk if told_ms < until_ms]
        if held:
            return


def _apply(state: PartitionState, merged: MergedTallies, batch: Sequence[Event]) -> None:
    changes = state.apply(state.offset + len(batch), batch)
    for _, key, value in changes.tallies:
        merged.apply(key, value)


def _day(
    state: PartitionState,
    merged: MergedTallies,
    rules: dict[str, Rules],
    start_ms: int,
    events: Sequence[tuple[int, Event]],
) -> Iterator[Point]:
    waiting = iter(events)
    upcoming = next(waiting, None)
    previous = start_ms // 1000
    for end_ms in range(start_ms + STEP_MS, start_ms + DAY_MS + 1, STEP_MS):
        batch: list[Event] = []
        while upcoming is not None and upcoming[0] <= end_ms:
            batch.append(upcoming[1])
            upcoming = next(waiting, None)
        _apply(state, merged, [*batch, tick(end_ms, 0)])
        at = end_ms // 1000
        for service in merged.services():
            windows, slices = due_windows(previous, at, rules[service])
            yield from evaluate(merged, rules[service], at, windows=windows, slices=slices)
        previous = at


def _influxdb(folder: Path, points: Sequence[Point]) -> tuple[float, tuple[int, int] | None]:
    """Seconds of CPU here to send the points, and (bytes of data, bytes of index) once the server has written its files
    in full; 0 and None without a server."""
    influxd = program()
    if influxd is None:
        return 0.0, None
    port = free_port()
    child = server(influxd, folder, port, *WRITTEN_SOON)
    child.start()
    try:
        url = f"http://{LOOPBACK}:{port}"
        _set_up(url, child)
        store = InfluxHistory(InfluxConnection(url, "kept", TOKEN), "kept")
        started = time.process_time()
        for start in range(0, len(points), BATCH):
            store.write(points[start : start + BATCH])
        store.close()
        return time.process_time() - started, _settled(folder / "engine")
    finally:
        child.stop()


def _set_up(url: str, child: Child) -> None:
    body = {"username": "operator", "password": TOKEN, "org": "kept", "bucket": "kept", "token": TOKEN}
    request = urllib.request.Request(f"{url}/api/v2/setup", method="POST", data=json.dumps(body).encode())
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            urllib.request.urlopen(request, timeout=30).close()
            return
        except OSError as error:
            if time.monotonic() > deadline or not child.running():
                raise Stop(f"influxd does not answer: {error}\n{child.log_tail()}") from error
            time.sleep(0.1)


def _settled(engine: Path) -> tuple[int, int]:
    """(bytes of TSM files, bytes of series and index files) when they have not changed for some seconds."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    seen, since = (0, 0), time.monotonic()
    while time.monotonic() < deadline:
        found = _bytes_of(engine)
        if found != seen or not _compacted(engine):
            seen, since = found, time.monotonic()
        elif time.monotonic() - since > SETTLED_SECONDS:
            return seen
        time.sleep(0.5)
    raise Stop(f"influxd has not written its files within {PATIENCE_SECONDS:.0f} s")


def _compacted(engine: Path) -> bool:
    """Whether each shard is one file, as it is when nothing has been written to it for long."""
    folders = [file.parent for file in engine.rglob("*.tsm")]
    return bool(folders) and len(set(folders)) == len(folders)


def _bytes_of(engine: Path) -> tuple[int, int]:
    files = [file for file in engine.rglob("*") if file.is_file() and "data" in file.parts]
    data = sum(file.stat().st_blocks * 512 for file in files if file.suffix == ".tsm")
    index = sum(file.stat().st_blocks * 512 for file in files if "_series" in file.parts or "index" in file.parts)
    return data, index
