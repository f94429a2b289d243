"""`/objectives`: promises, money and decisions by the objective that they serve; one service's money and quality."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from zoneinfo import ZoneInfo

from starlette.responses import Response
from starlette.routing import BaseRoute

from kept.catalogue import Service
from kept.money.compared import By, Week, compare
from summaries import vega, wording
from summaries.gap_words import GAP_WORDS
from summaries.known import Known
from summaries.money_known import ServiceMoney, read_money
from summaries.money_words import benchmark_row, money
from summaries.objective_groups import Read, decision_row, groups, objective_of, service_row
from summaries.pages.service_pictures import is_narrow
from summaries.pictures.money_and_quality import money_and_quality
from summaries.service_card import LatestPoints
from summaries.site import Asked, Site, csv_answer

NAV = ("/objectives", "Objectives and money")
BY: dict[str, tuple[By | None, str]] = {
    "newest": (None, "around the newest change, else the last two quarters"),
    "quarter": ("quarter", "the last two quarters"),
    "year": ("year", "a quarter and that of the year before"),
    "change": ("change", "before and after the newest registered change"),
}
WEEKS_HEAD = ("Week to", "Cost per intended outcome", "Promises kept", "Satisfaction score", "Not compared")
WEEKS_CSV_HEAD = ("week_to", "cost_per_outcome", "currency", "promise_kept", "promise_kept_low", "promise_kept_high",
                  "satisfaction_score", "satisfaction_low", "satisfaction_high", "not_compared")  # fmt: skip
OVERVIEW_HEAD = ("Objective", "Service", "Target", "Promise kept", "Cost per intended outcome", "Satisfaction score",
                 "Cost against quality", "Budget")  # fmt: skip
NOTHING = compare([], [], "quarter")


def routes(site: Site) -> Sequence[BaseRoute]:
    """The pages' addresses."""

    def today(asked: Asked) -> datetime.date:
        at = site.clock() if asked.as_of is None else asked.as_of
        return datetime.datetime.fromtimestamp(at, site.zone or ZoneInfo("UTC")).date()

    def overview(asked: Asked, known: Known) -> Response:
        read = {one.id: Read(known.latest(one.id), read_money(known, one)) for one in site.catalogue.values()}
        found = groups(site.catalogue, read, known.decisions(), today(asked))
        return site.render(asked, "objectives.html", groups=found)

    def overview_table(asked: Asked, known: Known) -> Response:
        by_objective = sorted(
            site.catalogue.values(), key=lambda one: (one.objective is None, one.objective or "", one.name)
        )
        rows = [overview_figures(one, Read(known.latest(one.id), read_money(known, one))) for one in by_objective]
        return csv_answer("objectives.csv", OVERVIEW_HEAD, rows)

    def asked_money(asked: Asked, known: Known) -> tuple[Service, ServiceMoney | None]:
        service = site.service(asked)
        return service, read_money(known, service, BY[asked.choice("compare", list(BY), "newest")][0])

    def one_service(asked: Asked, known: Known) -> Response:
        service, money_of = asked_money(asked, known)
        chosen = asked.choice("compare", list(BY), "newest")
        points = known.latest(service.id)
        latest = LatestPoints(points)
        return site.render(
            asked,
            "objectives_service.html",
            service=service,
            row=service_row(service, Read(points, money_of)),
            money=money_of,
            weeks=week_rows(service, money_of),
            is_drawn=money_of is not None and is_drawn(money_of.weeks),
            head=WEEKS_HEAD,
            benchmarks=[benchmark_row(one, latest, service) for one in service.benchmarks],
            choices=[(name, words, name == chosen) for name, (_, words) in BY.items()],
            chosen=chosen,
            serving=[
                one.name
                for one in site.catalogue.values()
                if one.objective is not None and one.objective == service.objective and one.id != service.id
            ],
            decisions=[
                decision_row(one, site.catalogue, today(asked))
                for one in known.decisions()
                if one.service == service.id
                or (service.objective is not None and objective_of(one, site.catalogue) == service.objective)
            ],
        )

    def weeks_table(asked: Asked, known: Known) -> Response:
        service, found = asked_money(asked, known)
        return csv_answer(f"{service.id}-money-and-quality.csv", WEEKS_CSV_HEAD, week_figures(service, found))

    def picture(asked: Asked, known: Known) -> Response:
        return vega.svg_answer(_picture(asked, *asked_money(asked, known)), asked.theme)

    return [
        site.route("/objectives", overview, costly=True),
        site.route("/objectives/figures.csv", overview_table, costly=True),
        site.route("/objectives/{service}", one_service, costly=True),
        site.route("/objectives/{service}/money-and-quality.csv", weeks_table, costly=True),
        site.route("/objectives/{service}/money-and-quality.svg", picture, costly=True),
    ]


