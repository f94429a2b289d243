"""What the quarter of the script `alert_proof` must raise: which alerts of which incident, how soon, until when.

The delays are stated here and checked by the proof. They count in event time: from the moment at which figures can
first show the incident (`shows_from` of the truth file); the ends from the incident's own end.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from kept.durations import DAY_MS, HOUR_MS
from kept.signals.raised import SignalKey

SCRIPT: Final = "alert_proof"
LEAD_DAYS: Final = 84
"""Twelve weeks, the baseline of a control chart, in which the city fills."""
QUARTER_DAYS: Final = 91


class Alert(Struct, frozen=True, kw_only=True):
    """An alert that one incident must raise, once: within `within_hours`, and over `over_hours` after its end."""

    signal: str
    about: str = ""
    within_hours: float
    over_hours: float

    def key(self, service: str) -> SignalKey:
        """What its verdicts are known by."""
        return (service, self.signal, self.about)


class Row(Struct, frozen=True, kw_only=True):
    """All alerts of one incident; none when it must raise nothing."""

    service: str
    kind: str
    alerts: tuple[Alert, ...] = ()
    why: str
    """Where the delays come from, or why nothing is raised."""


WEEK: Final = 7 * DAY_MS / HOUR_MS
"""A weekly figure is judged when its week is over."""
STEP: Final = 7.0
"""Hours that the proof may take to judge it then: it judges every six, and not on the hour."""
WEEKLY: Final = WEEK + STEP
HOURS_OF_A_DAY: Final = 24.0

ROWS: Final[tuple[Row, ...]] = (
    Row(
        service="parking-permits",
        kind="slow_down",
        alerts=(
            Alert(signal="promise_budget_fast", within_hours=3 * HOURS_OF_A_DAY, over_hours=7 * HOURS_OF_A_DAY),
            Alert(signal="promise_budget_slow", within_hours=4 * HOURS_OF_A_DAY, over_hours=28 * HOURS_OF_A_DAY),
            Alert(signal="special_cause", about="promise_kept", within_hours=WEEKLY, over_hours=2 * WEEK),
            Alert(signal="special_cause", about="delivery_time_closed_p50", within_hours=WEEKLY, over_hours=2 * WEEK),
        ),
        why="cases promised within 2 days fall due 2 days later; then the budget's windows fill; charts are weekly",
    ),
    Row(
        service="waste-pickup",
        kind="silent_source",
        alerts=(Alert(signal="source_silent", within_hours=20, over_hours=9),),
        why="its expected silence is 12 hours; what falls due meanwhile is unknown, not late",
    ),
    Row(
        service="street-lights",
        kind="silent_source",
        alerts=(
            Alert(signal="source_silent", within_hours=20, over_hours=9),
            Alert(signal="promise_budget_fast", within_hours=5 * HOURS_OF_A_DAY, over_hours=7 * HOURS_OF_A_DAY),
            Alert(signal="promise_budget_slow", within_hours=6 * HOURS_OF_A_DAY, over_hours=28 * HOURS_OF_A_DAY),
        ),
        why="its expected silence is 12 hours; completions that are lost leave cases open, so the figures say late",
    ),
    Row(
        service="birth-certificates",
        kind="cost_jump",
        alerts=(Alert(signal="special_cause", about="cost_per_transaction", within_hours=WEEKLY, over_hours=2 * WEEK),),
        why="the figure is weekly",
    ),
    Row(
        service="parking-permits",
        kind="chaser_surge",
        alerts=(Alert(signal="special_cause", about="failure_demand", within_hours=WEEKLY, over_hours=2 * WEEK),),
        why="the figure is weekly",
    ),
    Row(
        service="housing-benefit",
        kind="improvement_without_effect",
        why="nothing changes, whatever was announced",
    ),
    Row(
        service="parking-permits",
        kind="area_gap",
        alerts=(
            Alert(
                signal="area_gap", about="area=North", within_hours=14 * HOURS_OF_A_DAY, over_hours=14 * HOURS_OF_A_DAY
            ),
        ),
        why="it grows over a week, and one area's cases are few",
    ),
    Row(
        service="waste-pickup",
        kind="improvement_that_works",
        why="the change was registered: better figures are explained",
    ),
    Row(
        service="birth-certificates",
        kind="definition_change",
        alerts=(
            Alert(
                signal="unexplained_improvement",
                about="delivery_time_closed_p50",
                within_hours=2 * WEEK + STEP,
                over_hours=2 * WEEK,
            ),
        ),
        why="the figure is weekly; one week far away is enough, else two in a row",
    ),
)

STANDING: Final[Mapping[str, tuple[str, ...]]] = {
    "building-permits": ("promise_budget_fast", "promise_budget_slow", "cases_at_risk"),
    "housing-benefit": ("promise_budget_fast", "promise_budget_slow", "cases_at_risk"),
    "birth-certificates": ("promise_budget_slow",),
    "street-lights": ("promise_budget_slow",),
    "waste-pickup": ("promise_budget_slow",),
    "noise-complaints": ("promise_budget_fast", "promise_budget_slow", "cases_at_risk"),
}
"""Services that miss their promise without an incident, always or in some weeks (a case that was reopened is late), as
the city is made (`producers.simulator.profiles`). Alerts about that are true: the proof shows each with the share
that was kept in its own window and in the whole quarter, and does not judge them."""
CONTROLS: Final = ("identity-cards", "building-permits", "noise-complaints")
"""Services without an incident: nothing but what is standing."""
