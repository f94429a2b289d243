"""The simulated city: all services, in time order, for as long as is asked for."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator

from kept.catalogue import Service
from kept.durations import HOUR_MS
from kept.events import PUBLIC_EVENTS, Event
from producers.simulator.incident import Incident
from producers.simulator.office import Office

_TYPE_ORDER = {kind: rank for rank, kind in enumerate(PUBLIC_EVENTS)}


def simulate(
    services: Iterable[Service],
    *,
    start_ms: int,
    end_ms: int | None,
    seed: int,
    rate: float = 1.0,
    incidents: Iterable[Incident] = (),
    trials: bool = True,
) -> Iterator[tuple[int, Event]]:
    """(when it is told in ms, event) with start <= told < end, in the order of (told, time, type, id).

    Without end it goes on for ever. An event is told at its own time, unless an incident holds it back.

    The city is empty at the start: what began earlier is not known. The same arguments give the same events, and a
    later end only adds to them. `rate` multiplies the volumes: 1.0 is some thousands of events a day for the city that
    comes with Kept. A service of another catalogue behaves like an average one.

    `incidents` change what they reach and nothing else: all other events are those of the same city without them.
    Without `trials` no service tries anything out: nothing changes but by incidents.
    """
    troubles = tuple(incidents)
    offices = [
        Office(service, seed, rate, [one for one in troubles if one.service == service.id], trials=trials)
        for service in services
    ]
    waiting: list[tuple[int, int, int, str, Event]] = []
    hour = start_ms // HOUR_MS
    while end_ms is None or hour * HOUR_MS < end_ms:
        for office in offices:
            for began in office.begins_in(hour):
                if began and began[0][0] >= start_ms:
                    for at_ms, event in began:
                        told_ms = office.told_ms(at_ms)
                        if told_ms is not None:
                            heapq.heappush(waiting, (told_ms, at_ms, _TYPE_ORDER[type(event)], event.id, event))
        hour += 1
        # Whatever begins later lies at or after the next hour, so all before it is complete.
        complete_ms = hour * HOUR_MS if end_ms is None else min(hour * HOUR_MS, end_ms)
        while waiting and waiting[0][0] < complete_ms:
            told_ms, _, _, _, event = heapq.heappop(waiting)
            yield told_ms, event
