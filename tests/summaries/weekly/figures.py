"""A city with weeks behind it: charts with the marks that the rules give, slices, waste, signals and decisions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

import msgspec

from history.store import HistoryStore
from kept.catalogue import Service
from kept.decisions import DecisionEntry, decision_id
from kept.indicators.definitions import BY_NAME
from kept.indicators.intervals import wilson
from kept.indicators.point import Point
from kept.iso_week import IsoWeek
from kept.registered_changes import RegisteredChange
from kept.signals.chart_weeks import ChartMark, ChartWeek
from kept.signals.raised import Raised
from kept.signals.spc import judge_next, meaning
from kept.signals.verdict import Verdict
from kept.signals.weekly import CHARTABLE, CHARTED_AS
from tests.summaries.figures import CITY, HOSTILE, service

WEEK = IsoWeek(2026, 47)
DAY, HOUR = 86400, 3600
USUAL = {
    "promise_kept": 0.8, "delivery_time_closed_p50": 2.4 * DAY, "backlog": 420.0, "satisfaction_score": 71.0,
    "satisfied_share": 0.75, "digital_take_up": 0.55, "completion_rate": 0.82, "failure_demand": 0.18,
    "first_time_right": 0.9, "rework_share": 0.08, "cost_per_transaction": 48.0, "cost_per_outcome": 61.0,
}  # fmt: skip
MONEY = ("cost_per_transaction", "cost_per_outcome")
ROUGH = 0.02
"""Values go up and down by so much of themselves."""


def week_values(indicator: str, count: int, dice: Random, newest: float | None = None) -> list[float]:
    """`count` values of usual ups and downs, too small for a rule to hold by chance; the last one `newest` of usual."""
    usual = USUAL[indicator]
    values = [usual * (1 + ROUGH * (-1) ** place * (0.6 + 0.4 * dice.random())) for place in range(count)]
    return values if newest is None else [*values[:-1], usual * newest]


def chart(
    of: Service, indicator: str, values: Sequence[float | None], *, week: IsoWeek = WEEK, n: int = 412, **changes: Any
) -> list[ChartWeek]:
    """Weeks of a chart up to `week`, judged by the rules as they came; None is a gap. `changes` are of the last."""
    unit = BY_NAME[indicator].unit.replace("money", "EUR")
    better = BY_NAME[indicator].better
    known: list[float] = []
    starts: list[int] = []
    weeks: list[ChartWeek] = []
    for place, value in enumerate(values):
        when = week.plus(place - len(values) + 1)
        common: dict[str, Any] = {
            "service": of.id, "indicator": indicator, "week_start": when.start(of.zone), "week_end": when.end(of.zone),
            "unit": unit, "better": better, "segment": 0,
        }  # fmt: skip
        if value is None:
            weeks.append(ChartWeek(**common, gap="source_silent"))
            continue
        known.append(value)
        starts.append(when.start(of.zone))
        judged = judge_next(known, floor=0, ceiling=1 if unit == "share" else float("inf"))
        if judged.limits is not None:
            lines = ("mean", "lower", "upper", "near_lower", "near_upper")
            common |= {line: getattr(judged.limits, line) for line in lines} | {"baseline": judged.baseline}
        if judged.fires:
            fired = judged.fires[0]
            meant = meaning(fired.direction, better)
            common["mark"] = ChartMark(
                rule=fired.rule, direction=fired.direction, meaning=meant, since=starts[fired.first]
            )
        if unit == "share":
            low, high = wilson(round(value * n), n)
            common |= {"numerator": round(value * n), "denominator": n, "low": low, "high": high}
        weeks.append(ChartWeek(**common, value=value, n=None if indicator == "backlog" else n))
    return [*weeks[:-1], msgspec.structs.replace(weeks[-1], **changes)]


def week_point(of: Service, indicator: str, *, week: IsoWeek = WEEK, **changes: Any) -> Point:
    """A point of the window `week` at the week's end."""
    fields: dict[str, Any] = {
        "service": of.id, "slice": (), "indicator": indicator, "window": "week", "window_start": week.start(of.zone),
        "window_end": week.end(of.zone), "value": 0.8, "unit": BY_NAME[indicator].unit.replace("money", "EUR"),
        "numerator": None, "denominator": None, "n": None, "low": None, "high": None,
        "definition": BY_NAME[indicator].label, "state": "value",
    }  # fmt: skip
    return Point(**(fields | changes))


