"""What a control chart says, in words: for those who do not see the picture, and under those who do."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from kept.signals.chart_weeks import ChartWeek
from kept.signals.spc import RULE_WORDS
from summaries import wording
from summaries.gap_words import GAP_WORDS
from summaries.pictures.control_chart import kind


def chart_words(weeks: Sequence[ChartWeek], zone: ZoneInfo) -> str:
    """The chart in two or three sentences: the newest week, the limits, how many weeks are marked and how many open."""
    if not weeks:
        return "No whole week yet."
    newest = weeks[-1]
    span = f"{len(weeks)} weeks" if len(weeks) > 1 else "1 week"
    said = [f"Control chart of {wording.label(newest.indicator)}, {span} up to {week_words(newest, zone)}."]
    if newest.value is None:
        said.append(f"The newest week is a gap: {gap_words(newest)}.")
    else:
        volume = "" if newest.n is None else f" (n{wording.NBSP}{wording.number(newest.n)})"
        said.append(f"Newest: {wording.quantity(newest.value, newest.unit)}{volume}, {limits_words(newest)}.")
    marked = [week for week in weeks if week.mark is not None]
    if marked:
        last = marked[-1]
        sign = f"a sign of {kind_words(last)}: {rule_words(last)}"
        said.append(f"Marked: {len(marked)}, the last {week_words(last, zone)}, {sign}.")
    else:
        said.append("No week is marked: all of it is the usual up and down.")
    gaps = sum(week.value is None for week in weeks)
    if gaps:
        said.append(f"Gaps: {gaps}.")
    return " ".join(said)


def week_words(week: ChartWeek, zone: ZoneInfo) -> str:
    """Its calendar week and last day, as `2026-W47 (to 22 Nov 2026)`."""
    return wording.week_of(week.week_end - 1, zone)


def limits_words(week: ChartWeek) -> str:
    """Mean and limits that applied to the week."""
    if week.mean is None or week.lower is None or week.upper is None:
        return "no limits yet"
    low, high = wording.quantity(week.lower, week.unit), wording.quantity(week.upper, week.unit)
    trial = f"trial limits of {week.baseline} weeks" if week.trial else "limits"
    return f"mean {wording.quantity(week.mean, week.unit)}, {trial} {low} to {high}"


def gap_words(week: ChartWeek) -> str:
    """Why the week has no value; empty when it has one."""
    return "" if week.gap is None else GAP_WORDS[week.gap]


def rule_words(week: ChartWeek) -> str:
    """The rule that the week completed; empty when it completed none."""
    return "" if week.mark is None else f"rule {week.mark.rule}, {RULE_WORDS[week.mark.rule]}"


def kind_words(week: ChartWeek) -> str:
    """What the mark means."""
    if kind(week) == "neither":
        return "change, neither better nor worse"
    return kind(week)
