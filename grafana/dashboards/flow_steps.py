"""The rows of the board Flow that speak of single steps."""

from __future__ import annotations

from typing import Final

from grafana import newest
from grafana.board import Board
from grafana.flux_parts import WHOLE
from grafana.in_words import about
from grafana.looks import in_order, newest_in_legend, option
from grafana.newest import STEP
from grafana.over_time import by_step
from grafana.panels import Panel, of_unit, table, time_chart
from kept.catalogue import Catalogue
from kept.indicators.reasons import REASONS

WAITING: Final = {"value": "half wait less than", "low": "95 % from", "high": "95 % to", "n": "steps started"}
NO_STEPS: Final = f"no step is published: {REASONS['no_steps']}, or none in this time"
TOLD_BY: Final = {
    "rework_share": "waiting and repetitions, by step",
    "flow_efficiency": "work against waiting",
    "first_time_right": "right the first time",
}
"""Indicator -> what it says of the steps: when it is not provided, that is not."""


def steps_told() -> Panel:
    """What the service's system tells of its steps, in words."""
    panel = table(
        "Can this board speak of the steps?",
        "What is missing here, and why: a system that reports no steps leaves the rows by step empty, and one that "
        "reports them without start and end has no work to set against waiting.",
        [newest.why_unknown(TOLD_BY, slice_of=WHOLE)],
    ).no_value("yes: all that is published has a value")
    return in_order(panel, ["what", "state", "why"])


def place_steps(board: Board, catalogue: Catalogue) -> None:
    """Waiting, starts and repetitions by step."""
    board.place(10, _waiting_now(catalogue), width=12, height=10)
    board.place(11, _waiting(catalogue), width=12, height=10)
    board.place(12, _starts(catalogue), width=12, height=9)
    board.place(13, _rework(catalogue), width=12, height=9)


def _waiting_now(catalogue: Catalogue) -> Panel:
    panel = table(
        "Before which step do cases wait longest? ($window)",
        "Half of the steps started in the window began within this time after the step before (or the opening); the "
        f"longest first.\n\n{about('waiting_by_step_p50')}",
        [newest.by_slice(catalogue, "waiting_by_step_p50", WAITING, steps=True, largest_first=True)],
        "s",
    ).no_value(NO_STEPS)
    gauge = [option("custom.cellOptions", {"type": "gauge", "mode": "basic"}), option("min", 0)]
    panel = panel.override_by_name(WAITING["value"], gauge).override_by_name(WAITING["n"], of_unit("none"))
    return in_order(panel, ["slice", *WAITING.values(), "remark"], {"slice": "step"})


def _waiting(catalogue: Catalogue) -> Panel:
    return _by_step(
        catalogue,
        "waiting_by_step_p50",
        "Where does waiting grow? (median before each step, $window)",
        "The median waiting before each step over time. Medians of steps do not add up to that of a case.",
        "s",
        "time before the step",
    )


def _starts(catalogue: Catalogue) -> Panel:
    return _by_step(
        catalogue,
        "rework_share",
        "How much arrives at each step? (steps started, $window)",
        "Steps started within the window, repetitions included. A step that starts less than the one before it is "
        "where cases pile up, or where they are turned away.",
        "short",
        "steps started",
        field="denominator",
    )


def _rework(catalogue: Catalogue) -> Panel:
    return _by_step(
        catalogue,
        "rework_share",
        "Which step has to be done again? ($window)",
        "Repetitions of each step over all its starts.",
        "percentunit",
        "share of starts",
    )


def _by_step(
    catalogue: Catalogue, name: str, title: str, said: str, unit: str, axis: str, *, field: str = "value"
) -> Panel:
    panel = time_chart(
        title, f"{said}\n\n{about(name)}", unit, [by_step(catalogue, name, STEP, field=field)], gap_hours=None
    )
    return newest_in_legend(panel.no_value(NO_STEPS).axis_label(axis).axis_soft_min(0))
