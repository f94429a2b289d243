"""The control charts of a service's page: each with its weeks as a table. Pure: chart weeks in, words out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct

from kept.registered_changes import RegisteredChange
from kept.signals.chart_weeks import ChartWeek
from kept.signals.weekly import CHARTABLE
from summaries import wording
from summaries.pictures.control_chart import lettered
from summaries.pictures.control_chart_words import chart_words, gap_words, kind_words, rule_words, week_words

HEAD: Final = ("Week", "Value", "Cases", "95 % range", "Limits", "Rule, or why there is no value")
SHOWN_WEEKS: Final = {"26": 26, "52": 52, "all": 100_000}
"""Choices of how many weeks are drawn."""


class ChartPart(Struct, frozen=True, kw_only=True):
    """One chart: its words, a row for each week, the newest first, and (letter, title, day) of each change on it."""

    indicator: str
    name: str
    newest: str
    words: str
    rows: tuple[tuple[str, ...], ...]
    changes: tuple[tuple[str, str, str], ...]


def chart_parts(
    weeks: Iterable[ChartWeek], changes: Sequence[RegisteredChange], zone: ZoneInfo, most: int
) -> tuple[ChartPart, ...]:
    """The charts of a service by the order of `CHARTABLE`: the promise first. At most `most` weeks of each."""
    by_indicator: dict[str, list[ChartWeek]] = {}
    for week in weeks:
        by_indicator.setdefault(week.indicator, []).append(week)
    return tuple(
        _part(name, newest_weeks(by_indicator[name], most), changes, zone)
        for name in CHARTABLE
        if by_indicator.get(name)
    )


def newest_weeks(weeks: Sequence[ChartWeek], most: int) -> list[ChartWeek]:
    """The last `most` weeks by time."""
    return sorted(weeks, key=ChartWeek.key)[-most:]


def _part(indicator: str, weeks: Sequence[ChartWeek], changes: Sequence[RegisteredChange], zone: ZoneInfo) -> ChartPart:
    return ChartPart(
        indicator=indicator,
        name=wording.label(indicator),
        newest=_newest(weeks[-1]),
        words=chart_words(weeks, zone),
        rows=tuple(_row(week, zone) for week in reversed(weeks)),
        changes=tuple(
            (letter, change.title, wording.day(change.at, zone)) for letter, change in lettered(changes, weeks)
        ),
    )


def _row(week: ChartWeek, zone: ZoneInfo) -> tuple[str, ...]:
    value = "gap" if week.value is None else wording.quantity(week.value, week.unit)
    counts = "not counted" if week.n is None else wording.number(week.n)
    if week.numerator is not None and week.denominator is not None and week.unit == "share":
        counts = f"{wording.number(week.numerator)} of {wording.number(week.denominator)}"
    return (week_words(week, zone), value, counts, _range(week), _limits(week), _said(week))


def _newest(week: ChartWeek) -> str:
    if week.value is None:
        return f"the newest week is a gap: {gap_words(week)}"
    said = "the usual" if week.mark is None else kind_words(week)
    return f"{wording.quantity(week.value, week.unit)} in the newest week, {said}"


def _range(week: ChartWeek) -> str:
    if week.low is None or week.high is None:
        return "not made"
    return f"{wording.quantity(week.low, week.unit)} to {wording.quantity(week.high, week.unit)}"


def _limits(week: ChartWeek) -> str:
    if week.lower is None or week.upper is None or week.mean is None:
        return "none yet"
    low, mean, high = (wording.quantity(one, week.unit) for one in (week.lower, week.mean, week.upper))
    trial = f", trial of {week.baseline}" if week.trial else ""
    return f"{low} to {high}, mean {mean}{trial}"


def _said(week: ChartWeek) -> str:
    if week.value is None:
        return gap_words(week)
    if week.mark is not None:
        return f"{kind_words(week)}: {rule_words(week)}"
    return "the week of a registered change: not judged" if week.mixed else "nothing unusual"
