"""When a service was last heard of, told by its tallies alone, and whether it has been silent for too long since.

A pure function of the tallies as of a moment, so that every path, every replay and every amendment agrees. Told are
buckets, not events: an event counts as heard at the end of its bucket of 5 minutes; of an hour once that is 48 hours
old, of a local day once that is 90 days old, as compaction makes them, whether or not it has come to them yet. What is
counted at an earlier time (the end of a step, the result of a transaction) is heard at that time, and a change that
somebody registered (`service.changed`) is no word of the service's own system.
"""

from __future__ import annotations

from typing import NamedTuple

from kept.buckets import (
    DAY_SECONDS,
    FINE_SECONDS,
    FIVE_MINUTES,
    HOURLY_SECONDS,
    LONGEST_DAY_SECONDS,
    STEP_SECONDS,
    LocalTime,
)
from kept.counters import FAMILY_SIZE, is_told_by_the_work
from kept.durations import parse_duration
from kept.intake import Rules
from kept.tallies import Bucket, Day, MergedTallies, Tally


class Heard(NamedTuple):
    """The newest event lies in a bucket that ends between `earliest` and `latest` (s since 1970 UTC).

    They are one, except for a past moment whose buckets have become coarser since: then `earliest` is None when it is
    not even certain that there was an event by then.
    """

    earliest: int | None
    latest: int


def heard(tallies: MergedTallies, service: str, local: LocalTime, at: int) -> Heard | None:
    """When `service` was last heard of as of `at` (s); None when it never was."""
    days = tallies.days((service, "", ""))
    earliest: int | None = None
    latest: int | None = None
    for day_end in sorted(days, reverse=True):
        if day_end - LONGEST_DAY_SECONDS >= at or not _is_heard(days[day_end].total):
            continue
        for bounds in _of_day(days[day_end], local, at):
            latest = bounds.latest if latest is None else max(latest, bounds.latest)
            if bounds.earliest is not None:
                earliest = bounds.earliest if earliest is None else max(earliest, bounds.earliest)
        if earliest is not None:
            break
    return None if latest is None else Heard(earliest, latest)


def last_event(tallies: MergedTallies, service: str, local: LocalTime, at: int) -> int | None:
    """End (s) of the newest bucket of `service` in which something was heard as of `at` (s); None when nothing ever."""
    found = heard(tallies, service, local, at)
    return None if found is None else found.latest


def first_day_end(tallies: MergedTallies, service: str) -> int | None:
    """End (s) of the local day on which `service` was first heard of; None when it never was."""
    days = tallies.days((service, "", ""))
    return min((day_end for day_end, day in days.items() if _is_heard(day.total)), default=None)


def is_stale(tallies: MergedTallies, rules: Rules, at: int) -> bool | None:
    """Whether the service had been silent at `at` (s) for longer than the catalogue expects.

    False for a service never heard of: it has no ratio to be stale. None for a past moment whose buckets have become
    too coarse to tell.
    """
    found = heard(tallies, rules.service.id, rules.local_time, at)
    if found is None:
        return False
    silence = expected_silence(rules)
    if at - found.latest > silence:
        return True
    return False if found.earliest is not None and at - found.earliest <= silence else None


def expected_silence(rules: Rules) -> int:
    """How long (s of wall time) the service's source may be silent; nights and weekends are part of it."""
    return parse_duration(rules.service.expected_silence) // 1000


def resolution(local: LocalTime, end: int, at: int) -> int:
    """Length (s) of the bucket ending at `end` (s) that tells of the newest event as of `at` (s)."""
    hour, day = local.ends(end)
    if at - day >= HOURLY_SECONDS:
        return DAY_SECONDS
    return 3600 if at - hour >= FINE_SECONDS else STEP_SECONDS


def _of_day(day: Day, local: LocalTime, at: int) -> list[Heard]:
    found = []
    for bucket, tally in day.buckets.items():
        start = local.start_of(bucket.size, bucket.end)
        if start < at and _is_heard(tally):
            found.append(_bounds(bucket, start, local, at))
    return found


def _bounds(bucket: Bucket, start: int, local: LocalTime, at: int) -> Heard:
    """Between which ends the 5-minute bucket of an event in `bucket` lies, as coarse as it is told at `at`."""
    latest = _told(min(bucket.end, at), local, at)
    if bucket.size == FIVE_MINUTES:
        return Heard(latest, latest) if bucket.end <= at else Heard(None, latest)
    if bucket.end > at:
        return Heard(None, latest)
    return Heard(_told(start + STEP_SECONDS, local, at), latest)


def _told(end: int, local: LocalTime, at: int) -> int:
    """The end of the bucket that stands for the 5 minutes ending at `end` when they are so old."""
    hour, day = local.ends(end)
    if at - day >= HOURLY_SECONDS:
        return day
    return hour if at - hour >= FINE_SECONDS else end


def _is_heard(tally: Tally) -> bool:
    """Whether something was told here. Bins are left out: their buckets are hours, and each has a counter beside it."""
    return any(number < FAMILY_SIZE and is_told_by_the_work(number) for number in tally)
