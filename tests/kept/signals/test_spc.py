"""The XmR chart: series worked by hand, the published rules written a second time, and what must hold of any series."""

from __future__ import annotations

import csv
import gzip
import math
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kept.signals.spc import (
    BASELINE,
    Judged,
    Limits,
    Rule,
    assurance,
    judge_all,
    judge_next,
    mean_moving_range,
    meaning,
    xmr_limits,
)
from tests.kept.signals import published_rules

Marks = dict[int, list[int]]
BASE = [9, 11] * 6
"""Mean 10, every range 2: limits 10 +- 5.32 = 4.68 to 15.32, near limits 10 +- 3.5467 = 6.4533 to 13.5467.

Its last point, at index 11, is 11: above the mean. What follows it starts at index 12.
"""


def upto(first: int, last: int) -> list[int]:
    return list(range(first, last + 1))


HAND_WORKED: list[tuple[str, list[float], Marks, Marks]] = [
    # name, series, points that belong to each rule, points that complete it
    ("no points", [], {}, {}),
    ("one point has no limits", [7], {}, {}),
    ("two points: mean 5, range 8, limits -16.28 to 26.28", [1, 9], {}, {}),
    ("a baseline alone", [*BASE], {}, {}),
    ("on the upper limit is inside", [*BASE, 15.32], {}, {}),
    ("above the upper limit", [*BASE, 15.33], {1: [12]}, {1: [12]}),
    ("on the lower limit is inside", [*BASE, 4.68], {}, {}),
    ("below the lower limit", [*BASE, 4.67], {1: [12]}, {1: [12]}),
    ("outside three times is said three times", [*BASE, 16, 9, 16, 16], {1: [12, 14, 15]}, {1: [12, 14, 15]}),
    ("limits stay as the baseline made them", [*BASE, 100, 9, 15.33], {1: [12, 14]}, {1: [12, 14]}),
    ("seven above the mean", [*BASE, 9, *[12] * 7], {2: upto(13, 19)}, {2: [19]}),
    ("six above the mean", [*BASE, 9, *[12] * 6, 9], {}, {}),
    ("the run began in the baseline: 11 and six more", [*BASE, *[12] * 6], {2: upto(11, 17)}, {2: [17]}),
    ("nine above the mean: said once", [*BASE, 9, *[12] * 9], {2: upto(13, 21)}, {2: [19]}),
    ("a point on the mean interrupts", [*BASE, 9, 12, 12, 12, 12, 10, 12, 12, 12, 12], {}, {}),
    ("a point below interrupts; seven later", [*BASE, 9, 12, 12, 9, *[12] * 7], {2: upto(16, 22)}, {2: [22]}),
    ("seven below the mean", [*BASE, *[8] * 7], {2: upto(12, 18)}, {2: [18]}),
    ("two runs, two signals", [*BASE, *[8] * 7, *[12] * 7], {2: upto(12, 25)}, {2: [18, 25]}),
    ("seven rising: six steps up", [*BASE, 7, 8, 9, 10, 11, 12, 13], {3: upto(12, 18)}, {3: [18]}),
    ("six rising", [*BASE, 7, 8, 9, 10, 11, 12], {}, {}),
    ("eight rising: said once", [*BASE, 7, 8, 9, 10, 11, 12, 13, 13.5], {3: upto(12, 19)}, {3: [18]}),
    ("two alike interrupt a rise", [*BASE, 7, 8, 9, 9, 10, 11, 12, 13], {}, {}),
    ("seven falling", [*BASE, 13, 12, 11, 10, 9, 8, 7], {3: upto(12, 18)}, {3: [18]}),
    ("rising, then falling: the turn belongs to both",
     [*BASE, 7, 8, 9, 10, 11, 12, 13, 12, 11, 10, 9, 8, 7], {3: upto(12, 24)}, {3: [18, 24]}),
    ("two of three near the upper limit", [*BASE, 14, 11, 14], {4: [12, 14]}, {4: [14]}),
    ("two near one after the other, the point before on their side", [*BASE, 14, 14], {4: [12, 13]}, {4: [13]}),
    ("two near, the point before on the other side", [*BASE, 9, 14, 14], {}, {}),
    ("two near, then one on their side", [*BASE, 9, 14, 14, 11], {4: [13, 14]}, {4: [15]}),
    ("the one between is on the other side", [*BASE, 14, 9, 14], {}, {}),
    ("the one between is on the mean", [*BASE, 14, 10, 14], {}, {}),
    ("on the near limit is not near", [*BASE, 10 + 5.32 * 2 / 3, 11, 14], {}, {}),
    ("outside is not near: only that is said", [*BASE, 14, 11, 16], {1: [14]}, {1: [14]}),
    ("three near: said once", [*BASE, 14, 14, 14], {4: [12, 13, 14]}, {4: [13]}),
    ("near, not near, near, near: said once", [*BASE, 14, 11, 14, 14], {4: [12, 14, 15]}, {4: [14]}),
    ("two of three near the lower limit", [*BASE, 6, 9, 6], {4: [12, 14]}, {4: [14]}),
    ("near above and near below", [*BASE, 14, 6, 14, 6], {}, {}),
    ("a rise that ends outside", [*BASE, 7, 8, 9, 10, 11, 12, 16], {1: [18], 3: upto(12, 18)}, {1: [18], 3: [18]}),
    ("a rise from the 9 at index 10 on, above the mean from 11 on, near the limit from 16 on",
     [*BASE, 11.5, 12, 12.5, 13, 14, 14.5, 15],
     {2: upto(11, 18), 3: upto(10, 18), 4: [16, 17, 18]}, {2: [17], 3: [16], 4: [17]}),
    ("all alike", [5] * 15, {}, {}),
    ("all alike, and no binary fraction", [0.1] * 15, {}, {}),
    ("all alike, then anything else", [*[5] * 12, 6, 5], {1: [12]}, {1: [12]}),
    # ten ranges of 2, one of 20: their mean 3.64, 3.267 times that 11.9: 20 is left out. Mean 138 / 12 = 11.5.
    ("a jump is screened out of the limits: 11.5 +- 5.32",
     [9, 11, 9, 11, 9, 11, 9, 11, 9, 11, 9, 29], {1: [11], 2: upto(0, 10)}, {1: [11], 2: [6]}),
    # nine ranges of 1, one of 5, one of 40: 40 is left out (3.267 x 4.91 = 16.0), 5 stays though it is more than
    # 3.267 x 1.4. Mean 177 / 12 = 14.75, limits 14.75 +- 3.724: 11.026 to 18.474.
    ("screened once, not twice", [*[10, 11] * 5, 16, 56], {1: [*upto(0, 9), 11], 2: upto(0, 9)},
     {1: [*upto(0, 9), 11], 2: [6]}),
    # eleven points: nine ranges of 2 and one of 19, which is left out; mean 130 / 11 = 11.82, limits 6.50 to 17.14
    ("trial limits of eleven points, the newest included", [*[9, 11] * 5, 30], {1: [10], 2: upto(0, 9)},
     {1: [10], 2: [6]}),
    # four points: ranges 2, 2, 2; mean 10; limits as of the baseline
    ("trial limits of four points", [9, 11, 9, 11], {}, {}),
]  # fmt: skip


