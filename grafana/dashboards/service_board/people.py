"""What people say and do: satisfaction with the counts behind it, digital take-up, failure demand, right first time."""

from __future__ import annotations

from typing import Final

from grafana.board import Board
from grafana.colours import BLUE, GREEN, ORANGE, PURPLE, VERMILLION
from grafana.in_words import about
from grafana.looks import SHORT_DASHES, between, line, newest_in_legend
from grafana.over_time import Interval, lines, with_interval
from grafana.panels import Panel, time_chart
from kept.catalogue import Catalogue

SCORE: Final = Interval("score", "95 % from", "95 % to")
SHARE: Final = Interval("share", "95 % from", "95 % to")
ASKED, ANSWERED, SATISFIED = "asked", "answered", "answered 4 or 5"


def place(board: Board, catalogue: Catalogue) -> None:
    """The panels of the row."""
    board.place(50, _score(catalogue), width=8, height=9)
    board.place(51, _counts(catalogue), width=8, height=9)
    board.place(52, _response(catalogue), width=8, height=9)
    board.place(53, _digital(catalogue), width=8, height=9)
    board.place(54, _failure_demand(catalogue), width=8, height=9)
    board.place(55, _right(catalogue), width=8, height=9)


def _score(catalogue: Catalogue) -> Panel:
    panel = time_chart(
        "How satisfied are those who answered? (score of 100, $window)",
        "The score from 0 to 100 with its 95 % interval; on how many answers it rests stands beside. It is no share of "
        f"satisfied people, which is 3 to 5 points higher as a rule.\n\n{about('satisfaction_score')}",
        "none",
        [with_interval(catalogue, "satisfaction_score", SCORE)],
        gap_hours=None,
    )
    panel = between(panel, SCORE.low, SCORE.high, BLUE).override_by_name(SCORE.value, line(BLUE))
    return newest_in_legend(panel.axis_label("score, 0 to 100").decimals(1))


def _counts(catalogue: Catalogue) -> Panel:
    panel = time_chart(
        "On how many answers does that rest? ($window)",
        "Counts of the window that ends at each point: who was asked, who answered, and how many of them answered 4 "
        f"or 5. A score without its counts says nothing.\n\n{about('response_rate', 'satisfied_share')}",
        "short",
        [
            lines(catalogue, {"response_rate": ASKED}, field="denominator"),
            lines(catalogue, {"response_rate": ANSWERED}, field="numerator"),
            lines(catalogue, {"satisfied_share": SATISFIED}, field="numerator"),
        ],
        gap_hours=None,
    )
    for name, colour, dash in ((ASKED, ORANGE, SHORT_DASHES), (ANSWERED, BLUE, ()), (SATISFIED, GREEN, (12, 4))):
        panel = panel.override_by_name(name, line(colour, dash=dash))
    return newest_in_legend(panel.axis_label("people").axis_soft_min(0))


def _response(catalogue: Catalogue) -> Panel:
    return _share(
        catalogue,
        "response_rate",
        "How many of those who were asked answered? ($window)",
        "Feedback given over feedback offered. Those who answer are rarely like those who do not.",
    )


def _digital(catalogue: Catalogue) -> Panel:
    names = {"digital_take_up": "completed in digital channels", "completion_rate": "digital transactions completed"}
    panel = time_chart(
        "Do people use the digital way, and does it carry them through? ($window)",
        "Two shares of different things: completions that came in digital channels, and transactions started that were "
        f"completed or ended in a clear no.\n\n{about(*names)}",
        "percentunit",
        [lines(catalogue, names)],
        gap_hours=None,
    )
    panel = panel.override_by_name(names["digital_take_up"], line(BLUE))
    panel = panel.override_by_name(names["completion_rate"], line(PURPLE, dash=SHORT_DASHES))
    return newest_in_legend(panel.axis_label("share").axis_soft_max(1))


def _failure_demand(catalogue: Catalogue) -> Panel:
    return _share(
        catalogue,
        "failure_demand",
        "How many contacts come only because something was not done right? ($window)",
        "Contacts that chase, challenge or repeat, over all contacts. Each is work that better work would save.",
        VERMILLION,
    )


def _right(catalogue: Catalogue) -> Panel:
    names = {"first_time_right": "completed right the first time", "rework_share": "steps that are repetitions"}
    panel = time_chart(
        "Is it right the first time? ($window)",
        f"Two shares of different things: of completed cases, and of steps of the work.\n\n{about(*names)}",
        "percentunit",
        [lines(catalogue, names)],
        gap_hours=None,
    )
    panel = panel.override_by_name(names["first_time_right"], line(GREEN))
    panel = panel.override_by_name(names["rework_share"], line(VERMILLION, dash=SHORT_DASHES))
    return newest_in_legend(panel.axis_label("share").axis_soft_min(0).axis_soft_max(1))


def _share(catalogue: Catalogue, name: str, title: str, said: str, colour: str = BLUE) -> Panel:
    panel = time_chart(
        title, f"{said}\n\n{about(name)}", "percentunit", [with_interval(catalogue, name, SHARE)], gap_hours=None
    )
    panel = between(panel, SHARE.low, SHARE.high, colour).override_by_name(SHARE.value, line(colour))
    return newest_in_legend(panel.axis_label("share").axis_soft_min(0))
