"""XES event logs written for tests."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterable
from pathlib import Path
from xml.sax.saxutils import quoteattr

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<log xes.version="1.0" xmlns="http://www.xes-standard.org/">\n'
TAIL = "</log>\n"


def attributes(**named: str) -> str:
    """String attributes; `__` in a name stands for a colon."""
    return "".join(
        f"<string key={quoteattr(key.replace('__', ':'))} value={quoteattr(value)}/>" for key, value in named.items()
    )


def event(step: str, at: str, **more: str) -> str:
    """An event of a trace, on a line of its own."""
    return f"<event>{attributes(concept__name=step, time__timestamp=at, **more)}</event>\n"


def trace(case: str, *events: str, **more: str) -> str:
    """A trace; its first line has its attributes."""
    return f"<trace>{attributes(concept__name=case, **more)}\n{''.join(events)}</trace>\n"


def log(*traces: str) -> str:
    """A whole log; its first trace begins on line 3."""
    return HEAD + "".join(traces) + TAIL


def as_xes(table: Path, file: Path) -> None:
    """The CoSeLoG permit receipts, which lie as a flat table, as the event log they were made from."""
    traces: dict[str, list[dict[str, str]]] = {}
    with gzip.open(table, "rt", encoding="utf-8", newline="") as rows:
        for row in csv.DictReader(rows):
            traces.setdefault(row["case_id"], []).append(row)
    of_trace = ("startdate", "enddate", "enddate_planned", "deadline", "channel", "department", "group", "responsible")
    of_event = {
        "concept:name": "activity", "org:resource": "resource", "concept:instance": "concept:instance",
        "lifecycle:transition": "lifecycle:transition",
    }  # fmt: skip
    with gzip.open(file, "wt", encoding="utf-8") as out:
        out.write(HEAD)
        for case, events in traces.items():
            out.write(f"<trace>{attributes(concept__name=case)}")
            out.write(_typed((key, events[0][f"case_{key}"]) for key in of_trace))
            for row in events:
                out.write(f'<event><date key="time:timestamp" value={quoteattr(row["timestamp"])}/>')
                out.write(_typed((key, row[column]) for key, column in of_event.items()) + "</event>\n")
            out.write("</trace>\n")
        out.write(TAIL)


def _typed(attributes: Iterable[tuple[str, str]]) -> str:
    return "".join(
        f"<{'date' if 'date' in key else 'string'} key={quoteattr(key)} value={quoteattr(value)}/>\n"
        for key, value in attributes
        if value
    )
