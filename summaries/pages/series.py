"""`/api/series/…` and `/api/chart/…`: what pages draw, as CSV and JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import asdict
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from kept.buckets import DAY_SECONDS, HOUR_SECONDS
from kept.catalogue import Service
from kept.events import moment
from kept.indicators.definitions import BY_NAME
from kept.indicators.point import REPLAY_KEYS, WHOLE, Point, Slice, as_json_object
from kept.indicators.windows import STEPS
from kept.signals.chart_weeks import ChartWeek
from summaries.known import Known
from summaries.numbers import asked_indicator, asked_slice, asked_time, asked_window
from summaries.site import Asked, BadRequest, NotFound, Site, csv_answer
from summaries.slices import slice_text

NAV = None
MOST_POINTS: Final = 10_000
"""A file has at most so many: more is asked for in parts."""
USUAL_SECONDS: Final = 90 * DAY_SECONDS
SERIES_HEAD: Final = (*REPLAY_KEYS, "reason")
CHART_HEAD: Final = (
    "service", "indicator", "week_start", "week_end", "unit", "segment", "mixed", "value", "gap", "numerator",
    "denominator", "n", "low", "high", "baseline", "trial", "mean", "lower", "upper", "p_lower", "p_upper", "target",
    "rule", "meaning",
)  # fmt: skip


class Span(Struct, frozen=True):
    """since <= window_end <= until (s)."""

    since: int
    until: int


def routes(site: Site) -> Sequence[BaseRoute]:
    """The addresses of the files."""

    def series(asked: Asked, known: Known) -> tuple[Service, str, str, Slice, Span, list[Point]]:
        service = site.service(asked)
        indicator = asked_indicator(asked, service.id)
        window, part = asked_window(asked, indicator), asked_slice(asked)
        span = asked_span(asked, service, known.published(service.id), window, part)
        points = known.series(service.id, indicator, window, slice=part, since=span.since, until=span.until)
        if not points:
            whose = slice_text(part) or "the whole service"
            raise NotFound(
                f"Nothing was published of {indicator} in the window {window} for {whose[:80]} from "
                f"{_rfc3339(span.since)} to {_rfc3339(span.until)}; see /service/{service.id} for what there is"
            )
        return service, indicator, window, part, span, points

    def series_json(asked: Asked, known: Known) -> Response:
        service, indicator, window, part, span, points = series(asked, known)
        return JSONResponse(
            {
                "service": service.id,
                "indicator": indicator,
                "window": window,
                "slice": dict(part),
                "since": _rfc3339(span.since),
                "until": _rfc3339(span.until),
                "as_of": None if asked.as_of is None else _rfc3339(asked.as_of),
                "simulated": service.simulated,
                "definition": asdict(BY_NAME[indicator]),
                "points": [{**as_json_object(point), "reason": point.reason} for point in points],
            }
        )

    def series_csv(asked: Asked, known: Known) -> Response:
        service, indicator, window, _, _, points = series(asked, known)
        return csv_answer(f"{service.id}-{indicator}-{window}.csv", SERIES_HEAD, map(_series_row, points))

    def weeks(asked: Asked, known: Known) -> tuple[Service, str, list[ChartWeek]]:
        service = site.service(asked)
        indicator = asked_indicator(asked, service.id)
        found = known.charts(service.id, indicator)
        if not found:
            charted = sorted({week.indicator for week in known.charts(service.id)})
            raise NotFound(f"No control chart is known of {indicator}; charted are: {', '.join(charted) or 'none yet'}")
        return service, indicator, found

    def chart_json(asked: Asked, known: Known) -> Response:
        service, indicator, found = weeks(asked, known)
        rows = [dict(zip(CHART_HEAD, _chart_row(week), strict=True)) for week in found]
        return JSONResponse({"service": service.id, "indicator": indicator, "weeks": rows})

    def chart_csv(asked: Asked, known: Known) -> Response:
        service, indicator, found = weeks(asked, known)
        return csv_answer(f"{service.id}-{indicator}-weeks.csv", CHART_HEAD, map(_chart_row, found))

    return [
        site.route("/api/series/{service}/{indicator}.json", series_json, as_data=True),
        site.route("/api/series/{service}/{indicator}.csv", series_csv, as_data=True),
        site.route("/api/chart/{service}/{indicator}.json", chart_json, as_data=True),
        site.route("/api/chart/{service}/{indicator}.csv", chart_csv, as_data=True),
    ]


def asked_span(asked: Asked, service: Service, published: int | None, window: str, part: Slice) -> Span:
    """The time that the query names: up to the newest figures, 90 days, unless it says otherwise.

    Raises `BadRequest` for a moment that is none, and for more than `MOST_POINTS`.
    """
    until = asked_time(asked, "until", service.zone)
    since = asked_time(asked, "since", service.zone)
    until = (published or 0) if until is None else until
    since = max(0, until - _usual(window, part)) if since is None else since
    if since > until:
        raise BadRequest(f"since: {_rfc3339(since)} is after until, {_rfc3339(until)}; put the earlier moment in since")
    longest = MOST_POINTS * _step(window, part)
    if until - since > longest:
        raise BadRequest(
            f"since and until are {(until - since) // DAY_SECONDS} days apart; in the window {window} at most "
            f"{longest // DAY_SECONDS} days ({MOST_POINTS:,} points) come in one file: ask for it in parts"
        )
    return Span(since, until)


def _usual(window: str, part: Slice) -> int:
    return min(USUAL_SECONDS, MOST_POINTS * _step(window, part))


def _step(window: str, part: Slice) -> int:
    step = STEPS.get(window, HOUR_SECONDS)
    return step if part == WHOLE else max(step, HOUR_SECONDS)


def _series_row(point: Point) -> list[object]:
    said = as_json_object(point) | {"slice": slice_text(point.slice) or "", "reason": point.reason}
    return [said[name] for name in SERIES_HEAD]


def _chart_row(week: ChartWeek) -> list[Any]:
    mark = week.mark
    said = asdict(week) | {
        "week_start": _rfc3339(week.week_start),
        "week_end": _rfc3339(week.week_end),
        "trial": week.trial,
        "rule": None if mark is None else mark.rule,
        "meaning": None if mark is None else mark.meaning,
    }
    return [said[name] for name in CHART_HEAD]


def _rfc3339(at: int) -> str:
    return f"{moment(at * 1000):%Y-%m-%dT%H:%M:%SZ}"
