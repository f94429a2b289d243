"""What is remembered of a weekly summary that was delivered: each week is sent once, and a missed one is seen."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from msgspec import Struct

WEEK: Final = re.compile(r"\d{4}-W(0[1-9]|[1-4]\d|5[0-3])")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


class Delivery(Struct, frozen=True, kw_only=True):
    """The summary of the ISO week `week` ("2026-W47"), as known at `as_of` (event time, s), was delivered to `to`
    recipients at the wall clock `at` (s). `sha256` is that of its content, 64 digits. No address is kept.

    Raises `ValueError` when `week` is no ISO week, `sha256` no digest, or `to` less than 1.
    """

    week: str
    as_of: int
    at: int
    to: int
    sha256: str

    def __post_init__(self) -> None:
        if not WEEK.fullmatch(self.week):
            raise ValueError(f"week {self.week!r}: valid is an ISO week such as 2026-W47")
        if not _SHA256.fullmatch(self.sha256):
            raise ValueError(f"sha256 {self.sha256!r}: valid are the 64 hexadecimal digits of a digest")
        if self.to < 1:
            raise ValueError(f"to {self.to}: what nobody received was not delivered")

    def key(self) -> tuple[str, int, str]:
        """What makes it one delivery; storing the same key again changes nothing."""
        return self.week, self.at, self.sha256


def delivered(deliveries: Iterable[Delivery], week: str) -> Delivery | None:
    """The first delivery of the summary of `week`; None when it was not delivered."""
    return min((delivery for delivery in deliveries if delivery.week == week), key=lambda one: one.at, default=None)
