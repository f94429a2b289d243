"""Rows of the board Pipeline health about counting: what waits at the broker, the two processors."""

from __future__ import annotations

from grafana import promql
from grafana.board import Board
from grafana.pipeline_panels import PER, Limit, increase, rate, third
from kept import metric_names as names
from kept import pipeline_limits as limits
from kept.catalogue import Catalogue
from kept.durations import in_words, parse_duration
from kept.metric_names import Stage

SIGNALS = f"max by (service, signal, about) ({names.SIGNAL_ACTIVE.name})"
# A partition that is moving is shown by two workers.
LAG = f"sum by (topic) (max by (topic, partition) ({names.LAG.name}))"


def broker(board: Board) -> None:
    """What waits there, and whether it grows."""
    board.row(120, "Broker")
    third(
        board,
        20,
        "Do records wait to be dealt with?",
        "Records not yet applied, by topic: events, and tallies whose figures are not published yet.",
        "short",
        [promql.over_time(LAG, "{{topic}}")],
        alerts=["KeptLagGrowing", "KeptLagUnknown"],
        limits=[Limit(limits.LAG_RECORDS, f"{limits.LAG_RECORDS:,} records: less is taken in one batch")],
    )
    third(
        board,
        21,
        "Does what waits grow or shrink?",
        "Slope of the records that wait, over a quarter of an hour. Above 0 events come faster than they are "
        "counted; below, what has waited is being caught up.",
        "recps",
        [promql.over_time(f"sum by (topic) (max by (topic, partition) (deriv({names.LAG.name}[15m])))", "{{topic}}")],
        alerts=["KeptLagGrowing"],
    )
    third(
        board,
        22,
        "Does one partition wait more than the others?",
        "Records not yet applied, by topic and partition. One line apart from the others is a hot key or a worker "
        "that stands still.",
        "short",
        [promql.over_time(f"max by (topic, partition) ({names.LAG.name})", "{{topic}} {{partition}}")],
    )


def cases(board: Board, unaccounted: str) -> None:
    """The case processor: events in, tallies out. `unaccounted` is the difference of the accounts by partition."""
    board.row(130, "Case processor")
    received = promql.series(names.EVENTS, account="received")
    dead = increase(names.EVENTS, limits.DEAD_WINDOW, account="dead_lettered")
    all_events = increase(names.EVENTS, limits.DEAD_WINDOW, account="received")
    third(
        board,
        30,
        "What becomes of the events?",
        "Events a second by account: received = applied + duplicate + beyond retention + dead-lettered.",
        "eps",
        [promql.over_time(rate(names.EVENTS, "account"), "{{account}}")],
        alerts=["KeptStreamSilent"],
    )
    third(
        board,
        31,
        "How many events are refused?",
        f"Share of the events of {limits.DEAD_WINDOW} that became dead letters. An alert wants more than "
        f"{limits.DEAD_LETTERS} of them besides.",
        "percentunit",
        [promql.over_time(f"{dead} / ({all_events} > 0)", "dead letters")],
        alerts=["KeptDeadLettersRising"],
        limits=[Limit(limits.DEAD_SHARE, f"{limits.DEAD_SHARE:.0%}: KeptDeadLettersRising")],
    )
    third(
        board,
        32,
        "Why are events refused?",
        "Dead letters by reason, of all partitions since the topics were made. A step is a refused event; no line "
        "means that there was none.",
        "short",
        [promql.over_time(f"sum by (reason) (max by (reason, partition) ({names.DEAD_LETTERS.name}))", "{{reason}}")],
        alerts=["KeptDeadLettersRising"],
    )
    third(
        board,
        33,
        "How long does a batch of events take?",
        "Mean time from a batch at hand to its transaction committed.",
        "s",
        [promql.over_time(mean_seconds("apply"), "{{instance}}")],
    )
    third(
        board,
        34,
        "How far are the partitions behind the clock?",
        "Wall clock less the greatest event time of each partition. A partition without events stays where it is; "
        "it does not hold the others back.",
        "s",
        [promql.over_time(f"time() - max by (partition) ({names.LAST_EVENT.name})", "partition {{partition}}")],
        alerts=["KeptStreamSilent"],
    )
    third(
        board,
        35,
        "How many events come late?",
        "Events a second more than an hour behind their partition's watermark: published figures are amended.",
        "eps",
        [promql.over_time(rate(names.LATE_EVENTS), "late"), promql.over_time(rate(names.AMENDMENTS), "amendments")],
    )
    third(
        board,
        36,
        "Which partition has events in no account?",
        "received less applied, duplicate, beyond retention and dead-lettered. 0 all the time: every event is "
        "accounted for.",
        "short",
        [promql.over_time(unaccounted, "partition {{partition}}")],
        alerts=["KeptAccountsDoNotAddUp"],
    )
    third(
        board,
        37,
        "How large is what the workers hold?",
        "Cases in the registers and buckets of tallies, of all partitions: what memory and restarts depend on.",
        "short",
        [
            promql.over_time(f"sum(max by (partition) ({names.REGISTER.name}))", "cases"),
            promql.over_time(f"sum(max by (partition) ({names.TALLY_BUCKETS.name}))", "buckets of tallies"),
        ],
    )
    third(
        board,
        38,
        "How many events does each partition receive?",
        "Since the topics were made; they should rise alike.",
        "short",
        [promql.over_time(f"max by (partition) ({received})", "partition {{partition}}")],
    )


