"""`/changes`: did it work? `/changes/<service>/<id>`: one registered change, with what its verdict rests on."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Sequence
from zoneinfo import ZoneInfo

from msgspec import Struct
from starlette.responses import Response
from starlette.routing import BaseRoute

from kept.catalogue import Service
from kept.effects.judge import Effect, Judgement
from kept.effects.words import (
    FIGURES,
    OUTCOME_WORDS,
    comparison_words,
    effect_words,
    least_words,
    level_words,
    placebo_words,
    why,
)
from kept.registered_changes import RegisteredChange
from summaries import vega, wording
from summaries.change_weeks import WeekRow, week_rows
from summaries.judged_changes import JudgedChanges
from summaries.known import Known
from summaries.pages.service_pictures import is_narrow
from summaries.pictures.change_effect import NARROW, WIDE, PlaceboDate, RealDate, placebo_picture, weeks_picture
from summaries.site import Asked, NotFound, Site, csv_answer

NAV = ("/changes", "Did it work?")
BELONGS_TOGETHER = re.compile(r"(?<=[0-9]) (?=days?\b|hours?\b|minutes?\b|%)|(?<=\(n) (?=[0-9])")
WEEKS_HEAD = ("Week from", "Until", "Figure", "n", "Without the change", "Other services", "Counted as")
PLACEBO_HEAD = ("Date", "The figure moved by", "What")
LIST_HEAD = ("Service", "Change", "When", "Expected", "Verdict", "Effect")


class Line(Struct, frozen=True, kw_only=True):
    """One change of the list."""

    path: str
    service: str
    title: str
    when: str
    date: str
    """The same for files."""
    expected: str
    outcome: str
    words: str
    effect: str
    why: str


def routes(site: Site) -> Sequence[BaseRoute]:
    """The pages' addresses."""

    def listed(asked: Asked, known: Known) -> Response:
        lines = _lines(known)
        return site.render(asked, "changes.html", lines=lines)

    def list_csv(asked: Asked, known: Known) -> Response:
        rows = [(line.service, line.title, line.date, line.expected, line.words, line.effect) for line in _lines(known)]
        return csv_answer("changes.csv", LIST_HEAD, rows)

    def page(asked: Asked, known: Known) -> Response:
        one = _Shown(site, asked, known)
        return site.render(
            asked,
            "change.html",
            one=one,
            weeks_head=WEEKS_HEAD,
            placebo_head=PLACEBO_HEAD,
            weeks=one.week_cells(),
            placebo=one.placebo_cells(),
        )

    def weeks_svg(asked: Asked, known: Known) -> Response:
        one = _Shown(site, asked, known)
        rows = one.rows
        if not rows:
            raise NotFound("There is no picture of this change: none of its weeks can be counted.")
        at = one.day(one.change.at)
        spec = weeks_picture(rows, at, one.unit, one.is_compared, asked.theme or "light", _width(asked))
        return vega.svg_answer(spec, asked.theme)

    def placebo_svg(asked: Asked, known: Known) -> Response:
        one = _Shown(site, asked, known)
        if one.effect is None:
            raise NotFound("There is no picture of placebo dates: the effect cannot be estimated yet.")
        spec = placebo_picture(
            one.placebo_dates(),
            one.real_date(one.effect),
            _moved_words(one.effect),
            one.effect.scale.relative or one.unit == "share",
            asked.theme or "light",
            _width(asked),
        )
        return vega.svg_answer(spec, asked.theme)

    def weeks_csv(asked: Asked, known: Known) -> Response:
        one = _Shown(site, asked, known)
        rows = [(row.start, row.end, row.value, row.n, row.without, row.others, row.why) for row in one.rows]
        head = [*WEEKS_HEAD[:2], f"Figure ({one.unit})", *WEEKS_HEAD[3:]]
        return csv_answer("change_weeks.csv", head, rows)

    def placebo_csv(asked: Asked, known: Known) -> Response:
        one = _Shown(site, asked, known)
        rows: list[tuple[object, ...]] = [(date.day, date.size, "no change") for date in one.placebo_dates()]
        if one.effect is not None:
            rows.append((one.day(one.change.at), one.effect.size[0], "the change"))
        return csv_answer("change_placebo_dates.csv", PLACEBO_HEAD, rows)

    def under(end: str, handler: Callable[[Asked, Known], Response]) -> BaseRoute:
        return site.route(f"/changes/{{service}}/{{change}}{end}", handler)

    return [
        site.route("/changes", listed, costly=True),
        site.route("/changes.csv", list_csv, costly=True),
        under("", page),
        under("/weeks.svg", weeks_svg),
        under("/placebo.svg", placebo_svg),
        under("/weeks.csv", weeks_csv),
        under("/placebo.csv", placebo_csv),
    ]


