"""The history port: what any store of indicators must do. The contract suite in tests/history holds each to it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from kept.indicators.point import Point, Slice


class HistoryStore(Protocol):
    """Keeps points by `Point.key()`; writing a point again overwrites it, so that a replay is free.

    Every method raises `kept.errors.Retry` when the store is away for now (nothing of the call was lost: repeat it)
    and `kept.errors.Stop` when a person must act (wrong path, no permission, a newer format).
    Calls block; an event loop runs them in a thread. One instance may be used from any one thread at a time.
    """

    def write(self, points: Sequence[Point]) -> None:
        """Store all `points` or none of them; durable when it returns."""

    def publish(self, services: Iterable[str], window_end: int) -> None:
        """Record that all points of `services` up to `window_end` (epoch seconds) are written. Never moves back."""

    def published(self) -> dict[str, int]:
        """For each service the last `window_end` recorded by `publish`."""

    def read(
        self,
        service: str,
        *,
        slice: Slice | None = None,
        indicator: str | None = None,
        window: str | None = None,
        since: int | None = None,
        until: int | None = None,
    ) -> list[Point]:
        """Points of a service with since <= window_end <= until, ordered by `Point.key()`; None means any."""

    def latest(self, service: str, *, slice: Slice | None = None, at: int | None = None) -> list[Point]:
        """For each series (slice, indicator, window) its newest point with window_end <= `at` (None: newest of all)."""

    def services(self) -> list[str]:
        """Services with at least one point, sorted."""

    def close(self) -> None:
        """Release the store; idempotent."""
