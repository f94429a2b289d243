"""The stream that every contender reads: seeded, in order of publication, the same on every machine.

Eight services with 4 channels, 20 areas and 30 categories; a case is opened and, in 85 of 100 cases, completed; one
event in a hundred comes twice. The span decides how many events share a bucket: 7 days are a dense stream, 180 days
are a small city.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec

from kept.durations import DAY_MS, HOUR_MS, MINUTE_MS
from kept.events import CaseCompleted, CaseOpened, CaseOpenedData, CompletedData, Event, Outcome, moment

SEED = 20250106
LIGHT = "light"
TIME_ZONE = "Europe/Amsterdam"
START_MS = int(datetime(2025, 1, 6, tzinfo=UTC).timestamp() * 1000)
SOURCE = "/city/service-desk"
COMPLETED_SHARE = 0.85
DUPLICATE_SHARE = 0.01
LONGEST_RETRY_MS = 10 * MINUTE_MS
DURATION_SPREAD = 1.1
"""Standard deviation of the logarithm of a duration."""
DIGITAL = ("Website", "App")
CHANNELS = (*DIGITAL, "Phone", "Desk")
AREAS = tuple(f"District {number:02d}" for number in range(1, 21))
CATEGORIES = tuple(f"Category {number:02d}" for number in range(1, 31))
OUTCOMES: tuple[Outcome, ...] = ("intended",) * 18 + ("not_intended", "rejected")


class BenchService(NamedTuple):
    """A service of the workload: its median duration, and the promise in elapsed time."""

    id: str
    median_ms: int
    target_hours: int

    @property
    def target_ms(self) -> int:
        """The promise in milliseconds."""
        return self.target_hours * HOUR_MS


SERVICES = (
    BenchService("phone-enquiries", 20 * MINUTE_MS, 1),
    BenchService("parking-permits", 45 * MINUTE_MS, 2),
    BenchService("identity-cards", 90 * MINUTE_MS, 4),
    BenchService("waste-pickup", 3 * HOUR_MS, 8),
    BenchService("noise-complaints", 5 * HOUR_MS, 12),
    BenchService("street-lights", 8 * HOUR_MS, 24),
    BenchService("housing-benefit", 16 * HOUR_MS, 48),
    BenchService("building-permits", 30 * HOUR_MS, 72),
)
TARGET_MS = {service.id: service.target_ms for service in SERVICES}


def city(services: int) -> tuple[BenchService, ...]:
    """So many services: those above, and more of their kind."""
    more = (
        SERVICES[number % len(SERVICES)]._replace(id=f"service-{number:03d}")
        for number in range(len(SERVICES), services)
    )
    return (*SERVICES[:services], *more)


class Workload(NamedTuple):
    """How many events, duplicates included, over how many days."""

    name: str
    events: int
    days: int
    light: bool = False
    """Cases have an area, but no channel and no category: one slice instead of three."""

    def stream(self) -> Iterator[Event]:
        """The events in order of publication."""
        rows = _rows(self)
        for time_ms, _, case, service, kind in rows:
            event = _completed(case, service, time_ms) if kind else _opened(case, service, time_ms)
            yield _lighter(event) if self.light else event


def dense(events: int) -> Workload:
    """Many events a bucket: a week."""
    return Workload("dense", events, 7)


def sparse(events: int) -> Workload:
    """Few events a bucket: half a year."""
    return Workload("sparse", events, 180)


def light(events: int) -> Workload:
    """A week of cases with one slice each."""
    return Workload(LIGHT, events, 7, light=True)


def catalogue_text(service: BenchService, retention: str | None = None) -> str:
    """The catalogue entry of a service, in TOML; `retention`, such as `2h`, of its cases: None means the usual one."""
    kept = "" if retention is None else f'case_retention = "{retention}"\nduplicate_retention = "{retention}"\n'
    return f'''id = "{service.id}"
name = "{service.id}"
owner = "Measurements"
time_zone = "{TIME_ZONE}"
expected_silence = "24h"
simulated = true
{kept}
[channels]
digital = ["Website", "App"]
assisted = ["Phone", "Desk"]

[promise]
words = "Done within {service.target_hours} hours"
target_share = 0.8
target_time = "{service.target_hours}h"
'''


def _rows(workload: Workload) -> list[tuple[int, int, int, BenchService, int]]:
    """(event time, place among equals, case, service, 0 opened or 1 completed), in order of publication."""
    chance = random.Random(SEED)
    span = workload.days * DAY_MS
    # A little more than enough: what was not completed within the span, or is too much, is cut off at its end.
    cases = int(workload.events / (1 + COMPLETED_SHARE) / (1 + DUPLICATE_SHARE) * 1.03) + 50
    timed: list[tuple[int, int, int, int, BenchService, int]] = []

    def publish(time_ms: int, case: int, service: BenchService, kind: int) -> None:
        timed.append((time_ms, len(timed), time_ms, case, service, kind))
        if chance.random() < DUPLICATE_SHARE:
            again = time_ms + chance.randint(1, LONGEST_RETRY_MS)
            timed.append((again, len(timed), time_ms, case, service, kind))

    for case in range(cases):
        service = chance.choice(SERVICES)
        opened = START_MS + chance.randrange(span)
        publish(opened, case, service, 0)
        if chance.random() < COMPLETED_SHARE:
            duration = service.median_ms * math.exp(chance.gauss(0.0, DURATION_SPREAD))
            publish(opened + max(1, int(duration)), case, service, 1)
    timed.sort()
    return [
        (time_ms, place, case, service, kind) for _, place, time_ms, case, service, kind in timed[: workload.events]
    ]


def _opened(case: int, service: BenchService, time_ms: int) -> CaseOpened:
    chance = case * 2_654_435_761 & 0xFFFFFFFF
    return CaseOpened(
        specversion="1.0",
        id=f"e{case:08d}-opened",
        source=SOURCE,
        time=moment(time_ms),
        subject=f"{service.id[:2].upper()}-{case:08d}",
        data=CaseOpenedData(
            service=service.id,
            channel=CHANNELS[chance % 4],
            area=AREAS[chance // 4 % 20],
            category=CATEGORIES[chance // 80 % 30],
        ),
    )


def _completed(case: int, service: BenchService, time_ms: int) -> CaseCompleted:
    chance = case * 2_654_435_761 & 0xFFFFFFFF
    return CaseCompleted(
        specversion="1.0",
        id=f"e{case:08d}-completed",
        source=SOURCE,
        time=moment(time_ms),
        subject=f"{service.id[:2].upper()}-{case:08d}",
        data=CompletedData(
            service=service.id,
            channel=CHANNELS[chance % 4],
            area=AREAS[chance // 4 % 20],
            outcome=OUTCOMES[case % 20],
        ),
    )


def _lighter(event: CaseOpened | CaseCompleted) -> Event:
    data = msgspec.structs.replace(event.data, channel=None)
    if isinstance(data, CaseOpenedData):
        data = msgspec.structs.replace(data, category=None)
    return msgspec.structs.replace(event, data=data)
