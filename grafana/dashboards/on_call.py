"""The board for people on call: what fires, since when, on what evidence, and whether such alerts were true."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders import common as common_builders
from grafana_foundation_sdk.builders.table import Panel as Table
from grafana_foundation_sdk.models.common import StackingMode
from grafana_foundation_sdk.models.dashboard import Dashboard, DataTransformerConfig, DynamicConfigValue

from grafana import alert_rows as alerts
from grafana import promql, signal_history
from grafana.alert_rows import State
from grafana.as_of import as_of
from grafana.board import (
    ON_CALL,
    OVERVIEW,
    PIPELINE,
    SERVICE,
    Board,
    service_variable,
)
from grafana.colours import BLUE, GREY, VERMILLION
from grafana.few_lines import LINES, in_colours
from grafana.flux_query import Flux
from grafana.panels import NO_VALUE, Panel, bars_over_time, fixed_colour, number, table, words
from grafana.runbooks import RUNBOOKS, runbooks_variable
from grafana.tables import Column, Word, joined, link, unit, width
from grafana.tables import words as in_words
from kept import metric_names as names
from kept.catalogue import Catalogue
from kept.signals.card_lines import LEAST_JUDGED

TO_SERVICE: Final = f"/d/{SERVICE}?var-service=${{__data.fields.service}}&${{__url_time_range}}"
TO_RUNBOOK: Final = f"${{{RUNBOOKS}:raw}}#${{__value.raw}}"
URGENCIES: Final = {
    "page": Word("page: now", VERMILLION),
    "ticket": Word("ticket: in working hours", BLUE),
    "info": Word("information"),
}
WHERE: Final = """
**What is silenced or muted cannot be seen here.** Prometheus knows what fires; who is told is decided by Alertmanager:
it mutes an alert that another explains, waits for working hours, and obeys silences. Ask it: `amtool alert query
--inhibited --silenced`, `amtool silence query`, or its page on port 9093.

**Three times, three meanings.** *The data show it since* is event time: the first moment at which the evidence was
there. *Raised* (history) is the full hour of event time at which a worker judged so. *The rule holds since* is the
clock of Prometheus; after some minutes of it the alert fires. While a worker catches up the three lie far apart.

