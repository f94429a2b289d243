"""Figures published elsewhere, followed in their order: by which definition was each made?

Pure. A figure that no longer equals what the counts give by the definition in force, but equals what they give by
another known one, starts that definition from there on and breaks the series. One that equals none changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal, NamedTuple

from kept.signals.known_definitions import Checkable

Finding = Literal["agrees", "new_definition", "unexplained"]


class Figure(NamedTuple):
    """A published figure of one period, and what the counts give for it by each known definition, in its unit."""

    period: str
    published: float
    recomputed: Mapping[str, float]


class Followed(NamedTuple):
    """What a figure was found to be. `in_force` is the definition from this figure on, `before` the one until then.

    `is_raised` on the first figure of each change or of each run of unexplained ones.
    """

    figure: Figure
    finding: Finding
    before: str
    in_force: str
    is_raised: bool


def follow(figures: Iterable[Figure], checkable: Checkable) -> Iterator[Followed]:
    """Each figure with its finding; `figures` in the order of their periods, each with a value by every definition."""
    in_force = checkable.definitions[0].name
    unexplained = False
    for figure in figures:
        before = in_force
        fitting = _fitting(figure, checkable)
        if in_force in fitting:
            finding: Finding = "agrees"
        elif fitting:
            finding, in_force = "new_definition", fitting[0]
        else:
            finding = "unexplained"
        is_raised = finding == "new_definition" or (finding == "unexplained" and not unexplained)
        unexplained = finding == "unexplained"
        yield Followed(figure, finding, before, in_force, is_raised)


def _fitting(figure: Figure, checkable: Checkable) -> list[str]:
    """Names of the definitions that the figure equals within the tolerance, the nearest first."""
    distances = []
    for known in checkable.definitions:
        value = figure.recomputed.get(known.name)
        if value is None:
            continue
        distance = abs(figure.published - value)
        # Decimal figures have no exact binary form: a distance of just the tolerance is within it.
        if distance <= max(checkable.tolerance, checkable.relative * abs(value)) + 1e-9:
            distances.append((distance, known.name))
    return [name for _, name in sorted(distances)]
