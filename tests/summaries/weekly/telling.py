"""Telling a week of a filled history, as the page and the command do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from history.sqlite import SQLiteHistory
from history.store import HistoryStore
from kept.catalogue import Service
from kept.iso_week import IsoWeek
from summaries.known import HistoryReader, Known
from summaries.weekly.facts import WeekFacts, read_week, told_at
from tests.summaries.weekly.figures import WEEK


def history_of(path: Path, fill: Callable[[HistoryStore], None]) -> Path:
    """A new history at `path`, filled."""
    store = SQLiteHistory(path)
    fill(store)
    store.close()
    return path


def facts_of(path: Path, city: Mapping[str, Service], week: IsoWeek = WEEK, *, as_of: int | None = None) -> WeekFacts:
    """The facts of a week, as of Monday 06:00 or of another moment."""
    reader = HistoryReader(lambda: SQLiteHistory(path, read_only=True))
    try:
        at = told_at(Known(reader, city), week) if as_of is None else as_of
        return read_week(Known(reader, city, at), week)
    finally:
        reader.close()
