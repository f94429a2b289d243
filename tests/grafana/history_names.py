"""What the history calls things: measurements with their tags and fields, read off lines that it writes itself."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from history.chart_lines import change_line, chart_line
from history.daily_rollup import DAILY
from history.line_protocol import Lines
from history.signal_lines import response_line, signal_line
from kept.indicators.point import Amendment, Point
from kept.signals.raised import Raised, Response
from kept.signals.verdict import Verdict
from tests.history.charts import change, week

_TAG = re.compile(r",([a-z_]+)=")
_FIELD = re.compile(r'(?:^|,)([a-z_]+)=(?:"(?:\\.|[^"\\])*"|[^,"]*)')


class Measurement(NamedTuple):
    """Tags and fields of a measurement."""

    tags: frozenset[str]
    fields: frozenset[str]


def _point() -> Point:
    return Point(
        service="permits", slice=(("channel", "Web"),), indicator="promise_kept", window="28d", window_start=0,
        window_end=2_419_200, value=0.5, unit="share", numerator=1, denominator=2, n=2, low=0.1, high=0.9,
        definition="promise_kept@1", state="value",
    )  # fmt: skip


def _raised() -> Raised:
    verdict = Verdict(
        service="permits", signal="area_gap", about="area=North", at=3600, active=True, since=0, value=0.5,
        expected=0.1, cases=4, chance=0.001, words="words", test="a test", evidence={},
    )  # fmt: skip
    return Raised(verdict=verdict, raised_at=3600, told_at=3600)


def _lines() -> list[str]:
    lines = Lines()
    return [
        lines.point(_point()),
        lines.amendment(Amendment(2_419_200, _point(), _point())),
        lines.published("permits", 3600),
        signal_line(_raised()),
        response_line(Response(id="00000000", says="useful", at=3600)),
        chart_line(week()),
        change_line(change(title="title")),
    ]


def measurements() -> Mapping[str, Measurement]:
    """Every measurement that boards may read, by name."""
    found = dict(map(_read, _lines()))
    # Written by the server itself, by the task in `history.daily_rollup`.
    found[DAILY] = Measurement(
        frozenset({"service", "slice", "indicator"}), frozenset({"numerator", "denominator", "n", "definition"})
    )
    return found


def _read(line: str) -> tuple[str, Measurement]:
    """A line of the line protocol: `name,tag=…,tag=… field=…,field=… time`; texts of these lines have no blanks."""
    key, rest = line.split(" ", 1)
    fields, _ = rest.rsplit(" ", 1)
    return key.split(",")[0], Measurement(frozenset(_TAG.findall(key)), frozenset(_FIELD.findall(fields)))
