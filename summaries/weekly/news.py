"""What of a week is signal: marks of charts and raised signals; each thing once, concerns and the worst first.

What was raised before the week and is still open is no news: it stands after them, in the words of then.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct

from kept.signals.chart_weeks import ChartWeek
from kept.signals.kinds import BY_NAME, Kind
from kept.signals.raised import Raised
from kept.signals.spc import Meaning
from kept.signals.verdict import chance_in_words
from summaries import wording
from summaries.weekly.facts import CHART_KINDS, ServiceWeek
from summaries.weekly.figure_sentences import sentence
from summaries.weekly.names import plain

PROMISE: Final = "promise_kept"
BACKLOG: Final = "backlog"
MEANINGS: Final[tuple[Meaning, ...]] = ("concern", "neutral", "improvement")
URGENCIES: Final = ("page", "ticket", "info")
MOST_WORDS: Final = 400
TICKETS: Final = ("special_cause", "unexplained_improvement")
"""Signals of a chart that are rare enough to be told to somebody."""


class News(Struct, frozen=True, kw_only=True):
    """One thing that is signal. `subject` names it within its service: an indicator, `area=North`, a kind of signal.

    `sentence` has it whole; `besides` are further sentences about the same thing. `chart` names the indicator whose
    chart shows it, None where there is no chart of it. `signals` are ids of raised signals, for `kept alerts why`.
    `first` is what the kinds of its signals advise to do first.
    """

    service: str
    name: str
    subject: str
    meaning: Meaning
    urgency: str
    place: str = ""
    """Where it is when it is not about the whole service, such as `, area North`."""
    sentence: str
    besides: tuple[str, ...] = ()
    chart: str | None = None
    is_marked: bool = False
    """Whether the week completes a rule of that chart."""
    signals: tuple[str, ...] = ()
    first: tuple[str, ...] = ()
    is_open: bool = True
    """Whether it is of the whole week, or an alert of it is still open: else there is nothing left to ask."""
    is_standing: bool = False
    """Whether all of it was raised before the week and is still open, and the week itself marks nothing."""
    distance: float = 0.0
    """How far the week is from the mean of its chart, in half-widths of its limits."""

    def order(self) -> tuple[bool, int, int, float, str, str, str]:
        """The new first; concerns before the neutral before improvements; the urgent, then the farthest from usual."""
        places = MEANINGS.index(self.meaning), URGENCIES.index(self.urgency)
        return (self.is_standing, *places, -self.distance, self.name, self.service, self.subject)


def news_of(services: Iterable[ServiceWeek]) -> tuple[News, ...]:
    """All that is signal, the worst first."""
    return tuple(sorted((one for service in services for one in _news(service)), key=News.order))


def _news(facts: ServiceWeek) -> Iterable[News]:
    subjects: dict[str, list[Raised]] = {}
    for name in facts.charts:
        week = facts.chart_week(name)
        if week is not None and week.mark is not None:
            subjects[name] = []
    for raised in facts.signals:
        subjects.setdefault(subject_of(raised), []).append(raised)
    for subject, signals in subjects.items():
        yield _told(facts, subject, sorted(signals, key=lambda one: (_is_earlier(facts, one), *_by_urgency(one))))


def subject_of(raised: Raised) -> str:
    """What a signal is about, so that two about one thing are told together."""
    verdict, kind = raised.verdict, BY_NAME.get(raised.verdict.signal)
    if kind is not None and kind.topic == "promise" and not verdict.about:
        return PROMISE
    if kind is not None and kind.topic == "backlog":
        return BACKLOG
    if verdict.signal in CHART_KINDS:
        return verdict.about
    return f"{verdict.signal} {verdict.about}".rstrip()


def _told(facts: ServiceWeek, subject: str, signals: Sequence[Raised]) -> News:
    week = facts.chart_week(subject)
    marked = week if week is not None and week.mark is not None else None
    others = [one for one in signals if one.verdict.signal != "chart_signal"]
    meanings = [meaning_of(one) for one in signals]
    place = next((_about(one) for one in signals), "") if week is None else ""
    if marked is not None and marked.mark is not None:
        meanings.append(marked.mark.meaning)
        ticket = any(one.verdict.signal in TICKETS for one in signals)
        first = sentence(facts.service.name, marked, facts.charts[subject], facts.service.zone, ticket=ticket)
    else:
        # A mark that the chart no longer has is told by its signal alone.
        leading = others.pop(0) if others else signals[0]
        first = f"{plain(facts.service.name)}{_about(leading)}: {_signal_sentence(facts, leading, is_marked=False)}"
    besides = [_signal_sentence(facts, one, is_marked=marked is not None) for one in others]
    if marked is None and week is not None and week.value is not None:
        on_chart = sentence(facts.service.name, week, facts.charts[subject], facts.service.zone)
        if _is_earlier(facts, leading):
            besides.insert(0, _signal_sentence(facts, leading, is_marked=False))
            first = on_chart
        elif week.mean is not None:
            besides.append(f"On its chart: {on_chart}")
    kinds = [kind for one in signals if (kind := BY_NAME.get(one.verdict.signal)) is not None]
    return News(
        service=facts.service.id,
        name=plain(facts.service.name),
        subject=subject,
        # The sentence is that of the mark: a standing alert beside it does not make an improvement a concern.
        meaning=meanings[-1] if marked is not None else min(meanings, key=MEANINGS.index),
        urgency=min((kind.severity for kind in kinds), key=URGENCIES.index, default="info"),
        place=place,
        sentence=first,
        besides=tuple(besides),
        chart=subject if week is not None and week.value is not None else None,
        is_marked=marked is not None or any(one.verdict.signal in CHART_KINDS for one in signals),
        signals=tuple(one.id for one in signals),
        is_open=marked is not None or any(one.ended_at is None for one in signals),
        first=tuple(dict.fromkeys(kind.first for kind in kinds)),
        is_standing=marked is None and all(_is_earlier(facts, one) and one.ended_at is None for one in signals),
        distance=0.0 if marked is None else _distance(marked),
    )


def meaning_of(raised: Raised) -> Meaning:
    """Whether a signal is of something worse or better."""
    verdict = raised.verdict
    if verdict.signal == "unexplained_improvement":
        return "improvement"
    if verdict.signal == "chart_signal":
        said = verdict.evidence.get("meaning")
        return next((one for one in MEANINGS if one == said), "neutral")
    if verdict.signal == "gap_changed" and verdict.value is not None and verdict.expected is not None:
        return "improvement" if abs(verdict.value) < abs(verdict.expected) else "concern"
    return "concern"


def day_in_words(moment: int, zone: ZoneInfo) -> str:
    """A day for people: Tue 17 Nov."""
    local = datetime.datetime.fromtimestamp(moment, zone)
    return f"{local:%a} {local.day}{wording.NBSP}{local:%b}"


def _signal_sentence(facts: ServiceWeek, raised: Raised, *, is_marked: bool) -> str:
    """One raised signal: its own words, how sure they are, and how long it lasted."""
    verdict, kind = raised.verdict, BY_NAME.get(raised.verdict.signal)
    if _is_earlier(facts, raised):
        return _earlier_sentence(facts, raised, kind)
    course = _course(facts, raised, kind)
    if verdict.signal in TICKETS and is_marked:
        away = verdict.evidence.get("half_widths_away")
        far = f", {away:.1f} half-widths from the mean" if isinstance(away, int | float) else ""
        alone = ", and no registered change explains it" if verdict.signal == "unexplained_improvement" else ""
        return f"That is far more than the ups and downs of a chart{far}{alone}. {course}"
    words = _words(raised, kind)
    chance = "" if verdict.chance is None or "chance" in words else f"; {chance_in_words(verdict.chance)}"
    return f"{words}{chance}. {course}"


def _is_earlier(facts: ServiceWeek, raised: Raised) -> bool:
    """Whether a signal was raised before the week, and is not of it: its figures are those of then."""
    return raised.raised_at <= facts.start and raised.verdict.completed_by != facts.end


def _earlier_sentence(facts: ServiceWeek, raised: Raised, kind: Kind | None) -> str:
    zone = facts.service.zone
    since = _date(raised.raised_at, facts.end, zone)
    begun = f"Still open since {since}" if raised.ended_at is None else f"Raised on {since}"
    ended = "" if raised.ended_at is None else f" It ended on {day_in_words(raised.ended_at, zone)}."
    what = _what(kind)
    return f"{begun}, when {what[0].lower()}{what[1:]} said: {_words(raised, kind)}.{ended}"


def _date(moment: int, now: int, zone: ZoneInfo) -> str:
    """A day that may be long ago: 12 Jul, with its year when that is another."""
    local = datetime.datetime.fromtimestamp(moment, zone)
    same_year = local.year == datetime.datetime.fromtimestamp(now - 1, zone).year
    return f"{local.day}{wording.NBSP}{local:%b}{'' if same_year else f' {local:%Y}'}"


def _words(raised: Raised, kind: Kind | None) -> str:
    """A signal's own words, of the moment at which it was raised."""
    if raised.verdict.words:
        return plain(raised.verdict.words, MOST_WORDS).removesuffix(".")
    return "A signal that this version of Kept does not know" if kind is None else kind.summary.removesuffix(".")


