"""Registered changes as a history has them, and a history of what a test says, for annotations."""

from __future__ import annotations

from typing import Any, Literal, cast

from msgspec import Struct

from history.store import HistoryStore
from kept.signals.raised import Raised
from tests.kept.signals.raised_signals import NOW


class Change(Struct, frozen=True, kw_only=True):
    """A registered change, in the shape that the history gives."""

    service: str = "street-lights"
    at: int = NOW
    id: str = "00000000000000c1"
    title: str = "Night crew"
    indicator: str | None = "delivery_time_p90"
    direction: Literal["up", "down"] | None = "down"


class History:
    """The part of a history store that annotations need."""

    def __init__(self, signals: list[Raised] | None = None, changes: list[Change] | None = None) -> None:
        self.raised = signals or []
        self.registered = changes or []

    def signals(self, service: str | None = None, *, since: int = 0, until: int | None = None) -> list[Raised]:
        return [one for one in self.raised if one.raised_at >= since]

    def changes(self, service: str | None = None, *, since: int = 0, until: int | None = None) -> list[Change]:
        return [one for one in self.registered if one.at >= since]

    def as_store(self) -> HistoryStore:
        return cast(HistoryStore, cast(Any, self))
