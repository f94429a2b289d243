"""What incidents truly do to the published figures: the same city with and without them, through the same core.

The runs are streamed through the embedded pipeline; only what is published at the end of each incident is kept.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import groupby

from kept.catalogue import Catalogue
from kept.durations import SECOND_MS
from kept.indicators.definitions import BY_NAME
from kept.indicators.point import Point
from kept.indicators.windows import STEPS
from producers.simulator import simulate
from producers.simulator.incident import Incident
from producers.simulator.incidents import AreaGap
from producers.simulator.truth import MeasuredEffect, rfc3339
from stream_processors.embedded import EmbeddedPipeline

WINDOWS = ("24h", "7d", "28d")
"""Windows in which effects are measured."""
_STEP_MS = STEPS["1h"] * SECOND_MS
_Key = tuple[str, str, str, tuple[tuple[str, str], ...]]
Figures = Mapping[_Key, float | None]
"""Value by (service, indicator, window, slice); None where there is none."""


def measure(
    services: Catalogue,
    incidents: Sequence[Incident],
    *,
    start_ms: int,
    end_ms: int,
    seed: int,
    rate: float,
    trials: bool = True,
) -> list[list[MeasuredEffect]]:
    """For each incident every figure of its service that differs when it ends (or the run does, at `end_ms`).

    Compared with the same city without this one incident. Of slices only those are looked at that the incident is
    about; a stock is told of once. Other services are left out: not one of their events is different.
    """
    run = partial(figures_at, start_ms=start_ms, seed=seed, rate=rate, trials=trials)
    found: dict[int, list[MeasuredEffect]] = {}
    for name in {incident.service for incident in incidents}:
        service = {name: services[name]}
        own = [(index, incident) for index, incident in enumerate(incidents) if incident.service == name]
        moments = {index: measured_at_ms(incident, end_ms) for index, incident in own}
        disturbed = run(service, list(moments.values()), incidents=[incident for _, incident in own])
        for index, incident in own:
            at_ms = moments[index]
            without = run(service, [at_ms], incidents=[other for place, other in own if place != index])
            found[index] = list(_differences(incident, at_ms, disturbed[at_ms], without[at_ms]))
    return [found[index] for index in range(len(incidents))]


def measured_at_ms(incident: Incident, end_ms: int) -> int:
    """The last moment of an incident, or of the run, at which indicators are published: a whole 5 minutes."""
    over_ms = end_ms if incident.end_ms is None else min(incident.end_ms, end_ms)
    return over_ms // _STEP_MS * _STEP_MS


def figures_at(
    services: Catalogue,
    moments: Sequence[int],
    *,
    start_ms: int,
    seed: int,
    rate: float,
    incidents: Sequence[Incident] = (),
    trials: bool = True,
    windows: Sequence[str] = WINDOWS,
) -> dict[int, Figures]:
    """All figures as published at each of the moments (ms), by what had been told before it."""
    pipeline = EmbeddedPipeline(services)
    events = simulate(
        services.values(),
        start_ms=start_ms,
        end_ms=max(moments, default=start_ms),
        seed=seed,
        rate=rate,
        incidents=incidents,
        trials=trials,
    )
    ordered = sorted(set(moments))
    figures: dict[int, Figures] = {}
    for passed, told in groupby(events, key=lambda timed: bisect_right(ordered, timed[0])):
        _publish(pipeline, ordered[len(figures) : passed], windows, figures)
        pipeline.apply(event for _, event in told)
    _publish(pipeline, ordered[len(figures) :], windows, figures)
    return figures


def _publish(
    pipeline: EmbeddedPipeline, moments: Sequence[int], windows: Sequence[str], figures: dict[int, Figures]
) -> None:
    for at_ms in moments:
        pipeline.tick(at_ms)
        figures[at_ms] = {_key(point): point.value for point in pipeline.indicators(at_ms // SECOND_MS, windows)}


def _differences(incident: Incident, at_ms: int, disturbed: Figures, undisturbed: Figures) -> Iterator[MeasuredEffect]:
    slices = {(), (("area", incident.area),)} if isinstance(incident, AreaGap) else {()}
    for key in sorted(disturbed.keys() | undisturbed.keys()):
        service, indicator, window, place = key
        if BY_NAME[indicator].stock and window != WINDOWS[0]:
            continue
        if service != incident.service or place not in slices or disturbed.get(key) == undisturbed.get(key):
            continue
        yield MeasuredEffect(
            indicator=indicator,
            slice=dict(place),
            window=window,
            at=rfc3339(at_ms),
            with_incident=disturbed.get(key),
            without=undisturbed.get(key),
        )


def _key(point: Point) -> _Key:
    return (point.service, point.indicator, point.window, point.slice)
