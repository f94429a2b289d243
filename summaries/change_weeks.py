"""The weeks around a change as pictures and tables show them: what was counted, and what would have been without it."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Final, Literal, NamedTuple
from zoneinfo import ZoneInfo

from kept.effects.judge import Judgement
from kept.signals.chart_weeks import ChartWeek
from summaries.gap_words import GAP_WORDS

Role = Literal["before", "change", "settling", "after", "left_out", "gap"]
ROLE_WORDS: Final[dict[Role, str]] = {
    "before": "before",
    "change": "week of the change: not counted",
    "settling": "not counted: cases begun before the change still end",
    "after": "after",
    "left_out": "not counted",
    "gap": "no figure",
}


class WeekRow(NamedTuple):
    """One week [start, end) in local dates. `without`: what it would have been without the change; `others`: where the
    mean of the other services was, drawn from the level of this figure before; None where that is not known."""

    start: datetime.date
    end: datetime.date
    value: float | None
    n: int | None
    without: float | None
    others: float | None
    role: Role
    why: str


def week_rows(judgement: Judgement, weeks: Sequence[ChartWeek], zone: ZoneInfo) -> list[WeekRow]:
    """The weeks from the first that is counted to the last, gaps and all; `weeks` are those of the service's charts."""
    part, asked, found = judgement.stretch, judgement.question, judgement.effect
    if part is None or asked is None:
        return []
    ends = [week.week_end for week in (*part.before, *part.settling, *part.after)]
    if not ends:
        return []
    without: dict[int, float] = {}
    others: dict[int, float] = {}
    counted = set(ends)
    if found is not None:
        counted = {week.week_end for week in found.weeks}
        without = dict(zip((week.week_end for week in found.weeks), found.without, strict=True))
        scale = found.scale
        before = [scale.of(float(week.value)) for week in found.weeks[: found.before] if week.value is not None]
        level = sum(before) / len(before)
        others = {end: scale.value(level + moved) for end, moved in found.comparison.values.items()}
    settling = {week.week_end for week in part.settling}
    rows = []
    for week in weeks:
        if week.indicator != asked.indicator or not min(ends) <= week.week_end <= max(ends):
            continue
        role = _role(week, judgement.change.at, settling, counted)
        rows.append(
            WeekRow(
                start=datetime.datetime.fromtimestamp(week.week_start, zone).date(),
                end=datetime.datetime.fromtimestamp(week.week_end, zone).date(),
                value=None if week.value is None else float(week.value),
                n=week.n,
                without=without.get(week.week_end),
                others=others.get(week.week_end),
                role=role,
                why=ROLE_WORDS[role] if week.gap is None else GAP_WORDS[week.gap],
            )
        )
    return rows


def _role(week: ChartWeek, at: int, settling: set[int], counted: set[int]) -> Role:
    if week.value is None:
        return "gap"
    if week.week_start < at < week.week_end:
        return "change"
    if week.week_end in settling:
        return "settling"
    if week.week_end not in counted:
        return "left_out"
    return "before" if week.week_end <= at else "after"
