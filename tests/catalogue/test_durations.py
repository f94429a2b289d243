from __future__ import annotations

import pytest

from kept.durations import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, WEEK_MS, in_words, parse_duration


@pytest.mark.parametrize(
    ("text", "ms"),
    [("45s", 45 * SECOND_MS), ("30m", 30 * MINUTE_MS), ("4h", 4 * HOUR_MS), ("10d", 10 * DAY_MS), ("2w", 2 * WEEK_MS)],
)
def test_durations_as_people_write_them(text: str, ms: int) -> None:
    assert parse_duration(text) == ms


@pytest.mark.parametrize("text", ["", "0d", "-1d", "1.5h", "10", "d", "10 d", "10D", "10d\n", "1234567s", "١d"])
def test_anything_else_is_refused_with_what_is_valid(text: str) -> None:
    with pytest.raises(ValueError, match="a whole number above 0 and a unit"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("ms", "words"),
    [
        (0, "0 seconds"),
        (SECOND_MS, "1 second"),
        (90 * SECOND_MS, "1.5 minutes"),
        (HOUR_MS, "1 hour"),
        (HOUR_MS - 1, "1 hour"),
        (DAY_MS - 1, "1 day"),
        (MINUTE_MS - 1, "1 minute"),
        (23 * HOUR_MS + 30 * MINUTE_MS, "23.5 hours"),
        (3 * DAY_MS + 5 * HOUR_MS, "3.2 days"),
        (-DAY_MS, "-1 day"),
        (-2 * HOUR_MS, "-2 hours"),
    ],
)
def test_durations_for_people(ms: int, words: str) -> None:
    assert in_words(ms) == words