def cohorts(of: Service, members: Mapping[tuple[str, str], tuple[int, int]], **changes: Any) -> list[Point]:
    """`promise_kept` of members: (dimension, name) -> (kept, due); `("", "")` is the whole service."""
    return [
        week_point(
            of, "promise_kept", slice=() if dimension == "" else ((dimension, name),), value=kept / due,
            numerator=kept, denominator=due, n=due, **changes,
        )
        for (dimension, name), (kept, due) in members.items()
    ]  # fmt: skip


def waste(of: Service, **amounts: float | None) -> list[Point]:
    """Waste of the week: kind and basis, such as `rework_booked`, -> EUR; None is not provided."""
    return [
        week_point(
            of, f"cost_of_waste_{name}", value=amount, numerator=amount, denominator=1.0, unit="EUR a week", n=12
        )
        if amount is not None
        else week_point(of, f"cost_of_waste_{name}", value=None, state="not_provided", reason="no_rate")
        for name, amount in amounts.items()
    ]


def raised(of: Service, signal: str, at: int, *, ended_at: int | None = None, **changes: Any) -> Raised:
    """A raised signal; `changes` are of its verdict."""
    verdict = Verdict(service=of.id, signal=signal, at=at, active=True, **changes)
    return Raised(verdict=verdict, raised_at=at, told_at=at, quiet_since=ended_at, ended_at=ended_at)


def decided(of: Service, at: int, text: str, due: str) -> DecisionEntry:
    """The beginning of a decision."""
    return DecisionEntry(
        decision=decision_id(at=at, by="the head", service=of.id, text=text), at=at, says="decided", by="the head",
        service=of.id, text=text, owner="Team lead", due=due,
    )  # fmt: skip


def ordinary_week(store: HistoryStore, city: Mapping[str, Service], *, weeks: int = 20) -> None:
    """An ordinary week of `city`: everything charted moves as usual, but for one concern and one improvement."""
    dice = Random(47)
    services = list(city.values())
    worse, better = services[1], services[2]
    for each in services:
        names = [CHARTED_AS.get(name, name) for name in each.improvement]
        for name in (name for name in CHARTABLE if name in names):
            newest = {(worse.id, "promise_kept"): 0.86, (better.id, "satisfaction_score"): 1.09}.get((each.id, name))
            store.write_charts(chart(each, name, week_values(name, weeks, dice, newest)))
        whole, north = (331, 412), (60, 90) if each is worse else (70, 90)
        store.write(cohorts(each, {
            ("", ""): whole, ("area", "North"): north, ("area", "South"): (140, 160), ("area", "West"): (131, 162),
            ("channel", "web"): (210, 260), ("channel", "desk"): (121, 152),
        }))  # fmt: skip
        store.write(
            waste(each, rework_booked=1200.5, failure_demand_booked=310.0, rework_modelled=845.0,
                  failure_demand_modelled=152.0, wrong_channel_modelled=None)
        )  # fmt: skip
    end = WEEK.end(worse.zone)
    store.record([
        raised(worse, "promise_budget_slow", end - 3 * DAY, value=0.69, expected=0.9, cases=412, chance=1.2e-6,
               words="284 of 412 promises due in the last 7 days were kept (68.9 %, promised 90 %)"),
        raised(worse, "chart_signal", end, about="promise_kept", completed_by=end, evidence={"meaning": "concern"}),
    ])  # fmt: skip
    store.decide(decided(worse, end - 9 * DAY, "A second counter in the mornings", "2026-11-20"))
    store.decide(decided(better, end - 5 * DAY, "Letters in plain language", "2026-12-15"))
    store.write_changes([
        RegisteredChange(service=better.id, at=end - 4 * DAY, id="00000000000000ff", title="New letters",
                         indicator="satisfaction_score", direction="up")
    ])  # fmt: skip
    store.publish(city, end + 12 * HOUR)


