"""The text of a signal's alert, as a Go template of Prometheus: what, since when, how many, how sure, what to do first.

The figures are asked for when the alert is told (`query`), so that its labels stay the same while they change. A line
whose figure is not there is left out. `{{-` takes away the line break before it.
"""

from __future__ import annotations

from typing import Final

from alert_rules.rule_text import template_text
from kept import metric_names as names
from kept.catalogue import Service
from kept.indicators.definitions import DEFINITIONS
from kept.metric_names import Metric
from kept.signals.kinds import Kind
from kept.signals.verdict import SMALLEST_CHANCE

_NUMBER: Final = 'printf "%.1f" | reReplaceAll "[.]0$" ""'
DURATION: Final = 'humanizeDuration | reReplaceAll "( 0[hms])+$" ""'
"""`2d 4h` instead of `2d 4h 0m 0s`."""
_ODDS: Final = (
    'printf "%.0f" | reReplaceAll "([0-9])([0-9]{3})$" "$1,$2" | reReplaceAll "([0-9])([0-9]{3}),(.*)$" "$1,$2,$3"'
    ' | reReplaceAll "([0-9])([0-9]{3}),(.*),(.*)$" "$1,$2,$3,$4"'
)
_FORMS: Final = {
    "share": "humanizePercentage",
    "cases": _NUMBER,
    "seconds": DURATION,
    "days": _NUMBER,
    "points": _NUMBER,
    "money": 'printf "%.2f"',
    "money a week": 'printf "%.2f"',
}


def description(kind: Kind, service: Service) -> str:
    """The annotation `description` of the alert of `kind` for `service`."""
    return "\n".join(
        [
            *_figure_template(kind, service),
            _subject(kind, service),
            '{{- $of := printf "{service=%q,signal=%q,about=%q}" $labels.service $labels.signal $labels.about }}',
            _when_known(names.SIGNAL_SINCE),
            'Since: {{ (. | first | value | toTime).Format "Mon 2 Jan 2006, 15:04" }} UTC',
            "{{- end }}",
            _when_known(names.SIGNAL_VALUE),
            f"Seen: {_with_value(kind.seen, kind)}",
            f"{_when_known(names.SIGNAL_EXPECTED)}, {_with_value(kind.judged_against, kind)}{{{{ end }}}}",
            _when_known(names.SIGNAL_CASES)
            + "{{ $n := . | first | value }} (judged on "
            + '{{ $n | printf "%.0f" }} case{{ if ne $n 1.0 }}s{{ end }}){{ end }}',
            "{{- end }}",
            _odds(),
            "How sure: if all were well, this would come by chance {{ if ge $odds 1e9 }}less than {{ end }}1 time in "
            f"{{{{ $odds | {_ODDS} }}}}",
            "{{- end }}",
        ]
    )


def _subject(kind: Kind, service: Service) -> str:
    promise = ""
    if kind.topic == "promise" and service.promise is not None:
        promise = f': "{template_text(service.promise.words)}"'
    about = '{{ with $labels.about }}, {{ . | reReplaceAll "[_=]" " " }}{{ end }}'
    return f"{template_text(service.name)}{promise}{about}"


def _when_known(metric: Metric) -> str:
    """What follows, up to `end`, is shown only when this alert has the figure; there `.` is the answer."""
    return f'{{{{- with printf "max({metric.name}%s)" $of | query }}}}'


def _with_value(words: str, kind: Kind) -> str:
    if kind.unit == "indicator":
        shown = '{{ template "figure" (args $labels.about (. | first | value)) }}'
    else:
        shown = f"{{{{ . | first | value | {_FORMS[kind.unit]} }}}}"
    before, _, after = words.partition("{}")
    return f"{template_text(before)}{shown}{template_text(after)}"


def _figure_template(kind: Kind, service: Service) -> list[str]:
    """For a kind that may be about any indicator: how a value of each unit is written."""
    if kind.unit != "indicator":
        return []
    currency = "" if service.costs is None else f" {service.costs.currency}"
    after = {
        "days": " days",
        "cases": " cases",
        "points": " points",
        "money": currency,
        "money a week": f"{currency} a week",
    }
    lines = ['{{- define "figure" }}']
    for unit, form in _FORMS.items():
        indicators = "|".join(definition.name for definition in DEFINITIONS if definition.unit == unit)
        condition = f'{"if" if len(lines) == 1 else "else if"} match "^({indicators})$" .arg0'
        lines.append(f"{{{{- {condition} }}}}{{{{ .arg1 | {form} }}}}{after.get(unit, '')}")
    return [*lines, "{{- else }}{{ .arg1 | humanize }}", "{{- end }}", "{{- end -}}"]


def _odds() -> str:
    """The chance as 1 in so many, to two digits: nobody reads 3.7e-07."""
    odds = f"1 / clamp_min(max({names.SIGNAL_CHANCE.name}%s), {SMALLEST_CHANCE:g})"
    rounded = f"round({odds}, scalar(10 ^ floor(log10({odds}) - 1)))"
    return f'{{{{- with printf "{rounded}" $of $of | query }}}}{{{{ $odds := . | first | value }}}}'