**What to do with an alert**: `kept alerts why ID` shows its evidence, `kept alerts acknowledge ID` says that you have
it, `kept alerts judge ID useful` (or `noise`) whether someone had something to do. The ID is in the tables of the
history.
"""


def board(catalogue: Catalogue) -> Dashboard:
    """The board; owners and the time zone of days and weeks are those of `catalogue`."""
    made = Board(
        ON_CALL,
        "What fires, since when, why, and what to do. For people on call.",
        time_from="now-28d",
        refresh="30s",
    )
    made.variables(service_variable(all_of_them=True), runbooks_variable())
    made.links(OVERVIEW, SERVICE, PIPELINE, keep=False)
    made.place(1, as_of(), width=6, height=5)
    made.place(2, _how_many("firing"), width=6, height=5)
    made.place(3, _how_many("pending"), width=6, height=5)
    made.place(4, _chain(), width=6, height=5)
    made.row(100, "Now: alerts about services, as Prometheus has them")
    made.place(5, _alerts("firing"), width=24, height=9)
    made.place(6, _alerts("pending"), width=24, height=6)
    made.row(101, "The evidence in words, as the history has it")
    made.place(7, _open_signals(), width=24, height=9)
    made.row(102, "The time range: what was raised, and was it true?")
    made.place(8, _by_day(catalogue), width=12, height=9)
    made.place(9, _by_week(catalogue), width=12, height=9)
    made.place(10, _report_card(), width=24, height=9)
    made.place(11, _raised_signals(), width=24, height=11)
    made.row(103, "The pipeline itself")
    made.place(12, _pipeline(), width=12, height=9)
    made.place(13, words("What is not on this board?", WHERE), width=12, height=9)
    return made.build()


def _how_many(state: State) -> Panel:
    fires = state == "firing"
    return number(
        "How many alerts fire?" if fires else "How many alerts are about to fire?",
        "Alerts about the chosen services "
        + (
            "that fire in Prometheus, muted ones included. "
            if fires
            else "whose condition holds, not yet for long enough. "
        )
        + "A number is told only while Prometheus evaluates the rules: without them there is no value, not zero.",
        "short",
        [promql.now(alerts.how_many(severity, state), word.text) for severity, word in URGENCIES.items()],
    )


def _chain() -> Panel:
    fine = {"1": Word("✓ rules are evaluated", BLUE)}
    watchdog = "watchdog"
    return (
        number(
            "Can an alert reach anyone?",
            f"The watchdog is an alert that always fires ({alerts.WATCHDOG}): when it does not, Prometheus evaluates "
            "no rule and this board shows nothing of what is wrong. Whether Alertmanager delivers is seen outside "
            "only, by the receiver of its heartbeat.",
            "short",
            [
                promql.now(alerts.watchdog(), watchdog),
                promql.now(alerts.pipeline_firing(), "alerts about the pipeline"),
            ],
        )
        .override_by_name(watchdog, list(in_words(fine)[:1]))
        .no_value("✕ no rule is evaluated, or Prometheus is away")
    )


def _alerts(state: State) -> Table:
    fires = state == "firing"
    most_urgent_first = alerts.most_urgent_first(state)
    found = alerts.with_anchor(alerts.of_signals(alerts.of_services(state)), alerts.SERVICE_ALERTS)
    panel = joined(
        "What fires now, since when, and on what evidence?" if fires else "What is about to fire?",
        "Alerts about the chosen services, pages first, the newest first. The rule holds since: the clock of "
        "Prometheus. The data show it since: event time. Seen is what the workers measure now, judged against what "
        "is promised or usual, in the unit beside it (a share of 1 is 100 %); chance is how likely such evidence "
        "would be if all were well, without a value where there is no test. A click on a service leads to its board, "
        "on a runbook to what to do. Muted and silenced alerts are here too: Prometheus does not know who is told.",
        alerts.KEY,
        [
            Column("Urgency", label="severity", overrides=(*in_words(URGENCIES), *width(170))),
            Column("service", label="service", overrides=(*width(160), *link("To the service", TO_SERVICE))),
            Column("Alert", label="alertname", overrides=width(250)),
            Column("About", label="about", overrides=width(150)),
            Column("The rule holds since", alerts.told_since_ms(state), overrides=_when()),
            Column("The data show it since", alerts.evidence(names.SIGNAL_SINCE, state, 1000), overrides=_when()),
            Column("Seen", alerts.evidence(names.SIGNAL_VALUE, state), overrides=(*unit("short", 3), *width(85))),
            Column(
                "Judged against",
                alerts.evidence(names.SIGNAL_EXPECTED, state),
                overrides=(*unit("short", 3), *width(115)),
            ),
            Column("Unit", label=alerts.UNIT, overrides=width(85)),
            Column("Cases", alerts.evidence(names.SIGNAL_CASES, state), overrides=(*unit("short", 0), *width(75))),
            Column("Chance", alerts.evidence(names.SIGNAL_CHANCE, state), overrides=(*unit("sci", 1), *width(90))),
            Column(
                "What to do",
                label=alerts.ANCHOR,
                overrides=(*width(250), *link("To the runbook", TO_RUNBOOK)),
            ),
            Column("Owner", label="owner", overrides=width(200)),
            Column(
                "Data",
                label="simulated",
                overrides=in_words({"true": Word("simulated"), "false": Word("real")}),
            ),
        ],
        silent=[found, most_urgent_first],
        largest_first=most_urgent_first,
    )
    return _when_empty(
        panel, "Nothing fires, if rules are evaluated: see above." if fires else "Nothing is about to fire."
    )


def _open_signals() -> Table:
    return _history(
        "What do the data say, in words?",
        "Signals that the workers have raised and not ended, from the history, newest first: one sentence each, as "
        "judged when it was raised. Raised is event time. A signal becomes an alert only after it has stood for some "
        "minutes, so one may be here and not above, or the other way round for as long as the alert is held. `kept "
        "alerts why ID` shows all the evidence.",
        signal_history.open_signals(),
        ("raised", "severity", "service", "alert", "about", "words", "id"),
        "No signal is raised.",
    )


def _raised_signals() -> Table:
    return _history(
        "Which signals were raised, and what did people say?",
        "Every signal raised in the time range (event time), whether it has ended, whether anyone acknowledged it, "
        "and the last judgement. Information is told to nobody, and nobody need answer it.",
        signal_history.raised_signals(),
        ("raised", "severity", "service", "alert", "about", "words", "state", "acknowledged", "judged", "id"),
        "No signal was raised in this time range.",
    )


def _by_day(catalogue: Catalogue) -> Panel:
    colours = {"page": VERMILLION, "ticket": BLUE, "info": GREY}
    panel = (
        bars_over_time(
            "On which days were signals raised?",
            "Signals of the chosen services by the day on which they were raised, in event time and local time. An "
            "urgency of which none was raised in the time range is not in the legend. A day without a bar: none, if "
            "the history was written that day (see Data as of when?).",
            "short",
            [signal_history.raised_by_day(catalogue)],
        )
        .stacking(common_builders.StackingConfig().mode(StackingMode.NORMAL))
        .display_name("${__field.labels.severity}")
        .no_value("No signal was raised in this time range.")
    )
    for severity, colour in colours.items():
        panel = panel.override_by_name(severity, [fixed_colour(colour)])
    return panel


def _by_week(catalogue: Catalogue) -> Panel:
    return in_colours(
        bars_over_time(
            f"How many alerts a week do the {LINES} owners that get most get?",
            "Pages and tickets of the chosen services by owner and ISO week (from Monday, local time) in which they "
            "were raised; the first and the running week are partial. How many that is for each person on call is in "
            "`kept alerts report`: how many people there are is in owners.toml.",
            "short",
            [signal_history.load_by_week(catalogue)],
        ).no_value("Nobody was alerted in this time range.")
    )


def _report_card() -> Table:
    share = (*unit("percentunit", 0), *width(110))
    panel = table(
        "The report card: were the alerts true, and did anyone look?",
        "Pages and tickets raised in the time range, by rule, for the chosen services. Precision is useful / (useful "
        f"+ noise) by the last judgement of each, with its 95 % interval (Wilson); with fewer than {LEAST_JUDGED} "
        "judged there is no value: too few to tell. What was not judged is in neither. Time to acknowledge, lead "
        "time, load by person, and which rules may not be worth it, over whole weeks: `kept alerts report`.",
        [signal_history.report_card()],
    )
    titles = {
        "alert": "Alert",
        "severity": "Urgency",
        "raised": "Raised",
        "still_open": "Still open",
        "useful": "Useful",
        "noise": "Noise",
        "not_judged": "Not judged",
        "precision": "Precision",
        "low": "at least (95 %)",
        "high": "at most (95 %)",
        "not_acknowledged": "Not acknowledged",
    }
    panel = panel.with_transformation(_in_order(titles)).override_by_name("Urgency", list(in_words(URGENCIES)))
    for figure in ("precision", "low", "high"):
        panel = panel.override_by_name(titles[figure], list(share))
    return _when_empty(panel, "Nobody was alerted in this time range.")


def _pipeline() -> Table:
    since = alerts.pipeline_since_ms()
    found = alerts.with_anchor(alerts.of_pipeline(), alerts.PIPELINE_ALERTS)
    panel = joined(
        "Is the pipeline well enough to be believed?",
        "Alerts about the pipeline itself that fire or are about to, the newest first: while one of them fires, what "
        "is above may be old or missing. How many: of partitions, targets or reasons. What is wrong is on the board "
        "Pipeline health.",
        alerts.KEY,
        [
            Column("State", label="alertstate", overrides=(*width(85), *link("Pipeline health", f"/d/{PIPELINE}"))),
            Column("Urgency", label="severity", overrides=(*in_words(URGENCIES), *width(170))),
            Column("Alert", label="alertname", overrides=width(230)),
            Column("How many", found, overrides=(*unit("short", 0), *width(95))),
            Column("The rule holds since", since, overrides=_when()),
            Column("What to do", label=alerts.ANCHOR, overrides=link("To the runbook", TO_RUNBOOK)),
        ],
        largest_first=since,
    )
    return _when_empty(panel, "No alert about the pipeline, if rules are evaluated: see above.")


def _history(title: str, description: str, query: Flux, fields: tuple[str, ...], empty: str) -> Table:
    titles = {
        "raised": "Raised",
        "severity": "Urgency",
        "service": "service",
        "alert": "Alert",
        "about": "About",
        "words": "What the data said",
        "state": "State",
        "acknowledged": "Acknowledged",
        "judged": "Judged",
        "id": "ID",
    }
    panel = (
        table(title, description, [query])
        .with_transformation(_in_order({field: titles[field] for field in fields}))
        .override_by_name("Raised", list(_when()))
        .override_by_name("Urgency", [*in_words(URGENCIES), *width(170)])
        .override_by_name("service", [*width(160), *link("To the service", TO_SERVICE)])
        .override_by_name("Alert", list(width(240)))
    )
    return _when_empty(panel, empty)


def _in_order(titles: dict[str, str]) -> DataTransformerConfig:
    options = {
        "excludeByName": {},
        "indexByName": {field: place for place, field in enumerate(titles)},
        "renameByName": titles,
    }
    return DataTransformerConfig(id_val="organize", options=options)


def _when() -> tuple[DynamicConfigValue, ...]:
    return (*unit("dateTimeAsIso"), *width(165))


def _when_empty(panel: Table, says: str) -> Table:
    """An empty table says why; an empty cell says that it has no value."""
    cells = [DynamicConfigValue(id_val="noValue", value=NO_VALUE)]
    return panel.no_value(says).override_by_regexp("/.*/", cells)
