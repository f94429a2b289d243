"""Every pair of moves has one finding, and a finding is never said of a move that chance may have made."""

from __future__ import annotations

import pytest

from kept.money.moves import Move
from kept.money.trade_offs import Finding, trade_off


def moved(way: str, before: float = 1000.0, by: float = 100.0) -> Move:
    after = {"up": before + by, "down": before - by, "same": before}[way]
    half = by * (0.5 if way != "same" else 2)
    return Move(before, after, after - before - half, after - before + half, 13, 13)


@pytest.mark.parametrize(
    ("cost", "promise", "satisfaction", "finding"),
    [
        ("down", "down", "same", "saving_worsened_quality"),
        ("down", "same", "down", "saving_worsened_quality"),
        ("down", "same", "same", "saving"),
        ("down", "up", "same", "better_for_less"),
        ("up", "down", "down", "worse_for_more"),
        ("up", "same", "same", "dearer"),
        ("up", "same", "up", "improvement_paid_for"),
        ("same", "up", "up", "better"),
        ("same", "down", "same", "worse"),
        ("same", "same", "same", "no_real_change"),
        ("down", "up", "down", "mixed_quality"),
        ("down", None, "down", "saving_worsened_quality"),
        ("down", None, None, "cannot_tell"),
        (None, "down", "down", "cannot_tell"),
    ],
)
def test_the_finding(cost: str | None, promise: str | None, satisfaction: str | None, finding: Finding) -> None:
    found = trade_off(
        None if cost is None else moved(cost),
        None if promise is None else moved(promise, 0.8, 0.05),
        None if satisfaction is None else moved(satisfaction, 70, 5),
    )
    assert found.finding == finding


@pytest.mark.parametrize(
    ("more", "finding", "price"), [(30.0, "improvement_paid_for", 300.0), (200.0, "bought_dearly", 2000.0)]
)
def test_bought_dearly_is_when_a_further_promise_kept_costs_more_than_an_outcome_did(
    more: float, finding: Finding, price: float
) -> None:
    found = trade_off(moved("up", 1000.0, more), moved("up", 0.8, 0.1), None)
    assert found.finding == finding
    assert found.price == pytest.approx(price)
