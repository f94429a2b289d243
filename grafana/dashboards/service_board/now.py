"""What holds now: data as of, the promise in words, whether it is kept, who waits, which signals are active."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.models.common import BigValueTextMode

from grafana import newest, promql
from grafana.as_of import as_of
from grafana.board import ON_CALL, Board
from grafana.flux_parts import WHOLE
from grafana.in_words import about
from grafana.looks import in_order, option
from grafana.panels import Panel, number, of_unit, table
from grafana.runbooks import RUNBOOKS
from kept import metric_names as names
from kept.catalogue import Catalogue
from kept.signals.kinds import KINDS

KEPT: Final = {"value": "kept", "low": "from (95 %)", "high": "to (95 %)", "n": "cases due"}
CLOSED: Final = "of closed cases only"
RUNBOOK: Final = "runbook"
"""The label with the anchor of a signal's runbook."""
STOCK_WINDOW: Final = "24h"
"""Stocks are the same under every window; this one is published most often."""


def place(board: Board, catalogue: Catalogue) -> None:
    """The panels of the row."""
    board.place(1, as_of(promql.SERVICE), width=5, height=5)
    board.place(2, _promise(), width=7, height=5)
    board.place(3, _kept(catalogue), width=12, height=5)
    board.place(4, _waiting(), width=9, height=5)
    board.place(5, _signal_count(), width=3, height=5)
    board.place(6, _signals(), width=12, height=5)


def _promise() -> Panel:
    target = promql.series(names.PROMISE_TARGET, service=promql.SERVICE)
    promise = promql.series(names.PROMISE, service=promql.SERVICE)
    # A service that is moving is shown by two workers: one of each before they are joined.
    words = f"max by (service, promise, counted_in) ({promise})"
    shown = f"max by (promise, counted_in) (max by (service) ({target}) * on (service) group_right () {words})"
    return (
        number(
            "What was promised, and for how many?",
            "The promise in the words of the catalogue, whether its time is elapsed time or working time, and the "
            "share of cases that it should hold for.",
            "percentunit",
            [promql.now(shown, "{{promise}} ({{counted_in}})")],
        )
        .text_mode(BigValueTextMode.VALUE_AND_NAME)
        .no_value("no promise was made to the public")
    )


def _kept(catalogue: Catalogue) -> Panel:
    panel = number(
        "Is the promise kept, and how sure is that? ($window)",
        "Of the cases that fell due in the window, the share completed by then, with its 95 % interval and how many "
        "cases it rests on. Beside it the figure of closed cases only, which forgets who still waits: the more it "
        f"says, the more is late and still open.\n\n{about('promise_kept', 'promise_kept_closed')}",
        "percentunit",
        [
            newest.figure(catalogue, "promise_kept", KEPT, slice_of=WHOLE),
            newest.figure(catalogue, "promise_kept_closed", {"value": CLOSED}, slice_of=WHOLE),
        ],
    )
    panel = panel.override_by_name(KEPT["n"], of_unit("none"))
    return in_order(panel, list(KEPT.values()))


def _waiting() -> Panel:
    shown = {"overdue": "overdue", "at_risk": "at risk", "backlog": "open", "paused": "of them paused"}
    return number(
        "Who is waiting, and who too long?",
        "Open cases now. Overdue: past what was promised. At risk: less than a fifth of the promised time is left. "
        "Paused cases are open, but neither overdue nor at risk.\n\n"
        f"{about('overdue', 'at_risk', 'backlog', 'paused')}",
        "short",
        [promql.now(f"max({promql.indicator(name, window=STOCK_WINDOW)})", words) for name, words in shown.items()],
    )


def _signal_count() -> Panel:
    active = promql.series(names.SIGNAL_ACTIVE, service=promql.SERVICE)
    return number(
        "How many signals are active?",
        "Signals that stand now. Zero says that they are watched and none stands; no value says that they are not "
        "watched.",
        "none",
        [promql.now(f"sum(max by (signal, about) ({active}))", "active")],
    )


def _signals() -> Panel:
    active = promql.series(names.SIGNAL_ACTIVE, service=promql.SERVICE)
    panel = table(
        "Which signals are active?",
        "What of this service someone should look at, what it is about, and how urgent it is. A click on a signal "
        "leads to its runbook; one on what it is about leads to the board On-call, which says since when, and on what "
        "evidence.",
        [promql.rows(with_runbook(f"max by (signal, about, severity) ({active}) == 1"))],
    ).no_value("none is active, or none is watched")
    to_runbook = {"title": "Runbook", "url": f"${{{RUNBOOKS}:raw}}#${{__data.fields.{RUNBOOK}}}"}
    to_on_call = {"title": "On-call", "url": f"/d/{ON_CALL}?var-service=${{service}}"}
    panel = panel.override_by_name("signal", [option("links", [to_runbook])])
    panel = panel.override_by_name("about", [option("links", [to_on_call])])
    panel = panel.override_by_name(RUNBOOK, [option("custom.hidden", True)])
    return in_order(panel, ["signal", "about", "severity", RUNBOOK], left_out=["Time", "Value"])


def with_runbook(expression: str) -> str:
    """The same series of signals with the anchor of each one's runbook, in the label `RUNBOOK`."""
    for kind in KINDS:
        expression = f'label_replace({expression}, "{RUNBOOK}", "{kind.alert.lower()}", "signal", "{kind.name}")'
    return expression