def by_rule(judged: Sequence[Judged]) -> Marks:
    return {rule: found for rule in (1, 2, 3, 4) if (found := [one.place for one in judged if rule in one.rules])}


def fired(judged: Sequence[Judged]) -> Marks:
    said = [(one.place, each.rule) for one in judged for each in one.fires]
    return {rule: found for rule in (1, 2, 3, 4) if (found := [place for place, of in said if of == rule])}


@pytest.mark.parametrize(("name", "values", "marks", "completes"), HAND_WORKED, ids=[row[0] for row in HAND_WORKED])
def test_a_series_worked_by_hand(name: str, values: list[float], marks: Marks, completes: Marks) -> None:
    judged = judge_all(values)
    assert by_rule(judged) == marks
    assert fired(judged) == completes


@pytest.mark.parametrize(("name", "values", "marks", "completes"), HAND_WORKED, ids=[row[0] for row in HAND_WORKED])
def test_the_same_series_upside_down(name: str, values: list[float], marks: Marks, completes: Marks) -> None:
    judged = judge_all([-value for value in values])
    assert by_rule(judged) == marks
    assert fired(judged) == completes
    upright = [each.direction for one in judge_all(values) for each in one.fires]
    assert [each.direction for one in judged for each in one.fires] == [
        "down" if direction == "up" else "up" for direction in upright
    ]


