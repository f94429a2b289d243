"""The arithmetic of docs/deployment.md: each step by hand, and what must grow with what."""

from __future__ import annotations

import msgspec
import pytest

from bench.capacity import Figures, Place, buckets, plan, size

FIGURES = Figures(
    events_a_second=10_000,
    open_case_bytes=400,
    closed_case_bytes=500,
    open_record_bytes=200,
    closed_record_bytes=250,
    restore_seconds_a_million=10,
    tally_bytes=1000,
    idle_bytes=100_000_000,
    event_disk_bytes=300,
    state_disk_bytes=200,
    state_disk_factor=1.25,
    tallies_disk_bytes=100,
    points_a_day=86_400,
    point_disk_bytes=50,
    series=1000,
    publishing_seconds_a_day=8.64,
    metrics_series=600,
)
TOWN = Place(
    name="town",
    events_a_day=8_640_000,
    services=10,
    partitions=4,
    events_a_case=5,
    slices=2,
    open_days=10,
    retention_days=35,
    peak=5,
    copies=3,
    history_days=100,
)


def steps(place: Place = TOWN) -> dict[str, float]:
    return {line.what: line.value for line in plan(place, FIGURES)}


def test_every_step_by_hand() -> None:
    opened, closed = 17_280_000, 120_960_000
    register = opened * 400 + closed * 500
    tallies = 2 * 10 * (3 * 288 + 91 * 24 + 365 + 2 * (3 * 24 + 365)) * 1000
    memory = (register / 4 + tallies + 100_000_000) / 0.7
    assert steps() == {
        "events a second, mean": 100,
        "events a second, peak": 500,
        "workers, to count them": 1,
        "cases a day": 1_728_000,
        "open cases": opened,
        "closed, remembered": closed,
        "memory of the register": register,
        "workers and partitions": 4,
        "tallies, a worker": tallies,
        "memory, a worker": pytest.approx(memory),
        "a worker's cases are back after": pytest.approx((opened + closed) / 4 / 1e6 * 10),
        "Kafka: events": pytest.approx(8_640_000 * 14 * 300 * 3 / 0.7),
        "Kafka: state": pytest.approx(((opened * 200 + closed * 250) * 1.25 / 0.8 + 8_640_000 * (200 + 100)) * 3 / 0.7),
        "Kafka: written a second, peak": 500 * 600 * 3,
        "InfluxDB: points a second": 10,
        "InfluxDB: series": 10_000,
        "InfluxDB: disk": pytest.approx(10 * 86_400 * 50 * 100 / 0.7),
        "cores for publishing": pytest.approx(0.001),
        "Prometheus: series, a pipeline": 6000,
        "memory, all workers": pytest.approx(4 * memory),
    }


def test_a_full_service_has_a_bucket_for_each_step_hour_and_day_that_is_still_told_apart() -> None:
    #  3 days of 5 minutes | 91 days of hours | a year of days        each slice: 3 days of hours | a year of days
    assert buckets(0) == 3 * 288 + 91 * 24 + 365
    assert buckets(1) - buckets(0) == 3 * 24 + 365


def test_pipelines_share_the_load_and_each_has_a_worker_at_least() -> None:
    many = msgspec.structs.replace(TOWN, pipelines=10)
    one, ten = steps(), steps(many)
    assert ten["workers, to count them"] == 10
    assert ten["workers and partitions"] == 40
    assert ten["tallies, a worker"] == one["tallies, a worker"] / 10
    assert ten["memory of the register"] == one["memory of the register"]


def test_a_busier_place_needs_more_workers_to_count() -> None:
    assert steps(msgspec.structs.replace(TOWN, events_a_day=864_000_000))["workers, to count them"] == 10


@pytest.mark.parametrize(
    ("count", "words"), [(999, "999 B"), (1500, "1.5 kB"), (2_340_000_000, "2.3 GB"), (4.2e15, "4.2 PB")]
)
def test_sizes_are_told_in_powers_of_ten(count: float, words: str) -> None:
    assert size(count) == words
