"""What a city or a nation needs, from figures that were measured: the arithmetic of docs/deployment.md. Pure."""

from __future__ import annotations

import math

from msgspec import Struct

from kept.buckets import FINE_SECONDS, HOURLY_SECONDS, SKEW_SECONDS, STEP_SECONDS
from kept.metric_names import SERIES_BUDGET

DAY_SECONDS = 86_400
KAFKA_DAYS = 14
"""`retention.ms` of service-events."""
DIRTY_SHARE = 0.2
"""`min.cleanable.dirty.ratio` of the compacted topics."""
LOAD = 0.5
"""A worker is planned for this share of what it was measured to count: it must catch up after an outage."""
FILLED = 0.7
"""Memory and disks are planned to be filled so far."""


class Figures(Struct, frozen=True, kw_only=True):
    """What one event, case, service or worker costs."""

    events_a_second: float
    """That one worker counts, its indicators included."""
    open_case_bytes: int
    closed_case_bytes: int
    open_record_bytes: int
    closed_record_bytes: int
    restore_seconds_a_million: float
    tally_bytes: int
    """Memory of one bucket of one series."""
    idle_bytes: int
    event_disk_bytes: int
    state_disk_bytes: int
    """Written to the state topic for each event, before compaction."""
    state_disk_factor: float
    tallies_disk_bytes: int
    points_a_day: int
    """Of one service, as are the next three."""
    point_disk_bytes: float
    series: int
    publishing_seconds_a_day: float
    metrics_series: int


class Place(Struct, frozen=True, kw_only=True):
    """What is assumed of a place. A nation is many pipelines (KEPT_TOPIC_PREFIX), all alike, each with its services."""

    name: str
    events_a_day: int
    services: int
    pipelines: int = 1
    partitions: int
    """Of one pipeline; a worker each."""
    events_a_case: int = 5
    open_days: int = 10
    retention_days: int = 35
    """`case_retention`: a closed case is remembered for twice as long."""
    slices: int = 30
    """Of a service: channels, areas, categories, steps."""
    peak: float = 5.0
    """The busiest minute over the mean of the day."""
    copies: int = 3
    history_days: int = 400


class Line(Struct, frozen=True):
    """One step: what, how it comes about, and the number."""

    what: str
    how: str
    value: float
    shown: str


def buckets(slices: int, days: int = 365) -> int:
    """Tallies of a service so busy that none is empty, in one source partition, after so many days.

    The whole service by 5 minutes, then by the hour, then by the day; each slice by the hour, then by the day.
    """
    fine_days = (FINE_SECONDS + SKEW_SECONDS) // DAY_SECONDS
    hourly_days = (HOURLY_SECONDS + SKEW_SECONDS) // DAY_SECONDS
    return fine_days * DAY_SECONDS // STEP_SECONDS + hourly_days * 24 + days + slices * (fine_days * 24 + days)


