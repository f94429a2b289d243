"""Control charts from the history: a week's value, mean and limits, and the weeks at which a rule fired, in words.

InfluxDB keeps a field that a later writing lacks. So a week's texts say which of its numbers count: `value` where
`state` is `value`, lines where `limits` is not `none`, `mark` where `rule` is not `none`.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from grafana.flux import FROM, SERVICE, text
from grafana.flux_parts import PIVOT, lookup, one_of
from grafana.flux_query import Flux
from grafana.over_time import Column, wide
from history.chart_lines import CHARTS, NONE
from kept.signals.spc import RULE_WORDS

CHARTED: Final = "${charted:doublequote}"
"""The variable that chooses the indicator."""
WEEK: Final = "this week"
MEAN: Final = "mean"
TARGET: Final = "target"
LIMITS: Final = {"lower": "lower limit", "upper": "upper limit"}
NEAR_LIMITS: Final = {"near_lower": "near the lower limit", "near_upper": "near the upper limit"}
P_LIMITS: Final = {"p_lower": "lower limit for so many cases", "p_upper": "upper limit for so many cases"}
"""Field -> what its line is called. The last are p-prime limits, which only shares have."""
LINES: Final = {"mean": MEAN, **LIMITS, **NEAR_LIMITS, **P_LIMITS}
MEANINGS: Final = {"concern": "a concern", "improvement": "an improvement", "neutral": "neither better nor worse"}
_RULES: Final = lookup({str(rule): text(f"rule {rule}, {words}") for rule, words in RULE_WORDS.items()})
_MEANINGS: Final = lookup({meaning: text(words) for meaning, words in MEANINGS.items()})
_MARK: Final = (
    'dict.get(dict: rules, key: r.rule, default: r.rule) + ": "'
    " + dict.get(dict: meanings, key: r.meaning, default: r.meaning)"
)


def chart(indicators: Collection[str]) -> Flux:
    """The weeks of the chosen indicator, when it is one of `indicators` (those of one unit).

    Columns: `_time`, `WEEK`, `TARGET`, the names of `LINES`, and one for each kind of mark that there is
    (`rule 1, outside a limit: a concern`), with the week's value. A week that is no point is a gap.
    """
    columns = [
        Column(text(WEEK), "r.value", 'r.state == "value" and exists r.value'),
        Column(text(TARGET), "r.target", "exists r.target"),
        *(
            Column(text(words), f"r.{field}", f"r.limits != {text(NONE)} and exists r.{field}")
            for field, words in LINES.items()
        ),
        Column(_MARK, "r.mark", f"r.rule != {text(NONE)} and exists r.mark"),
    ]
    fields = ["value", "target", "mark", "state", "limits", "rule", "meaning", *LINES]
    return Flux(
        'import "dict"\n\n'
        f"rules = {_RULES}\n"
        f"meanings = {_MEANINGS}\n"
        f"points =\n{_weeks(fields, indicators)}"
        f"{wide(columns, hourly=False)}"
    )


def counts(name: str) -> Flux:
    """How many cases each week of the chosen chart is made of, in a column `name`."""
    return Flux(
        f"{_weeks(['n', 'state'])}"
        "  |> group()\n"
        '  |> filter(fn: (r) => r.state == "value" and exists r.n)\n'
        f"  |> map(fn: (r) => ({{_time: r._time, {text(name)}: r.n}}))\n"
        '  |> sort(columns: ["_time"])'
    )


def marked() -> Flux:
    """The weeks of the chosen chart at which a rule fired, the newest first, in words.

    Columns `_time` (the week's end), `what`, `limits` (trial or baseline), `value` and `n`.
    """
    return Flux(
        'import "dict"\n\n'
        f"rules = {_RULES}\n"
        f"meanings = {_MEANINGS}\n"
        f"{_weeks(['value', 'n', 'state', 'limits', 'rule', 'meaning'])}"
        "  |> group()\n"
        f'  |> filter(fn: (r) => r.state == "value" and r.rule != {text(NONE)})\n'
        f"  |> map(fn: (r) => ({{_time: r._time, what: {_MARK}, limits: r.limits, value: r.value, n: r.n}}))\n"
        '  |> sort(columns: ["_time"], desc: true)'
    )


def _weeks(fields: Collection[str], indicators: Collection[str] = ()) -> str:
    of_one_unit = f"  |> filter(fn: (r) => {one_of('indicator', indicators)})\n" if indicators else ""
    return (
        f"{FROM}\n"
        f"  |> filter(fn: (r) => r._measurement == {text(CHARTS)} and r.service == {SERVICE}"
        f" and r.indicator == {CHARTED})\n"
        f"{of_one_unit}"
        f"  |> filter(fn: (r) => {one_of('_field', fields)})\n"
        f"  {PIVOT}\n"
    )