def full_week(store: HistoryStore, city: Mapping[str, Service]) -> None:
    """A week in which every charted figure of every service moved, with an alert for each promise."""
    dice = Random(48)
    for each in city.values():
        names = [CHARTED_AS.get(name, name) for name in each.improvement]
        for name in names:
            store.write_charts(
                chart(each, name, week_values(name, 20, dice, 0.8 if BY_NAME[name].better == "up" else 1.3))
            )
        words = "284 of 412 promises due in the last 7 days were kept (68.9 %, promised 90 %)"
        store.record([raised(each, "promise_budget_slow", WEEK.end(each.zone) - 3 * DAY, chance=1.2e-6, words=words)])
    store.publish(city, WEEK.end(next(iter(city.values())).zone) + 12 * HOUR)


SMALL = {
    each.id: msgspec.structs.replace(
        each, improvement={"promise_kept": "up", "backlog": "down", "delivery_time_p50": "down"}
    )
    for each in (
        service("street-lights", "Street light repairs", simulated=False),
        service("births", "Birth certificates", 0.95),
        service("hostile", HOSTILE, 0.5),
        service("archive", "Archive requests \N{RIGHT-TO-LEFT OVERRIDE}fdp.exe", None),
    )
}
"""The small city of the golden summaries; each service has other news."""
HOSTILE_AREA = "=cmd|' /C calc'!A0 <img src=x onerror=alert(1)> [a](javascript:b) **b** " + "x" * 10_000


def small_week(store: HistoryStore) -> None:
    """The week of the small city: a real change with an alert, a gap, trial limits, a hostile area, and few people."""
    dice = Random(1)
    lights, births, hostile = list(SMALL.values())[:3]
    end, start = WEEK.end(lights.zone), WEEK.start(lights.zone)
    for each, count in ((lights, 20), (births, 20), (hostile, 8)):
        store.write_charts(chart(each, "backlog", week_values("backlog", count, dice)))
        store.write_charts(
            chart(each, "delivery_time_closed_p50", week_values("delivery_time_closed_p50", count, dice))
        )
    store.write_charts(chart(lights, "promise_kept", week_values("promise_kept", 20, dice, 0.71 / 0.8)))
    store.write_charts(chart(births, "promise_kept", [*week_values("promise_kept", 19, dice), None]))
    store.write_charts(chart(hostile, "promise_kept", week_values("promise_kept", 8, dice)))
    store.write([
        *cohorts(lights, {("", ""): (293, 412), ("area", "North"): (60, 110), ("area", "South"): (233, 302)}),
        *cohorts(hostile, {("", ""): (300, 400), ("area", HOSTILE_AREA): (50, 150), ("area", "Old town"): (250, 250)}),
        *cohorts(births, {("", ""): (90, 100), ("channel", "web"): (88, 97), ("channel", "post"): (2, 3)},
                 reason="stale"),
        *waste(lights, rework_booked=1200.5, failure_demand_modelled=152.25, wrong_channel_modelled=None),
    ])  # fmt: skip
    store.record([
        raised(lights, "promise_budget_fast", start + 2 * DAY, value=0.6, expected=0.8, cases=120, chance=3e-5,
               words="72 of 120 promises due in the last 24 h were kept (60 %, promised 80 %)"),
        raised(lights, "special_cause", end, about="promise_kept", evidence={"half_widths_away": 2.4}),
        raised(births, "source_silent", start + DAY, ended_at=start + 2 * DAY, value=90000.0,
               words="Nothing was heard for 1 day, since 2026-11-16 08:00 (CET)"),
        raised(hostile, "area_gap", start + DAY, about=f"area={HOSTILE_AREA}", value=0.33, expected=1.0, chance=1e-12,
               words="Of 150 cases due here in 28 days 33.3% were kept, of 250 in the other areas 100.0%"),
    ])  # fmt: skip
    text = "Ask <b>the contractor</b> | to [come](http://evil.example) twice"
    first = decided(lights, start - 5 * DAY, text, "2026-11-20")
    second = decided(births, start - 4 * DAY, "A second counter", "2026-11-30")
    store.decide(first)
    store.decide(second)
    store.decide(DecisionEntry(decision=second.decision, at=start + DAY, says="effect", by="x", service=births.id,
                               effect="helped"))  # fmt: skip
    store.decide(DecisionEntry(decision=second.decision, at=start + 2 * DAY, says="closed", by="x", service=births.id))
    store.write_changes([
        RegisteredChange(service=hostile.id, at=start + DAY, id="0f", title="<i>New</i> form", indicator=None)
    ])  # fmt: skip
    store.publish([lights.id, births.id, hostile.id], end + 12 * HOUR)


assert set(SMALL) <= set(CITY)
