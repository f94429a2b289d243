"""Who is waiting and for how long; what comes in and what goes out."""

from __future__ import annotations

from typing import Final
from zoneinfo import ZoneInfo

from kept.indicators.definitions import AGE_BANDS
from kept.indicators.point import Point
from summaries import wording
from summaries.pictures.bars import Bar
from summaries.pictures.lines import Line, line_of
from summaries.service.figures import Figures
from summaries.service.tables import Cell, Table

STOCKS: Final = (
    ("backlog", "Open"),
    ("paused", "of which paused"),
    ("at_risk", "At risk: less than a fifth of the promised time left"),
    ("overdue", "Overdue"),
    ("oldest_open", "Oldest open case"),
)


def band_words(low: int, high: int | None) -> str:
    """An age band in words."""
    if high is None:
        return f"{low} days or more"
    return f"less than {high} day" if low == 0 else f"{low} to {high} days"


def age_points(figures: Figures) -> list[tuple[str, Point | None]]:
    """(words, number) of each age band, the youngest first."""
    return [(band_words(low, high), figures.stock(f"backlog_age_{name}")) for name, low, high in AGE_BANDS]


def age_bars(figures: Figures) -> list[Bar]:
    """The ages of open cases as bars."""
    return [
        Bar(words, None if point is None else point.value, wording.shown(point)) for words, point in age_points(figures)
    ]


def age_table(figures: Figures) -> Table:
    """Stocks and ages, as of the newest moment."""
    stocks: list[tuple[Cell, ...]] = [(words, figures.stock(name)) for name, words in STOCKS]
    stocks.append(("Backlog in days of work, at the pace of the last 28 days", figures.of("backlog_days")))
    ages: list[tuple[Cell, ...]] = [(f"Open for {words}", point) for words, point in age_points(figures)]
    return Table(id="waiting", caption="Open cases now", head=("What", "How many"), rows=(*stocks, *ages))


def flow_lines(figures: Figures) -> list[Line]:
    """Arrivals and completions of each whole week."""
    return [
        line_of("arrivals", figures.weekly("arrivals", "7d", with_newest=False)),
        line_of("completions", figures.weekly("completions", "7d", with_newest=False)),
    ]


def backlog_lines(figures: Figures) -> list[Line]:
    """The backlog at the end of each week, and now."""
    return [line_of("open cases", figures.weekly("backlog"))]


def flow_table(figures: Figures, zone: ZoneInfo) -> Table:
    """Flow of each whole week and the backlog at its end, the newest first."""
    columns = [
        {point.window_end: point for point in figures.weekly(name, window, with_newest=False)}
        for name, window in (("arrivals", "7d"), ("completions", "7d"), ("net_flow", "7d"), ("backlog", "28d"))
    ]
    ends = sorted({end for column in columns for end in column}, reverse=True)
    return Table(
        id="flow-weeks",
        caption="Cases in the 7 days to each Monday, and open at its beginning",
        head=("7 days to", "Arrivals", "Completions", "Net flow", "Open at the end"),
        rows=tuple((wording.moment_briefly(end, zone), *(column.get(end) for column in columns)) for end in ends),
        dated=True,
    )
