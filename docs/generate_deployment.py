"""Puts the measured figures and the worked examples into docs/deployment.md, from bench/sizing.json and benchmarks.md."""

from __future__ import annotations

import math
import re
import sys
from pathlib import Path

DOCS = Path(__file__).resolve().parent
sys.path[:0] = [str(DOCS), str(DOCS.parent)]

from markdown_page import table, write_or_check  # noqa: E402

from bench.capacity import Figures, Line, Place, plan, size  # noqa: E402
from bench.sizing import Sizing, read  # noqa: E402

COMPOSE = DOCS.parent / "docker-compose.yml"
WORKER = DOCS.parent / "deployment" / "kubernetes" / "base" / "worker.yaml"
PAGE = DOCS / "deployment.md"
BENCHMARKS = DOCS / "benchmarks.md"
STEPS = "with 3 steps"
MEMORY = "memory, a worker"
CITY = Place(name="city", events_a_day=10_000_000, services=100, partitions=16)
PLACES = (
    CITY,
    Place(name="city, retention of 7 days", events_a_day=10_000_000, services=100, partitions=8, retention_days=7),
    Place(
        name="nation",
        events_a_day=1_000_000_000,
        services=2_000,
        pipelines=40,
        partitions=16,
        retention_days=7,
        history_days=90,
    ),
)
"""What is assumed of each is told on the page."""


def figures(sizing: Sizing, benchmarks: str) -> Figures:
    """What the arithmetic takes: cases with three steps."""
    cases = {one.words: one for one in sizing.cases}
    opened, closed = cases[f"open, {STEPS}"], cases[f"closed, {STEPS}"]
    index, point = sizing.history.influxdb_index_bytes_a_series, sizing.history.influxdb_bytes_a_point
    if index is None or point is None:
        raise ValueError("bench/sizing.json was made without an influxd; run `python -m bench.sizing` with one")
    return Figures(
        events_a_second=sizing.kafka.events_a_second,
        open_case_bytes=opened.memory_bytes,
        closed_case_bytes=closed.memory_bytes,
        open_record_bytes=opened.record_bytes,
        closed_record_bytes=closed.record_bytes,
        restore_seconds_a_million=restore_seconds(benchmarks),
        tally_bytes=tally_bytes(sizing),
        idle_bytes=sizing.kafka.idle_mib * 2**20,
        event_disk_bytes=sizing.kafka.event_disk_bytes,
        state_disk_bytes=sizing.kafka.state_disk_bytes,
        state_disk_factor=sizing.kafka.state_disk_factor,
        tallies_disk_bytes=sizing.kafka.tallies_disk_bytes,
        points_a_day=sizing.history.points_a_service_day,
        point_disk_bytes=point,
        series=sizing.history.series_a_service,
        publishing_seconds_a_day=sizing.history.publishing_seconds_a_service_day,
        metrics_series=sizing.kafka.metrics_series_a_service,
    )


def restore_seconds(benchmarks: str) -> float:
    """Seconds from the start of a worker until a million cases are back."""
    found = re.search(r"4 partitions has its cases back ([0-9.]+) s after", benchmarks)
    assert found is not None
    return float(found[1])


def tally_bytes(sizing: Sizing) -> int:
    """Memory of a tally. What is merged is held twice, as one partition's part and in the sum."""
    (merged,) = (one for one in sizing.tallies if one.partitions == 1)
    return merged.memory_bytes // merged.tallies_a_service // 2


