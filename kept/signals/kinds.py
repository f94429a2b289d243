"""The closed set of signals: what each says, how urgent it is, what to do first. Rules and runbooks follow it."""

from __future__ import annotations

from typing import Final, Literal

from msgspec import Struct

Severity = Literal["page", "ticket", "info"]
"""page: someone is woken; ticket: someone looks in working hours; info: on the boards and the weekly page only."""
Topic = Literal["promise", "source", "figure", "definition", "backlog", "area"]
"""What of the service is in trouble. A page mutes tickets of the same service and topic."""
Unit = Literal["share", "cases", "seconds", "indicator"]
"""Unit of a verdict's `value` and `expected`; `indicator`: that of the indicator that `about` names."""
Needs = Literal["anything", "promise", "error_budget", "zero_budget", "published", "backlog_limit"]
"""What a catalogue entry must have for a kind to be possible: a promise; one with a target below or at 100 %; figures
published elsewhere; a limit for the backlog, or a promised time from which one follows."""


class Kind(Struct, frozen=True, kw_only=True):
    """One kind of signal.

    `summary` is the static sentence of its alert; `first` what to do first. A raised signal ends only after its
    evidence has been gone for `quiet_hours` of event time, so that one at the edge is one signal and not ten.
    `seen` and `judged_against` are the words around a verdict's `value` and `expected`, which stand for `{}`.
    """

    name: str
    alert: str
    """Name of the Prometheus alert; its runbook's anchor is this name in lower case."""
    severity: Severity
    topic: Topic
    needs: Needs
    unit: Unit
    seen: str
    judged_against: str
    summary: str
    first: str
    quiet_hours: int = 6
    false_alarms_per_service_year: float | None = None
    """The stated budget: how many of its alerts a year of one service in which all was well brings, at most, on
    average. None: not stated. docs/alerts.md adds them up."""


