"""A week as it is told everywhere: its facts, its summary, its charts, and what its changes have come to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from kept.buckets import WEEK_SECONDS
from kept.catalogue import Catalogue
from kept.iso_week import IsoWeek
from kept.registered_changes import RegisteredChange
from summaries.judged_changes import JudgedChanges
from summaries.known import HistoryReader, Known
from summaries.weekly.chart import SummaryChart, charts_of
from summaries.weekly.facts import WeekFacts, read_week, told_at
from summaries.weekly.summary import WeekSummary, summarise

JUDGED_FOR_SECONDS: Final = 34 * WEEK_SECONDS
"""A change is judged by at most 26 weeks after the weeks that it needs to show: then its verdict stands."""


class Told(NamedTuple):
    """Facts, summary and charts of one week as of one moment."""

    facts: WeekFacts
    summary: WeekSummary
    charts: tuple[SummaryChart, ...]


def told(history: HistoryReader, catalogue: Catalogue, week: IsoWeek, at: int | None = None) -> Told:
    """The week as known at `at` (s; None: on the Monday after it); raises what the history raises."""
    moment = told_at(Known(history, catalogue), week) if at is None else at
    known = Known(history, catalogue, moment)
    facts = read_week(known, week)
    now, before = JudgedChanges(known), JudgedChanges(Known(history, catalogue, moment - WEEK_SECONDS))
    summary = summarise(facts, verdict_of_change=now.sentence, judged=tuple(_newly_judged(facts, now, before)))
    return Told(facts, summary, charts_of(facts, summary))


def _newly_judged(facts: WeekFacts, now: JudgedChanges, before: JudgedChanges) -> Iterator[RegisteredChange]:
    """Changes of earlier weeks whose verdict is another one than it was a week before."""
    starts = {one.service.id: one.start for one in facts.services}
    for change in now.changes:
        if not starts[change.service] - JUDGED_FOR_SECONDS <= change.at <= starts[change.service]:
            continue
        outcome = now.judge(change).outcome
        if outcome != "too_early" and outcome != before.judge(change).outcome:
            yield change
