"""The task that fills `kept_daily`: one point a local day, series and indicator, from sums and counts alone.

The point of the 24 h window at local midnight has exactly the sums of the day. On the two days a year that have 23 or
25 hours it does not: there the 1 h window at the day's beginning is taken off or added. What is missing leaves a gap
that is never filled. Stocks and quantiles do not add up and are left out, and so is what has no 24 h window.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from history.line_protocol import POINTS, tag_value
from kept.catalogue import Service

DAILY = "indicator_day"
"""The measurement: tags service, slice, indicator; fields numerator, denominator (of shares), n, definition; its
time is the day's end, local midnight."""
ADDED_UP = (
    "arrivals",
    "completions",
    "withdrawals",
    "net_flow",
    "promise_kept_closed",
    "promise_kept",
    "satisfaction_score",
    "satisfied_share",
    "response_rate",
    "digital_take_up",
    "first_time_right",
    "rework_share",
    "failure_demand",
    "flow_efficiency",
)
"""Indicators whose numerators and denominators of days add up to those of a longer window. `completion_rate` is not one
of them: a transaction times out when its own day is over."""
DAYS = 36
"""So many past days are rolled up anew each time, one more than late news of a closed case may take: amended points
reach `kept_daily` too, and a day on which the server stood still is not lost."""

TASK = """\
import "date"
import "strings"
import "timezone"

option task = {{name: {name}, every: 1h, offset: 10m}}

zone = timezone.location(name: {zone})
hour = 3600000000000
has = (r, name) => strings.containsStr(v: r.point, substr: "\\"" + name + "\\":")
midnight = (t) => date.truncate(t: t, unit: 1d, location: zone)

// Sums of the window of this length that ends at `end`, times `weight`.
sums = (end, length, weight) => from(bucket: {bucket})
    |> range(start: end, stop: date.add(d: 1s, to: end))
    |> filter(fn: (r) => r._measurement == {measurement} and r.window == length)
    |> filter(fn: (r) => {services})
    |> filter(fn: (r) => {indicators})
    |> pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value")
    // A number that `point` lacks is a leftover of a point that had it once.
    |> filter(fn: (r) => has(r: r, name: "numerator"))
    |> map(fn: (r) => ({{
        service: r.service, slice: r.slice, indicator: r.indicator, definition: r.definition,
        numerator: r.numerator * weight,
        denominator: if has(r: r, name: "denominator") then r.denominator * weight else 0.0,
        n: if has(r: r, name: "n") then r.n * int(v: weight) else 0,
        share: if has(r: r, name: "denominator") then 1 else 0,
    }}))

// The local day that ended `ago` before the last midnight; noon is far enough from every change of the clock.
day = (ago) => {{
    end = midnight(t: date.sub(d: ago, from: date.add(d: 12h, to: midnight(t: now()))))
    begin = midnight(t: date.sub(d: 12h, from: end))
    length = int(v: end) - int(v: begin)
    extra = length / hour - 24
    parts = if length - length / hour * hour != 0 then 0 else if extra == 0 then 1 else 2
    edge = if extra > 0 then date.add(d: 1h, to: begin) else begin

    return union(tables: [
        sums(end: end, length: "24h", weight: 1.0),
        sums(end: edge, length: if extra == 0 then "none" else "1h", weight: float(v: extra)),
    ])
        |> group(columns: ["service", "slice", "indicator"])
        |> reduce(
            identity: {{numerator: 0.0, denominator: 0.0, n: 0, share: 0, parts: 0, definition: ""}},
            fn: (r, accumulator) => ({{
                numerator: accumulator.numerator + r.numerator,
                denominator: accumulator.denominator + r.denominator,
                n: accumulator.n + r.n,
                share: accumulator.share + r.share,
                parts: accumulator.parts + 1,
                definition: r.definition,
            }}),
        )
        |> filter(fn: (r) => r.parts == parts)
        |> map(fn: (r) => ({{r with _time: end, _measurement: {daily}}}))
}}

days = union(tables: [
{days}
])

days
    |> filter(fn: (r) => r.share > 0)
    |> to(
        bucket: {daily_bucket}, tagColumns: ["service", "slice", "indicator"],
        fieldFn: (r) => ({{
            "numerator": r.numerator, "denominator": r.denominator, "n": r.n,
            "definition": r.definition,
        }}),
    )
    |> yield(name: "shares")

days
    |> filter(fn: (r) => r.share == 0)
    |> to(
        bucket: {daily_bucket}, tagColumns: ["service", "slice", "indicator"],
        fieldFn: (r) => ({{"numerator": r.numerator, "n": r.n, "definition": r.definition}}),
    )
    |> yield(name: "counts")
"""


def tasks(services: Iterable[Service], bucket: str, daily_bucket: str, days: int = DAYS) -> Mapping[str, str]:
    """Name -> text of the tasks, one for each time zone: days begin and end where the service is."""
    by_zone: dict[str, list[str]] = {}
    for service in services:
        by_zone.setdefault(service.time_zone, []).append(service.id)
    return {
        f"{daily_bucket} {zone}": TASK.format(
            name=flux_text(f"{daily_bucket} {zone}"),
            zone=flux_text(zone),
            bucket=flux_text(bucket),
            daily_bucket=flux_text(daily_bucket),
            measurement=flux_text(POINTS),
            daily=flux_text(DAILY),
            services=_one_of("service", map(tag_value, sorted(ids))),
            indicators=_one_of("indicator", ADDED_UP),
            days=",\n".join(f"    day(ago: {24 * ago}h)" for ago in range(days)),
        )
        for zone, ids in sorted(by_zone.items())
    }


def flux_text(text: str) -> str:
    """A text as a literal of Flux: whatever could end it or be replaced in it is written as bytes."""
    safe = "".join(
        char
        if char.isascii() and (char.isalnum() or char in " _-/.:@")
        else "".join(f"\\x{b:02x}" for b in char.encode())
        for char in text
    )
    return f'"{safe}"'


def _one_of(tag: str, values: Iterable[str]) -> str:
    """Spelt out, since the storage itself filters by this and not by `contains`."""
    return " or ".join(f"r.{tag} == {flux_text(value)}" for value in values)
