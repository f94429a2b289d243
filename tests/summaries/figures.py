"""A small city with a history: one service of each kind of news, for tests of pages."""

from __future__ import annotations

from typing import Any

import msgspec

from history.store import HistoryStore
from kept.catalogue import Service, parse_service
from kept.indicators.definitions import BY_NAME
from kept.indicators.point import Point
from kept.signals.raised import Raised
from kept.signals.verdict import Verdict

NOW = 1_795_536_300
"""Tue 24 Nov 2026 16:05 UTC."""
DAYS_28 = 28 * 86400


def service(identity: str, name: str, target: float | None = 0.8, **changes: Any) -> Service:
    """A simulated service with a promise of `target` (None: no promise)."""
    promise = (
        f'[promise]\nwords = "Done within ten days"\ntarget_share = {target}\ntarget_time = "10d"\n'
        if target is not None
        else ""
    )
    text = (
        f"id = '{identity}'\nname = '''{name}'''\nowner = 'Works department'\ntime_zone = 'Europe/Amsterdam'\n"
        f"expected_silence = '4h'\nsimulated = {str(changes.get('simulated', True)).lower()}\n"
        f"[channels]\ndigital = ['web']\n{promise}"
    )
    return parse_service(text, f"{identity}.toml")


def point(identity: str, indicator: str, value: float | int | None, window: str = "28d", **changes: Any) -> Point:
    """A point at `NOW` of an indicator, with the unit of its definition (money: EUR)."""
    fields: dict[str, Any] = {
        "service": identity, "slice": (), "indicator": indicator, "window": window,
        "window_start": NOW - DAYS_28, "window_end": NOW, "value": value,
        "unit": BY_NAME[indicator].unit.replace("money", "EUR"), "numerator": None, "denominator": None, "n": None,
        "low": None, "high": None, "definition": BY_NAME[indicator].label,
        "state": "value" if value is not None else "not_applicable",
    }  # fmt: skip
    return Point(**(fields | changes))


def promise(identity: str, kept: float, low: float, high: float, closed: float, n: int) -> list[Point]:
    """The two figures of a promise."""
    return [
        point(identity, "promise_kept", kept, low=low, high=high, n=n, numerator=round(kept * n), denominator=n),
        point(identity, "promise_kept_closed", closed, n=n - 40, low=closed - 0.01, high=min(1.0, closed + 0.01)),
    ]


def stale(points: list[Point]) -> list[Point]:
    """The same points of a service whose source has fallen silent: its shares are marked."""
    return [msgspec.structs.replace(each, reason="stale") if each.unit == "share" else each for each in points]


def usual(identity: str) -> list[Point]:
    """What most services have."""
    return [
        point(identity, "backlog", 9879, "24h"),
        point(identity, "backlog", 9850, "28d", window_end=NOW - 1800),
        point(identity, "overdue", 1417, "24h"),
        point(identity, "at_risk", 0, "24h"),
        point(identity, "delivery_time_p50", 99_100.8, n=40_206, low=97_000.0, high=101_000.0),
        point(identity, "delivery_time_p75", 820_800, n=40_206, low=810_000.0, high=830_000.0),
        point(identity, "delivery_time_p90", None, reason="too_many_open", low=17.7 * 86400),
        point(identity, "cost_per_outcome", 61.254, n=38_486),
        point(identity, "satisfaction_score", 72.25, n=311, low=70.0, high=74.4),
        point(identity, "cost_of_waste_rework_booked", 12_345.6, unit="EUR a week"),
        point(identity, "arrivals", 42, "1h"),
        point(identity, "flow_efficiency", None, state="not_provided", reason="no_step_times"),
    ]


def raised(identity: str, signal: str, words: str, *, hours_ago: int = 3, **changes: Any) -> Raised:
    """An open signal; `changes` are of the raised signal."""
    at = NOW - hours_ago * 3600
    verdict = Verdict(service=identity, signal=signal, at=at, active=True, since=at, words=words)
    return Raised(**({"verdict": verdict, "raised_at": at, "told_at": at} | changes))


RIGHT_TO_LEFT = "\N{RIGHT-TO-LEFT OVERRIDE}"
ENDLESS = f"=HYPERLINK('http://evil.example') <img src=x onerror=alert(1)> {RIGHT_TO_LEFT}" + "endless" * 1450
"""More than 10,000 characters of everything that a name must not do."""
SIGNALS = (
    raised("street-lights", "promise_budget_slow", "75.4 % were kept in 28 days (n 39,685); 80 % are promised"),
    raised(
        "street-lights", "promise_budget_fast", "41.2 % were kept in 24 hours (n 312); 80 % are promised", hours_ago=1
    ),
    raised("parking", "area_gap", "In North 61 % were kept (n 120), elsewhere 88 % (n 900)", quiet_since=NOW - 1800),
    raised("hostile", "source_silent", ENDLESS),
)
HOSTILE = "<script>alert('name')</script> & \"Sons\""
CITY = {
    each.id: each
    for each in (
        service("street-lights", "Street light repairs"),
        service("births", "Birth certificates", 0.95),
        service("parking", "Parking permits", 0.9),
        service("hostile", HOSTILE, 0.5),
        service("permits", "Building permits"),
        service("archive", "Archive requests", None),
    )
}


def fill(store: HistoryStore) -> None:
    """Publish the city's figures. `permits` has nothing to count yet, `archive` no promise; `hostile` is silent."""
    points = [
        *promise("street-lights", 0.7541, 0.7499, 0.7583, 0.8688, 39_685), *usual("street-lights"),
        *promise("births", 0.9904, 0.985, 0.994, 0.9904, 1200), *usual("births"),
        *promise("parking", 0.8889, 0.72, 0.96, 0.9310, 27), *usual("parking"),
        *stale(promise("hostile", 0.25, 0.2, 0.3, 0.2, 400)), *usual("hostile"),
        point("permits", "promise_kept", None, reason="no_volume", n=0, numerator=0, denominator=0),
        point("permits", "promise_kept_closed", None, reason="no_volume", n=0),
        point("permits", "backlog", 3, "24h"),
        point("permits", "delivery_time_p50", None, reason="no_volume", n=0),
    ]  # fmt: skip
    store.write(points)
    store.record(SIGNALS)
    store.publish({each.service for each in points}, NOW)
