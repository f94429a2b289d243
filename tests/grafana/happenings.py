"""Registered changes as a history has them, and a history of what a test says, for annotations."""

from __future__ import annotations

from typing import Any, cast

from history.store import HistoryStore
from kept.registered_changes import RegisteredChange
from kept.signals.raised import Raised
from tests.kept.signals.raised_signals import NOW


def registered(**changes: Any) -> RegisteredChange:
    """A plain change; `changes` replace its fields."""
    fields: dict[str, Any] = {
        "service": "street-lights", "at": NOW, "id": "00000000000000c1", "title": "Night crew",
        "indicator": "delivery_time_p90", "direction": "down",
    }  # fmt: skip
    return RegisteredChange(**(fields | changes))


class History:
    """The part of a history store that annotations need."""

    def __init__(self, signals: list[Raised] | None = None, changes: list[RegisteredChange] | None = None) -> None:
        self.raised = signals or []
        self.registered = changes or []

    def signals(self, service: str | None = None, *, since: int = 0, until: int | None = None) -> list[Raised]:
        return [one for one in self.raised if one.raised_at >= since]

    def changes(
        self, service: str | None = None, *, since: int = 0, until: int | None = None
    ) -> list[RegisteredChange]:
        return [one for one in self.registered if one.at >= since]

    def as_store(self) -> HistoryStore:
        return cast(HistoryStore, cast(Any, self))
