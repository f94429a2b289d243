"""Decisions and delivered summaries, as lines of InfluxDB's line protocol and back.

As elsewhere, the truth is one field, `point`, a text with all there is. What was decided must stay until it is closed,
however long that takes, and be told for ever after; a bucket drops what is older than its retention. So the time of an
entry lies `LATER_SECONDS` after the moment at which it was said: no retention ever takes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import unquote

import msgspec

from history.line_protocol import NANOSECONDS, TRUTH, tag, text_field, within_second
from kept.decisions import DecisionEntry
from kept.deliveries import Delivery

DECISIONS = "decision"
DELIVERIES = "delivery"
"""The measurements."""
LATER_SECONDS: Final = 100 * 365 * 86_400
"""A hundred years; the last moment that InfluxDB knows is in 2262."""


def decision_line(entry: DecisionEntry) -> str:
    """An entry of a decision; its time is in nanoseconds, so that those of one second stay apart."""
    truth = text_field(msgspec.json.encode(entry).decode())
    fields = f"{TRUTH}={truth},id={text_field(entry.decision)}"
    time = (entry.at + LATER_SECONDS) * NANOSECONDS + within_second(entry.digest)
    return f"{DECISIONS},says={tag(entry.says)},service={tag(entry.service)} {fields} {time}"


def delivery_line(delivery: Delivery) -> str:
    """A delivered summary; its time is in nanoseconds, so that those of one second stay apart."""
    truth = text_field(msgspec.json.encode(delivery).decode())
    time = delivery.at * NANOSECONDS + within_second(f"{delivery.week}|{delivery.sha256}")
    return f"{DELIVERIES} {TRUTH}={truth},week={text_field(delivery.week)} {time}"


def decision_entry_of(row: Mapping[str, Any]) -> DecisionEntry:
    """The entry of a row with the field `point` in `_value`."""
    return msgspec.json.decode(unquote(row["_value"]), type=DecisionEntry)


def delivery_of(row: Mapping[str, Any]) -> Delivery:
    """The delivery of a row with the field `point` in `_value`."""
    return msgspec.json.decode(unquote(row["_value"]), type=Delivery)