KINDS: Final[tuple[Kind, ...]] = (
    Kind(
        name="promise_budget_fast",
        alert="KeptPromiseBudgetBurnsFast",
        severity="page",
        topic="promise",
        needs="error_budget",
        unit="share",
        seen="{} kept",
        judged_against="{} promised",
        summary="The promise is being missed so often that its error budget will soon be gone",
        first="See which channel, area or step the late cases have in common",
        quiet_hours=24,
        false_alarms_per_service_year=0.1,
    ),
    Kind(
        name="promise_budget_slow",
        alert="KeptPromiseBudgetBurnsSlowly",
        severity="ticket",
        topic="promise",
        needs="error_budget",
        unit="share",
        seen="{} kept",
        judged_against="{} promised",
        summary="The promise is missed more often than its error budget allows",
        first="Compare the due cohort with the backlog: is it capacity, or a group of cases that is stuck",
        quiet_hours=168,
        false_alarms_per_service_year=0.4,
    ),
    Kind(
        name="promise_breached",
        alert="KeptPromiseBreached",
        severity="ticket",
        topic="promise",
        needs="zero_budget",
        unit="cases",
        seen="{} late",
        judged_against="{} allowed",
        summary="A promise without an error budget has been broken",
        first="Find the overdue cases in the service's own system and give each an owner",
        false_alarms_per_service_year=0.0,
    ),
    Kind(
        name="promise_breach_old",
        alert="KeptPromiseBreachOld",
        severity="page",
        topic="promise",
        needs="zero_budget",
        unit="cases",
        seen="at least {} late for days",
        judged_against="{} allowed",
        summary="A promise without an error budget was broken days ago and the case is still open",
        first="Escalate the oldest overdue case by name of the service's owner",
        false_alarms_per_service_year=0.0,
    ),
    Kind(
        name="cases_at_risk",
        alert="KeptCasesAtRisk",
        severity="ticket",
        topic="promise",
        needs="error_budget",
        unit="share",
        seen="{} of the cases due soon are still open",
        judged_against="{} bearable",
        summary="More open cases are near the end of their promised time than the promise can bear",
        first="Work the cases nearest to their due first; they can still be kept",
        quiet_hours=24,
        false_alarms_per_service_year=0.1,
    ),
    Kind(
        name="source_silent",
        alert="KeptSourceSilent",
        severity="page",
        topic="source",
        needs="anything",
        unit="seconds",
        seen="silent for {}",
        judged_against="expected at most {}",
        summary="The service's system has told nothing for longer than it ever should; its figures are stale",
        first="Check that the service's own system runs and that its events reach the topic",
        quiet_hours=1,
        false_alarms_per_service_year=0.0,
    ),
    Kind(
        name="special_cause",
        alert="KeptSpecialCause",
        severity="ticket",
        topic="figure",
        needs="anything",
        unit="indicator",
        seen="{}",
        judged_against="the line on its chart is {}",
        summary="A weekly figure has got worse by more than chance explains",
        first="Ask what changed in that week, and register it when it was a change of the service",
        quiet_hours=0,
        false_alarms_per_service_year=0.1,
    ),
    Kind(
        name="unexplained_improvement",
        alert="KeptUnexplainedImprovement",
        severity="ticket",
        topic="figure",
        needs="anything",
        unit="indicator",
        seen="{}",
        judged_against="the line on its chart is {}",
        summary="A weekly figure has got better by more than chance explains, and nobody registered a change",
        first="Make sure that the figure is still counted as before; register the change when the service improved",
        quiet_hours=0,
        false_alarms_per_service_year=0.1,
    ),
    Kind(
        name="chart_signal",
        alert="KeptChartSignal",
        severity="info",
        topic="figure",
        needs="anything",
        unit="indicator",
        seen="{}",
        judged_against="the line on its chart is {}",
        summary="A weekly figure shows a special cause on its control chart",
        first="Read the chart; one signal of a chart is a question, not an answer",
        quiet_hours=0,
    ),
    Kind(
        name="definition_drift",
        alert="KeptDefinitionDrift",
        severity="ticket",
        topic="definition",
        needs="published",
        unit="indicator",
        seen="{} published",
        judged_against="{} recomputed from the counts",
        summary="A figure published elsewhere no longer equals the one recomputed from the counts",
        first="Ask the publisher by which definition the figure is made now",
        false_alarms_per_service_year=0.0,
    ),
    Kind(
        name="backlog_breach_ahead",
        alert="KeptBacklogBreachAhead",
        severity="ticket",
        topic="backlog",
        needs="backlog_limit",
        unit="cases",
        seen="{} waiting",
        judged_against="the limit is {}",
        summary="At present rates the backlog will soon be more than can be worked off in the promised time",
        first="Compare arrivals and completions of the last four weeks: more demand, or less capacity",
        quiet_hours=24,
        false_alarms_per_service_year=0.3,
    ),
    Kind(
        name="area_gap",
        alert="KeptAreaGap",
        severity="ticket",
        topic="area",
        needs="promise",
        unit="share",
        seen="{} kept there",
        judged_against="{} elsewhere",
        summary="In one area the promise is kept much less often than in the rest",
        first="Compare that area's cases with the rest by step: where do they wait",
        quiet_hours=24,
        false_alarms_per_service_year=0.02,
    ),
    Kind(
        name="gap_changed",
        alert="KeptGapChanged",
        severity="info",
        topic="area",
        needs="promise",
        unit="share",
        seen="the rest is now ahead by {}",
        judged_against="before by {}",
        summary="The gap between an area or channel and the rest is another one than in the months before",
        first="Ask what changed there, or in all the others, in the last weeks",
        quiet_hours=168,
        false_alarms_per_service_year=0.15,
    ),
    Kind(
        name="target_integrity",
        alert="KeptTargetIntegrity",
        severity="info",
        topic="promise",
        needs="promise",
        unit="share",
        seen="{} of those looked at",
        judged_against="at most {} would be no question",
        summary="Check how the promise is met: more happens close to its due than the rest leads to expect",
        first="Ask those who do the work what they do when a case is near its due; look at ten such cases together",
        quiet_hours=168,
        false_alarms_per_service_year=0.02,
    ),
)
BY_NAME: Final = {kind.name: kind for kind in KINDS}
