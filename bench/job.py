"""The job as the peers do it: what an opening and a completion count, in which bucket, and the totals to compare.

It is lighter than Kept's, which also counts backlog, risk and overdue stocks, channel kinds and first-time-right, takes
events in any order, and keeps what it needs to take a contribution back. The peers rely on order within a case.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from kept import counters as c
from kept.histogram import bin_of
from kept.tallies import bins

Entry = tuple[int, int, int]
"""(time in ms, counter, amount)."""
Totals = dict[str, dict[str, int]]
"""`service|dimension` -> name of a count -> amount; the dimension is empty for the whole service."""
DIMENSIONS = ("area", "category", "channel")
FIVE_MINUTES_MS = 300_000
HOUR_MS = 3_600_000


def opening(opened_ms: int, due_ms: int) -> list[Entry]:
    """What an opened case counts."""
    return [(opened_ms, c.OPENED, 1), (due_ms, c.DUE, 1)]


def completion(opened_ms: int, due_ms: int, at_ms: int, outcome: int) -> list[Entry]:
    """What its completion counts."""
    elapsed = at_ms - opened_ms
    duration_bin = bin_of(elapsed)
    kept = at_ms <= due_ms
    entries = [
        (at_ms, c.COMPLETED + outcome, 1),
        (at_ms, c.KEPT if kept else c.LATE, 1),
        (at_ms, c.ELAPSED_MS, elapsed),
        (at_ms, c.CLOSED_TIME + duration_bin, 1),
        (opened_ms, c.COMPLETION_TIME + duration_bin, 1),
    ]
    if kept:
        entries.append((due_ms, c.DUE_KEPT, 1))
    return entries


def five_minutes(time_ms: int) -> int:
    """End (s) of the 5-minute bucket."""
    return -(-time_ms // FIVE_MINUTES_MS) * 300


def hour(time_ms: int) -> int:
    """End (s) of the hour."""
    return -(-time_ms // HOUR_MS) * 3600


def totals_of(tallies: Iterable[tuple[str, str, Mapping[int, int]]]) -> Totals:
    """Totals of (service, dimension, tally)."""
    totals: Totals = {}
    for service, dimension, tally in tallies:
        total = totals.setdefault(f"{service}|{dimension}", dict.fromkeys(COUNTS, 0))
        for name, count in _counts(dict(tally)).items():
            total[name] += count
    return totals


COUNTS = (
    "opened", "completed", "kept", "late", "due", "due_kept", "elapsed_ms",
    "closed_bin_count", "closed_bin_sum", "opened_bin_count", "opened_bin_sum",
)  # fmt: skip


def _counts(tally: dict[int, int]) -> dict[str, int]:
    closed, opened = bins(tally, c.CLOSED_TIME), bins(tally, c.COMPLETION_TIME)
    return {
        "opened": tally.get(c.OPENED, 0),
        "completed": sum(tally.get(counter, 0) for counter in range(c.COMPLETED, c.WITHDRAWN)),
        "kept": tally.get(c.KEPT, 0),
        "late": tally.get(c.LATE, 0),
        "due": tally.get(c.DUE, 0),
        "due_kept": tally.get(c.DUE_KEPT, 0),
        "elapsed_ms": tally.get(c.ELAPSED_MS, 0),
        "closed_bin_count": sum(closed.values()),
        "closed_bin_sum": sum(index * count for index, count in closed.items()),
        "opened_bin_count": sum(opened.values()),
        "opened_bin_sum": sum(index * count for index, count in opened.items()),
    }
