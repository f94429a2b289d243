"""A signal that was raised, when it ends, and what people made of it: the memory behind `kept alerts`.

A signal fires once, however long it stays active; it ends only after its evidence has been gone for a while.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from kept.buckets import HOUR_SECONDS
from kept.signals.kinds import BY_NAME
from kept.signals.verdict import Verdict

MOST_TURNS: Final = 1_000
"""Of a course."""
SignalKey = tuple[str, str, str]
"""(service, signal, about), as `Verdict.key()`."""


class Raised(Struct, frozen=True, kw_only=True):
    """A signal from the moment it became active until it ended.

    `verdict` is what was known when it was raised, and stays. `told_at` is the wall clock (s) at which it was first
    published; all other times are event times (s). Writing the same `key()` again overwrites, so that a replay is free.
    """

    verdict: Verdict
    raised_at: int
    told_at: int
    quiet_since: int | None = None
    """Event time (s) of the judgement that found its evidence gone, unless a later one found it back; None: active."""
    ended_at: int | None = None
    """Event time (s) at which its evidence was gone, known `quiet_hours` of its kind later; None while it is open."""
    course: tuple[int, ...] = ()
    """Event times (s) of the judgements that changed it: gone quiet, active again, gone quiet, …; the last one of a
    signal that has ended is that of its end. Empty in histories that did not keep it; of very many the last stay."""

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


def advance(
    open: Mapping[SignalKey, Raised], verdicts: Iterable[Verdict], at: int, told_at: int
) -> tuple[dict[SignalKey, Raised], list[Raised]]:
    """(what is open after the judgement of one service at `at`, what it changed, ordered by `Raised.key()`).

    `open` is what was open before, `verdicts` are all of the service at the event time `at` (s), each key once;
    `told_at` is the wall clock (s). Changed are those raised, ended, gone quiet or active again. A signal without a
    verdict counts as inactive; one whose kind is no longer known ends at once. The same verdicts at the same moment
    again change nothing; where each completing point is a signal of its own (`Verdict.completed_by`), the next one ends
    the one before. A moment at or before `raised_at` says nothing of what was raised then. Raises
    `ValueError` for a verdict of a signal that is not in `KINDS`.
    """
    given = {verdict.key(): verdict for verdict in verdicts}
    after: dict[SignalKey, Raised] = {}
    changed: list[Raised] = []
    for key, raised in open.items():
        verdict = given.get(key)
        if verdict is not None and at > raised.raised_at and _is_another(verdict, raised.verdict):
            turns = (at,) if raised.quiet_since is not None else (at, at)
            changed.append(replace(raised, quiet_since=at, ended_at=at, course=_course(raised, *turns)))
            continue
        moved = _moved(raised, at, active=verdict is not None and verdict.active)
        if moved.ended_at is None:
            after[key] = moved
        if moved is not raised:
            changed.append(moved)
    for key, verdict in given.items():
        if verdict.signal not in BY_NAME:
            raise ValueError(f"a verdict of the signal {verdict.signal!r}, which is not in KINDS; add its kind there")
        if verdict.active and key not in after:
            after[key] = Raised(verdict=verdict, raised_at=at, told_at=told_at)
            changed.append(after[key])
    return after, sorted(changed, key=Raised.key)


def known_at(raised: Raised) -> int:
    """Event time (s) of the latest judgement that this record shows to have been made."""
    if raised.course:
        return raised.course[-1]
    if raised.ended_at is None:
        return max(raised.raised_at, raised.quiet_since or raised.raised_at)
    kind = BY_NAME.get(raised.verdict.signal)
    return raised.ended_at + (0 if kind is None else kind.quiet_hours * HOUR_SECONDS)


def _is_another(verdict: Verdict, raised: Verdict) -> bool:
    """Whether an active verdict tells of another point than the one that is raised."""
    return verdict.active and verdict.completed_by is not None and verdict.completed_by != raised.completed_by


def _moved(raised: Raised, at: int, *, active: bool) -> Raised:
    """What becomes of an open signal that is found `active`, or not, at `at`; the same object when nothing does."""
    if at <= raised.raised_at:
        return raised
    if active:
        return raised if raised.quiet_since is None else replace(raised, quiet_since=None, course=_course(raised, at))
    turns = (at,) if raised.quiet_since is None else ()
    quiet_since = at if raised.quiet_since is None else raised.quiet_since
    kind = BY_NAME.get(raised.verdict.signal)
    if kind is None or at - quiet_since >= kind.quiet_hours * HOUR_SECONDS:
        return replace(raised, quiet_since=quiet_since, ended_at=quiet_since, course=_course(raised, *turns, at))
    return replace(raised, quiet_since=quiet_since, course=_course(raised, *turns)) if turns else raised


def _course(raised: Raised, *turns: int) -> tuple[int, ...]:
    """Its course with these `turns` added; that of a history that kept none begins with when it went quiet."""
    begun = raised.course or (() if raised.quiet_since is None else (raised.quiet_since,))
    course = begun + turns
    excess = len(course) - MOST_TURNS
    return course if excess <= 0 else course[excess + excess % 2 :]  # what is left begins with going quiet
