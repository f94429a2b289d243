"""Raised signals and what was said to them, as lines of InfluxDB's line protocol and back.

A series is the measurement with the tags service, signal and about (left out when it is empty); its time is the moment
of raising. As with points, the truth is one field, a text with all there is; the others are for boards.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

import msgspec

from history.line_protocol import NANOSECONDS, TRUTH, board_text, tag, text_field, within_second
from history.storable import storable_signal
from kept.signals.kinds import BY_NAME
from kept.signals.raised import Raised, Response

SIGNALS = "signal"
RESPONSES = "signal_response"
"""The measurements."""


def signal_line(raised: Raised) -> str:
    """A raised signal; its time is in seconds. Raises `Stop` for what cannot be stored."""
    raised = storable_signal(raised)
    verdict = raised.verdict
    about = f"about={tag(verdict.about)}," if verdict.about else ""
    kind = BY_NAME.get(verdict.signal)
    severity = "" if kind is None else f",severity={text_field(kind.severity)}"
    truth = text_field(msgspec.json.encode(raised).decode())
    return (
        f"{SIGNALS},{about}service={tag(verdict.service)},signal={tag(verdict.signal)} {TRUTH}={truth},"
        f"id={text_field(raised.id)},words={board_text(verdict.words)},open={str(raised.ended_at is None).lower()}"
        f"{severity} {raised.raised_at}"
    )


def response_line(response: Response) -> str:
    """A response; its time is in nanoseconds, so that what is said to several signals within a second stays apart."""
    within = within_second(f"{response.id}|{response.says}")
    fields = f"{TRUTH}={text_field(msgspec.json.encode(response).decode())},id={text_field(response.id)}"
    return f"{RESPONSES},says={tag(response.says)} {fields} {response.at * NANOSECONDS + within}"


def signal_of(row: Mapping[str, Any]) -> Raised:
    """The raised signal of a row with the field `point` in `_value`."""
    return msgspec.json.decode(unquote(row["_value"]), type=Raised)


def response_of(row: Mapping[str, Any]) -> Response:
    """The response of a row with the field `point` in `_value`."""
    return msgspec.json.decode(unquote(row["_value"]), type=Response)
