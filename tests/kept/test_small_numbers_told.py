"""What tells of a few people in a slice has no number, also where they can be worked out from it."""

from __future__ import annotations

import pytest

from kept.indicators.small_numbers import suppressed
from tests.summaries.figures import point

AREA = (("area", "Harbour"),)


@pytest.mark.parametrize(
    ("indicator", "value", "numerator", "n", "is_shown"),
    [
        ("backlog_days", 2.1, 3, 40, False),
        ("backlog_days", 21.0, 30, 40, True),
        ("net_flow", 8, None, 12, False),  # 10 arrived, 2 were completed
        ("net_flow", 0, None, 40, True),
        ("promise_kept", 0.05, 2, 40, True),  # 2 of 40 tells of forty
        ("promise_kept", 1.0, 4, 4, False),
    ],
)
def test_a_count_of_one_to_four_people_is_never_shown(
    indicator: str, value: float, numerator: int | None, n: int, is_shown: bool
) -> None:
    shown = suppressed(point("a", indicator, value, slice=AREA, numerator=numerator, n=n))
    assert (shown.value is not None) is is_shown
    if not is_shown:
        assert (shown.n, shown.numerator, shown.reason) == (None, None, "few_people")
