"""The control chart that readers choose, with its limits, marks and rules, and the cases behind each week."""

from __future__ import annotations

from typing import Final

from grafana import chart_lines
from grafana.board import Board
from grafana.chart_lines import LIMITS, MEAN, MEANINGS, NEAR_LIMITS, P_LIMITS, TARGET, WEEK
from grafana.colours import BLUE, GREEN, GREY, PURPLE, SKY, VERMILLION
from grafana.in_words import money_unit
from grafana.looks import DOTS, SHORT_DASHES, bar, dots, in_order, line, newest_in_legend, option, steps
from grafana.panels import UNIT_OF, Panel, of_unit, table, time_chart
from kept.catalogue import Catalogue
from kept.indicators.definitions import BY_NAME
from kept.signals.spc import BASELINE, LABEL_ORDER, RULE_WORDS
from kept.signals.weekly import CHARTABLE, CHARTED_AS

MARKS: Final = {"concern": VERMILLION, "improvement": GREEN, "neutral": PURPLE}
CASES: Final = "cases"
UNITS: Final = tuple(dict.fromkeys(BY_NAME[name].unit for name in CHARTABLE))
"""Units of charts, each with a query of its own: the unit of a panel cannot be chosen by a variable."""
_READ: Final = (
    "Each dot is a week. Its mean and limits are an XmR chart's, of the weeks known when it was the newest: trial "
    f"limits up to {BASELINE} weeks, the baseline's from then on. They begin anew only at a registered change, where "
    "the lines break. Between the limits is what chance brings: do not explain it. A large dot is the first of these "
    f"rules that the week completes: {'; '.join(f'{rule}, {RULE_WORDS[rule]}' for rule in LABEL_ORDER)}. Limits for "
    "so many cases (p-prime) are of shares only. The target is the promise's, on the chart of the promise alone. It "
    "is a question, not an answer: what was different in that week?"
)


def place(board: Board, catalogue: Catalogue) -> None:
    """The panels of the row."""
    board.place(60, _chart(catalogue), width=24, height=12)
    board.place(61, _counts(), width=10, height=8)
    board.place(62, _marked(), width=14, height=8)


def _chart(catalogue: Catalogue) -> Panel:
    instead = "; ".join(f"{name} is charted as {other}" for name, other in CHARTED_AS.items())
    of_unit_names = [[name for name in CHARTABLE if BY_NAME[name].unit == unit] for unit in UNITS]
    panel = time_chart(
        "Is this week unlike the weeks before? ($charted)",
        f"{_READ} A week's openings have not all ended, so {instead}, which flatters.",
        "none",
        [chart_lines.chart(names) for names in of_unit_names],
        gap_hours=None,
    )
    for letter, unit in zip("ABCDEFG", UNITS, strict=False):
        panel = panel.override_by_query(letter, of_unit(money_unit(catalogue) if unit == "money" else UNIT_OF[unit]))
    panel = panel.override_by_name(
        WEEK, [*line(BLUE), option("custom.showPoints", "always"), option("custom.pointSize", 6)]
    )
    panel = panel.override_by_name(MEAN, steps(GREY, width=2))
    panel = panel.override_by_name(TARGET, steps(PURPLE, width=2, dash=(12, 6)))
    for names, dash, colour in ((LIMITS, SHORT_DASHES, GREY), (NEAR_LIMITS, DOTS, GREY), (P_LIMITS, SHORT_DASHES, SKY)):
        for name in names.values():
            panel = panel.override_by_name(name, steps(colour, dash=dash))
    for meaning, colour in MARKS.items():
        panel = panel.override_by_regexp(f"/: {MEANINGS[meaning]}$/", dots(colour))
    return newest_in_legend(panel)


def _counts() -> Panel:
    panel = time_chart(
        "How many cases is each week made of? ($charted)",
        "The fewer, the more a week goes up and down by chance; weeks that are no point are left out.",
        "short",
        [chart_lines.counts(CASES)],
        gap_hours=None,
    )
    return newest_in_legend(panel.override_by_name(CASES, bar(BLUE)).axis_label("cases a week").axis_soft_min(0))


def _marked() -> Panel:
    panel = table(
        "Which weeks were signals, and by which rule? ($charted)",
        "The newest first. Trial limits rest on fewer weeks than a baseline has. Shares are from 0 to 1, times in "
        "seconds. A signal of a chart is for pages: what is a ticket needs more (docs/control-charts.md).",
        [chart_lines.marked()],
        "none",
    ).no_value("no week was a signal")
    columns = {
        "_time": "week to",
        "what": "rule, and what it means",
        "limits": "limits",
        "value": "value",
        "n": "cases",
    }
    panel = panel.override_by_name(columns["_time"], of_unit("dateTimeAsLocal")).decimals(3)
    panel = panel.override_by_name(columns["n"], [option("decimals", 0)])
    return in_order(panel, list(columns), columns)
