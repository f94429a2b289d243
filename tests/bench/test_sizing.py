"""The measurements of sizes, in small: they run, and what must be larger is larger."""

from __future__ import annotations

from bench import sizing, sizing_register, sizing_tallies
from catalogue import CITY


def test_a_closed_case_and_one_with_steps_are_larger_than_an_open_one() -> None:
    plain = sizing_register.size_of("open", 2000, 0, closed=False)
    closed = sizing_register.size_of("closed", 2000, 1, closed=True)
    assert 70 < plain.record_bytes < closed.record_bytes
    assert plain.memory_bytes > plain.record_bytes


def test_more_partitions_have_more_tallies() -> None:
    one, four = (sizing_tallies.size_of(CITY, 1, partitions) for partitions in (1, 4))
    assert 0 < one.tallies_a_service < four.tallies_a_service <= 4 * one.tallies_a_service


def test_the_committed_figures_can_be_read_and_are_whole() -> None:
    found = sizing.read()
    assert found.history.influxdb_bytes_a_point
    assert {one.words for one in found.cases} >= {"open", "closed"}
    assert found.kafka.metrics_series_a_service > 100