def plan(place: Place, figures: Figures) -> list[Line]:
    """The steps from events a day to workers, memory and disks, for the whole place unless a line says otherwise."""
    p, f = place, figures
    pipelines, workers = p.pipelines, p.pipelines * p.partitions
    mean = p.events_a_day / DAY_SECONDS
    busiest = mean * p.peak
    counting = math.ceil(busiest / pipelines / (LOAD * f.events_a_second)) * pipelines
    cases = p.events_a_day / p.events_a_case
    opened, closed = cases * p.open_days, cases * 2 * p.retention_days
    register = opened * f.open_case_bytes + closed * f.closed_case_bytes
    kept = buckets(p.slices)
    tallies = 2 * p.services / pipelines * kept * f.tally_bytes
    memory = (register / workers + tallies + f.idle_bytes) / FILLED
    restore = (opened + closed) / workers / 1e6 * f.restore_seconds_a_million
    log = p.events_a_day * KAFKA_DAYS * f.event_disk_bytes * p.copies / FILLED
    compacted = (
        (opened * f.open_record_bytes + closed * f.closed_record_bytes) * f.state_disk_factor / (1 - DIRTY_SHARE)
    )
    state = (compacted + p.events_a_day * (f.state_disk_bytes + f.tallies_disk_bytes)) * p.copies / FILLED
    traffic = busiest * (f.event_disk_bytes + f.state_disk_bytes + f.tallies_disk_bytes) * p.copies
    points = p.services * f.points_a_day / DAY_SECONDS
    history = p.services * f.points_a_day * f.point_disk_bytes * p.history_days / FILLED
    publishing = p.services * f.publishing_seconds_a_day / DAY_SECONDS
    return [
        Line("events a second, mean", f"{p.events_a_day:,} / 86,400", mean, f"{mean:,.0f}"),
        Line("events a second, peak", f"x {p.peak:g}", busiest, f"{busiest:,.0f}"),
        Line(
            "workers, to count them",
            f"/ ({LOAD:.0%} of {f.events_a_second:,.0f}), whole ones in each pipeline",
            counting,
            f"{counting:,}",
        ),
        Line("cases a day", f"/ {p.events_a_case} events a case", cases, f"{cases:,.0f}"),
        Line("open cases", f"x {p.open_days} days", opened, f"{opened / 1e6:,.0f} million"),
        Line("closed, remembered", f"x 2 x {p.retention_days} days", closed, f"{closed / 1e6:,.0f} million"),
        Line(
            "memory of the register",
            f"open x {f.open_case_bytes} B + closed x {f.closed_case_bytes} B",
            register,
            size(register),
        ),
        Line(
            "workers and partitions",
            f"chosen: {p.partitions} in each of {pipelines:,} pipeline{'s' if pipelines > 1 else ''}",
            workers,
            f"{workers:,}",
        ),
        Line(
            "tallies, a worker",
            f"2 x {p.services // pipelines:,} services x {kept:,} buckets x {f.tally_bytes:,} B",
            tallies,
            size(tallies),
        ),
        Line(
            "memory, a worker",
            f"(register / workers + tallies + {size(f.idle_bytes)}) / {FILLED:g}",
            memory,
            size(memory),
        ),
        Line(
            "a worker's cases are back after",
            f"its cases x {f.restore_seconds_a_million:g} s a million",
            restore,
            f"{restore:,.0f} s",
        ),
        Line(
            "Kafka: events",
            f"{KAFKA_DAYS} days x {f.event_disk_bytes} B x {p.copies} copies / {FILLED:g}",
            log,
            size(log),
        ),
        Line(
            "Kafka: state",
            f"(open x {f.open_record_bytes} B + closed x {f.closed_record_bytes} B) x {f.state_disk_factor:g} / "
            f"{1 - DIRTY_SHARE:g}, and a day of events x ({f.state_disk_bytes} + {f.tallies_disk_bytes}) B; "
            f"x {p.copies} copies / {FILLED:g}",
            state,
            size(state),
        ),
        Line(
            "Kafka: written a second, peak",
            f"({f.event_disk_bytes} + {f.state_disk_bytes} + {f.tallies_disk_bytes}) B x {p.copies} copies",
            traffic,
            size(traffic),
        ),
        Line(
            "InfluxDB: points a second",
            f"{p.services:,} services x {f.points_a_day:,} a day / 86,400",
            points,
            f"{points:,.0f}",
        ),
        Line(
            "InfluxDB: series",
            f"{p.services:,} services x {f.series:,}",
            p.services * f.series,
            f"{p.services * f.series / 1e6:,.1f} million",
        ),
        Line(
            "InfluxDB: disk",
            f"points x {f.point_disk_bytes:g} B x {p.history_days} days / {FILLED:g}",
            history,
            size(history),
        ),
        Line(
            "cores for publishing",
            f"{p.services:,} services x {f.publishing_seconds_a_day:g} s a day / 86,400",
            publishing,
            f"{publishing:,.3f}",
        ),
        Line(
            "Prometheus: series, a pipeline",
            f"{p.services // pipelines:,} services x {f.metrics_series:,}; a worker shows {SERIES_BUDGET:,} at most",
            p.services / pipelines * f.metrics_series,
            f"{p.services / pipelines * f.metrics_series:,.0f}",
        ),
        Line("memory, all workers", "", memory * workers, size(memory * workers)),
    ]


def size(count: float) -> str:
    """Bytes in words, in powers of ten."""
    for unit, name in ((1e15, "PB"), (1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if count >= unit:
            return f"{count / unit:,.1f} {name}"
    return f"{count:,.0f} B"
