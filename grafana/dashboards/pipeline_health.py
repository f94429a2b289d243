"""The board Pipeline health: does the pipeline itself work? Rate, errors and duration of each stage in data order."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana import promql
from grafana.alert_rows import pipeline_firing
from grafana.board import ON_CALL, OVERVIEW, PIPELINE, Board
from grafana.dashboards import pipeline_counting, pipeline_edges
from grafana.foreign_metrics import UP, WORKER_JOB
from grafana.pipeline_panels import state
from grafana.runbooks import runbooks_variable
from kept import metric_names as names
from kept.catalogue import Catalogue

ENDED_IN = '=~"applied|duplicate|beyond_retention|dead_lettered"'
UNACCOUNTED = (
    f"sum by (partition) ({promql.series(names.EVENTS, account='received')}) - sum by (partition) "
    f"({promql.series(names.EVENTS, account=ENDED_IN)})"
)
"""Of each partition: events received that are in no other account."""


def board(catalogue: Catalogue) -> Dashboard:
    """The board; the catalogue says how long its liveliest service may be silent."""
    made = Board(
        PIPELINE,
        "Does the pipeline itself work? Every stage in the order of the data: how much, what goes wrong, how long it "
        "takes. Dashed lines are the thresholds of the alerts.",
        time_from="now-3h",
        refresh="30s",
    )
    made.variables(runbooks_variable())
    made.links(OVERVIEW, ON_CALL)
    _at_a_glance(made)
    pipeline_edges.intake(made)
    pipeline_counting.broker(made)
    pipeline_counting.cases(made, UNACCOUNTED)
    pipeline_counting.indicators(made, catalogue)
    pipeline_edges.history(made)
    pipeline_edges.watching(made)
    pipeline_edges.processes(made)
    return made.build()


def _at_a_glance(board: Board) -> None:
    board.row(100, "At a glance")
    board.place(
        1,
        state(
            "Data as of when?",
            "Event time up to which the figures of every service are published: of the service that is furthest "
            "behind, and of the one that is furthest on.",
            "dateTimeAsIso",
            [
                promql.now(f"1000 * min({names.INDICATOR_TIME.name})", "every service"),
                promql.now(f"1000 * max({names.INDICATOR_TIME.name})", "the newest"),
            ],
            alerts=["KeptStreamSilent"],
        ),
        width=6,
        height=4,
    )
    board.place(
        2,
        state(
            "Is every event accounted for?",
            "received = applied + duplicate + beyond retention + dead-lettered, in every partition. Anything but 0 "
            "means that figures may be wrong.",
            "suffix: events are not",
            [promql.now(f"sum(abs({UNACCOUNTED}))")],
            alerts=["KeptAccountsDoNotAddUp"],
            all_well={0: "every event is accounted for"},
        ),
        width=5,
        height=4,
    )
    board.place(
        3,
        state(
            "How many records wait?",
            "Events that are not counted yet, and tallies that are not published yet, of all partitions.",
            "short",
            [promql.now(f"sum(max by (topic, partition) ({names.LAG.name}))")],
            alerts=["KeptLagUnknown"],
        ),
        width=3,
        height=4,
    )
    board.place(
        4,
        state(
            "Do all workers answer?",
            "Workers that answered the last scrape, of those that Prometheus is told to look at.",
            "short",
            [
                promql.now(f"sum({promql.series(UP, job=WORKER_JOB)})", "answer"),
                promql.now(f"count({promql.series(UP, job=WORKER_JOB)})", "are looked at"),
            ],
            alerts=["KeptWorkersDown", "KeptWorkersAbsent"],
        ),
        width=4,
        height=4,
    )
    board.place(
        5,
        state(
            "Do all workers count by one catalogue?",
            "Different fingerprints of the catalogue among the workers. Two for half an hour are told as an alert.",
            "suffix: versions of the catalogue",
            [promql.now(f"count(count by (fingerprint) ({names.CATALOGUE.name}))")],
            alerts=["KeptCataloguesDiffer"],
            all_well={1: "one catalogue"},
        ),
        width=3,
        height=4,
    )
    board.place(
        6,
        state(
            "Which alerts of the pipeline fire?",
            "Alerts about the pipeline itself that fire now. KeptWatchdog always does: where even that is missing, "
            "rules are not evaluated and this says nothing.",
            "suffix: fire beside the watchdog",
            [promql.now(pipeline_firing())],
            alerts=["KeptWatchdog"],
            all_well={0: "none but the watchdog"},
        ),
        width=3,
        height=4,
    )
