"""Values as everybody reads them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kept.indicators.point import Point
from summaries import plain_words as plain
from tests.summaries.figures import point

HOUR, DAY = plain.HOUR, plain.DAY


@pytest.mark.parametrize(
    ("seconds", "nearest", "up"),
    [
        (0, "5 minutes", "5 minutes"),
        (61, "5 minutes", "5 minutes"),
        (44 * 60, "45 minutes", "45 minutes"),
        (3 * HOUR, "3 hours", "3 hours"),
        (4.3 * HOUR, "4.5 hours", "4.5 hours"),
        (35 * HOUR, "35 hours", "35 hours"),
        (46.7 * HOUR, "2 days", "2 days"),
        (2.6 * DAY, "2.5 days", "3 days"),
        (17.73 * DAY, "18 days", "18 days"),
        (27.2 * DAY, "27 days", "28 days"),
        (56 * DAY, "8 weeks", "8 weeks"),
        (57 * DAY, "8 weeks", "9 weeks"),
    ],
)
def test_a_time_is_told_in_the_unit_people_use(seconds: float, nearest: str, up: str) -> None:
    assert plain.time_words(seconds).replace("\N{NO-BREAK SPACE}", " ") == nearest
    assert plain.time_words(seconds, "up").replace("\N{NO-BREAK SPACE}", " ") == up


@pytest.mark.parametrize(
    ("count", "decimals", "words"),
    [
        (0, 0, "0 requests"),
        (1, 0, "1 request"),
        (9879, 0, "9,879 requests"),
        (0.4, 1, "0.4 requests"),
        (1.4, 1, "1.4 requests"),
        (1.02, 1, "1 request"),
        (0.97, 1, "1 request"),
        (10, 1, "10 requests"),
        (0.04, 1, "fewer than 0.1 requests"),
        (0, 1, "0 requests"),
    ],
)
def test_a_count_is_told_as_it_is_printed(count: float, decimals: int, words: str) -> None:
    assert plain.count_words(count, "request", decimals).replace("\N{NO-BREAK SPACE}", " ") == words


UNITS = {"minute": 60, "hour": HOUR, "day": DAY, "week": plain.WEEK}


def seconds_of(words: str) -> float:
    amount, _, unit = words.partition("\N{NO-BREAK SPACE}")
    return float(amount) * UNITS[unit.removesuffix("s")]


@given(st.floats(300, 10 * 365 * DAY))
def test_or_less_stays_true_and_or_more_too(seconds: float) -> None:
    assert seconds_of(plain.time_words(seconds, "up")) >= seconds * (1 - 1e-6)
    assert seconds_of(plain.time_words(seconds, "down")) <= seconds * (1 + 1e-6)
    assert seconds_of(plain.time_words(seconds)) == pytest.approx(seconds, rel=0.26, abs=150)


@pytest.mark.parametrize(
    ("share", "whole", "words"),
    [
        (0.754, 100, "75 of 100"), (0.996, 100, "more than 99 of 100"), (1.0, 100, "100 of 100"),
        (0.001, 100, "fewer than 1 of 100"), (0.0, 100, "0 of 100"), (0.82, 10, "8 of 10"),
    ],
)  # fmt: skip
def test_a_share_never_looks_like_all_or_nothing(share: float, whole: int, words: str) -> None:
    assert plain.share_words(share, whole).replace("\N{NO-BREAK SPACE}", " ") == words


def share(low: float, high: float) -> Point:
    return point("a", "promise_kept", (low + high) / 2, low=low, high=high)


def test_a_wide_share_is_told_out_of_ten_where_the_aim_can_be_too() -> None:
    assert plain.out_of(share(0.7, 0.9), 0.8) == 10
    assert plain.out_of(share(0.7, 0.9), 0.85) == 100
    assert plain.out_of(share(0.75, 0.85), 0.8) == 100
    assert plain.share_range_words(0.834, 0.886, 100).startswith("between 83 and 89 of")


def test_a_range_is_told_in_one_unit_and_outwards() -> None:
    assert plain.range_words(34 * HOUR, 38 * HOUR).replace("\N{NO-BREAK SPACE}", " ") == "between 1 day and 2 days"
    assert plain.range_words(HOUR, 5 * DAY).replace("\N{NO-BREAK SPACE}", " ") == "between 0 days and 5 days"
    assert plain.range_words(2 * DAY, 2 * DAY).replace("\N{NO-BREAK SPACE}", " ") == "about 2 days"
