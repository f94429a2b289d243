"""The board for leaders and operations: every service, worst first, each against its own promise."""

from __future__ import annotations

from grafana_foundation_sdk.builders import common as common_builders
from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.models.common import GraphThresholdsStyleMode
from grafana_foundation_sdk.models.dashboard import Dashboard, Threshold

from grafana import promql
from grafana import service_rows as by
from grafana.as_of import as_of
from grafana.board import ON_CALL, OVERVIEW, PIPELINE, SERVICE, Board, window_variable
from grafana.colours import BLUE, GREY, VERMILLION
from grafana.few_lines import LINES, in_colours
from grafana.panels import Panel, number, time_chart, words
from grafana.promql import WINDOW
from grafana.tables import Column, Word, joined, link, unit, width
from grafana.tables import words as in_words
from grafana.worst_services import LEAST_WAITING, fastest_growing_backlogs, furthest_below_target
from kept import metric_names as names
from kept.catalogue import Catalogue

SHORT = "7d"
TO_SERVICE = f"/d/{SERVICE}?var-service=${{__data.fields.service}}&var-window={WINDOW}&${{__url_time_range}}"
TO_ON_CALL = f"/d/{ON_CALL}?var-service=${{__data.fields.service}}"
TO_PIPELINE = f"/d/{PIPELINE}"
HOW_TO_READ = f"""
**Each service is compared with its own promise, and with nothing else.** There is no score of all services: a mean
would hide the worst. Costs stand beside each service and are in no order: a permit and a street light are unlike work.
Numbers have no traffic-light colours; the word beside them says what they mean, and only against a target of the
catalogue.

**Two clocks, two cohorts.** *Promise kept* counts what fell **due** in the window, whether closed or not. *Of closed
only* counts what was closed, and forgets what is late and still open: when it is much higher, the late cases are still
waiting. *Counted in* says whether the promise's clock runs in working time or in elapsed time.

**"no value" is not zero.** A service that has no value stays in the table, with the reason under *Standing*. A gap in a
line is a moment without a value. Figures are as of event time: see *As of*, and
[Pipeline health](/d/{PIPELINE}) when it is old.
"""


def board(catalogue: Catalogue) -> Dashboard:
    """The board; names and targets in the charts over time are those of `catalogue`."""
    made = Board(
        OVERVIEW,
        "Is every service's promise kept? Worst first. For leaders and operations.",
        time_from="now-28d",
        refresh="1m",
    )
    made.variables(window_variable())
    made.links(SERVICE, ON_CALL, PIPELINE)
    made.annotate(service=None)
    made.place(1, as_of(), width=6, height=5)
    made.place(2, _standings(), width=7, height=5)
    made.place(3, _signals(), width=5, height=5)
    made.place(4, _sources(), width=6, height=5)
    made.row(100, "Every service, worst first")
    made.place(5, _services(), width=24, height=14)
    made.row(101, "Over time")
    made.place(6, _course_of_promises(catalogue), width=12, height=11)
    made.place(7, _course_of_backlogs(catalogue), width=12, height=11)
    made.place(8, words("How is this board to be read?", HOW_TO_READ), width=24, height=8)
    return made.build()


def _standings() -> Panel:
    return number(
        "How many services are below their target?",
        "Services by where they stand: promise kept (due cohort) in the chosen window against the target of the "
        "catalogue. Together they are all services that are published now. Without a value are those to which the "
        "promise does not apply in this window (nothing fell due), or whose source does not tell.",
        "short",
        [
            promql.now(by.how_many(by.BELOW), "below target"),
            promql.now(by.how_many(by.ON_TARGET), "on target"),
            promql.now(by.how_many(by.NOT_APPLICABLE, by.NOT_PROVIDED, by.NOT_SHOWN), "without a value"),
            promql.now(by.how_many(by.NO_PROMISE), "without a promise"),
        ],
    )


def _signals() -> Panel:
    return number(
        "How many signals are active?",
        "Signals that the workers have raised and not ended, by urgency: a page wakes someone, a ticket waits for "
        "working hours, information is told to nobody. What has become an alert is on the board On-call.",
        "short",
        [
            promql.now(by.active_of_all("page"), "page"),
            promql.now(by.active_of_all("ticket"), "ticket"),
            promql.now(by.active_of_all("info"), "information"),
        ],
    ).data_links([builders.DashboardLink("Which are they?").url(f"/d/{ON_CALL}")])


def _sources() -> Panel:
    stale = names.SERVICE_STALE.name
    simulated = promql.series(names.SERVICE, simulated="true")
    return number(
        "How many services have fallen silent?",
        "Silent: the service's system has told nothing for longer than its catalogue expects. Its figures are stale, "
        "and what fell due since is unknown, not late. Simulated services are counted too: their events are made up.",
        "short",
        [
            promql.now(f"sum(max by (service) ({stale}))", "silent"),
            promql.now(f"count(max by (service) ({stale}) == 0) or count({stale}) * 0", "heard in time"),
            promql.now(f"count(max by (service) ({simulated})) or count({by.ALL}) * 0", "simulated"),
            promql.now(f"count({by.ALL})", "all services"),
        ],
    )


