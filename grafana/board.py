"""A board: panels in rows of 24 columns, the variables they share, ways to other boards, and what is annotated."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard
from grafana_foundation_sdk.models.dashboard import GridPos

from grafana.colours import BLUE, PURPLE
from grafana.datasources import GRAFANA, PROMETHEUS
from grafana.panels import Panel
from kept.metric_names import SERVICE as SERVICE_INFO

OVERVIEW: Final = "kept-overview"
SERVICE: Final = "kept-service"
FLOW: Final = "kept-flow"
PIPELINE: Final = "kept-pipeline"
ON_CALL: Final = "kept-on-call"
TITLES: Final = {
    OVERVIEW: "Overview",
    SERVICE: "Service",
    FLOW: "Flow",
    PIPELINE: "Pipeline health",
    ON_CALL: "On-call",
}
"""Uid of a board -> its title, in the order in which they are read."""
COLUMNS: Final = 24
WINDOWS_CHOSEN: Final = ("28d", "7d", "24h", "90d")
"""What the variable `window` offers, the default first."""


class Board:
    """Collects panels from left to right and top to bottom; every panel has a number of its own that never changes."""

    def __init__(self, uid: str, description: str, *, time_from: str, refresh: str) -> None:
        """`time_from` like `now-28d`; `refresh` like `30s`."""
        self._board = (
            builders.Dashboard(TITLES[uid])
            .uid(uid)
            .description(description)
            .tags(["kept"])
            .timezone("browser")
            .time(time_from, "now")
            .refresh(refresh)
            .week_start("monday")
            .tooltip(dashboard.DashboardCursorSync.CROSSHAIR)
            .editable()
        )
        self._numbers: set[int] = set()
        self._x = self._y = self._height = 0

    def variables(self, *variables: Builder[dashboard.VariableModel]) -> None:
        """What readers choose at the top."""
        for variable in variables:
            self._board.with_variable(variable)

    def links(self, *uids: str, keep: bool = True) -> None:
        """Ways to other boards; `keep` carries the chosen service and time along."""
        for uid in uids:
            self._board.link(
                _InSight(TITLES[uid])
                .type(dashboard.DashboardLinkType.LINK)
                .url(f"/d/{uid}")
                .tooltip(f"To the board {TITLES[uid]}")
                .include_vars(keep)
                .keep_time(keep)
            )

    def annotate(self, *, service: str | None = "$service") -> None:
        """Registered changes and signals, of one service or of all, as `kept grafana annotate` has put them there."""
        of_service = [] if service is None else [service]
        for name, tag, colour in (("Changes", "change", PURPLE), ("Signals", "signal", BLUE)):
            self._board.annotation(
                builders.AnnotationQuery()
                .name(name)
                .datasource(GRAFANA)
                .enable(True)
                .icon_color(colour)
                .target(_Tags(["kept", tag, *of_service]))
            )

    def row(self, number: int, title: str) -> None:
        """A heading; the next panel begins below it."""
        self._below()
        self._board.with_row(builders.Row(title).id(self._numbered(number)).grid_pos(GridPos(1, COLUMNS, 0, self._y)))
        self._y += 1

    def place(self, number: int, panel: Panel, *, width: int, height: int) -> None:
        """The next panel; it begins a new line when the present one is full. `number` is its own for ever."""
        if self._x + width > COLUMNS:
            self._below()
        placed: Any = panel.id(self._numbered(number)).grid_pos(GridPos(height, width, self._x, self._y))
        self._board.with_panel(placed)
        self._x += width
        self._height = max(self._height, height)

    def build(self) -> dashboard.Dashboard:
        """The finished board."""
        return self._board.build()

    def _below(self) -> None:
        self._y += self._height
        self._x = self._height = 0

    def _numbered(self, number: int) -> int:
        if number in self._numbers:
            raise ValueError(f"two panels have the number {number}")
        self._numbers.add(number)
        return number


class _InSight(builders.DashboardLink):
    """A link above the panels; the SDK's own default puts it into a menu, where nobody finds it."""

    def build(self) -> dashboard.DashboardLink:
        """The link."""
        link: Any = super().build()
        link.placement = None
        built: dashboard.DashboardLink = link
        return built


class _Tags(Builder[Any]):
    """The query of Grafana's own annotations by tags; all of them must be there."""

    def __init__(self, tags: Sequence[str]) -> None:
        self._target = dashboard.AnnotationTarget(limit=1000, match_any=False, tags=list(tags), type_val="tags")

    def build(self) -> Any:
        """The target."""
        return self._target


def service_variable(*, all_of_them: bool = False) -> builders.QueryVariable:
    """Which service: those that are published now, by id; `all_of_them` offers all at once, as the regex `.*`."""
    variable = (
        builders.QueryVariable("service")
        .label("Service")
        .datasource(PROMETHEUS)
        .query(f"label_values({SERVICE_INFO.name}, service)")
        .refresh(dashboard.VariableRefresh.ON_DASHBOARD_LOAD)
        .sort(dashboard.VariableSort.ALPHABETICAL_ASC)
        .allow_custom_value(False)
        .multi(False)
        .include_all(all_of_them)
    )
    if all_of_them:
        everything = dashboard.VariableOption(text="All", value="$__all", selected=True)
        variable = variable.all_value(".*").current(everything)
    return variable


def window_variable() -> builders.CustomVariable:
    """Over which rolling window."""
    chosen = WINDOWS_CHOSEN[0]
    return (
        builders.CustomVariable("window")
        .label("Window")
        .values(",".join(WINDOWS_CHOSEN))
        .allow_custom_value(False)
        .current(dashboard.VariableOption(text=chosen, value=chosen, selected=True))
    )


def as_json(board: dashboard.Dashboard) -> str:
    """The text of a board's file: keys in order, so that a change of one line is one line of a diff."""
    return json.dumps(json.loads(JSONEncoder().encode(board)), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
