"""Weeks of control charts and registered changes, as lines of InfluxDB's line protocol and back.

As with points, the truth is one field, `point`, a text with all there is; it alone is read back. The others are for
boards. InfluxDB keeps a field that a later writing lacks, so texts that are always written say which numbers count:
`value` where `state` is `value`, lines where `limits` is not `none`, `mark` where `rule` is not `none`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

import msgspec

from history.line_protocol import NANOSECONDS, TRUTH, amended_time, board_text, tag, text_field, within_second
from history.storable import CHART_LINES, refuse_unstorable_amendment, refuse_unstorable_week
from kept.registered_changes import RegisteredChange
from kept.signals.chart_amendments import ChartAmendment
from kept.signals.chart_weeks import ChartWeek

CHARTS = "chart"
CHART_AMENDMENTS = "chart_amendment"
CHANGES = "change"
"""The measurements."""
NONE = "none"
"""In a text of a board: an empty one looks like one that is missing."""


def chart_line(week: ChartWeek) -> str:
    """A week of a chart; its time is its end, in seconds. Raises `Stop` for what cannot be stored."""
    refuse_unstorable_week(week)
    numbers = {name: getattr(week, name) for name in ("value", *CHART_LINES, "n", "target")}
    mark = week.mark
    if mark is not None:
        numbers["mark"] = week.value
    fields = {
        TRUTH: text_field(msgspec.json.encode(week).decode()),
        "state": text_field(week.gap or "value"),
        "limits": text_field(NONE if week.mean is None else "trial" if week.trial else "baseline"),
        "rule": text_field(NONE if mark is None else str(mark.rule)),
        "meaning": text_field(NONE if mark is None else mark.meaning),
        # A whole number without an `i` is read as a float.
        **{name: repr(number) for name, number in numbers.items() if number is not None},
    }
    return f"{CHARTS},indicator={tag(week.indicator)},service={tag(week.service)} {_joined(fields)} {week.week_end}"


def chart_amendment_line(amendment: ChartAmendment) -> str:
    """An amendment of a week; its time is in nanoseconds: the week's end, and when it became known within that second.

    So it is kept for as long as the week. `old` is `null` for a week that was not there.
    """
    refuse_unstorable_amendment(amendment)
    new = amendment.new
    old, is_now = (text_field(msgspec.json.encode(side).decode()) for side in (amendment.old, new))
    time = amended_time(f"{new.service} {new.indicator} chart", end=new.week_end, known_at=amendment.known_at)
    tags = f"indicator={tag(new.indicator)},service={tag(new.service)}"
    return f"{CHART_AMENDMENTS},{tags} known_at={amendment.known_at}i,old={old},new={is_now} {time}"


def change_line(change: RegisteredChange) -> str:
    """A registered change; its time is in nanoseconds, so that those of one second stay apart."""
    fields = {
        TRUTH: text_field(msgspec.json.encode(change).decode()),
        "id": text_field(change.id),
        "title": board_text(change.title),
        "indicator": text_field(change.indicator or NONE),
        "direction": text_field(change.direction or NONE),
    }
    time = change.at * NANOSECONDS + within_second(change.id)
    return f"{CHANGES},service={tag(change.service)} {_joined(fields)} {time}"


def chart_week_of(row: Mapping[str, Any]) -> ChartWeek:
    """The week of a row with the field `point` in `_value`."""
    return msgspec.json.decode(unquote(row["_value"]), type=ChartWeek)


def chart_amendment_of(row: Mapping[str, Any]) -> ChartAmendment:
    """The amendment of a row with its fields."""
    return ChartAmendment(
        row["known_at"],
        msgspec.json.decode(unquote(row["old"]), type=ChartWeek | None),
        msgspec.json.decode(unquote(row["new"]), type=ChartWeek),
    )


def change_of(row: Mapping[str, Any]) -> RegisteredChange:
    """The change of a row with the field `point` in `_value`."""
    return msgspec.json.decode(unquote(row["_value"]), type=RegisteredChange)


def _joined(fields: Mapping[str, str]) -> str:
    return ",".join(f"{name}={written}" for name, written in fields.items())
