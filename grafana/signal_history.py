"""Flux over raised signals and what people said of them: what is open, what was raised, and how true it was.

The figures are those of `kept alerts report` (`kept.signals.report_card`) over the board's time range: of several
judgements the last counts, severity `info` stands apart, fewer than five judged are too few to tell.
"""

from __future__ import annotations

from typing import Final

from grafana.few_lines import NAME, called, numbered
from grafana.flux import RANGE, dictionary, text
from grafana.flux_query import Flux
from history.signal_lines import RESPONSES, SIGNALS
from kept.catalogue import Catalogue
from kept.indicators.intervals import Z
from kept.signals.card_lines import LEAST_JUDGED
from kept.signals.kinds import KINDS

EVER: Final = "range(start: 0)"
"""A signal that is open may have been raised long ago; an answer may come long after."""
FIELDS: Final = ("id", "words", "severity", "open")
NOT_IN_CATALOGUE: Final = "not in the catalogue"
_OF_SERVICE: Final = "r.service =~ /^${service:regex}$/"
_FOR_PEOPLE: Final = '  |> filter(fn: (r) => r.severity != "info")\n'


def open_signals() -> Flux:
    """Signals that are raised and not ended, newest first, whenever they were raised.

    Columns `raised`, `severity`, `service`, `alert`, `about`, `words`, `id`.
    """
    columns = ("raised", "severity", "service", "alert", "about", "words", "id")
    return Flux(
        _imports("dict") + _signals(EVER, newest=True) + "signals |> filter(fn: (r) => r.open)\n" + _rows(columns)
    )


def raised_signals() -> Flux:
    """Every signal of the time range, newest first, with what became of it and what people said of it.

    Columns as `open_signals`, `state` (open, ended), `acknowledged` (yes, no), `judged` (useful, noise, not judged).
    """
    columns = ("raised", "severity", "service", "alert", "about", "words", "state", "acknowledged", "judged", "id")
    return Flux(
        _imports("dict") + _signals(RANGE) + _answers() + "signals\n"
        "  |> map(fn: (r) => ({r with\n"
        '    state: if r.open then "open" else "ended",\n'
        '    acknowledged: if contains(value: r.id, set: acknowledged) then "yes" else "no",\n'
        '    judged: if contains(value: r.id, set: useful) then "useful"'
        ' else if contains(value: r.id, set: noise) then "noise" else "not judged",\n'
        "  }))\n" + _rows(columns)
    )  # fmt: skip


def raised_by_day(catalogue: Catalogue) -> Flux:
    """How many signals were raised on each day, local time of the catalogue's services; 0 on a day without.

    Columns `_time` (the day's beginning), `_value` and the group `severity`. A severity of which none was raised in the
    time range has no rows.
    """
    return Flux(
        f"{_imports('dict', 'timezone')}{_zone(catalogue)}{_signals(RANGE)}signals\n"
        + _counted("severity", "every: 1d")
    )


def load_by_week(catalogue: Catalogue) -> Flux:
    """Pages and tickets by ISO week (Monday 00:00, local time of the catalogue's services) of the owners that got most.

    Columns `_time` (the week's beginning), `_value` and the group `name`.
    """
    # Flux cannot tell the type of an empty dictionary.
    owners = {NOT_IN_CATALOGUE: NOT_IN_CATALOGUE} | {each.id: each.owner for each in catalogue.values()}
    owner = f"dict.get(dict: owners, key: r.service, default: {text(NOT_IN_CATALOGUE)})"
    # Weeks since 1970 begin on Thursdays.
    weeks = _counted("owner", "every: 1w, offset: -3d")
    return Flux(
        f"{_imports('dict', 'timezone')}{_zone(catalogue)}owners = {dictionary(owners)}\n{_signals(RANGE)}"
        f"weeks = signals\n{_FOR_PEOPLE}  |> map(fn: (r) => ({{r with owner: {owner}}}))\n{weeks}\n"
        + numbered('most = weeks |> sum() |> group() |> rename(columns: {_value: "alerts"})\n', "alerts")
        + 'join(tables: {week: weeks |> group(), most: most}, on: ["owner"])\n'
        f"  |> map(fn: (r) => ({{_time: r._time, {NAME}: {called('r.owner')}, _value: r._value}}))\n"
        f'  |> group(columns: ["{NAME}"]) |> sort(columns: ["_time"])'
    )


