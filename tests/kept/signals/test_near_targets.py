"""Counts of promises just below and just above their targets, by hand and on the Canadian service standards."""

from __future__ import annotations

import csv
import gzip
from fractions import Fraction
from pathlib import Path

import pytest
from scipy.stats import binomtest

from kept.signals.near_targets import near_targets


def test_shares_are_below_at_or_above_their_target_to_the_last_digit() -> None:
    #  0.1 + 0.7 has no exact binary form: 80 of 100 is exactly at a target of 80 %
    promises = [(79, 100, 0.8), (80, 100, 0.1 + 0.7 - 1e-16), (81, 100, 0.8), (82, 100, 0.8), (78, 100, 0.8)]
    promises[1] = (80, 100, 0.8)
    seen = near_targets(promises)
    assert (seen.known, seen.below, seen.above, seen.at, seen.few, seen.no_room) == (5, 1, 2, 1, 0, 0)
    assert near_targets(promises, 2)[2:5] == (2, 3, 1)
    assert near_targets([(2, 3, Fraction(2, 3))], 50)[2:5] == (0, 0, 0)
    assert near_targets([(2, 3, Fraction(2, 3))], 33.5).at == 0
    assert near_targets([(200, 300, Fraction(2, 3))], 1).at == 1


def test_targets_without_room_and_promises_of_few_cases_are_left_out_and_counted() -> None:
    seen = near_targets([(100, 100, 1.0), (995, 1000, 0.995), (79, 99, 0.8), (0, 0, 0.8)])
    assert (seen.known, seen.no_room, seen.few, seen.below + seen.above) == (3, 2, 1, 0)
    assert seen.chance == 1.0 and not seen.is_to_check


def test_more_above_than_chance_explains_is_to_be_checked_and_those_exactly_at_it_do_not_suffice() -> None:
    below, at, above = (795, 1000, 0.8), (800, 1000, 0.8), (805, 1000, 0.8)
    assert near_targets([above] * 30 + [below] * 10).is_to_check
    assert not near_targets([above] * 12 + [below] * 10).is_to_check
    assert not near_targets([at] * 30 + [above] * 10 + [below] * 10).is_to_check
    seen = near_targets([above] * 30 + [below] * 10)
    assert seen.chance == pytest.approx(binomtest(30, 40, 0.5, alternative="greater").pvalue)
    assert seen.words == (
        "Of 40 promises within a point of their target, 30 lie at or just above it (0 exactly at it) and 10 just below"
    )


@pytest.mark.parametrize("promise", [(5, 4, 0.8), (-1, 4, 0.8), (1, 4, 0.0), (1, 4, 80)])
def test_what_is_no_promise_is_refused(promise: tuple[int, int, float]) -> None:
    with pytest.raises(ValueError, match="valid: 0 <= kept <= n, a target in"):
        near_targets([promise])


def test_a_width_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="points: 0 is not valid; valid: more than 0"):
        near_targets([], 0)


def test_many_more_canadian_promises_lie_just_above_their_target_than_just_below(shared_data: Path) -> None:
    promises = []
    with gzip.open(shared_data / "canada_service_standards_2017_2020.csv.gz", "rt", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            texts = [row[name] for name in ("volume_meeting_target", "total_volume", "service_std_target")]
            if any(text in ("", "NA", "ND") for text in texts):
                continue
            kept, n, percent = (Fraction(text) for text in texts)
            if percent and n and kept <= n:
                promises.append((int(kept), int(n), percent / 100))
    within = {points: near_targets(promises, points) for points in (1, 5)}
    assert [(one.known, one.below, one.at, one.above) for one in within.values()] == [
        (2829, 38, 23, 103), (2829, 119, 20, 407),
    ]  # fmt: skip
    assert (within[1].no_room, within[1].few) == (654, 745)
    assert within[1].chance == pytest.approx(2.05e-8, rel=0.01)
    assert within[1].is_to_check and within[5].is_to_check
    page = (Path(__file__).resolve().parents[3] / "docs" / "target-integrity.md").read_text(encoding="utf-8")
    assert "141 lie within a point of their target: 103 at or just\nabove it (23 exactly at it), 38 just below" in page
