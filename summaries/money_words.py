"""Money, budget and what was traded for what, in words for leaders. Pure: figures in, sentences out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from zoneinfo import ZoneInfo

from kept.buckets import DAY_SECONDS
from kept.catalogue import Benchmark, Service
from kept.indicators.definitions import BY_NAME
from kept.indicators.point import Point
from kept.money.compared import QUARTER_WEEKS, Comparison
from kept.money.moves import LEAST_WEEKS, Move
from kept.money.outturn import budget_share
from kept.money.trade_offs import Finding, TradeOff
from summaries import wording
from summaries.money_known import ServiceMoney
from summaries.service_card import LatestPoints
from summaries.wording import NBSP, day

FINDINGS: Final[dict[Finding, str]] = {
    "saving_worsened_quality": "A saving worsened quality",
    "bought_dearly": "An improvement was bought dearly",
    "improvement_paid_for": "An improvement was paid for",
    "better_for_less": "Better for less money",
    "worse_for_more": "Worse for more money",
    "mixed_quality": "Promise and satisfaction moved in opposite directions",
    "saving": "A saving; no real change in quality",
    "dearer": "Dearer; no real change in quality",
    "better": "Better; no real change in cost",
    "worse": "Worse; no real change in cost",
    "no_real_change": "No real change in cost or in quality",
    "cannot_tell": "Cannot tell",
}
WINDOWS: Final = ("28d", "90d", "365d", "all")
Say = Callable[[float], str]


def money(minor_units: float, service: Service) -> str:
    """An amount in the service's currency, whole units from 1,000 on."""
    costs = service.costs
    assert costs is not None
    return wording.quantity(minor_units / 10**costs.minor_digits, costs.currency)


def trade_off_words(comparison: Comparison, service: Service, changes_within: int) -> list[str]:
    """The finding, what was compared, and each move with its interval, or that it is no real change."""
    found = comparison.trade_off
    said = [f"{FINDINGS[found.finding]}."]
    if comparison.before == (0, 0) or comparison.after == (0, 0):
        said.append(f"There are no two stretches of {LEAST_WEEKS} comparable weeks each.")
        return said
    said.append(_compared_words(comparison, service.zone))
    said.append(_cost_words(found.cost, service))
    said.append(_move_words("The share of promises kept", found.promise, _share, wording.points_apart))
    said.append(_move_words("The satisfaction score", found.satisfaction, _score, _score))
    if found.price is not None:
        said.append(_price_words(found, service))
    if comparison.change is None and changes_within:
        changes = "1 registered change lies" if changes_within == 1 else f"{changes_within} registered changes lie"
        said.append(f"{changes} within these weeks: what moved need not have one cause.")
    return said


def changes_within(comparison: Comparison, money: ServiceMoney) -> int:
    """How many registered changes lie within what is compared."""
    return sum(comparison.before[0] < change.at < comparison.after[1] for change in money.changes)


def budget_words(money_of: ServiceMoney | None, service: Service) -> list[str]:
    """Budget used so far and where the year will end; why not, where that is not known."""
    if service.costs is None:
        return ["Not provided: the catalogue names no currency for this service."]
    zone = service.zone
    if money_of is None or money_of.spent is None:
        budget = "" if service.annual_budget is None else f" of the budget of {_budget(service, 1.0)}"
        return [f"Not known: no cost was booked in this budget year{budget}."]
    seen, year = money_of.spent, money_of.year
    used = f"{money(seen.minor_units, service)} booked from {day(seen.since, zone)} to {day(seen.at, zone)}"
    if service.annual_budget is None:
        said = [f"{used}. Budget: not provided."]
    else:
        part = budget_share(seen, year)
        whole = float(service.annual_budget) * 10**service.costs.minor_digits
        share = wording.share(seen.minor_units / (whole * part)) if whole > 0 else "more than all"
        time = wording.share((seen.at - seen.since) / (year.end - seen.since))
        said = [f"{used}: {share} of {_budget(service, part)}, with {time} of its time gone."]
    if not seen.whole:
        said.append(
            f"What was booked before {day(seen.since, zone)} is not known. So this is about the part of the budget "
            f"year from then to {day(year.end - 1, zone)}, and the budget is taken in proportion to time."
        )
    ends = money_of.outturn
    if ends is None:
        said.append(f"Outturn: not known yet, fewer than {LEAST_WEEKS} weeks of cost are known.")
        return said
    low, high = money(ends.low, service), money(ends.high, service)
    said.append(
        f"If weeks go on as the last {ends.weeks} did, {money(ends.expected, service)} will be booked by "
        f"{day(year.end - 1, zone)} (95{NBSP}% range {low} to {high}){_against_budget(money_of, service)}."
    )
    return said


