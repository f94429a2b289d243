"""What the work costs, and what of it is waste; booked and modelled money are never added up."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from kept import counters as c
from kept.buckets import WEEK_SECONDS
from kept.catalogue import Costs, Service
from kept.indicators.definitions import BY_NAME, COST_WINDOWS, WASTE_WINDOWS
from kept.indicators.flow import COMPLETIONS
from kept.indicators.measured import Measured, absent, missing
from kept.indicators.windows import View, is_long_enough

_INTENDED = c.COMPLETED + c.OUTCOME_INDEX["intended"]
_ALL_COST = tuple(range(c.COST, c.COST + len(c.COST_INDEX)))
_MODELLED = tuple(name for name in BY_NAME if name.startswith("cost_of_waste_") and name.endswith("_modelled"))
_CASES: dict[str, tuple[int, ...]] = {"cost_per_transaction": COMPLETIONS, "cost_per_outcome": (_INTENDED,)}
_BOOKED = {
    "cost_of_waste_rework_booked": c.COST + c.COST_INDEX["rework"],
    "cost_of_waste_failure_demand_booked": c.COST + c.COST_INDEX["failure_demand"],
}


def measure(view: View, service: Service) -> Iterator[Measured]:
    """All cost indicators, in units of the service's currency."""
    costs = service.costs
    booked = costs is not None and view.provided(c.COST_BOOKINGS)
    if is_long_enough(view.window, COST_WINDOWS):
        yield from measure_per_case(view, service)
    else:
        yield from (absent(name, "immature") for name in _CASES)
    for name, counter in _BOOKED.items():
        if not is_long_enough(view.window, WASTE_WINDOWS):
            yield absent(name, "immature")
        elif costs is None or not booked:
            yield missing(name, "no_cost_booked")
        else:
            yield _a_week(
                name, Decimal(view.count(counter)).scaleb(-costs.minor_digits), view, view.count(c.COST_BOOKINGS)
            )
    for name in _MODELLED:
        if not is_long_enough(view.window, WASTE_WINDOWS):
            yield absent(name, "immature")
        else:
            yield _modelled(name, view, costs, service)


def measure_per_case(view: View, service: Service) -> Iterator[Measured]:
    """cost_per_transaction and cost_per_outcome, however short the view; whether that makes sense the caller knows."""
    costs = service.costs
    for name, counters in _CASES.items():
        if costs is None or not view.provided(c.COST_BOOKINGS):
            yield missing(name, "no_cost_booked")
        else:
            yield _per_case(name, costs, view.count(*_ALL_COST), view.count(*counters))


def _per_case(name: str, costs: Costs, minor_units: int, cases: int) -> Measured:
    scale = 10**costs.minor_digits
    if cases <= 0:
        return absent(name, "no_volume", numerator=minor_units / scale, denominator=cases, n=max(cases, 0))
    return Measured(name, minor_units / (scale * cases), minor_units / scale, cases, cases)


def _modelled(name: str, view: View, costs: Costs | None, service: Service) -> Measured:
    if costs is None:
        return missing(name, "no_rate")
    if name == "cost_of_waste_rework_modelled":
        if costs.per_repeated_step is None:
            return missing(name, "no_rate")
        if not view.provided(c.STEPS):
            return missing(name, "no_steps")
        repeats = view.count(c.REPEATS)
        return _a_week(name, costs.per_repeated_step * repeats, view, repeats)
    if name == "cost_of_waste_failure_demand_modelled":
        if costs.per_contact is None:
            return missing(name, "no_rate")
        if not view.provided(*range(c.CONTACTS, c.CONTACTS_WITH_CASE)):
            return missing(name, "no_contacts")
        avoidable = view.count(*(c.CONTACTS + reason for reason in c.FAILURE_REASONS))
        return _a_week(name, costs.per_contact * avoidable, view, avoidable)
    return _wrong_channel(name, view, costs, service)


def _wrong_channel(name: str, view: View, costs: Costs, service: Service) -> Measured:
    if costs.digital_rate(service.channels) is None:
        return missing(name, "no_rate")
    if view.provided(*COMPLETIONS) and not view.provided(*c.COMPLETED_BY_KIND.values()):
        return missing(name, "no_channels")
    excess = Decimal(view.count(c.WRONG_CHANNEL_EXCESS)).scaleb(-costs.minor_digits)
    return _a_week(name, excess, view, view.count(c.WRONG_CHANNEL))


def _a_week(name: str, money: Decimal, view: View, n: int) -> Measured:
    weeks = (view.end - view.start) / WEEK_SECONDS
    if view.first > view.start:  # Of the time before nothing is known; less than a week is no basis for a rate.
        weeks = max(min(weeks, 1.0), (view.end - view.first) / WEEK_SECONDS)
    if weeks <= 0:
        return absent(name, "no_time", numerator=float(money), denominator=0, n=n)
    return Measured(name, float(money) / weeks, float(money), weeks, n)
