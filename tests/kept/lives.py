"""Random events of a small service, for property tests. Times are whole minutes, as in most service systems."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec
from hypothesis import strategies as st

from kept import events as e
from kept.durations import DAY_MS, MINUTE_MS
from tests.kept.city import event, ms

START_MS = ms("2024-06-03 00:00")
CHANNELS = st.sampled_from([None, "Web", "App", "Phone", "Patrol"])
AREAS = st.sampled_from([None, "North", "South"])


def minutes(days: float) -> st.SearchStrategy[int]:
    """Moments (ms) within so many days of the start."""
    return st.integers(0, round(days * 24 * 60)).map(lambda minute: START_MS + minute * MINUTE_MS)


@st.composite
def case_events(draw: st.DrawFn, number: int, days: float) -> list[e.Event]:
    """The events of one case or transaction, in no order; contradictions included."""
    subject, moments = f"case-{number}", minutes(days)
    told: list[e.Event] = []

    def tell(kind: str, at: int, **data: Any) -> None:
        told.append(event(kind, at, subject, id=f"{number}-{len(told)}", **data))

    for _ in range(draw(st.sampled_from([1, 1, 1, 1, 1, 0, 2]))):
        tell("case.opened", draw(moments), **given(
            channel=draw(CHANNELS), area=draw(AREAS), category=draw(st.sampled_from([None, "lamp"])),
            due=draw(st.none() | minutes(2 * days)),
        ))  # fmt: skip
    kinds = st.sampled_from(
        ["completed", "completed", "paused", "resumed", "reopened", "due", "step", "contact", "transaction"]
    )
    for kind in draw(st.lists(kinds, max_size=7)):
        at = draw(moments)
        if kind == "completed":
            outcome = draw(
                st.sampled_from(["intended", "intended", "not_intended", "rejected", "duplicate", "withdrawn"])
            )
            tell("case.completed", at, outcome=outcome)
        elif kind in ("paused", "resumed", "reopened"):
            tell(f"case.{kind}", at)
        elif kind == "due":
            tell("case.due_changed", at, due=draw(minutes(2 * days)))
        elif kind == "step":
            ended = draw(st.none() | st.integers(0, 600).map(lambda length, at=at: at + length * MINUTE_MS))
            tell("case.step", at, step=draw(st.sampled_from(["review", "visit"])), **given(ended=ended))
        elif kind == "contact":
            reason = draw(st.sampled_from(["get_information", "chase_progress", "other"]))
            tell("contact.received", at, case=subject, reason=reason)
        else:
            tell("transaction.started", at, **given(channel=draw(CHANNELS)))
            if draw(st.booleans()):
                result = draw(st.sampled_from(["completed", "not_eligible", "failed", "abandoned"]))
                tell("transaction.finished", at + draw(st.integers(0, 60)) * MINUTE_MS, result=result)
    return told


@st.composite
def other_events(draw: st.DrawFn, number: int, days: float) -> e.Event:
    """An event that is not about a case."""
    at, where, name = draw(minutes(days)), given(channel=draw(CHANNELS), area=draw(AREAS)), f"other-{number}"
    kind = draw(st.sampled_from(["cost", "contact", "offered", "given", "changed"]))
    if kind == "cost":
        amount = Decimal(draw(st.integers(-500_00, 5000_00))) / 100
        category = draw(st.sampled_from(["staff", "rework", "failure_demand"]))
        return event("cost.booked", at, id=name, amount=amount, currency="EUR", category=category, **where)
    if kind == "contact":
        return event(
            "contact.received", at, id=name, reason=draw(st.sampled_from(["chase_progress", "other"])), **where
        )
    if kind == "offered":
        return event("feedback.offered", at, id=name, **where)
    if kind == "given":
        return event("feedback.given", at, id=name, rating=draw(st.integers(1, 5)), **where)
    return event("service.changed", at, id=name, title="a new form")


@st.composite
def long_lives(draw: st.DrawFn, number: int, days: float) -> list[e.Event]:
    """A case that stays open from its opening to its last event, however long that takes."""
    subject, moments = f"case-{number}", sorted(draw(st.lists(minutes(days), min_size=1, max_size=6, unique=True)))
    told = [
        event("case.opened", moments[0], subject, **given(channel=draw(CHANNELS), due=draw(st.none() | minutes(days))))
    ]
    for at in moments[1:]:
        kind = draw(st.sampled_from(["case.paused", "case.resumed", "case.step"]))
        told.append(event(kind, at, subject, **({"step": "review"} if kind == "case.step" else {})))
    if draw(st.booleans()):
        told.append(event("case.completed", moments[-1] + MINUTE_MS, subject))
    return told


@st.composite
def long_cities(draw: st.DrawFn, days: float, cases: int = 6) -> list[e.Event]:
    """As `cities`, over so many days that cases leave the register: none of them is told anything after it was over."""
    told: list[e.Event] = []
    for number in range(draw(st.integers(0, cases))):
        if draw(st.booleans()):
            told += draw(long_lives(number, days))
        else:
            later = draw(st.integers(0, round(days) - 30)) * DAY_MS
            told += [moved(one, later) for one in draw(case_events(number, 30.0))]
    told += [draw(other_events(number, days)) for number in range(draw(st.integers(0, 6)))]
    return sorted(told, key=lambda one: (one.time, one.id))


def moved(one: e.Event, later_ms: int) -> e.Event:
    """The same event so much later; a due, or the times of a step, move with it."""
    later = timedelta(milliseconds=later_ms)
    times = {name: getattr(one.data, name) for name in ("due", "started", "ended") if getattr(one.data, name, None)}
    data = msgspec.structs.replace(one.data, **{name: time + later for name, time in times.items()})
    return msgspec.structs.replace(one, time=one.time + later, data=data)


@st.composite
def cities(draw: st.DrawFn, days: float = 6.0, cases: int = 6) -> list[e.Event]:
    """Events of several cases and of other things within `days`, ordered by time as a log would roughly be."""
    told = [one for number in range(draw(st.integers(0, cases))) for one in draw(case_events(number, days))]
    told += [draw(other_events(number, days)) for number in range(draw(st.integers(0, 6)))]
    return sorted(told, key=lambda one: (one.time, one.id))


def end_of(events: list[e.Event], days: float) -> int:
    """A whole hour (ms) at or after every event."""
    last = max((e.milliseconds(one.time) for one in events), default=START_MS)
    return max(START_MS + round(days) * DAY_MS, -(-last // (60 * MINUTE_MS)) * 60 * MINUTE_MS)


def given(**data: Any) -> dict[str, Any]:
    """Only what was given."""
    return {key: value for key, value in data.items() if value is not None}
