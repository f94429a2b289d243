"""What a worker shows at /metrics, read again and again by a thread, with the clock at which each answer was there."""

from __future__ import annotations

import re
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Sequence

from msgspec import Struct

from alert_rules.options import Jobs
from kept import metric_names as names

SAMPLE = re.compile(r"^([a-z_]+)(?:\{([^}]*)\})? ([0-9.eE+-]+)$", re.MULTILINE)
RULED = frozenset(
    metric.name
    for metric in (
        names.CATALOGUE, names.EVENTS, names.FOLDED_SLICES, names.HISTORY_WAITING, names.INDICATOR_TIME, names.LAG,
        names.POINTS_REFUSED, names.SERIES_DROPPED,
    )
)  # fmt: skip
LABEL = re.compile(r'([a-z_]+)="([^"]*)"')


class Scrape(Struct, frozen=True):
    """All workers together: when the last answer was there (s), events received by partition, published time (s) by
    service, seconds by stage, records that wait by topic, and resident bytes of the largest worker."""

    at: float
    received: dict[int, int]
    published: dict[str, int]
    stages: dict[str, float]
    lag: dict[str, int]
    resident: int
    folded: dict[str, int] = {}
    """Cases and other events under `(other)`, by "service dimension"."""
    counted_until: float = 0.0
    """Event time (s) that every source partition has reached, by what the workers show; 0 while none has any."""
    ruled: dict[str, float] = {}
    """Series that the alerts of the pipeline read, as Prometheus would store them; each worker's by its port."""


def read(ports: Sequence[int]) -> Scrape | None:
    """One look at every worker that answers; None when none does."""
    texts: list[tuple[int, str]] = []
    for port in ports:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
                texts.append((port, answer.read().decode()))
        except (OSError, urllib.error.URLError):
            continue
    if not texts:
        return None
    at, received, published, stages = time.time(), dict[int, int](), dict[str, int](), dict[str, float]()
    lag, folded, resident = dict[str, int](), dict[str, int](), 0
    last, ruled = dict[str, float](), dict[str, float]()
    for port, text in texts:
        ruled[f'up{{job="{Jobs().worker}",instance="{port}"}}'] = 1
        for name, labels_text, value in SAMPLE.findall(text):
            if name in RULED:
                ruled[f'{name}{{{labels_text}{"," if labels_text else ""}instance="{port}"}}'] = float(value)
            if name == names.EVENTS.name:
                labels = dict(LABEL.findall(labels_text))
                if labels["account"] == "received":
                    partition = int(labels["partition"])
                    received[partition] = max(received.get(partition, 0), int(float(value)))
            elif name == names.INDICATOR_TIME.name:
                service = dict(LABEL.findall(labels_text))["service"]
                published[service] = max(published.get(service, 0), int(float(value)))
            elif name == names.STAGE_SECONDS.name:
                stage = dict(LABEL.findall(labels_text))["stage"]
                stages[stage] = stages.get(stage, 0.0) + float(value)
            elif name == names.LAG.name:
                topic = dict(LABEL.findall(labels_text))["topic"]
                lag[topic] = lag.get(topic, 0) + int(float(value))
            elif name == names.FOLDED_SLICES.name:
                labels = dict(LABEL.findall(labels_text))
                of = f"{labels['service']} {labels['dimension']}"
                folded[of] = folded.get(of, 0) + int(float(value))
            elif name == names.LAST_EVENT.name:
                partition_text = dict(LABEL.findall(labels_text))["partition"]
                last[partition_text] = max(last.get(partition_text, 0.0), float(value))
            elif name == "process_resident_memory_bytes":
                resident = max(resident, int(float(value)))
    return Scrape(at, received, published, stages, lag, resident, folded, min(last.values(), default=0.0), ruled)


class Scraper:
    """Reads `ports` every so many seconds until it is stopped."""

    def __init__(self, ports: Sequence[int], every_seconds: float) -> None:
        self.scrapes: list[Scrape] = []
        self._ports = ports
        self._every = every_seconds
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="scraper", daemon=True)

    def __enter__(self) -> Scraper:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(self._every):
            found = read(self._ports)
            if found is not None:
                self.scrapes.append(found)