def indicators(board: Board, catalogue: Catalogue) -> None:
    """The indicator processor: tallies in, figures and signals out."""
    board.row(140, "Indicator processor")
    shortest_ms = min(parse_duration(service.expected_silence) for service in catalogue.values())
    third(
        board,
        40,
        "How often are services evaluated and judged?",
        "Services a second whose figures were computed, and whose signals were.",
        "ops",
        [promql.over_time(rate(names.STAGE_BATCHES, "stage", stage='=~"evaluate|judge"'), "{{stage}}")],
        alerts=["KeptWatermarkStuck"],
    )
    third(
        board,
        41,
        "How long does one service take?",
        "Mean time to compute the figures of one service, and to judge its signals.",
        "s",
        [promql.over_time(mean_seconds("evaluate", "judge"), "{{stage}} {{instance}}")],
    )
    third(
        board,
        42,
        "What do the workers spend their time on?",
        "Seconds of each stage in a second of the clock. evaluate and judge keep the one thread busy: together "
        "they stay below 1. apply and write also wait for the broker and the store; two batches may be under way "
        "at once.",
        "percentunit",
        [promql.over_time(rate(names.STAGE_SECONDS, "stage, instance"), "{{stage}} {{instance}}")],
    )
    third(
        board,
        43,
        "How old are the newest figures of each service?",
        "Wall clock less published event time: from the event to the board, everything included. A service whose "
        "system is silent grows old by itself; the alert asks for the newest of all.",
        "s",
        [promql.over_time(f"time() - max by (service) ({names.INDICATOR_TIME.name})", "{{service}}")],
        alerts=["KeptStreamSilent", "KeptWatermarkStuck", "KeptNothingPublished"],
        limits=[Limit(shortest_ms / 1000, f"{in_words(shortest_ms)}: KeptStreamSilent, when all are older")],
    )
    third(
        board,
        44,
        "Are figures left out for want of room?",
        f"Series that are not shown because a worker has more than {names.SERIES_BUDGET:,} of them. The history "
        "has them all.",
        "short",
        [promql.over_time(f"sum({names.SERIES_DROPPED.name})", "left out")],
        alerts=["KeptSeriesOverBudget"],
    )
    third(
        board,
        46,
        "What is counted under (other), for want of a slice of its own?",
        "Cases, steps and other events whose area, category, channel or step is one too many to be told apart.",
        "short",
        [promql.over_time(f"sum by (service, dimension) ({names.FOLDED_SLICES.name})", "{{service}} {{dimension}}")],
        alerts=["KeptSliceValuesFolded"],
    )
    third(
        board,
        45,
        "How many signals are watched, and how many are raised?",
        "Signals of all services: each is watched all the time; what is raised is on the board On-call.",
        "short",
        [
            promql.over_time(f"count({SIGNALS})", "watched"),
            promql.over_time(f"sum({SIGNALS})", "raised"),
        ],
    )


def mean_seconds(*stages: Stage) -> str:
    """Mean duration of a round of each of these stages, by worker; nothing where there was no round."""
    chosen = {"stage": f'=~"{"|".join(stages)}"'}
    seconds, rounds = (
        f"sum by (stage, instance) (rate({promql.series(metric, **chosen)}[{PER}]))"
        for metric in (names.STAGE_SECONDS, names.STAGE_BATCHES)
    )
    return f"{seconds} / ({rounds} > 0)"
