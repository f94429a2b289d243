"""The closed set of metric names: help, unit, labels. Dashboards, rules and documents are checked against it."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from kept.indicators.definitions import DEFINITIONS, Definition

SERIES_BUDGET = 20_000
"""Series of signals and indicators one worker exposes at most; what is over it is counted, not exposed."""


class Metric(Struct, frozen=True):
    """One metric: full name, help, labels, kind."""

    name: str
    help: str
    labels: tuple[str, ...]
    kind: str = "gauge"


_SUFFIX = {
    "share": "_ratio",
    "cases": "_cases",
    "seconds": "_seconds",
    "days": "_seconds",
    "points": "_points",
    "money": "_money",
    "money a week": "_money_per_week",
}


_BASE_UNIT = {"days": "seconds"}
UNIT_SCALE = {"days": 86_400}
"""What a value is multiplied with to be in the base unit of its metric."""


def metric_of(definition: Definition) -> Metric:
    """The gauge that shows an indicator of whole services."""
    labels = ("service", "window", "currency") if definition.unit.startswith("money") else ("service", "window")
    return Metric(
        f"kept_{definition.name.removesuffix('_days')}{_SUFFIX[definition.unit]}",
        f"{definition.formula} ({_BASE_UNIT.get(definition.unit, definition.unit)})",
        labels,
    )


INDICATOR_METRICS: dict[str, Metric] = {definition.name: metric_of(definition) for definition in DEFINITIONS}

SERVICE = Metric(
    "kept_service_info",
    "1 for each service published here, with its name; says whether its events are simulated",
    ("service", "name", "simulated"),
)
PROMISE = Metric(
    "kept_promise_info",
    "1 for each promise of the catalogue: its words, and whether its time is elapsed_time or working_time",
    ("service", "promise", "counted_in"),
)
PROMISE_TARGET = Metric(
    "kept_promise_target_ratio", "The share of cases that a promise of the catalogue should hold for", ("service",)
)
CATALOGUE = Metric(
    "kept_catalogue_info", "1; workers that count by different catalogues show different fingerprints", ("fingerprint",)
)
INDICATOR_STATE = Metric(
    "kept_indicator_state",
    "1 for the state an indicator is in; one that is not `value` has no value series",
    ("service", "indicator", "window", "state"),
)
INDICATOR_CASES = Metric(
    "kept_indicator_cases",
    "How many cases or answers (n) the value of an indicator rests on; of the figures that are read alone",
    ("service", "indicator", "window"),
)
INDICATORS_WITH_CASES = ("promise_kept", "satisfaction_score")
"""Those of `kept_indicator_cases`: 16 series a service beside some 690. The history has the n of every indicator."""
INDICATOR_TIME = Metric(
    "kept_indicator_timestamp_seconds", "Event time up to which the indicators of a service are published", ("service",)
)
LAST_EVENT = Metric(
    "kept_last_event_timestamp_seconds", "Greatest event time seen in a source partition", ("partition",)
)
REGISTER = Metric("kept_register_cases", "Cases held in the register of a source partition", ("partition",))
TALLY_BUCKETS = Metric("kept_tally_buckets", "Tally buckets held by a source partition", ("partition",))
FOLDED_SLICES = Metric(
    "kept_slice_other_events",
    "Cases, steps and other events of a service counted under `(other)`, since a dimension has too many values",
    ("service", "dimension"),
)
LAG = Metric("kept_lag_records", "Records not yet applied", ("topic", "partition"))
EVENTS = Metric(
    "kept_events_total",
    "Events by what became of them: received = applied + duplicate + beyond_retention + dead_lettered",
    ("partition", "account"),
    "counter",
)
DEAD_LETTERS = Metric("kept_dead_letters_total", "Events put aside, by reason", ("partition", "reason"), "counter")
LATE_EVENTS = Metric(
    "kept_late_events_total", "Events more than an hour behind the watermark", ("partition",), "counter"
)
POINTS = Metric("kept_history_points_total", "Points handed to the history store and dealt with", (), "counter")
POINTS_REFUSED = Metric(
    "kept_history_points_refused_total", "Of these, points that the store will never take", ("reason",), "counter"
)
HISTORY_WAITING = Metric(
    "kept_history_waiting_seconds",
    "How long the present call to the history store has been refused and tried again; 0 when it accepts",
    (),
)
AMENDMENTS = Metric(
    "kept_history_amendments_total", "Published points written anew because events came late", (), "counter"
)
Stage = Literal["apply", "evaluate", "judge", "write"]
STAGES: tuple[Stage, ...] = ("apply", "evaluate", "judge", "write")
"""What a worker spends its time on, in data order: a batch of events in its transaction, the figures of a service, its
signals, a call to the history store."""
STAGE_SECONDS = Metric(
    "kept_stage_seconds_total",
    "Time spent in a stage: apply (a batch of events and its transaction), evaluate (the figures of one service), "
    "judge (its signals), write (a call to the history store)",
    ("stage",),
    "counter",
)
STAGE_BATCHES = Metric(
    "kept_stage_batches_total", "How often a stage was gone through, whatever came of it", ("stage",), "counter"
)
_SIGNAL = ("service", "signal", "about")
SIGNAL_ACTIVE = Metric(
    "kept_signal_active",
    "1 while a signal of a service is raised, 0 while it is watched; a signal that can never fire has no series",
    (*_SIGNAL, "severity"),
)
SIGNAL_SINCE = Metric(
    "kept_signal_since_timestamp_seconds", "Event time from which on the data show what was raised", _SIGNAL
)
SIGNAL_VALUE = Metric("kept_signal_value", "What was observed, in the unit of what the signal is about", _SIGNAL)
SIGNAL_EXPECTED = Metric("kept_signal_expected", "What the observed value is judged against", _SIGNAL)
SIGNAL_CASES = Metric("kept_signal_cases", "How many cases the judgement rests on", _SIGNAL)
SIGNAL_CHANCE = Metric(
    "kept_signal_chance_ratio", "Probability of such evidence, or stronger, if all were well", _SIGNAL
)
SERVICE_LAST_EVENT = Metric(
    "kept_service_last_event_timestamp_seconds",
    "Event time of the newest event of a service, to 5 minutes",
    ("service",),
)
SERVICE_STALE = Metric(
    "kept_service_stale", "1 while a service's system has been silent for longer than it ever should", ("service",)
)
SIGNAL_METRICS: tuple[Metric, ...] = (
    SIGNAL_ACTIVE,
    SIGNAL_SINCE,
    SIGNAL_VALUE,
    SIGNAL_EXPECTED,
    SIGNAL_CASES,
    SIGNAL_CHANCE,
    SERVICE_LAST_EVENT,
    SERVICE_STALE,
)
"""Those of signals; of what is not raised only `kept_signal_active` and the service's own two are shown."""