class _Shown:
    """One change with its verdict, as the page, the pictures and the files show it."""

    def __init__(self, site: Site, asked: Asked, known: Known) -> None:
        self.service: Service = site.service(asked)
        self.zone = ZoneInfo(self.service.time_zone)
        self.names = {service.id: service.name for service in known.catalogue.values()}
        all_changes = JudgedChanges(known)
        own = [change for change in all_changes.changes if change.service == self.service.id]
        found = [change for change in own if change.id == asked.parts["change"]]
        if not found:
            choices = [(asked.link(_path(change)), change.title) for change in own]
            raise NotFound(f"No such change of {self.service.name} was known.", choices)
        self.change: RegisteredChange = found[-1]
        self.judgement: Judgement = all_changes.judge(self.change)
        self.effect: Effect | None = self.judgement.effect
        self.rows: list[WeekRow] = week_rows(self.judgement, all_changes.weeks[self.service.id], self.zone)
        weeks = all_changes.weeks[self.service.id]
        asked_for = self.judgement.question
        self.unit = next((week.unit for week in weeks if asked_for and week.indicator == asked_for.indicator), "")
        self.path = _path(self.change)
        self.expected = _expected(self.change)
        self.outcome = self.judgement.outcome
        self.words = OUTCOME_WORDS[self.outcome]
        self.why = _joined(why(self.judgement, self.zone))
        self.when = wording.moment(self.change.at, self.zone)

    @property
    def is_compared(self) -> bool:
        """Whether the effect was measured on the difference to other services."""
        return self.effect is not None and self.effect.comparison.used

    def day(self, at: int) -> datetime.date:
        return datetime.datetime.fromtimestamp(at, self.zone).date()

    def basis(self) -> list[tuple[str, str]]:
        """What the verdict rests on: (name, words)."""
        found, asked = self.effect, self.judgement.question
        if found is None or asked is None:
            return []
        change = f"{level_words(found, found.level)} without the change, {level_words(found, found.became)} with it"
        before, after = found.cases
        counted_after = _counted(len(found.weeks) - found.before, after)
        facts = [
            ("Figure", f"{FIGURES[asked.indicator]}, by week ({asked.indicator}); it was to go {asked.way}"),
            ("Effect", _joined(effect_words(found))),
            ("Level after the change", change),
            ("Worth while", least_words(found, asked.way)),
            ("Weeks counted", f"{_counted(found.before, before)} before, {counted_after} after"),
            ("Compared with", comparison_words(found.comparison, self.names)),
            ("Dates without a change", f"{placebo_words(found)} (p {found.placebo.p:.2f})"),
            ("From week to week", f"autocorrelation {wording.number(found.estimate.autocorrelation, 2)}"),
        ]
        if found.estimate.trend is not None:
            facts.append(("Trend", "a trend that was there before was taken out"))
        return facts

    def week_cells(self) -> list[list[str]]:
        """The rows of the table of weeks."""
        return [
            [
                _date(row.start),
                _date(row.end),
                self._value(row.value),
                "" if row.n is None else wording.number(row.n),
                self._value(row.without if row.role == "after" else None),
                self._value(row.others),
                row.why,
            ]
            for row in self.rows
        ]

    def placebo_dates(self) -> list[PlaceboDate]:
        """Every earlier date, as the Monday from which weeks count as after it."""
        found = self.effect
        if found is None:
            return []
        return [
            PlaceboDate(self.day(found.weeks[number].week_start), found.scale.size(effect))
            for number, effect in zip(found.placebo.weeks, found.placebo.effects, strict=True)
        ]

    def real_date(self, found: Effect) -> RealDate:
        """The change itself."""
        return RealDate(self.day(self.change.at), *found.size)

    def placebo_cells(self) -> list[list[str]]:
        """The rows of the table of placebo dates, the change last."""
        found = self.effect
        if found is None:
            return []
        rows = [[_date(date.day), _size(found, date.size), "no change"] for date in self.placebo_dates()]
        return [*rows, [_date(self.day(self.change.at)), _size(found, found.size[0]), "the change"]]

    def _value(self, value: float | None) -> str:
        if value is None:
            return ""
        return wording.quantity(value, self.unit) if self.effect is None else level_words(self.effect, value)


def _lines(known: Known) -> list[Line]:
    """All changes, the newest first."""
    judged = JudgedChanges(known)
    lines = []
    for change in sorted(judged.changes, key=lambda one: (-one.at, one.service, one.id)):
        service = known.catalogue[change.service]
        found = judged.judge(change)
        zone = ZoneInfo(service.time_zone)
        lines.append(
            Line(
                path=_path(change),
                service=service.name,
                title=change.title,
                when=wording.day(change.at, zone),
                date=str(datetime.datetime.fromtimestamp(change.at, zone).date()),
                expected=_expected(change),
                outcome=found.outcome,
                words=OUTCOME_WORDS[found.outcome],
                effect="" if found.effect is None else _joined(effect_words(found.effect)),
                why=_joined(why(found, zone)),
            )
        )
    return lines


def _path(change: RegisteredChange) -> str:
    return f"/changes/{change.service}/{change.id}"


def _expected(change: RegisteredChange) -> str:
    if change.indicator is None or change.direction is None:
        return "nothing was said"
    return f"{wording.label(change.indicator)} {change.direction}"


def _counted(number: int, cases: int) -> str:
    return f"{number} (n{wording.NBSP}{wording.number(cases)})" if cases else str(number)


def _date(date: datetime.date) -> str:
    """A local date as pages write it."""
    return f"{date.day}{wording.NBSP}{date:%b}{wording.NBSP}{date:%Y}"


def _joined(words: str) -> str:
    """The sentence with no-break spaces between a number and what belongs to it."""
    return BELONGS_TOGETHER.sub(wording.NBSP, words)


def _moved_words(found: Effect) -> str:
    if found.scale.relative:
        return "% of the level"
    return {"share": "points of 100", "points": "points"}.get(found.scale.unit, found.scale.unit)


def _size(found: Effect, size: float) -> str:
    shown = size * 100 if found.scale.relative or found.scale.unit == "share" else size
    unit = " %" if found.scale.relative else f" {_moved_words(found)}"
    return f"{'+' if shown > 0 else ''}{wording.number(shown, 1)}{unit}"


def _width(asked: Asked) -> int:
    return NARROW if is_narrow(asked) else WIDE
