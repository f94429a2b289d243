"""A signal that was raised, and what people made of it: the memory behind `kept alerts` and the report card."""

from __future__ import annotations

import hashlib
from typing import Literal

from msgspec import Struct

from kept.signals.verdict import Verdict


class Raised(Struct, frozen=True, kw_only=True):
    """A signal from the moment it became active until it ended.

    `verdict` is what was known when it was raised, and stays. `told_at` is the wall clock (s) at which it was first
    published; all other times are event times (s). Writing the same `key()` again overwrites, so that a replay is free.
    """

    verdict: Verdict
    raised_at: int
    told_at: int
    ended_at: int | None = None

    def key(self) -> tuple[str, str, str, int]:
        """What makes it one raised signal."""
        return (*self.verdict.key(), self.raised_at)

    @property
    def id(self) -> str:
        """Eight digits for people to name it by: `kept alerts judge ID useful`."""
        return hashlib.blake2b("|".join(map(str, self.key())).encode(), digest_size=4).hexdigest()


class Response(Struct, frozen=True, kw_only=True):
    """What someone on call said to the raised signal `id`, at the wall clock `at` (s). Of one `says` the first counts
    for `acknowledged`, the last of `useful` and `noise` for the judgement."""

    id: str
    says: Literal["acknowledged", "useful", "noise"]
    at: int