def _services() -> Panel:
    standing = in_words(by.words_of_standings({by.BELOW: VERMILLION, by.ON_TARGET: BLUE}))
    silent = {"0": Word("heard in time"), "1": Word("silent: stale", VERMILLION)}
    clocks = {"working_time": Word("working time"), "elapsed_time": Word("elapsed time")}
    simulated = {"true": Word("simulated"), "false": Word("real")}
    share, count = unit("percentunit", 1), unit("short", 0)
    signals = (*count, *width(75), *link("Which are they? (On-call)", TO_ON_CALL))
    as_of_links = link("Why is it as old as this? (Pipeline health)", TO_PIPELINE)
    worst_first = by.worst_first()
    return joined(
        "Which services keep their promise, and which do not?",
        "Every service that is published now; those furthest below their own target come first, those without a "
        "value or a promise last. Shortfall is target less promise kept, in percentage points; a negative number is "
        "to spare. Promise kept counts what fell due in the chosen window, closed or not; of closed only forgets "
        "what is late and still open. n: the cases or answers a figure rests on. Backlog, overdue and at risk are "
        "cases now. Cost per outcome is in the currency beside it; services are not ordered by it, their work is "
        "unlike. A click on a name leads to the service.",
        "service",
        [
            Column("Name", label="name", overrides=(*width(250), *link("To the service", TO_SERVICE))),
            Column("Standing", by.standing(), overrides=(*standing, *width(160))),
            Column("Shortfall, points", by.shortfall(), overrides=(*unit("none", 1), *width(110))),
            Column("Promise kept", by.of("promise_kept"), overrides=(*share, *width(105))),
            Column("Target", by.TARGET, overrides=(*share, *width(80))),
            Column("n due", by.cases("promise_kept"), overrides=(*count, *width(75))),
            Column(f"Kept, {SHORT}", by.of("promise_kept", SHORT), overrides=(*share, *width(85))),
            Column("Of closed only", by.of("promise_kept_closed"), overrides=(*share, *width(110))),
            Column("Counted in", label="counted_in", overrides=(*in_words(clocks), *width(110))),
            Column("Backlog", by.of("backlog"), overrides=(*count, *width(80))),
            Column("Overdue", by.of("overdue"), overrides=(*count, *width(80))),
            Column("At risk", by.of("at_risk"), overrides=(*count, *width(75))),
            Column(
                "Cost per outcome",
                with_currency("cost_per_outcome"),
                overrides=(*unit("none", 2), *width(125)),
            ),
            Column("Currency", label="currency", overrides=width(80)),
            Column("Satisfaction, 0-100", by.of("satisfaction_score"), overrides=(*unit("none", 1), *width(130))),
            Column("n answers", by.cases("satisfaction_score"), overrides=(*count, *width(85))),
            Column("Pages", by.active("page"), overrides=signals),
            Column("Tickets", by.active("ticket"), overrides=signals),
            Column("Information", by.active("info"), overrides=signals),
            Column("As of", by.as_of_ms(), overrides=(*unit("dateTimeAsIso"), *width(155), *as_of_links)),
            Column("Age", by.age_seconds(), overrides=(*unit("s", 0), *width(85), *as_of_links)),
            Column("Source", with_stale(), overrides=(*in_words(silent), *width(110))),
            Column("Data", label="simulated", overrides=(*in_words(simulated), *width(85))),
            Column("service", label="service", overrides=width(150)),
        ],
        silent=[
            by.with_label(names.SERVICE, "name", "simulated"),
            worst_first,
            by.with_label(names.PROMISE, "counted_in"),
        ],
        largest_first=worst_first,
    )


def with_currency(name: str) -> str:
    """An indicator of money by service and currency: never added up over currencies."""
    return by.with_label(names.INDICATOR_METRICS[name], "currency", window=WINDOW)


def with_stale() -> str:
    """Whether a service's system has been silent for too long."""
    return by.with_label(names.SERVICE_STALE)


def _course_of_promises(catalogue: Catalogue) -> Panel:
    return in_colours(
        time_chart(
            f"How far from their target are the {LINES} services that are furthest below it?",
            "Promise kept (due cohort, chosen window) less the service's own target, in percentage points: the "
            "dashed line at 0 is the target, below it the promise is not kept. Chosen by the newest value. Targets "
            "are those of the catalogue from which this board was made, also for the past. A gap: no value.",
            "none",
            [furthest_below_target(catalogue)],
        )
        .axis_label("points from target (0 = target)")
        .decimals(1)
        .thresholds(builders.ThresholdsConfig().steps([Threshold(color=GREY), Threshold(value=0, color=GREY)]))
        .thresholds_style(common_builders.GraphThresholdsStyleConfig().mode(GraphThresholdsStyleMode.DASHED))
    )


def _course_of_backlogs(catalogue: Catalogue) -> Panel:
    return in_colours(
        time_chart(
            f"Which {LINES} backlogs have grown most?",
            "Open cases compared with the beginning of the time range: 0 % is as many as then, 100 % twice as many. "
            f"Each service beside its own past; those with less than {LEAST_WAITING} open cases then are left out. "
            "There is no target for a backlog here. A gap: no value.",
            "percentunit",
            [fastest_growing_backlogs(catalogue)],
        ).axis_label("change since the beginning")
    )