def test_there_are_thirty_worked_series_at_least() -> None:
    assert len(HAND_WORKED) >= 30


REBASED: list[tuple[str, list[float], list[int], Marks]] = [
    ("a new level without re-basing: outside, and a run from the last of the baseline on",
     [*BASE, *[19, 21] * 6], [], {1: upto(12, 23), 2: upto(11, 23)}),
    ("a new level after a registered change is as good as the old one", [*BASE, *[19, 21] * 6], [12], {}),
    ("a run does not go on across a change", [*BASE, 9, *[12] * 6, *[30, 40] * 2], [19], {}),
    ("nor does a rise", [*BASE, 7, 8, 9, 10, 11, 12, 13], [15], {}),
    ("each segment has its own baseline", [*BASE, 15.33, *[19, 21] * 6, 25.33], [13], {1: [12, 25]}),
    ("a segment of one point", [*BASE, 500], [12], {}),
    ("two changes", [*BASE, *[19, 21] * 6, *[1, 3] * 6, 7.33], [12, 24], {1: [36]}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "values", "starts", "marks"), REBASED, ids=[row[0] for row in REBASED])
def test_re_basing(name: str, values: list[float], starts: list[int], marks: Marks) -> None:
    assert by_rule(judge_all(values, starts=starts)) == marks


def test_limits_of_eleven_points_are_trial_limits_and_of_twelve_are_not() -> None:
    eleven, twelve = judge_all(BASE[:11]), judge_all(BASE)
    assert {(one.trial, one.baseline) for one in eleven} == {(True, 11)}
    assert {(one.trial, one.baseline) for one in twelve} == {(False, 12)}
    assert [judge_next(BASE[:n]).trial for n in (10, 11, 12)] == [True, True, False]
    assert judge_next([*BASE, 3, 4]).baseline == 12


def test_limits_and_near_limits_in_numbers() -> None:
    limits = xmr_limits(BASE)
    assert limits is not None
    numbers = (limits.lower, limits.near_lower, limits.mean, limits.near_upper, limits.upper)
    assert numbers == pytest.approx((4.68, 6.453333, 10, 13.546667, 15.32), abs=1e-6)
    once = xmr_limits([*[10, 11] * 5, 16, 56])
    assert once is not None
    assert (once.mean, once.half) == (pytest.approx(14.75), pytest.approx(3.724))


def test_the_largest_range_is_left_out_from_3_267_times_the_mean_on() -> None:
    # b = 3.267 x (10 + b) / 11 at b = 4.2247: ten ranges of 1 and one of b
    assert mean_moving_range([*[1] * 10, 4.22]) == pytest.approx(14.22 / 11)
    assert mean_moving_range([*[1] * 10, 4.23]) == 1
    assert mean_moving_range([1, 1]) == 1
    assert mean_moving_range([]) == 0


def test_shares_are_clipped_and_that_flags_nothing_else() -> None:
    shares = [0.9, 1.0] * 6
    clipped, plain = xmr_limits(shares, floor=0, ceiling=1), xmr_limits(shares)
    assert clipped is not None and plain is not None
    assert (clipped.lower, clipped.upper, clipped.near_upper) == (pytest.approx(0.684), 1, 1)
    assert plain.upper == pytest.approx(1.216)
    assert by_rule(judge_all([*shares, 0.6, 1.0], floor=0, ceiling=1)) == {1: [12]}


