"""Stub."""
from __future__ import annotations

import msgspec


class RestoreReport(msgspec.Struct, frozen=True):
    """Stub."""

    cases: int
    partitions: int
    records: int
    bytes: int
    seconds: float
    cpu_seconds: float
    worker_seconds: float
    peak_mib: int