def _about(raised: Raised) -> str:
    about, kind = raised.verdict.about, BY_NAME.get(raised.verdict.signal)
    if not about:
        return ""
    if kind is not None and kind.topic == "area":
        dimension, _, name = about.partition("=")
        return f", {plain(dimension)} {plain(name)}"
    return f", {plain(wording.label(about))}"


def _course(facts: ServiceWeek, raised: Raised, kind: Kind | None) -> str:
    zone = facts.service.zone
    said = f"{_what(kind)} was raised on {day_in_words(raised.raised_at, zone)}"
    if raised.ended_at is None:
        return f"{said} and is open."
    return f"{said} and ended on {day_in_words(raised.ended_at, zone)}."


def _what(kind: Kind | None) -> str:
    if kind is not None and kind.severity == "page":
        return "An urgent alert"
    return "A ticket" if kind is not None and kind.severity == "ticket" else "A signal"


def _distance(week: ChartWeek) -> float:
    if week.value is None or week.mean is None or week.upper is None or week.lower is None:
        return 0.0
    # Limits of a share may be clipped on one side.
    half = max(week.upper - week.mean, week.mean - week.lower)
    return abs(week.value - week.mean) / half if half > 0 else 0.0


def _by_urgency(raised: Raised) -> tuple[int, int, tuple[str, str, str, int]]:
    kind = BY_NAME.get(raised.verdict.signal)
    urgency = "info" if kind is None else kind.severity
    return URGENCIES.index(urgency), raised.raised_at, raised.key()
