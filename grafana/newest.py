"""The newest points of the history as tables: one indicator, by slice, and why an indicator has no value.

The newest point counts, whatever its state: an older value does not stand in for one that is not known now.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from grafana.flux import FROM, SERVICE, SLICE, text
from grafana.flux_parts import PIVOT, WINDOW, check, fields_of_people, lookup, may_be_shown, one_of, smallest_shown
from grafana.flux_query import Flux
from grafana.over_time import of_point
from history.line_protocol import POINTS, WHOLE_SERVICE
from kept.catalogue import Catalogue
from kept.indicators import near_due
from kept.indicators.reasons import REASONS

STEP: Final = "step="
"""How the tag `slice` of a single step of the work begins; such slices have indicators of their own."""
MARGIN: Final = f"{near_due.MARGIN}="
"""The same of a place around the due."""
TOO_FEW: Final = REASONS["few_people"]
_LAST: Final = "1000000000000.0"
_REASON: Final = (
    f"reasons = {lookup({reason: text(words) for reason, words in REASONS.items()})}\n"
    "reason = (point) => strings.trimSuffix(v: strings.trimPrefix("
    'v: regexp.findString(r: /"reason":"[a-z_]*"/, v: point), prefix: "\\"reason\\":\\""), suffix: "\\"")\n'
)
"""Why there is no value: it stands in the text of the point alone."""
_WHY: Final = "dict.get(dict: reasons, key: reason(point: r.point), default: reason(point: r.point))"


def figure(
    catalogue: Catalogue, name: str, shown: Mapping[str, str], window: str = WINDOW, *, slice_of: str = SLICE
) -> Flux:
    """The newest value of an indicator; `shown` is field -> name of its column. No row where there is no value.

    An edge of the interval is missing where the point has none.
    """
    for field in shown:
        check(name, field)
    fields = list(dict.fromkeys(["value", "state", *fields_of_people([name]), *shown]))
    renamed = lookup({field: text(words) for field, words in shown.items()})
    return Flux(
        'import "dict"\n\n'
        f"below = {smallest_shown(catalogue)}\n"
        f"chosen_window = {window}\n"
        f"names = {renamed}\n\n"
        f"{_newest([name], f'r.slice == {slice_of}', fields)}"
        f'  |> filter(fn: (r) => r.state == "value" and exists r.value and {may_be_shown("below", [name])})\n'
        "  |> group()\n"
        f"  |> keep(columns: [{', '.join(map(text, ['_time', *shown]))}])\n"
        "  |> rename(fn: (column) => dict.get(dict: names, key: column, default: column))"
    )


def by_slice(
    catalogue: Catalogue,
    name: str,
    shown: Mapping[str, str],
    window: str = WINDOW,
    *,
    steps: bool = False,
    largest_first: bool = False,
) -> Flux:
    """The newest values of an indicator by slice, in order, then those that may not be shown or are not known.

    `shown` is field -> name of its column; beside them stand `slice` and `remark`, which says why there is no number.
    `steps` asks for the steps of the work alone, by their names; else they are left out.
    """
    for field in shown:
        check(name, field)
    numbers = list(dict.fromkeys(["value", *fields_of_people([name]), *shown]))
    edges = [field for field in shown if field in {"low", "high"}]
    has_edges = " and ".join(of_point(edge) for edge in edges) or "true"
    shows = may_be_shown("below", [name])
    known = f'r.state == "value" and exists r.value and {shows}'
    of_step = f"strings.hasPrefix(v: r.slice, prefix: {text(STEP)})"
    where = of_step if steps else f"r.slice != {text(WHOLE_SERVICE)} and not {of_step}"
    rank = "-1.0 * r.value" if largest_first else "r.value"
    bare = (
        f"  |> map(fn: (r) => ({{r with slice: strings.trimPrefix(v: r.slice, prefix: {text(STEP)})}}))\n"
        if steps
        else ""
    )
    renamed = lookup({field: text(words) for field, words in shown.items()})
    silent = f"drop(columns: [{', '.join(map(text, numbers))}])"
    columns = ", ".join(map(text, ["slice", *shown, "remark", "rank"]))
    return Flux(
        'import "dict"\nimport "regexp"\nimport "strings"\n\n'
        f"below = {smallest_shown(catalogue)}\n"
        f"chosen_window = {window}\n"
        f"{_REASON}"
        f"names = {renamed}\n"
        "newest =\n"
        f"{_newest([name], where, [*numbers, 'state', 'point'])}"
        "  |> group()\n\n"
        f'known = newest |> filter(fn: (r) => {known}) |> map(fn: (r) => ({{r with remark: "", rank: {rank}}}))\n'
        f"sure = known |> filter(fn: (r) => {has_edges})\n"
        "// An edge that the point itself lacks is a leftover.\n"
        f"unsure = known |> filter(fn: (r) => not ({has_edges})) |> drop(columns: [{', '.join(map(text, edges))}])\n"
        f"few = newest |> filter(fn: (r) => not {shows}) |> {silent}\n"
        f"  |> map(fn: (r) => ({{r with remark: {text(TOO_FEW)}, rank: {_LAST}}}))\n"
        f'unknown = newest |> filter(fn: (r) => r.state != "value" and {shows}) |> {silent}\n'
        f"  |> map(fn: (r) => ({{r with remark: {_WHY}, rank: {_LAST}}}))\n\n"
        "union(tables: [sure, unsure, few, unknown])\n"
        f"{bare}"
        f"  |> keep(columns: [{columns}])\n"
        "  |> group()\n"
        '  |> sort(columns: ["rank", "slice"])\n'
        '  |> drop(columns: ["rank"])\n'
        "  |> rename(fn: (column) => dict.get(dict: names, key: column, default: column))"
    )


def why_unknown(shown: Mapping[str, str], window: str = WINDOW, *, slice_of: str = SLICE) -> Flux:
    """The indicators of `shown` (name -> words) whose newest state is not `value`: what, state and reason in words."""
    for name in shown:
        check(name)
    states = {"not_applicable": "not applicable", "not_provided": "not provided by its system"}
    return Flux(
        'import "dict"\nimport "regexp"\nimport "strings"\n\n'
        f"chosen_window = {window}\n"
        f"{_REASON}"
        f"states = {lookup({state: text(words) for state, words in states.items()})}\n"
        f"names = {lookup({name: text(words) for name, words in shown.items()})}\n\n"
        f"{_newest(list(shown), f'r.slice == {slice_of}', ['state', 'point'])}"
        '  |> filter(fn: (r) => r.state != "value")\n'
        "  |> group()\n"
        "  |> map(fn: (r) => ({"
        "what: dict.get(dict: names, key: r.indicator, default: r.indicator), "
        "state: dict.get(dict: states, key: r.state, default: r.state), "
        f"why: {_WHY}}}))\n"
        '  |> sort(columns: ["what"])'
    )


def _newest(indicators: Collection[str], slices: str, fields: Collection[str]) -> str:
    """The newest state of each series with its numbers: the storage reads each from its end.

    The window has a name, since the storage filters by names and literals, and by no other expression.
    """
    return (
        f"{FROM}\n"
        f"  |> filter(fn: (r) => r._measurement == {text(POINTS)} and r.service == {SERVICE}"
        " and r.window == chosen_window)\n"
        f"  |> filter(fn: (r) => {one_of('indicator', indicators)})\n"
        f"  |> filter(fn: (r) => {one_of('_field', fields)})\n"
        f"  |> filter(fn: (r) => {slices})\n"
        "  |> last()\n"
        f"  {PIVOT}\n"
        "  |> filter(fn: (r) => exists r.state)\n"
    )