def measured(sizing: Sizing, chosen: Figures) -> str:
    """The table of what was measured."""
    kafka, history = sizing.kafka, sizing.history
    rows = [
        ["events a second that one worker counts, five weeks of them at once, until all indicators are published", f"{kafka.events_a_second:,}"],
        ["a worker's memory before its first event", f"{kafka.idle_mib:,} MiB"],
        [f"its peak with {kafka.events:,} events of {kafka.services} services, 4 partitions", f"{kafka.peak_mib:,} MiB"],
        *(
            [
                f"a case, {one.words}: memory; key and value of its state record",
                f"{one.memory_bytes:,} B; {one.record_bytes:,} B",
            ]
            for one in sizing.cases
        ),
        *(
            [
                f"tallies of a small service counted by {one.partitions} partition{'s' if one.partitions > 1 else ''}: "
                "how many; memory, merged",
                f"{one.tallies_a_service:,}; {size(one.memory_bytes)}",
            ]
            for one in sizing.tallies
        ),
        ["a tally, of one partition or merged", f"{chosen.tally_bytes:,} B"],
        ["a million cases are back after (from benchmarks.md)", f"{chosen.restore_seconds_a_million:g} s"],
        ["Kafka's disk, an event: service-events", f"{kafka.event_disk_bytes:,} B"],
        ["case-state, before compaction; on disk a byte written", f"{kafka.state_disk_bytes:,} B; {kafka.state_disk_factor:g}"],
        ["tallies, before compaction", f"{kafka.tallies_disk_bytes:,} B"],
        ["points published, a service and hour; and day", f"{history.points_a_service_day // 24:,}; {history.points_a_service_day:,}"],
        ["seconds of a core for them, a service and day", f"{history.publishing_seconds_a_service_day:g}"],
        ["InfluxDB: series of a service", f"{history.series_a_service:,}"],
        ["InfluxDB's disk, a point; the index, a series", f"{history.influxdb_bytes_a_point:g} B; {history.influxdb_index_bytes_a_series:g} B"],
        ["Prometheus: series of a service; bytes a scrape", f"{kafka.metrics_series_a_service:,}; {kafka.metrics_bytes_a_service:,} B"],
    ]  # fmt: skip
    return f"{table(['what', 'measured'], rows)}\n{sizing.machine}.\n"


def examples(chosen: Figures) -> str:
    """The arithmetic of each place, step by step."""
    return "\n".join([*(_example(place, plan(place, chosen)) for place in PLACES), limits(chosen)])


def limits(chosen: Figures) -> str:
    """What a worker may take as the files have it, and how to let it take what the examples need."""
    in_compose = re.search(r"mem_limit: \$\{WORKER_MEMORY:-(\w+)\}", COMPOSE.read_text(encoding="utf-8"))
    in_kubernetes = re.search(r"limits: \{memory: (\w+)\}", WORKER.read_text(encoding="utf-8"))
    assert in_compose is not None and in_kubernetes is not None
    most = max(line.value for place in PLACES for line in plan(place, chosen) if line.what == MEMORY)
    gib = math.ceil(most / 2**30)
    return f"""**A worker's limit must be raised to "{MEMORY}".** It may take `{in_compose[1]}` with `docker-compose.yml` and `{in_kubernetes[1]}`
with `deployment/kubernetes/base/worker.yaml`, which is enough to begin with. The kernel ends a worker that needs more, and it
reads its state back only to be ended again. For the largest of these three: with containers `WORKER_MEMORY={gib}g` in `.env`
([compose.md](compose.md#settings)); in Kubernetes, under `patches` of your overlay:

```
  - target: {{kind: Deployment, name: kept-worker}}
    patch: |-
      - op: replace
        path: /spec/template/spec/containers/0/resources
        value: {{requests: {{cpu: "1", memory: {gib}Gi}}, limits: {{memory: {gib}Gi}}}}
```
"""


def _example(place: Place, lines: list[Line]) -> str:
    title = place.name[0].upper() + place.name[1:]
    rows = [[line.what, line.how, f"**{line.shown}**"] for line in lines]
    return (
        f"### {title}: {place.events_a_day:,} events a day, {place.services:,} services\n\n{table(['', '', ''], rows)}"
    )


def filled(page: str, blocks: dict[str, str]) -> str:
    """`page` with each block between its markers."""
    for name, text in blocks.items():
        begin, end = f"<!-- {name}: made by docs/generate_deployment.py -->\n", f"<!-- end of {name} -->"
        before, found, rest = page.partition(begin)
        if not found or end not in rest:
            raise ValueError(f"docs/deployment.md: no {begin.strip()!r} with {end!r} after it")
        page = f"{before}{begin}{text}{end}{rest.partition(end)[2]}"
    return page


def page() -> str:
    """docs/deployment.md as it should be."""
    sizing = read()
    chosen = figures(sizing, BENCHMARKS.read_text(encoding="utf-8"))
    blocks = {"measured": measured(sizing, chosen), "examples": examples(chosen)}
    return filled(PAGE.read_text(encoding="utf-8"), blocks)


if __name__ == "__main__":
    sys.exit(write_or_check(PAGE, page(), sys.argv[1:]))
