"""What the card of a service says: worst first, honest beside customary, unknown in words."""

from __future__ import annotations

import pytest

from kept.indicators.point import Point
from summaries.indicator_table import make_table
from summaries.service_card import Card, judge, make_card
from summaries.wording import NBSP
from tests.summaries.figures import NOW, point, promise, service, stale, usual


def card(points: list[Point], *, target: float | None = 0.8, now: int = NOW + 60) -> Card:
    return make_card(service("parking", "Parking", target), points, now)


@pytest.mark.parametrize(
    ("value", "low", "high", "target", "verdict"),
    [
        # low----value----high against the target
        (0.75, 0.72, 0.78, 0.8, "below"),
        (0.75, 0.68, 0.81, 0.8, "close"),
        (0.82, 0.79, 0.85, 0.8, "close"),
        (0.85, 0.81, 0.88, 0.8, "kept"),
        (1.0, 0.44, 1.0, 0.8, "close"),  # 3 of 3 is no proof
        (1.0, 0.44, 1.0, 1.0, "kept"),  # a target of all is judged by each breach
        (0.999, 0.99, 1.0, 1.0, "below"),
        (None, None, None, 0.8, "unknown"),
        (0.75, 0.72, 0.78, None, "unknown"),
    ],
)
def test_a_verdict_needs_the_whole_range_on_one_side(
    value: float | None, low: float | None, high: float | None, target: float | None, verdict: str
) -> None:
    assert judge(point("parking", "promise_kept", value, low=low, high=high), target) == verdict


def test_the_closed_only_figure_stands_beside_the_honest_one_with_the_gap_in_words() -> None:
    seen = card(promise("parking", 0.7541, 0.75, 0.7583, 0.8688, 39_685))
    assert seen.headline == f"75.4{NBSP}%"
    assert seen.distance == f"4.6{NBSP}points below"
    assert seen.gap == (
        f"Counting closed cases only: 86.9{NBSP}%, 11.5{NBSP}points higher: it leaves out what is late and still open."
    )
    assert f"39,685{NBSP}cases" in seen.basis


def test_what_is_unknown_is_said_and_never_looks_like_zero() -> None:
    seen = card([])
    texts = [seen.headline, seen.gap, seen.as_of, seen.waited, *(fact.value for fact in (*seen.waiting, *seen.facts))]
    assert all(texts)
    assert not any(character.isdigit() for text in texts for character in text)
    assert seen.verdict_words == "Not known"


def test_a_real_zero_is_shown_as_zero() -> None:
    assert [fact.value for fact in card(usual("parking")).waiting] == ["9,879", "1,417", "0"]


def test_a_stock_is_taken_from_the_window_published_last() -> None:
    older = point("parking", "backlog", 1, "1h", window_end=NOW - 3600)
    newer = point("parking", "backlog", 2, "28d", window_end=NOW)
    assert card([older, newer]).waiting[0].value == "2"


def test_slices_do_not_reach_the_card() -> None:
    of_a_channel = point("parking", "backlog", 5, "1h", slice=(("channel", "web"),))
    assert card([of_a_channel]).waiting[0].value == "no value yet"


def test_the_worst_promise_comes_first_and_the_unknown_last() -> None:
    far_below = card(promise("parking", 0.5, 0.4, 0.6, 0.6, 50), target=0.9)
    below = card(promise("parking", 0.4, 0.3, 0.48, 0.4, 50), target=0.5)
    perhaps = card(promise("parking", 0.0, 0.0, 0.99, 0.0, 2), target=0.9)
    kept = card(promise("parking", 0.99, 0.98, 1.0, 0.99, 500))
    unknown = card([])
    cards = [kept, unknown, perhaps, below, far_below]
    assert sorted(cards, key=lambda each: each.order) == [far_below, below, perhaps, kept, unknown]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(60, ""), (14 * 60, ""), (3600, "1 hour behind the clock"), (5 * 3600, "5 hours behind the clock: stale.")],
)
def test_how_far_the_data_are_behind_is_said_when_it_matters(seconds: int, words: str) -> None:
    behind = card(usual("parking"), now=NOW + seconds).behind.replace(NBSP, " ")
    assert behind.startswith(words)
    assert bool(behind) == bool(words)


def test_without_a_promise_there_is_none_to_judge() -> None:
    seen = card(usual("parking"), target=None)
    assert (seen.verdict_words, seen.target) == ("No promise to judge", "no target")


def test_a_silent_service_says_since_when_nothing_was_heard() -> None:
    # Data as of 17:05 local time, an event expected at least every 4 hours.
    seen = card(stale(promise("parking", 0.5, 0.4, 0.6, 0.6, 50))).stale.replace(NBSP, " ")
    assert seen.startswith("nothing heard since Tue 24 Nov 2026, 13:05 (Europe/Amsterdam) or earlier.")
    assert "at least every 4 hours" in seen
    assert card(promise("parking", 0.5, 0.4, 0.6, 0.6, 50)).stale == ""


def test_newer_shares_that_are_not_stale_take_the_mark_away() -> None:
    older = stale(promise("parking", 0.5, 0.4, 0.6, 0.6, 50))
    assert card([*older, point("parking", "first_time_right", 0.9, "1h", n=3, window_end=NOW + 300)]).stale == ""


def test_what_is_no_share_is_never_marked_by_itself() -> None:
    assert card(usual("parking")).stale == ""


def test_the_table_of_a_silent_service_marks_its_shares() -> None:
    rows = {
        row.name: row
        for family in make_table([*stale(promise("parking", 0.5, 0.4, 0.6, 0.6, 50)), *usual("parking")])
        for row in family.rows
    }
    assert [cell.detail for cell in rows["promise kept"].cells if cell.known] == [
        f"40.0{NBSP}to{NBSP}60.0{NBSP}%, n{NBSP}50, stale"
    ]
    assert not any("stale" in cell.detail for cell in rows["satisfaction score"].cells)