def benchmark_row(benchmark: Benchmark, latest: LatestPoints, service: Service) -> tuple[str, str, str, str, str]:
    """(indicator, own figure, theirs, may they be compared, source and date). The own figure stands beside another's
    only where the catalogue calls them comparable."""
    definition = BY_NAME[benchmark.indicator]
    currency = "money" if service.costs is None else service.costs.currency
    theirs = wording.quantity(benchmark.value, definition.unit.replace("money", currency))
    source = f"{benchmark.source}, {benchmark.date.day}{NBSP}{benchmark.date:%b}{NBSP}{benchmark.date:%Y}"
    if not benchmark.comparable:
        return wording.label(benchmark.indicator), "not set beside it", theirs, f"no: {benchmark.why_not}", source
    point = own_figure(latest, benchmark.indicator)
    own = wording.shown(point)
    if point is not None and point.value is not None:
        spread = wording.interval(point)
        own += f" ({wording.WINDOWS[point.window]}{'' if spread is None else f'; 95{NBSP}% range {spread}'})"
    return wording.label(benchmark.indicator), own, theirs, "yes, by the catalogue", source


def own_figure(latest: LatestPoints, indicator: str) -> Point | None:
    """The newest figure over the shortest window of 28 days or more that has a value."""
    found = [point for window in WINDOWS if (point := latest.of(indicator, window)) is not None]
    return next((point for point in found if point.value is not None), found[0] if found else None)


def _against_budget(money_of: ServiceMoney, service: Service) -> str:
    if service.annual_budget is None or service.costs is None or money_of.outturn is None or money_of.spent is None:
        return ""
    whole = float(service.annual_budget) * 10**service.costs.minor_digits * budget_share(money_of.spent, money_of.year)
    if money_of.outturn.low > whole:
        return ": above the budget, even at the low end of the range"
    if money_of.outturn.high < whole:
        return ": within the budget, even at the high end of the range"
    return ": the budget lies within this range, so it is too close to call"


def _budget(service: Service, part: float) -> str:
    assert service.annual_budget is not None and service.costs is not None
    digits = 10**service.costs.minor_digits
    whole = money(float(service.annual_budget) * digits, service)
    if part >= 1:
        return whole
    share = money(float(service.annual_budget) * digits * part, service)
    return f"{share} (the part of {whole} for this time)"


def _compared_words(comparison: Comparison, zone: ZoneInfo) -> str:
    (first, second), (third, last) = comparison.before, comparison.after
    spans = f"{day(first, zone)} to {day(second - 1, zone)} with {day(third, zone)} to {day(last - 1, zone)}"
    if comparison.change is not None:
        return f"Before and after “{comparison.change.title}” ({day(comparison.change.at, zone)}): {spans}."
    lengths = [round((end - start) / (7 * DAY_SECONDS)) for start, end in (comparison.after, comparison.before)]
    later, earlier = (
        f"{day(start, zone)} to {day(end - 1, zone)} ({weeks} weeks)"
        for (start, end), weeks in zip((comparison.after, comparison.before), lengths, strict=True)
    )
    # Weeks with a gap lie within the stretches, so that a quarter of comparable weeks may be longer.
    what, other = ("The last quarter", "the one") if min(lengths) >= QUARTER_WEEKS else ("The newest weeks", "those")
    before = "before" if comparison.by == "quarter" else "of the year before"
    return f"{what} with {other} {before}, comparable weeks only: {later} with {earlier}."


def _cost_words(move: Move | None, service: Service) -> str:
    if service.costs is None:
        return "Cost per intended outcome: not provided."
    return _move_words(
        "The cost per intended outcome",
        move,
        lambda value: money(value, service),
        lambda value: money(abs(value), service),
    )


def _move_words(what: str, move: Move | None, value: Say, size: Say) -> str:
    if move is None:
        return f"{what}: fewer than {LEAST_WEEKS} comparable weeks on one side."
    low, high = (_signed(edge, size) for edge in (move.low, move.high))
    spread = f"99{NBSP}% range of the difference {low} to {high}"
    if move.direction is None:
        return f"{what}: {value(move.before)} and {value(move.after)}, no real change ({spread})."
    went = "rose" if move.direction == "up" else "fell"
    return f"{what} {went} from {value(move.before)} to {value(move.after)} ({spread}): beyond chance."


def _price_words(found: TradeOff, service: Service) -> str:
    assert found.price is not None and found.cost is not None
    each = f"Each further promise kept costs {money(found.price, service)}"
    before = money(found.cost.before, service)
    if found.finding == "bought_dearly":
        return f"{each}, more than a whole outcome did before ({before})."
    return f"{each}; a whole outcome cost {before} before."


def _signed(value: float, size: Say) -> str:
    return f"{wording.MINUS if value < 0 else '+'}{size(abs(value))}"


def _share(value: float) -> str:
    return wording.share(value)


def _score(value: float) -> str:
    return wording.number(value, 1)