def test_a_point_of_several_rules_is_labelled_by_the_gravest() -> None:
    rising = judge_all([*BASE, 11.5, 12, 12.5, 13, 14, 14.5, 15])
    assert rising[17].rules == (3, 4, 2)
    assert [one.rule for one in rising[17].fires] == [4, 2]
    outside = judge_all([*BASE, 7, 8, 9, 10, 11, 12, 16])
    assert outside[18].rules == (1, 3)
    assert [(one.rule, one.direction, one.first) for one in outside[18].fires] == [(1, "up", 18), (3, "up", 12)]


@pytest.mark.parametrize(
    ("direction", "better", "expected"),
    [
        ("up", "up", "improvement"), ("down", "up", "concern"), ("up", "down", "concern"),
        ("down", "down", "improvement"), ("up", "neutral", "neutral"), ("down", "neutral", "neutral"),
    ],
)  # fmt: skip
def test_the_improvement_direction_says_what_a_signal_means(
    direction: Literal["up", "down"], better: Literal["up", "down", "neutral"], expected: str
) -> None:
    assert meaning(direction, better) == expected


@pytest.mark.parametrize(
    ("target", "better", "expected"),
    [
        (0.60, "up", "consistently passes"), (0.95, "up", "consistently fails"), (0.80, "up", "hit or miss"),
        (0.60, "down", "consistently fails"), (0.95, "down", "consistently passes"), (0.80, "down", "hit or miss"),
        (0.70, "up", "hit or miss"), (0.90, "up", "hit or miss"), (0.95, "neutral", None),
    ],
)  # fmt: skip
def test_whether_the_process_meets_its_target_by_itself(
    target: float, better: Literal["up", "down", "neutral"], expected: str | None
) -> None:
    assert assurance(Limits(0.8, 0.1, 0.0, 1.0)._replace(half=0.8 - 0.7), target, better) == expected


def test_a_baseline_of_fewer_than_twelve_is_refused() -> None:
    for refuse in (judge_all, judge_next):
        with pytest.raises(ValueError, match="baseline of 11 points; valid: 12 or more"):
            refuse([1.0, 2.0], baseline=11)
    with pytest.raises(ValueError, match=r"segments start at \[9\]; valid: indices of the 2 points"):
        judge_all([1.0, 2.0], starts=[9])
    with pytest.raises(ValueError, match="no values"):
        judge_next([])


def series(least: int = 2) -> st.SearchStrategy[list[int]]:
    """Small whole numbers, so that ties, runs and points on a line are common."""
    return st.lists(st.integers(0, 12), min_size=least, max_size=40) | st.lists(
        st.integers(-1000, 1000), min_size=least, max_size=40
    )


@given(series())
def test_any_series_is_flagged_as_the_published_rules_flag_it(values: list[int]) -> None:
    marks = by_rule(judge_all(values))
    assert {rule: marks.get(rule, []) for rule in (1, 2, 3, 4)} == published_rules.flagged(values)


@given(series(least=BASELINE))
def test_live_and_afterwards_the_same_points_fire_once_the_baseline_is_complete(values: list[int]) -> None:
    judged = judge_all(values)
    for end in range(BASELINE, len(values) + 1):
        live = judge_next(values[:end])
        assert (live.place, live.fires, live.limits) == (end - 1, judged[end - 1].fires, judged[end - 1].limits)


@given(series(least=1))
def test_the_newest_point_is_judged_alike_by_both_forms_whatever_the_baseline(values: list[int]) -> None:
    assert judge_next(values).fires == judge_all(values)[-1].fires


