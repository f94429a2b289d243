"""What a change of cost did to quality, and what a change of quality cost: said only of moves beyond chance. Pure."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from kept.money.moves import Move

Finding = Literal[
    "saving_worsened_quality",
    "bought_dearly",
    "improvement_paid_for",
    "better_for_less",
    "worse_for_more",
    "mixed_quality",
    "saving",
    "dearer",
    "better",
    "worse",
    "no_real_change",
    "cannot_tell",
]
"""`mixed_quality`: promise and satisfaction really moved in opposite directions. `cannot_tell`: cost, or both measures
of quality, have too few weeks."""


class TradeOff(Struct, frozen=True):
    """Cost per outcome (minor units), share of promises kept and satisfaction score from one stretch to another.

    `price` is what each further promise kept costs, in minor units: the rise of the cost per outcome over the rise of
    the share; None unless both really rose.
    """

    cost: Move | None
    promise: Move | None
    satisfaction: Move | None
    finding: Finding
    price: float | None


def trade_off(cost: Move | None, promise: Move | None, satisfaction: Move | None) -> TradeOff:
    """What the three moves say together; None is a figure with too few weeks."""
    return TradeOff(cost, promise, satisfaction, _finding(cost, promise, satisfaction), _price(cost, promise))


def _finding(cost: Move | None, promise: Move | None, satisfaction: Move | None) -> Finding:
    told = [one for one in (promise, satisfaction) if one is not None]
    if cost is None or not told:
        return "cannot_tell"
    ways = {one.direction for one in told} - {None}
    if len(ways) > 1:
        return "mixed_quality"
    quality = ways.pop() if ways else None
    if quality == "down":
        by_cost: dict[str | None, Finding] = {"down": "saving_worsened_quality", "up": "worse_for_more", None: "worse"}
        return by_cost[cost.direction]
    if quality == "up":
        if cost.direction == "up":
            price = _price(cost, promise)
            return "bought_dearly" if price is not None and price > cost.before else "improvement_paid_for"
        return "better_for_less" if cost.direction == "down" else "better"
    alone: dict[str | None, Finding] = {"down": "saving", "up": "dearer", None: "no_real_change"}
    return alone[cost.direction]


def _price(cost: Move | None, promise: Move | None) -> float | None:
    if cost is None or promise is None or cost.direction != "up" or promise.direction != "up":
        return None
    return cost.difference / promise.difference
