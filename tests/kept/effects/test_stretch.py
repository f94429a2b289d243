"""Which weeks speak of a change, and which figure."""

from __future__ import annotations

import pytest

from kept.buckets import WEEK_SECONDS
from kept.effects.stretch import MOST_AFTER, MOST_BEFORE, Question, question, stretch, touches
from kept.signals.chart_weeks import ChartWeek
from kept.signals.weekly import CHARTABLE
from tests.kept.effects.weeks import MONDAY, change, line

P50 = "delivery_time_closed_p50"


def numbers(weeks: list[ChartWeek]) -> list[int]:
    return [(one.week_start - MONDAY) // WEEK_SECONDS for one in weeks]


def test_whole_weeks_before_and_after_without_the_week_of_the_change_and_gaps() -> None:
    # week    0 1 2 3 4 | 5 | 6 7 8 9
    #             gap    change  gap
    weeks = line([9, 9, None, 9, 9, 9, 9, None, 9, 9])
    part = stretch(change(5.4), P50, weeks, [change(5.4)], 0)
    assert numbers(list(part.before)) == [0, 1, 3, 4]
    assert numbers(list(part.after)) == [6, 8, 9]


def test_a_change_on_the_edge_of_two_weeks_is_in_neither() -> None:
    part = stretch(change(3), P50, line([9] * 6), [], 0)
    assert (numbers(list(part.before)), numbers(list(part.after))) == ([0, 1, 2], [3, 4, 5])


def test_weeks_within_the_promised_time_count_neither_way() -> None:
    # week    0 1 2 | 3 | 4 5 6 7 8      promised: 10 days
    weeks = line([9] * 9)
    part = stretch(change(3.5), P50, weeks, [], 10 * 86_400)
    assert numbers(list(part.settling)) == [4]
    assert numbers(list(part.after)) == [5, 6, 7, 8]
    at_once = [
        ChartWeek(**{**{f: getattr(w, f) for f in w.__struct_fields__}, "indicator": "failure_demand"}) for w in weeks
    ]
    assert numbers(list(stretch(change(3.5), "failure_demand", at_once, [], 10 * 86_400).after)) == [4, 5, 6, 7, 8]


def test_the_neighbouring_changes_of_the_same_thing_end_the_stretch() -> None:
    # week    0 1 | 2 | 3 4 5 | 6 | 7 8 | 9 | 10
    weeks = line([9] * 11)
    near = [change(2.5, indicator="delivery_time_p90"), change(6.5), change(9.5, indicator=None, direction=None)]
    part = stretch(change(6.5), P50, weeks, near, 0)
    assert (numbers(list(part.before)), numbers(list(part.after))) == ([3, 4, 5], [7, 8])
    assert part.previous is not None and part.following is not None
    assert (part.previous.id, part.following.id) == ("2.5", "9.5")
    elsewhere = [change(6.5), change(8.5, indicator="cost_per_outcome")]
    assert numbers(list(stretch(change(6.5), P50, weeks, elsewhere, 0).after)) == [7, 8, 9, 10]


def test_a_second_change_at_the_same_moment_leaves_nothing_to_compare() -> None:
    twin = change(4.5, id="twin")
    part = stretch(change(4.5), P50, line([9] * 9), [change(4.5), twin], 0)
    assert part.previous == twin
    assert part.before == []


def test_what_is_too_long_ago_or_too_long_after_is_left_out() -> None:
    part = stretch(change(70), P50, line([9] * 110), [], 0)
    assert (len(part.before), len(part.after)) == (MOST_BEFORE, MOST_AFTER)
    assert numbers(list(part.after))[0] == 70


@pytest.mark.parametrize(
    ("named", "way", "charted", "asked"),
    [
        ("promise_kept", "up", CHARTABLE, Question("promise_kept", "up")),
        ("delivery_time_p50", "down", CHARTABLE, Question(P50, "down")),
        ("delivery_time_p90", "down", CHARTABLE, Question(P50, "down")),
        ("satisfaction_score", "up", ("satisfied_share",), Question("satisfied_share", "up")),
        ("cost_of_waste_wrong_channel_modelled", "down", CHARTABLE, Question("digital_take_up", "up")),
        ("arrivals", "down", CHARTABLE, None),
        ("promise_kept", "up", (), None),
        (None, None, CHARTABLE, None),
    ],
)
def test_the_figure_that_answers(
    named: str | None, way: str | None, charted: tuple[str, ...], asked: Question | None
) -> None:
    assert question(change(1, indicator=named, direction=way), charted) == asked


def test_faster_delivery_touches_the_promise_and_not_the_other_way_round() -> None:
    assert touches(change(1), "promise_kept")
    assert not touches(change(1, indicator="promise_kept", direction="up"), P50)
    assert touches(change(1, indicator=None, direction=None), "cost_per_outcome")