@given(series(), st.integers(-(10**6), 10**6), st.sampled_from([0.25, 0.5, 2, 8, 1024]))
def test_another_unit_and_another_zero_change_no_flag(values: list[int], shift: int, scale: float) -> None:
    moved = judge_all([scale * (value + shift) for value in values])
    assert [(one.rules, one.fires) for one in moved] == [(one.rules, one.fires) for one in judge_all(values)]


@given(series().filter(lambda values: len(values) <= BASELINE))
def test_backwards_the_same_points_belong_to_a_rule(values: list[int]) -> None:
    forwards, backwards = judge_all(values), judge_all(values[::-1])
    assert [set(one.rules) for one in forwards] == [set(one.rules) for one in backwards[::-1]]


@given(st.lists(st.integers(0, 20), min_size=2, max_size=40))
def test_clipping_changes_no_flag_of_a_share(counts: list[int]) -> None:
    shares = [count / 20 for count in counts]
    plain = [(one.rules, one.fires) for one in judge_all(shares)]
    assert [(one.rules, one.fires) for one in judge_all(shares, floor=0, ceiling=1)] == plain


@given(series(), st.data())
def test_segments_are_judged_as_if_each_were_alone(values: list[int], data: st.DataObject) -> None:
    starts = data.draw(st.lists(st.integers(1, len(values) - 1), unique=True).map(sorted))
    whole = judge_all(values, starts=starts)
    alone = [one for a, b in pairwise([0, *starts, len(values)]) for one in judge_all(values[a:b])]
    assert [(one.value, one.rules, one.limits, one.trial) for one in whole] == [
        (one.value, one.rules, one.limits, one.trial) for one in alone
    ]
    assert [one.segment for one in whole] == [max([0, *(s for s in starts if s <= one.place)]) for one in whole]


@given(series())
def test_every_point_that_fires_belongs_to_a_pattern_and_every_pattern_was_fired(values: list[int]) -> None:
    judged = judge_all(values)
    for rule in (1, 2, 3, 4):
        members = {one.place for one in judged if rule in one.rules}
        ends = [one.place for one in judged if any(each.rule == rule for each in one.fires)]
        assert bool(members) == bool(ends)
        assert set(ends) <= members | {end + 1 for end in members} | {end + 2 for end in members}


DVLA: dict[str, tuple[int, Marks]] = {
    # flagged points of the monthly series, empty months left out, baseline of 12; indices from 0
    "relicensing_score": (111, {
        1: [10, 23, 25, 27, 32, 34, 42, 71, 72, 79, 83],
        2: [*upto(17, 35), *upto(48, 54), *upto(77, 85), *upto(87, 95)],
        4: [80, 81, 84, 85],
    }),
    "sorn_score": (113, {2: [*upto(9, 23), *upto(38, 45), *upto(93, 102)]}),
}  # fmt: skip


@pytest.mark.parametrize("column", DVLA)
def test_dvla_satisfaction_by_month_is_flagged_as_the_published_rules_flag_it(shared_data: Path, column: str) -> None:
    with gzip.open(shared_data / "dvla_csat_monthly.csv.gz", "rt", encoding="utf-8", newline="") as file:
        values = [float(row[column]) for row in csv.DictReader(file) if row[column]]
    n, marks = DVLA[column]
    assert len(values) == n
    judged = judge_all(values)
    assert by_rule(judged) == marks
    assert {rule: part for rule, part in published_rules.flagged(values).items() if part} == marks
    mean, half = published_rules.limits(values)
    assert judged[0].limits is not None
    assert judged[0].limits.mean == pytest.approx(float(mean), rel=1e-12)
    assert judged[0].limits.half == pytest.approx(float(half), rel=1e-12)


def test_rules_have_the_published_order() -> None:
    order: tuple[Rule, ...] = (1, 3, 4, 2)
    everything = judge_all([*BASE, 11.5, 12, 12.5, 13, 14, 14.5, 16])
    assert [rule for rule in order if rule in everything[18].rules] == list(everything[18].rules)
    assert math.isinf(Limits(1, 1).floor)