def _picture(asked: Asked, service: Service, found: ServiceMoney | None) -> vega.Spec:
    return money_and_quality(
        [] if found is None else told_weeks(found),
        [] if found is None else found.changes,
        NOTHING if found is None else found.comparison,
        zone=service.zone,
        minor_digits=0 if service.costs is None else service.costs.minor_digits,
        currency="money" if service.costs is None else service.costs.currency,
        target=None if service.promise is None else service.promise.target_share,
        theme=asked.theme or "light",
        is_narrow=is_narrow(asked),
    )


def overview_figures(service: Service, read: Read) -> tuple[str, ...]:
    """What the overview says of a service, in step with `OVERVIEW_HEAD`."""
    row = service_row(service, read)
    figures = (row.name, row.target, row.kept.words, row.cost.words, row.satisfaction.words)
    return (service.objective or "", *figures, " ".join(row.trade_off), " ".join(row.budget))


def told_weeks(money_of: ServiceMoney) -> list[Week]:
    """The weeks from the first on of which anything is known."""
    weeks = list(money_of.weeks)
    first = next((place for place, week in enumerate(weeks) if _is_told(week)), len(weeks))
    return weeks[first:]


def week_rows(service: Service, money_of: ServiceMoney | None) -> list[tuple[str, str, str, str, str]]:
    """The weeks in words, the newest first."""
    if money_of is None:
        return []
    return [
        (
            wording.day(week.end - 1, service.zone),
            "not known" if week.cost is None else money(week.cost, service),
            _with_range(week.promise, week.promise_low, week.promise_high, wording.share),
            _with_range(week.satisfaction, week.satisfaction_low, week.satisfaction_high, _score),
            "" if week.gap is None else GAP_WORDS[week.gap],
        )
        for week in reversed(told_weeks(money_of))
    ]


def week_figures(service: Service, money_of: ServiceMoney | None) -> list[tuple[object, ...]]:
    """The weeks in figures, the newest first; what is not known is empty."""
    if money_of is None:
        return []
    digits, currency = (0, "") if service.costs is None else (service.costs.minor_digits, service.costs.currency)
    return [
        (
            datetime.datetime.fromtimestamp(week.end - 1, service.zone).date().isoformat(),
            None if week.cost is None else round(week.cost / 10**digits, digits + 2),
            currency,
            week.promise,
            week.promise_low,
            week.promise_high,
            week.satisfaction,
            week.satisfaction_low,
            week.satisfaction_high,
            week.gap,
        )
        for week in reversed(told_weeks(money_of))
    ]


def _is_told(week: Week) -> bool:
    return week.cost is not None or week.promise is not None or week.satisfaction is not None


def is_drawn(weeks: Sequence[Week]) -> bool:
    """Whether any line of the picture has two points."""
    lines = ([week.cost for week in weeks], [week.promise for week in weeks], [week.satisfaction for week in weeks])
    return any(sum(value is not None for value in line) > 1 for line in lines)


def _with_range(value: float | None, low: float | None, high: float | None, say: Callable[[float], str]) -> str:
    if value is None:
        return "not known"
    return say(value) if low is None or high is None else f"{say(value)} ({say(low)} to {say(high)})"


def _score(value: float) -> str:
    return wording.number(value, 1)
