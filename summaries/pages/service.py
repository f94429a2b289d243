"""`/service/<id>`: what is known of one service, part by part, and its newest figures as data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from kept.catalogue import Service
from kept.effects.words import OUTCOME_WORDS
from kept.errors import KeptError
from kept.indicators.point import Point, as_json_object
from kept.indicators.windows import WINDOWS
from kept.registered_changes import RegisteredChange
from kept.signals.chart_weeks import ChartWeek
from kept.signals.raised import Raised
from summaries import wording
from summaries.indicator_table import make_table
from summaries.judged_changes import JudgedChanges
from summaries.known import Known
from summaries.service import charts, clocks, money, quality, waiting
from summaries.service.by_slice import slice_tables
from summaries.service.figures import Figures, is_course, is_known, mondays
from summaries.service.later import HEAD as LATER_HEAD
from summaries.service.later import Later, became_known, later_rows
from summaries.service.signals import signal_parts
from summaries.service_card import make_card
from summaries.site import Asked, Site

NAV = None
ANCHORS: Final = (
    ("signals", "Active signals"),
    ("charts", "Control charts"),
    ("clocks", "Both clocks"),
    ("waiting", "Who is waiting"),
    ("flow", "Flow"),
    ("money", "Cost and waste"),
    ("quality", "Quality"),
    ("changes", "Changes"),
    ("slices", "Areas and channels"),
    ("all", "All indicators"),
)
FACTS: Final = (
    ("Promise kept, all that fell due", "promise_kept"),
    ("Promise kept, closed cases only", "promise_kept_closed"),
    ("3 in 4 waited up to, open cases counted in", "delivery_time_p75"),
    ("Open now", "backlog"),
    ("Overdue", "overdue"),
    ("At risk", "at_risk"),
    ("Cost of an intended outcome", "cost_per_outcome"),
    ("Satisfaction score", "satisfaction_score"),
)
MOST_LATER: Final = 60


def routes(site: Site) -> Sequence[BaseRoute]:
    """The page's addresses."""

    def page(asked: Asked, known: Known) -> Response:
        service = site.service(asked)
        weeks = asked.choice("weeks", tuple(charts.SHOWN_WEEKS), "26")
        read, notice = _Read(), ""
        try:
            read = _read(service, known)
        except KeptError as error:
            notice = f"{error}."
        now = int(site.clock()) if asked.as_of is None else asked.as_of
        return site.render(asked, "service.html", notice=notice, weeks=weeks, **_parts(service, read, now, weeks))

    def latest(asked: Asked, known: Known) -> Response:
        service = site.service(asked)
        points = known.latest(service.id)
        return JSONResponse(
            {
                "service": service.id,
                "name": service.name,
                "simulated": service.simulated,
                "points": [{**as_json_object(point), "reason": point.reason} for point in points],
            }
        )

    return [
        site.route("/service/{service}", page),
        site.route("/api/latest/{service}.json", latest, as_data=True),
    ]


class _Read:
    """What the page rests on; nothing of it while the history cannot be read."""

    def __init__(
        self,
        latest: Sequence[Point] = (),
        weekly: Sequence[Point] = (),
        weeks: Sequence[ChartWeek] = (),
        changes: Sequence[RegisteredChange] = (),
        signals: Sequence[Raised] = (),
        later: Sequence[Later] = (),
        verdicts: Mapping[str, str] | None = None,
    ) -> None:
        self.latest = latest
        self.weekly = weekly
        self.weeks = weeks
        self.changes = changes
        self.signals = signals
        self.later = later
        self.verdicts = verdicts or {}


def _read(service: Service, known: Known) -> _Read:
    latest = known.latest(service.id, slice=None)
    newest = max((point.window_end for point in latest), default=None)
    weekly: list[Point] = []
    if newest is not None:
        ends = mondays(newest, service.zone)
        weekly = [*known.at_moments(service.id, "28d", ends), *known.at_moments(service.id, "7d", ends)]
    later: list[Later] = []
    if known.as_of is not None:
        shown = [*latest, *weekly]
        _, since = known.amendments_at(service.id, {point.window_end for point in shown})
        later = became_known(since, shown)
    changes, judged = known.changes(service.id), JudgedChanges(known)
    verdicts = {change.id: OUTCOME_WORDS[judged.judge(change).outcome] for change in changes}
    return _Read(latest, weekly, known.charts(service.id), changes, known.open_signals(service.id), later, verdicts)


def _parts(service: Service, read: _Read, now: int, weeks: str) -> dict[str, Any]:
    figures = Figures(read.latest, read.weekly)
    whole = [point for point in read.latest if not point.slice]
    card = make_card(service, whole, now, read.signals)
    flow = waiting.flow_table(figures, service.zone)
    return {
        "card": card,
        "weeks_query": None if weeks == "26" else weeks,
        "week_choices": tuple(charts.SHOWN_WEEKS),
        "anchors": ANCHORS,
        "facts": [(words, figures.newest(name)) for words, name in FACTS],
        "signals": signal_parts(read.signals, service.zone, card.newest),
        "charts": charts.chart_parts(read.weeks, read.changes, service.zone, charts.SHOWN_WEEKS[weeks]),
        "chart_head": charts.HEAD,
        "clocks": clocks.promise_table(figures, service),
        "clocks_known": is_course(figures.weekly("promise_kept")),
        "clock_words": clocks.clock_words(service, card.newest),
        "times": clocks.time_table(figures),
        "waiting": waiting.age_table(figures),
        "ages_known": is_known([point for _, point in waiting.age_points(figures)]),
        "flow": flow,
        "flow_known": is_course(figures.weekly("arrivals", "7d", with_newest=False)),
        "backlog_known": is_course(figures.weekly("backlog")),
        "cost": money.cost_table(figures),
        "waste": money.waste_table(figures),
        "waste_known": any(bar.value is not None for bar in money.waste_bars(figures)),
        "quality": quality.quality_table(figures),
        "changes": [_change(change, service, read.verdicts[change.id]) for change in reversed(read.changes)],
        "slices": list(slice_tables(figures.sliced)),
        "later": {"caption": "Figures of this page that were amended since", "head": LATER_HEAD,
                  "rows": later_rows(read.later[:MOST_LATER], service.zone)},
        "later_left": f"{len(read.later) - MOST_LATER} more are amended." if len(read.later) > MOST_LATER else "",
        "families": make_table(whole),
        "columns": WINDOWS,
    }  # fmt: skip


def _change(change: RegisteredChange, service: Service, verdict: str) -> dict[str, str]:
    expected = "Nothing was said of what it is to move."
    if change.indicator is not None and change.direction is not None:
        expected = f"Expected: {wording.label(change.indicator)} {change.direction}."
    return {"id": change.id, "title": change.title, "day": wording.day(change.at, service.zone), "expected": expected,
            "verdict": verdict}  # fmt: skip
