"""Token buckets by client: so much at once, so much a second in the long run. Pure: time is an argument."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from msgspec import Struct

MOST_CLIENTS: Final = 10_000
"""Remembered at once. Who has not been seen for longest is forgotten, and begins with a full bucket."""


class _Bucket(Struct):
    left: float
    at: float


class Buckets:
    """One bucket a client; all are full at first."""

    def __init__(self, per_second: float, at_once: float, most_clients: int = MOST_CLIENTS) -> None:
        """`per_second` > 0 drops come back, up to `at_once` >= 1."""
        self._per_second = per_second
        self._at_once = at_once
        self._most_clients = most_clients
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def __len__(self) -> int:
        """How many clients are remembered."""
        return len(self._buckets)

    def wait(self, client: str, now: float) -> float:
        """Seconds until there is a drop for `client` at `now` (s, of a clock that never goes back); 0 when there is."""
        bucket = self._buckets.get(client)
        left = self._at_once if bucket is None else self._left(bucket, now)
        return 0.0 if left >= 1 else (1 - left) / self._per_second

    def take(self, client: str, now: float) -> float:
        """Takes a drop and gives 0, or takes none and gives the seconds to wait."""
        bucket = self._buckets.get(client)
        if bucket is None:
            bucket = self._buckets[client] = _Bucket(self._at_once, now)
            if len(self._buckets) > self._most_clients:
                self._buckets.popitem(last=False)
        else:
            self._buckets.move_to_end(client)
            bucket.left, bucket.at = self._left(bucket, now), max(now, bucket.at)
        if bucket.left < 1:
            return (1 - bucket.left) / self._per_second
        bucket.left -= 1
        return 0.0

    def _left(self, bucket: _Bucket, now: float) -> float:
        return min(self._at_once, bucket.left + max(0.0, now - bucket.at) * self._per_second)
