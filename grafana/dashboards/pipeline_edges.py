"""Rows of the board Pipeline health about both ends: the intake, the history, Prometheus and Alertmanager."""

from __future__ import annotations

from grafana import foreign_metrics as foreign
from grafana import promql
from grafana.board import Board
from grafana.dashboards.pipeline_counting import mean_seconds
from grafana.foreign_metrics import ALERTMANAGER_JOB, INTAKE_JOB, PROMETHEUS_JOB, WORKER_JOB
from grafana.pipeline_panels import Limit, chart, increase, rate, state, third
from kept import metric_names as names
from kept import pipeline_limits as limits

JOBS = f'=~"{"|".join((WORKER_JOB, INTAKE_JOB, PROMETHEUS_JOB, ALERTMANAGER_JOB))}"'
ONE = "{{job}} {{instance}}"


def intake(board: Board) -> None:
    """The intake and its spool; empty where none runs."""
    board.row(110, "Intake and spool (empty where no `kept intake` runs)")
    filled = f"{promql.series(names.SPOOL_BYTES)} / {promql.series(names.SPOOL_LIMIT)}"
    third(
        board,
        10,
        "How many events does the intake accept?",
        "Events a second in requests that could be read: received = accepted + refused.",
        "eps",
        [promql.over_time(rate(names.INTAKE_EVENTS, "account"), "{{account}}")],
    )
    third(
        board,
        11,
        "Which requests does the intake refuse?",
        "Refused requests since the intake began: all of them, and by the name of the problem.",
        "short",
        [
            promql.over_time(f"sum({names.INTAKE_REFUSALS.name})", "all"),
            promql.over_time(f"sum by (problem) ({names.INTAKE_REFUSALS.name}) > 0", "{{problem}}"),
        ],
    )
    third(
        board,
        12,
        "Why are events of the intake bad?",
        "Events for which a request was refused, since the intake began: all of them, and by reason.",
        "short",
        [
            promql.over_time(f"sum({names.INTAKE_BAD_EVENTS.name})", "all"),
            promql.over_time(f"sum by (reason) ({names.INTAKE_BAD_EVENTS.name}) > 0", "{{reason}}"),
        ],
    )
    third(
        board,
        13,
        "How full is the spool?",
        "Share of the room on disk that accepted events take while they wait for the broker.",
        "percentunit",
        [promql.over_time(filled, "{{instance}}")],
        alerts=["KeptSpoolFilling", "KeptSpoolNearlyFull"],
        limits=[
            Limit(limits.SPOOL_SHARE, f"{limits.SPOOL_SHARE:.0%}: KeptSpoolFilling"),
            Limit(limits.SPOOL_FULL_SHARE, f"{limits.SPOOL_FULL_SHARE:.0%}: KeptSpoolNearlyFull"),
        ],
    )
    board.place(
        14,
        chart(
            "How many accepted events wait, and how many get away?",
            "Events on disk that the broker has not acknowledged, and events a second that it has. The former by the "
            "latter is how long one waits.",
            "short",
            [
                promql.over_time(f"sum({names.SPOOL_EVENTS.name})", "wait"),
                promql.over_time(rate(names.DELIVERED), "delivered a second"),
                promql.over_time(f"sum({names.INTAKE_REQUESTS.name})", "requests under way"),
            ],
        ),
        width=12,
        height=7,
    )
    board.place(
        15,
        state(
            "Has the intake a connection to the broker?",
            "Intakes without one. What they accept waits on disk and is sent oldest first.",
            "suffix: without a connection",
            [promql.now(f"count({names.BROKER_CONNECTED.name}) - sum({names.BROKER_CONNECTED.name})")],
            alerts=["KeptBrokerNotConnected"],
            all_well={0: "connected"},
        ),
        width=4,
        height=7,
    )


def history(board: Board) -> None:
    """The history store, as the workers meet it."""
    board.row(150, "History")
    refused = increase(names.POINTS_REFUSED, limits.REFUSED_WINDOW, "reason")
    board.place(
        50,
        chart(
            "How many points does the history take?",
            "Points a second handed to the history store and dealt with.",
            "wps",
            [promql.over_time(rate(names.POINTS), "points")],
        ),
        width=6,
        height=7,
    )
    board.place(
        51,
        chart(
            "Which points will the history never take?",
            f"Points refused for good within {limits.REFUSED_WINDOW}, by reason; the others of the call are stored.",
            "short",
            [promql.over_time(refused, "{{reason}}")],
            alerts=["KeptHistoryRefusesPoints"],
        ),
        width=6,
        height=7,
    )
    board.place(
        52,
        chart(
            "How long does a call to the history take?",
            "Mean time of a call: points, amendments, signals, and what is read for them.",
            "s",
            [promql.over_time(mean_seconds("write"), "{{instance}}")],
        ),
        width=6,
        height=7,
    )
    board.place(
        53,
        chart(
            "How long has the history been refusing?",
            "How long the present call has been tried again; nothing is dropped meanwhile. 0 when it accepts.",
            "s",
            [promql.over_time(names.HISTORY_WAITING.name, "{{instance}}")],
            alerts=["KeptHistoryNotAccepting"],
            limits=[Limit(limits.HISTORY_WAITING_SECONDS, "5 minutes: KeptHistoryNotAccepting")],
        ),
        width=6,
        height=7,
    )


