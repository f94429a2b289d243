"""How long people waited: most of them are three in four, and where too many still wait it is at least so long."""

from __future__ import annotations

import pytest

from kept.indicators.point import Point
from summaries.waiting_time import people_waited
from summaries.wording import NBSP
from tests.summaries.figures import point

DAY = 86_400.0


def quantile(share: str, days: float | None, at_least: float | None = None, reason: str | None = None) -> Point:
    value = None if days is None else days * DAY
    low = None if at_least is None else at_least * DAY
    return point("lights", f"delivery_time_{share}", value, low=low, reason=reason)


@pytest.mark.parametrize(
    ("most", "nine_in_ten", "half", "words"),
    [
        (
            quantile("p75", 3), quantile("p90", 17.7), quantile("p50", 1.1),
            "Most people (3 in 4) waited up to 3 days; 9 in 10 up to 17.7 days; half up to 1.1 days",
        ),
        (
            quantile("p75", 3), quantile("p90", None, 17.7, "too_many_open"), quantile("p50", 1.1),
            "Most people (3 in 4) waited up to 3 days; 9 in 10 at least 17.7 days; half up to 1.1 days",
        ),
        (
            quantile("p75", None, 9, "too_many_open"), quantile("p90", None, None, "too_many_open"), quantile("p50", 8),
            "Most people (3 in 4) waited at least 9 days; half up to 8 days",
        ),
        (
            quantile("p75", None, None, "too_many_open"), None, quantile("p50", 8),
            "Most people (3 in 4) waited: not known yet: too many cases are still open to say; half up to 8 days",
        ),
        (
            quantile("p75", None, None, "no_volume"), quantile("p90", None, None, "no_volume"), None,
            "not applicable: nothing to count in this window",
        ),
        (None, None, None, "no value yet"),
    ],
    ids=["all-known", "nine-in-ten-not-reached", "most-not-reached", "most-unknown", "no-volume", "nothing"],
)  # fmt: skip
def test_it_is_said_in_words(most: Point | None, nine_in_ten: Point | None, half: Point | None, words: str) -> None:
    assert people_waited(most, nine_in_ten, half).replace(NBSP, " ") == words
