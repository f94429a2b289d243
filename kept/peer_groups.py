"""Which services may be compared: those of one peer group of the catalogue, and only while they promise the same.

`peer_group = "…"` in a service's entry says that its cases are the same unit of work as those of every other service
with that group. What they promise, and by which clock, can be checked; so an entry cannot claim it in vain.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from kept.catalogue import Service


_UNITS: Final = {"s": "second", "m": "minute", "h": "hour", "d": "day", "w": "week"}


def why_unlike(one: Service, other: Service) -> list[str]:
    """Why two services are not compared, a sentence each; empty when they may be. Does not depend on their order."""
    reasons = []
    if one.peer_group is None or one.peer_group != other.peer_group:
        reasons.append("Another unit of work: the catalogue does not put them into one peer group.")
    return reasons + differing_promises(one, other)


def differing_promises(one: Service, other: Service) -> list[str]:
    """What of two promises makes a share kept of the one mean something else than that of the other."""
    a, b = sorted((one, other), key=lambda service: service.id)
    if a.promise is None or b.promise is None:
        without = " and ".join(service.name for service in (a, b) if service.promise is None)
        return [f"No promise to compare: {without} promises no time."]
    reasons = []
    times = [_time_words(promise.target_time) for promise in (a.promise, b.promise)]
    if times[0] != times[1]:
        reasons.append(f"Another promise: {a.name} promises {times[0]}, {b.name} promises {times[1]}.")
    clocks = [promise.counted_in.replace("_", " ") for promise in (a.promise, b.promise)]
    if clocks[0] != clocks[1]:
        reasons.append(f"Another clock: {a.name} counts in {clocks[0]}, {b.name} in {clocks[1]}.")
    elif a.promise.counted_in == "working_time" and a.calendar != b.calendar:
        reasons.append(f"Another clock: the opening hours or holidays of {a.name} are not those of {b.name}.")
    return reasons


def _time_words(target_time: str | None) -> str:
    """A promised time in the unit that it was promised in: a day of working time has fewer than 24 hours."""
    if target_time is None:
        return "a time of its own for each case"
    number, unit = target_time[:-1], _UNITS[target_time[-1]]
    return f"{number} {unit}{'' if int(number) == 1 else 's'}"


def peers_of(service: Service, catalogue: Mapping[str, Service]) -> list[Service]:
    """The services that `service` may be compared with, itself among them, by name; empty without any other."""
    alike = [other for other in catalogue.values() if other.id == service.id or not why_unlike(service, other)]
    return sorted(alike, key=lambda other: (other.name, other.id)) if len(alike) > 1 else []


def unlike_peers(services: Iterable[Service]) -> Iterator[tuple[Service, Service, str]]:
    """(service, an earlier one of its peer group, why they cannot be in one), where that is so."""
    first: dict[str, Service] = {}
    for service in services:
        if service.peer_group is None:
            continue
        other = first.setdefault(service.peer_group, service)
        reasons = [] if other is service else differing_promises(other, service)
        if reasons:
            yield service, other, " ".join(reasons)
