"""The funnel by channel of the service standards that Canada published for 2017 to 2020.

Unlike promises are not ranked: each promise-year is held against its own target, and counted by channel.
"""

from __future__ import annotations

import csv
import gzip
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest
from scipy.stats import binom

from kept.comparison.funnel import INNER, OUTER, Place, funnel
from kept.comparison.members import Member
from kept.signals.gaps import Cohort


class PromiseYear(NamedTuple):
    """One promise in one year; None where the file has no number."""

    channel: str
    target: float | None
    kept: float | None
    volume: float | None

    @property
    def is_measurable(self) -> bool:
        """A blank or zero target or volume makes it not applicable, never missed."""
        return bool(self.target) and bool(self.volume) and self.kept is not None


def number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        assert text in ("", "NA", "ND"), text
        return None


@pytest.fixture(scope="module")
def promise_years(shared_data: Path) -> list[PromiseYear]:
    with gzip.open(shared_data / "canada_service_standards_2017_2020.csv.gz", "rt", encoding="utf-8") as file:
        return [
            PromiseYear(
                row["channel"],
                None if (percent := number(row["service_std_target"])) is None else percent / 100,
                number(row["volume_meeting_target"]),
                number(row["total_volume"]),
            )
            for row in csv.DictReader(file)
        ]


def cohort(one: PromiseYear) -> Cohort:
    assert one.volume is not None and one.kept is not None
    return Cohort(round(one.volume), round(one.kept))


def place(one: PromiseYear) -> Place:
    found = funnel([Member("", cohort(one))], one.target)
    assert found is not None
    return found.units[0].place


def recomputed(one: PromiseYear) -> Place:
    """The same by the exact tails of another library."""
    assert one.target is not None
    due, kept = cohort(one)
    below, above = binom.cdf(kept, due, one.target), binom.sf(kept - 1, due, one.target)
    if below < OUTER / 2:
        return "below_998"
    if above < OUTER / 2:
        return "above_998"
    return "below_95" if below < INNER / 2 else "above_95" if above < INNER / 2 else "within"


PLACES: tuple[Place, ...] = ("below_998", "below_95", "within", "above_95", "above_998")
BY_CHANNEL = {
    "eml": (24, 4, 81, 14, 62),
    "fax": (2, 0, 2, 0, 4),
    "onl": (157, 9, 299, 32, 238),
    "oth": (324, 16, 453, 62, 346),
    "person": (7, 0, 20, 1, 48),
    "post": (24, 1, 16, 3, 32),
    "tel": (45, 3, 65, 11, 78),
    "NA": (89, 6, 69, 14, 168),
}
"""Promise-years of each channel by place, in the order of `PLACES`."""
IMPOSSIBLE = PromiseYear("NA", 0.8, 24.0, 22.0)
"""More kept than there were: no share, and told apart before anything is compared."""


def test_blank_and_zero_targets_and_volumes_are_not_applicable(promise_years: list[PromiseYear]) -> None:
    without = [one for one in promise_years if not one.is_measurable]
    assert (len(promise_years), len(without)) == (3927, 3927 - 2830)
    assert all(not one.target or not one.volume or one.kept is None for one in without)
    assert sum(one.target == 0 for one in without) > 0 and sum(one.volume == 0 for one in without) > 0


def test_promise_years_within_and_beyond_the_limits_by_channel(promise_years: list[PromiseYear]) -> None:
    measurable = [one for one in promise_years if one.is_measurable and one != IMPOSSIBLE]
    assert len(measurable) == 2829
    counts = Counter((one.channel, place(one)) for one in measurable)
    assert counts == Counter((one.channel, recomputed(one)) for one in measurable)
    assert {
        channel: tuple(counts[channel, at] for at in PLACES) for channel in sorted({one.channel for one in measurable})
    } == BY_CHANNEL


def test_with_so_many_cases_nearly_everything_is_beyond_chance_and_only_the_small_ones_are_not(
    promise_years: list[PromiseYear],
) -> None:
    measurable = [one for one in promise_years if one.is_measurable and one != IMPOSSIBLE]
    small = [one for one in measurable if cohort(one).due < 100]
    large = [one for one in measurable if cohort(one).due >= 10_000]
    within = [sum(place(one) == "within" for one in some) / len(some) for some in (small, large)]
    assert within[0] > 0.5 > 0.2 > within[1]
