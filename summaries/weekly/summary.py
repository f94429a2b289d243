"""The weekly summary as a model: everything that is told of a week, in words, in the order in which it is told.

Pure: made of facts alone. The same facts give the same summary, whoever renders it and when.
"""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from msgspec import Struct

from kept.catalogue import Catalogue
from kept.comparison.worst import worst_member
from kept.iso_week import IsoWeek
from kept.registered_changes import RegisteredChange
from summaries import wording
from summaries.weekly.facts import ServiceWeek, WeekFacts
from summaries.weekly.followed import Changed, Followed, VerdictOfChange, changed, followed
from summaries.weekly.news import News, news_of
from summaries.weekly.noise import Noise, noise_of
from summaries.weekly.questions import questions_of
from summaries.weekly.unknown import Unknown, unknown_of
from summaries.weekly.waste import WasteTable, waste_of
from summaries.weekly.worst import Compare, WorstMember, why_none, worst_of

MOST_CHARTS = 3
"""Pictures in one summary; where more is signal, the worst are shown."""


class WeekSummary(Struct, frozen=True, kw_only=True):
    """A week, told. Every text is plain: a renderer escapes it for its own form.

    `as_of` (s) is the moment of which it tells; `complete`: all that ever told anything is published up to then, so
    that the summary will be the same whenever it is made. `notes` stand at the top. `charts` are the (service,
    indicator) whose charts are shown.
    """

    week: IsoWeek
    title: str
    as_of: int
    as_of_words: str
    complete: bool
    headline: str
    notes: tuple[str, ...]
    decisions: tuple[Followed, ...]
    news: tuple[News, ...]
    changes: tuple[Changed, ...]
    noise: Noise
    worst: tuple[WorstMember, ...]
    no_worst: str
    unknown: tuple[Unknown, ...]
    waste: tuple[WasteTable, ...]
    questions: tuple[str, ...]
    charts: tuple[tuple[str, str], ...]

    @property
    def fresh(self) -> tuple[News, ...]:
        """The news of this week."""
        return tuple(one for one in self.news if not one.is_standing)

    @property
    def standing(self) -> tuple[News, ...]:
        """What was raised before the week and is still open."""
        return tuple(one for one in self.news if one.is_standing)


def summarise(
    facts: WeekFacts,
    *,
    compare: Compare = worst_member,
    verdict_of_change: VerdictOfChange | None = None,
    judged: Sequence[RegisteredChange] = (),
) -> WeekSummary:
    """The summary. `compare` names the worst member of a total, `verdict_of_change` says whether a change worked;
    `judged` are changes of earlier weeks whose verdict is new."""
    services = facts.services
    zone = zone_of({one.service.id: one.service for one in services})
    news = news_of(services)
    decisions = followed(
        facts.decisions, {one.service.id: one.service for one in services}, facts.week, facts.as_of, zone
    )
    worst = worst_of(services, compare)
    noise = noise_of(services, news)
    moments = [one.published for one in services if one.published is not None]
    complete = bool(moments) and min(moments) >= facts.as_of
    return WeekSummary(
        week=facts.week,
        title=f"Week {facts.week.number} of {facts.week.year}: {facts.week.days_in_words}",
        as_of=facts.as_of,
        as_of_words=wording.moment(facts.as_of, zone),
        complete=complete,
        headline=_headline(news, noise),
        notes=tuple(_notes(facts, complete=complete)),
        decisions=decisions,
        news=news,
        changes=changed(services, verdict_of_change, judged),
        noise=noise,
        worst=worst,
        no_worst="" if worst else why_none(services),
        unknown=unknown_of(services, facts.as_of),
        waste=waste_of(services),
        questions=questions_of(decisions, news, worst),
        charts=_drawn(news, services),
    )


def _drawn(news: Sequence[News], services: Sequence[ServiceWeek]) -> tuple[tuple[str, str], ...]:
    """The charts that mark this week, then those of other news; what stands open in a usual week is not drawn."""
    marks = {
        (facts.service.id, name)
        for facts in services
        for name in facts.charts
        if (week := facts.chart_week(name)) is not None and week.mark is not None
    }
    fresh = [(one.service, one.chart) for one in news if one.chart is not None and not one.is_standing]
    return tuple(sorted(fresh, key=lambda chart: chart not in marks))[:MOST_CHARTS]


def zone_of(catalogue: Catalogue) -> ZoneInfo:
    """The zone in which moments of a summary are written: that of all services, else UTC."""
    zones = {service.time_zone for service in catalogue.values()}
    return ZoneInfo(zones.pop() if len(zones) == 1 else "UTC")


def _headline(news: tuple[News, ...], noise: Noise) -> str:
    fresh = [one for one in news if not one.is_standing]
    open_since = f" Still open from before: {len(news) - len(fresh)}." if len(fresh) < len(news) else ""
    counts = {word: sum(one.meaning == word for one in fresh) for word in ("concern", "improvement", "neutral")}
    if not fresh:
        none = "Nothing this week is signal." if noise.judged else "No figure of this week can be judged yet."
        return f"{none}{open_since}"
    said = [
        f"{count} {word}{'' if count == 1 or word == 'neutral' else 's'}" for word, count in counts.items() if count
    ]
    usual = f"; {noise.usual} of {noise.judged} charted figures are noise" if noise.judged else ""
    return f"{', '.join(said)}{usual}.{open_since}"


def _notes(facts: WeekFacts, *, complete: bool) -> list[str]:
    notes = []
    simulated = sum(one.service.simulated for one in facts.services)
    if simulated:
        who = "All services are" if simulated == len(facts.services) else f"{simulated} of the services are"
        notes.append(f"SIMULATED: {who} made up; nothing of them describes a real city.")
    zones = {one.service.time_zone for one in facts.services}
    if len(zones) > 1:
        notes.append("Services are in several time zones: each is told of its own week, Monday to Monday.")
    if not complete:
        notes.append(f"Provisional: {_known_until(facts)}; the summary may still change.")
    return notes


def _known_until(facts: WeekFacts) -> str:
    moments = [one.published for one in facts.services if one.published is not None]
    if not moments:
        return "nothing is published yet"
    zone = zone_of({one.service.id: one.service for one in facts.services})
    return f"figures are published up to {wording.moment(min(moments), zone)} only"
