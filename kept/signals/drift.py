"""Figures published elsewhere no longer equal what the counts give: by another definition, or by none that is known.

A period is checked when it is over and the tallies know all of it. The verdict is active while the newest finding is
unanswered: until the catalogue says `explained` beside the figure, or until a quarter has passed and later figures
agree.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from itertools import groupby
from operator import attrgetter

from kept.buckets import DAY_SECONDS
from kept.catalogue import PublishedFigure
from kept.intake import Rules
from kept.signals.figures import Figure, Followed, follow
from kept.signals.known_definitions import CHECKABLE, Checkable
from kept.signals.settling import settled_from
from kept.signals.situation import Situation
from kept.signals.verdict import Verdict
from kept.tallies import Tally, add_into

REMEMBERED_SECONDS = 91 * DAY_SECONDS
"""So long after its period a finding is active although later figures agree: figures often come by the quarter."""
SHOWN_FIGURES = 24
"""At most so many figures are in the evidence, the newest ones."""


def judge(situation: Situation) -> Iterator[Verdict]:
    """`definition_drift` of each indicator with published figures that can be checked by now."""
    figures = sorted(situation.service.published, key=attrgetter("indicator", "first_day"))
    for indicator, group in groupby(figures, key=attrgetter("indicator")):
        checkable = CHECKABLE[indicator]
        checked = {
            figure.period: (entry, figure)
            for entry in group
            if (figure := _checked(entry, checkable, situation)) is not None
        }
        if checked:
            followed = list(follow((figure for _, figure in checked.values()), checkable))
            entries = {period: entry for period, (entry, _) in checked.items()}
            yield _verdict(indicator, followed, entries, situation)


def _checked(entry: PublishedFigure, checkable: Checkable, situation: Situation) -> Figure | None:
    """The figure with what the counts give for its days; None while they do not know all of them.

    None as well where some definition gives nothing: `follow` may come to hold the figure against any of them.
    """
    start, end = _edges(entry, situation.rules)
    if end > situation.at:
        return None
    from_ = settled_from(situation, of_cases=checkable.of_cases)
    if from_ is None or start < from_:
        return None
    counted: Tally = {}
    for day_end, day in situation.tallies.days(situation.whole.series).items():
        if start < day_end <= end:
            add_into(counted, day.total)
    recomputed = {known.name: value for known in checkable.definitions if (value := known.value(counted)) is not None}
    if len(recomputed) < len(checkable.definitions):
        return None
    return Figure(f"{entry.first_day} to {entry.last_day}", entry.value, recomputed)


def _edges(entry: PublishedFigure, rules: Rules) -> tuple[int, int]:
    """(start, end] of the figure's days in s since 1970 UTC."""
    zone = rules.service.zone

    def midnight(day: date) -> int:
        return int(datetime.combine(day, time(), zone).timestamp())

    return midnight(entry.first_day), midnight(entry.last_day + timedelta(days=1))


def _verdict(
    indicator: str, followed: list[Followed], entries: dict[str, PublishedFigure], situation: Situation
) -> Verdict:
    pending = _unanswered(followed, entries, situation)
    newest = followed[-1] if pending is None else pending
    checkable = CHECKABLE[indicator]
    figure = newest.figure
    return Verdict(
        service=situation.service.id,
        signal="definition_drift",
        about=indicator,
        at=situation.at,
        active=pending is not None,
        since=None if pending is None else _edges(entries[figure.period], situation.rules)[1],
        value=figure.published,
        expected=figure.recomputed[newest.before],
        words=_words(newest, checkable),
        test=f"equal within {checkable.tolerance:g} or {checkable.relative:.0%} of the recomputed value",
        evidence={
            "definitions": {known.name: known.formula for known in checkable.definitions},
            "figures": [
                {
                    "period": one.figure.period,
                    "published": one.figure.published,
                    "recomputed": dict(one.figure.recomputed),
                    "finding": one.finding,
                    "definition": one.in_force,
                }
                for one in followed[-SHOWN_FIGURES:]
            ],
            "breaks": [one.figure.period for one in followed if one.finding == "new_definition"],
        },
    )


def _unanswered(followed: list[Followed], entries: dict[str, PublishedFigure], situation: Situation) -> Followed | None:
    """The newest finding that the catalogue does not explain, unless it is long past and later figures agree."""
    pending: Followed | None = None
    for one in followed:
        if one.is_raised:
            pending = None if entries[one.figure.period].explained is not None else one
        elif one.finding == "agrees" and pending is not None:
            end = _edges(entries[pending.figure.period], situation.rules)[1]
            pending = None if situation.at - end > REMEMBERED_SECONDS else pending
    return pending


def _words(one: Followed, checkable: Checkable) -> str:
    figure = one.figure
    published = f"Published for {figure.period}: {_digits(figure.published)}"
    counts = f"the counts give {_digits(figure.recomputed[one.before])} by {one.before}"
    if one.finding == "agrees":
        return f"{published}; {counts}, the same within the tolerance"
    if one.finding == "new_definition":
        other = f"{_digits(figure.recomputed[one.in_force])} by {one.in_force}"
        return f"{published}; {counts}, and {other}: the definition changed, and the series breaks here"
    others = [f"{_digits(value)} by {name}" for name, value in figure.recomputed.items() if name != one.before]
    return f"{published}; {' and '.join([counts, *others])}: it equals no definition that is known"


def _digits(value: float) -> str:
    return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"
