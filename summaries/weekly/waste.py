"""What waste cost in the week, by kind. Money that was booked and money that is modelled from rates stay apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

from msgspec import Struct

from kept.indicators.point import Point
from kept.indicators.reasons import REASONS
from summaries import wording
from summaries.weekly.facts import ServiceWeek
from summaries.weekly.names import plain

Basis = Literal["booked", "modelled"]
KINDS: Final[dict[Basis, tuple[tuple[str, str], ...]]] = {
    "booked": (
        ("cost_of_waste_rework_booked", "Rework"),
        ("cost_of_waste_failure_demand_booked", "Failure demand"),
    ),
    "modelled": (
        ("cost_of_waste_rework_modelled", "Rework"),
        ("cost_of_waste_failure_demand_modelled", "Failure demand"),
        ("cost_of_waste_wrong_channel_modelled", "Wrong channel"),
    ),
}
"""Indicator and label of each kind of waste, by where the money comes from."""
WHOLE_FROM: Final = 100
"""Amounts from here on are told without their cents."""
UNKNOWN: Final = "not known"
UNPUBLISHED: Final = "it was not published at the week's end"
NONE_WITHOUT: Final = {
    "no_cost_booked": "No cost was ever booked, so none of waste.",
    "no_rate": "No cost of waste can be modelled: the catalogue states no rate for it.",
}
"""What to say when this reason alone is why nothing is known."""


class WasteRow(Struct, frozen=True):
    """A service and its amounts, in step with the kinds; empty text where the kind is not known."""

    service: str
    name: str
    amounts: tuple[str, ...]


class WasteTable(Struct, frozen=True, kw_only=True):
    """All amounts of one basis. `totals` are of all services, one row a currency, in step with the kinds."""

    basis: Basis
    kinds: tuple[str, ...]
    rows: tuple[WasteRow, ...]
    totals: tuple[tuple[str, tuple[str, ...]], ...]
    sentence: str


def waste_of(services: Sequence[ServiceWeek]) -> tuple[WasteTable, ...]:
    """A table for each basis; what is booked and what is modelled are never added together."""
    return tuple(_table(basis, services) for basis in KINDS)


def amount_of(point: Point | None) -> tuple[str, float] | None:
    """(currency, money in the week); None where it is not known."""
    if point is None or point.value is None or point.numerator is None:
        return None
    return point.unit.partition(" ")[0], point.numerator


def _table(basis: Basis, services: Sequence[ServiceWeek]) -> WasteTable:
    kinds = KINDS[basis]
    sums: dict[str, dict[str, float]] = {}
    rows = []
    for facts in services:
        amounts = {indicator: amount_of(facts.point(indicator)) for indicator, _ in kinds}
        for indicator, amount in amounts.items():
            if amount is not None:
                of_currency = sums.setdefault(amount[0], {})
                of_currency[indicator] = of_currency.get(indicator, 0.0) + amount[1]
        if any(amounts.values()):
            shown = tuple(UNKNOWN if amount is None else _money(*amount) for amount in amounts.values())
            rows.append(WasteRow(facts.service.id, plain(facts.service.name), shown))
    totals = tuple(
        (
            currency,
            tuple(_money(currency, sums[currency][name]) if name in sums[currency] else "–" for name, _ in kinds),
        )
        for currency in sorted(sums)
    )
    return WasteTable(
        basis=basis,
        kinds=tuple(label for _, label in kinds),
        rows=tuple(rows),
        totals=totals,
        sentence=_sentence(basis, sums, len(rows), len(services)) if sums else _why_none(basis, services),
    )


def _sentence(basis: Basis, sums: dict[str, dict[str, float]], known: int, services: int) -> str:
    totals = {currency: sum(amounts.values()) for currency, amounts in sums.items()}
    money = " and ".join(_money(currency, totals[currency]) for currency in sorted(totals))
    if not any(totals.values()):
        money = f"nothing ({money})"
    word = "Booked" if basis == "booked" else "Modelled from rates of the catalogue"
    of_all = "" if known == services else f" (known of {known} of {services} services)"
    return f"{word}: {money}{of_all}."


def _why_none(basis: Basis, services: Sequence[ServiceWeek]) -> str:
    """Why no amount of any service is known: what was not published is not what was not booked."""
    points = [facts.point(indicator) for facts in services for indicator, _ in KINDS[basis]]
    reasons = sorted({"" if point is None else point.reason or "no_volume" for point in points})
    if len(reasons) == 1 and reasons[0] in NONE_WITHOUT:
        return NONE_WITHOUT[reasons[0]]
    words = [REASONS.get(reason, reason.replace("_", " ")) if reason else UNPUBLISHED for reason in reasons]
    what = "What waste was booked" if basis == "booked" else "What waste cost by the rates of the catalogue"
    return f"{what} is not known: {', or '.join(words) or UNPUBLISHED}."


def _money(currency: str, amount: float) -> str:
    decimals = 2 if abs(amount) < WHOLE_FROM else 0
    return f"{currency}{wording.NBSP}{wording.number(amount, decimals)}"