def watching(board: Board) -> None:
    """Who watches: Prometheus and Alertmanager."""
    board.row(160, "Prometheus and Alertmanager")
    board.place(
        60,
        chart(
            "Are the rules evaluated?",
            f"Evaluations that failed within {limits.RULES_WINDOW}, by group. The alerts of a group that fails cannot "
            "fire.",
            "short",
            [promql.over_time(increase(foreign.RULE_FAILURES, limits.RULES_WINDOW, "rule_group"), "{{rule_group}}")],
            alerts=["KeptRuleEvaluationFails"],
        ),
        width=6,
        height=7,
    )
    board.place(
        61,
        chart(
            "How long do the rules take?",
            "The last evaluation of each group; it must stay well below the interval of evaluations.",
            "s",
            [promql.over_time(f"max by (rule_group) ({foreign.RULE_SECONDS.name})", "{{rule_group}}")],
        ),
        width=6,
        height=7,
    )
    board.place(
        62,
        chart(
            "Do alerts reach Alertmanager?",
            f"Alerts that Prometheus handed over within {limits.RULES_WINDOW}, that it dropped, and calls that failed.",
            "short",
            [
                promql.over_time(increase(foreign.NOTIFICATIONS_SENT, limits.RULES_WINDOW), "handed over"),
                promql.over_time(increase(foreign.NOTIFICATIONS_DROPPED, limits.RULES_WINDOW), "dropped"),
                promql.over_time(increase(foreign.NOTIFICATION_ERRORS, limits.RULES_WINDOW), "failed calls"),
            ],
            alerts=["KeptPrometheusCannotNotify", "KeptWatchdog"],
        ),
        width=6,
        height=7,
    )
    board.place(
        63,
        chart(
            "Do messages reach people?",
            f"Messages that Alertmanager tried to deliver within {limits.DELIVERY_WINDOW}, and those it gave up.",
            "short",
            [
                promql.over_time(increase(foreign.DELIVERIES, limits.DELIVERY_WINDOW), "tried"),
                promql.over_time(increase(foreign.DELIVERIES_FAILED, limits.DELIVERY_WINDOW), "given up"),
            ],
            alerts=["KeptAlertmanagerCannotDeliver", "KeptConfigReloadFailed"],
            limits=[Limit(limits.DELIVERIES_FAILED, f"{limits.DELIVERIES_FAILED} given up: cannot deliver")],
        ),
        width=6,
        height=7,
    )


def processes(board: Board) -> None:
    """Every process of the pipeline as Prometheus sees it."""
    board.row(170, "Processes")
    up = f"avg_over_time({promql.series(foreign.UP, job=JOBS)}[{limits.UP_WINDOW}])"
    board.place(
        70,
        chart(
            "Does every process answer?",
            f"Share of the scrapes of {limits.UP_WINDOW} that were answered.",
            "percentunit",
            [promql.over_time(up, ONE)],
            alerts=["KeptTargetDown", "KeptTargetAbsent"],
            limits=[Limit(limits.UP_SHARE, f"{limits.UP_SHARE:.0%}: KeptTargetDown")],
        ),
        width=6,
        height=7,
    )
    board.place(
        71,
        chart(
            "Did a process start again?",
            "Starts within the last hour that Prometheus has seen; a process that keeps starting is crashing.",
            "short",
            [promql.over_time(f"changes({promql.series(foreign.STARTED, job=JOBS)}[1h])", ONE)],
        ),
        width=6,
        height=7,
    )
    board.place(
        72,
        chart(
            "How much memory do the processes hold?",
            "Resident memory. That of a worker grows with open cases and buckets of tallies.",
            "bytes",
            [promql.over_time(promql.series(foreign.MEMORY, job=JOBS), ONE)],
        ),
        width=6,
        height=7,
    )
    board.place(
        73,
        chart(
            "How busy are the processors?",
            "Processor time in a second; a worker has one thread that computes: near 1 it is at its limit.",
            "percentunit",
            [promql.over_time(rate(foreign.PROCESSOR_SECONDS, "job, instance", job=JOBS), ONE)],
        ),
        width=6,
        height=7,
    )
    board.place(
        74,
        chart(
            "How long does it take to ask a process?",
            "Duration of the last scrape: a worker that is slow to answer is busy.",
            "s",
            [promql.over_time(promql.series(foreign.SCRAPE_SECONDS, job=JOBS), ONE)],
        ),
        width=24,
        height=6,
    )
