"""Drafts a mapping for an XES event log: which attributes of a trace are what, and when its cases are over."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from pathlib import Path

from kept.errors import Stop
from producers.mapping_draft import toml_text
from producers.mapping_draft.roles import Roles, roles_of, times_by_column
from producers.mapping_draft.sample import Sample
from producers.mapping_draft.times import times_of
from producers.mapping_draft.toml_text import TODO, Known
from producers.mapping_kinds import TraceAttributes
from producers.sources.xes_log import XesLog, XesTrace

_TRACES = 2_000
_NAME, _TIME, _LIFECYCLE = "concept:name", "time:timestamp", "lifecycle:transition"
_STEPS_SHOWN = 5


def draft_of_log(path: Path, known: Known) -> str:
    """The draft; raises `Stop` when the file is no event log, or has no trace."""
    with XesLog(path, None, None) as log:
        traces = list(islice(log.traces(), _TRACES + 1))
    if not traces:
        raise Stop(f"{path}: no traces in this log; a draft needs some to look at")
    sample = _sample(traces)
    roles = roles_of(sample)
    roles.kind = "xes"
    _standard_case(roles, sample)
    times = times_by_column(sample, roles)
    of_events = times_of(event.attributes.get(_TIME, "") for trace in traces for event in trace.events)
    if of_events is not None:
        times["step_time"] = of_events
    if known.due_by_event:
        roles.need_due()
    lines = [
        *toml_text.head(path, sample, roles, rows="traces"),
        *toml_text.settings(path, known, roles, times, sample),
    ]
    if "completed" not in roles.columns:
        lines[-1:] = [*_over(traces), ""]
    lines += toml_text.columns(roles, "trace")
    lines += _events(traces)
    lines += toml_text.outcomes(sample, roles)
    lines += toml_text.channels(sample, roles, known)
    lines += toml_text.left_out(roles)
    return toml_text.whole(lines)


def _sample(traces: list[XesTrace]) -> Sample:
    """The attributes of the traces as a table."""
    header = list(dict.fromkeys(key for trace in traces for key in trace.attributes))
    rows = [[trace.attributes.get(key, "") for key in header] for trace in traces[:_TRACES]]
    return Sample(header, rows, ",", "utf-8", 0, len(traces) <= _TRACES)


def _standard_case(roles: Roles, sample: Sample) -> None:
    """The standard says what names a case; and a case may begin with its first event, without an attribute."""
    fields = TraceAttributes.__struct_fields__
    roles.columns = {f: name for f, name in roles.columns.items() if name != _NAME and f in fields}
    if _NAME in sample.header:
        roles.columns["case"] = _NAME
        roles.doubts.pop("case", None)
        roles.missing = [of_field for of_field in roles.missing if of_field != "case"]
    roles.missing = [of_field for of_field in roles.missing if of_field == "case"]
    roles.doubts.pop("", None)
    used = set(roles.columns.values()) | set(roles.personal)
    roles.unused = [name for name in sample.header if name not in used]


def _over(traces: list[XesTrace]) -> list[str]:
    """The question when a case is over, with the steps that are the last ones of traces."""
    last = Counter(trace.events[-1].attributes.get(_NAME, "") for trace in traces if trace.events)
    shown = ", ".join(f"{name!r} ({count:,})" for name, count in last.most_common(_STEPS_SHOWN) if name)
    return [
        f"# {TODO}: no attribute looks like the time of completion. Say when a case is over, with one of:",
        "#   over_with_last_event = true   (every case in the log is over)",
        f"#   completed_by = [...]          (steps that end a case; last in most traces: {shown or 'none'})",
    ]


def _events(traces: list[XesTrace]) -> list[str]:
    events = [event for trace in traces for event in trace.events]
    lines = []
    for of_field, key in (("step", _NAME), ("step_time", _TIME)):
        if events and not any(key in event.attributes for event in events):
            lines.append(f'{of_field} = "{TODO}"   # {TODO}: the events have no {key}; name the attribute')
    transitions = Counter(event.attributes.get(_LIFECYCLE, "none").lower() for event in events)
    seen = ", ".join(f"{word} ({count:,})" for word, count in transitions.most_common(_STEPS_SHOWN))
    return [*(["[event]", *lines] if lines else []), f"# Lifecycle transitions seen: {seen or 'none'}", ""]
