"""Delays are found from what was acknowledged and what was seen: drawn here as lines of time."""

from __future__ import annotations

import pytest

from bench.delays import Delay, closings, counted, percentile, until_seen
from bench.paced_producer import Acknowledged
from bench.scrapes import Scrape


def scrape(at: float, **received: int) -> Scrape:
    return Scrape(at, {int(name[1:]): count for name, count in received.items()}, {}, {}, {}, 0)


def test_an_event_is_counted_at_the_first_scrape_that_has_as_many_in_its_partition() -> None:
    # acknowledged   10 events at 1.0      5 more at 2.0
    # scraped             2.0: 4    3.0: 10        5.0: none, 6.0: 15
    told = [Acknowledged(0, 10, 0, 1.0), Acknowledged(0, 15, 0, 2.0)]
    seen = [scrape(2.0, p0=4), scrape(3.0, p0=10), scrape(5.0), scrape(6.0, p0=15)]
    assert counted(told, seen) == [Delay(1.0, 2.0, 10), Delay(2.0, 4.0, 5)]


def test_what_no_scrape_shows_never_came() -> None:
    (delay,) = counted([Acknowledged(0, 10, 0, 1.0)], [scrape(2.0, p0=9)])
    assert delay.seconds == float("inf")


def test_a_moment_is_closed_by_the_last_partition_that_passes_it() -> None:
    before, behind = 299_000, 300_500
    told = [
        Acknowledged(0, 1, before, 1.0), Acknowledged(0, 2, behind, 2.0), Acknowledged(0, 3, behind + 900, 3.0),
        Acknowledged(1, 1, before, 1.0), Acknowledged(1, 2, behind, 2.5),
    ]  # fmt: skip
    assert closings(told, 2) == {300: 2.5}
    assert closings(told[:3], 2) == {}


def test_each_service_is_seen_on_its_own() -> None:
    seen = [(3.0, {"a": 0, "b": 300}), (4.0, {"a": 300, "b": 300})]
    found = until_seen({300: 2.5}, ["a", "b", "c"], seen)
    assert [delay.seconds for delay in found] == [1.5, 0.5, float("inf")]


@pytest.mark.parametrize(("share", "seconds"), [(0.5, 1.0), (0.9, 1.0), (0.91, 7.0), (1.0, 7.0)])
def test_percentiles_count_events_not_batches(share: float, seconds: float) -> None:
    assert percentile([Delay(0, 7.0, 1), Delay(0, 1.0, 9)], share) == seconds
    assert percentile([], share) is None