def report_card() -> Flux:
    """One row for each rule that tells people, the most often raised first, over the time range.

    Columns `alert`, `severity`, `raised`, `still_open`, `useful`, `noise`, `not_judged`, `not_acknowledged`, and
    `precision`, `low`, `high` (95 %, Wilson), which are missing with fewer than `LEAST_JUDGED` judged.
    """
    return Flux(
        _imports("dict", "math") + _signals(RANGE) + _answers() + "one = (yes) => if yes then 1 else 0\n"
        "counted = signals\n" + _FOR_PEOPLE +
        '  |> group(columns: ["alert", "severity"])\n'
        "  |> reduce(identity: {raised: 0, still_open: 0, useful: 0, noise: 0, not_acknowledged: 0},\n"
        "    fn: (r, accumulator) => ({\n"
        "      raised: accumulator.raised + 1,\n"
        "      still_open: accumulator.still_open + one(yes: r.open),\n"
        "      useful: accumulator.useful + one(yes: contains(value: r.id, set: useful)),\n"
        "      noise: accumulator.noise + one(yes: contains(value: r.id, set: noise)),\n"
        "      not_acknowledged: accumulator.not_acknowledged"
        " + one(yes: not contains(value: r.id, set: acknowledged)),\n"
        "    }))\n"
        "  |> group() |> map(fn: (r) => ({r with not_judged: r.raised - r.useful - r.noise}))\n"
        f"told = counted |> filter(fn: (r) => r.useful + r.noise >= {LEAST_JUDGED}) |> map(fn: (r) => {{\n"
        "  n = float(v: r.useful + r.noise)\n"
        "  share = float(v: r.useful) / n\n"
        f"  z2 = {Z * Z!r}\n"
        f"  half = {Z!r} * math.sqrt(x: share * (1.0 - share) / n + z2 / (4.0 * n * n))\n"
        "  middle = share + z2 / (2.0 * n)\n"
        "  scale = 1.0 + z2 / n\n"
        "  return {r with precision: share, low: math.mMax(x: 0.0, y: (middle - half) / scale),\n"
        "    high: math.mMin(x: 1.0, y: (middle + half) / scale)}\n"
        "})\n"
        f"few = counted |> filter(fn: (r) => r.useful + r.noise < {LEAST_JUDGED})\n"
        'union(tables: [told, few]) |> group()\n'
        '  |> sort(columns: ["raised"], desc: true)'
    )  # fmt: skip


def _signals(range_: str, *, newest: bool = False) -> str:
    """`signals`: a row each, in one table, with what the columns of boards are made of.

    What an older release wrote does not say whether it is open: it counts as ended.
    """
    alerts = {kind.name: kind.alert for kind in KINDS}
    fields = " or ".join(f"r._field == {text(field)}" for field in FIELDS)
    return (
        f"alerts = {dictionary(alerts)}\n"
        f"signals = from(bucket: v.defaultBucket) |> {range_}\n"
        f"  |> filter(fn: (r) => r._measurement == {text(SIGNALS)} and {_OF_SERVICE})\n"
        f"  |> filter(fn: (r) => {fields}){' |> last()' if newest else ''}\n"
        '  |> pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value") |> group()\n'
        "  |> map(fn: (r) => ({_time: r._time, _start: r._start, _stop: r._stop, service: r.service, id: r.id,\n"
        "    words: r.words,\n"
        '    about: if exists r.about then r.about else "",\n'
        '    severity: if exists r.severity then r.severity else "info",\n'
        "    open: if exists r.open then r.open else false,\n"
        "    alert: dict.get(dict: alerts, key: r.signal, default: r.signal)}))\n"
    )


def _answers() -> str:
    """`acknowledged`, `useful`, `noise`: the ids of which this is so. Of a second's judgements `useful` stands."""
    return (
        f"said = from(bucket: v.defaultBucket) |> {EVER}\n"
        f'  |> filter(fn: (r) => r._measurement == {text(RESPONSES)} and r._field == "id") |> group()\n'
        'acknowledged = said |> filter(fn: (r) => r.says == "acknowledged")\n'
        '  |> findColumn(fn: (key) => true, column: "_value")\n'
        'judged = said |> filter(fn: (r) => r.says != "acknowledged")\n'
        "  |> map(fn: (r) => ({id: r._value, says: r.says, at: int(v: r._time) / 1000000000}))\n"
        '  |> group(columns: ["id"]) |> sort(columns: ["at", "says"]) |> last(column: "says") |> group()\n'
        'useful = judged |> filter(fn: (r) => r.says == "useful") |> findColumn(fn: (key) => true, column: "id")\n'
        'noise = judged |> filter(fn: (r) => r.says == "noise") |> findColumn(fn: (key) => true, column: "id")\n'
    )


def _counted(by: str, every: str) -> str:
    """How many signals there are in each stretch of time, 0 included, by `by`; `_time` is the stretch's beginning."""
    kept = f'"{by}", "_start", "_stop"'
    return (
        f'  |> keep(columns: [{kept}, "_time", "id"]) |> group(columns: [{kept}])\n'
        f'  |> aggregateWindow({every}, fn: count, column: "id", timeSrc: "_start")\n'
        f'  |> rename(columns: {{id: "_value"}}) |> group(columns: ["{by}"])\n'
        f'  |> keep(columns: ["_time", "_value", "{by}"]) |> sort(columns: ["_time"])'
    )


def _rows(columns: tuple[str, ...]) -> str:
    kept = ", ".join(text(column) for column in columns)
    return (
        f'  |> sort(columns: ["_time"], desc: true) |> rename(columns: {{_time: "raised"}}) |> keep(columns: [{kept}])'
    )


def _imports(*packages: str) -> str:
    return "".join(f'import "{package}"\n' for package in packages)


def _zone(catalogue: Catalogue) -> str:
    """Days and weeks begin by the services' clock when they share one, else by UTC."""
    zones = {str(each.time_zone) for each in catalogue.values()}
    name = zones.pop() if len(zones) == 1 else "UTC"
    return f"option location = timezone.location(name: {text(name)})\n"