SERIES_DROPPED = Metric(
    "kept_series_over_budget", "Series of signals and indicators not exposed because of the budget", ()
)

INTAKE_EVENTS = Metric(
    "kept_intake_events_total",
    "Events in readable requests to the intake: received = accepted + refused; a batch is refused whole",
    ("account",),
    "counter",
)
INTAKE_BAD_EVENTS = Metric(
    "kept_intake_bad_events_total", "Events for which a request was refused, by reason", ("reason",), "counter"
)
INTAKE_REFUSALS = Metric(
    "kept_intake_refused_requests_total",
    "Requests the intake refused, by the name of the problem",
    ("problem",),
    "counter",
)
INTAKE_REQUESTS = Metric("kept_intake_requests_under_way", "Requests the intake is reading or putting on disk", ())
SPOOL_EVENTS = Metric("kept_spool_events", "Events on disk that the broker has not yet acknowledged", ())
SPOOL_BYTES = Metric("kept_spool_bytes", "What the spool takes of the disk; 0 when nothing waits", ())
SPOOL_LIMIT = Metric("kept_spool_limit_bytes", "What the spool may take of the disk (KEPT_SPOOL_BYTES)", ())
DELIVERED = Metric(
    "kept_spool_delivered_events_total", "Events of the spool that the broker acknowledged", (), "counter"
)
BROKER_CONNECTED = Metric("kept_broker_connected", "1 while the publisher has a connection to a broker, else 0", ())

INTAKE_METRICS: tuple[Metric, ...] = (
    INTAKE_EVENTS,
    INTAKE_BAD_EVENTS,
    INTAKE_REFUSALS,
    INTAKE_REQUESTS,
    SPOOL_EVENTS,
    SPOOL_BYTES,
    SPOOL_LIMIT,
    DELIVERED,
    BROKER_CONNECTED,
)
"""Those of `kept intake`."""
SUMMARY_MISSED = Metric(
    "kept_summary_missed_weeks", "Weeks whose summary should have been delivered a day ago and was not", ()
)
SUMMARY_DELIVERED = Metric(
    "kept_summary_delivered_timestamp_seconds", "When a weekly summary was last delivered; absent when never", ()
)
SUMMARY_METRICS: tuple[Metric, ...] = (SUMMARY_MISSED, SUMMARY_DELIVERED)
"""Those of `kept post`."""
PIPELINE_METRICS: tuple[Metric, ...] = (
    SERVICE,
    PROMISE,
    PROMISE_TARGET,
    CATALOGUE,
    INDICATOR_STATE,
    INDICATOR_CASES,
    INDICATOR_TIME,
    LAST_EVENT,
    REGISTER,
    TALLY_BUCKETS,
    FOLDED_SLICES,
    LAG,
    EVENTS,
    DEAD_LETTERS,
    LATE_EVENTS,
    POINTS,
    POINTS_REFUSED,
    HISTORY_WAITING,
    AMENDMENTS,
    SERIES_DROPPED,
    STAGE_SECONDS,
    STAGE_BATCHES,
)
METRICS: tuple[Metric, ...] = (
    *INDICATOR_METRICS.values(),
    *SIGNAL_METRICS,
    *PIPELINE_METRICS,
    *INTAKE_METRICS,
    *SUMMARY_METRICS,
)
