"""Weeks of charts and registered changes for tests of stores: one by hand, and any."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from msgspec.structs import replace

from kept.registered_changes import RegisteredChange
from kept.signals.chart_amendments import ChartAmendment
from kept.signals.chart_weeks import ChartMark, ChartWeek
from tests.history.points import NASTY, NOON, NUMBERS, TEXTS

WEEK = 7 * 86400
FLOATS = st.none() | st.floats(allow_nan=False, allow_infinity=False)
MARK = ChartMark(rule=1, direction="down", meaning="concern", since=NOON - WEEK)


def week(**changes: Any) -> ChartWeek:
    """A plain week of a chart, marked; `changes` replace its fields."""
    fields: dict[str, Any] = {
        "service": "street-repairs", "indicator": "promise_kept", "week_start": NOON - WEEK, "week_end": NOON,
        "unit": "share", "better": "up", "segment": 1, "value": 0.6, "numerator": 60, "denominator": 100, "n": 100,
        "low": 0.5, "high": 0.69, "baseline": 12, "mean": 0.1 + 0.7, "lower": 0.7, "upper": 0.9, "near_lower": 0.73,
        "near_upper": 0.87, "p_lower": 0.68, "p_upper": 0.92, "target": 0.9, "mark": MARK,
    }  # fmt: skip
    return ChartWeek(**(fields | changes))


def gap(**changes: Any) -> ChartWeek:
    """A week without a value, of a segment that has no limits yet."""
    names = ("service", "indicator", "week_start", "week_end", "unit", "better", "segment")
    plain = week()
    return ChartWeek(**({name: getattr(plain, name) for name in names} | {"gap": "source_silent"} | changes))


def change(**changes: Any) -> RegisteredChange:
    """A plain change; `changes` replace its fields."""
    fields: dict[str, Any] = {
        "service": "street-repairs", "at": NOON, "id": "00000000000000ff", "title": "A second van on Mondays",
        "indicator": "delivery_time_p50", "direction": "down",
    }  # fmt: skip
    return RegisteredChange(**(fields | changes))


def any_weeks(service: str) -> st.SearchStrategy[list[ChartWeek]]:
    """Lists of weeks of one service, each key at most once."""
    one = st.builds(
        ChartWeek,
        service=st.just(service),
        indicator=st.sampled_from(["backlog", "promise_kept"]) | NASTY,
        week_start=st.integers(0, 2**33),
        week_end=st.integers(0, 5).map(lambda number: NOON + number * WEEK),
        unit=st.sampled_from(["share", "EUR"]) | NASTY,
        better=st.sampled_from(["up", "down", "neutral"]),
        segment=st.integers(0, 9),
        mixed=st.booleans(),
        value=NUMBERS,
        gap=st.none() | st.sampled_from(["no_data", "settling", "short_week"]),
        numerator=NUMBERS,
        denominator=NUMBERS,
        n=st.none() | st.integers(0, 2**63 - 1),
        low=FLOATS,
        high=FLOATS,
        baseline=st.integers(0, 12),
        mean=FLOATS,
        lower=FLOATS,
        upper=FLOATS,
        near_lower=FLOATS,
        near_upper=FLOATS,
        p_lower=FLOATS,
        p_upper=FLOATS,
        target=FLOATS,
    )
    return st.lists(one, max_size=8, unique_by=ChartWeek.key)


def any_amendments(service: str) -> st.SearchStrategy[list[ChartAmendment]]:
    """Lists of amendments of weeks of one service, each key at most once, some of weeks that were not there."""
    one = st.builds(
        lambda weeks, old, after: ChartAmendment(
            weeks[0].week_end + after, None if old is None else replace(weeks[0], value=old), weeks[0]
        ),
        any_weeks(service).filter(bool),
        NUMBERS,
        st.integers(0, 9),
    )
    return st.lists(one, max_size=6, unique_by=ChartAmendment.key)


def any_changes(service: str) -> st.SearchStrategy[list[RegisteredChange]]:
    """Lists of changes of one service, each key at most once, many within one second."""
    one = st.builds(
        RegisteredChange,
        service=st.just(service),
        at=st.integers(NOON, NOON + 1),
        id=st.integers(0, 2**64 - 1).map("{:016x}".format),
        title=TEXTS | NASTY,
        indicator=st.none() | st.just("backlog"),
        direction=st.none() | st.sampled_from(["up", "down"]),
        known_at=st.none() | st.integers(NOON, NOON + 5),
    )
    return st.lists(one, max_size=8, unique_by=RegisteredChange.key)
