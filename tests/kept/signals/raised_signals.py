"""Raised signals, answers and services for tests and for the worked example of the report card, by few words each."""

from __future__ import annotations

from typing import Any, Literal
from zoneinfo import ZoneInfo

from kept.signals.lead_time import PromiseCourse
from kept.signals.raised import Raised, Response
from kept.signals.report_card import Watched
from kept.signals.verdict import Verdict

MONDAY = 1_772_409_600
"""2026-03-02 00:00 UTC, the beginning of ISO week 2026-W10."""
HOUR, DAY, WEEK = 3600, 86_400, 7 * 86_400
NOW = MONDAY + 3 * DAY


def raised(
    signal: str = "promise_budget_slow",
    at: int = MONDAY,
    *,
    service: str = "street-lights",
    about: str = "",
    told: int | None = None,
    quiet: int | None = None,
    ended: int | None = None,
    **verdict: Any,
) -> Raised:
    """A signal raised at `at`, told then unless `told` says when, open unless `ended` says until when.

    `quiet`: since when its evidence is gone.
    """
    given = {"at": at, "active": True, "since": at} | verdict
    return Raised(
        verdict=Verdict(service=service, signal=signal, about=about, **given),
        raised_at=at,
        told_at=at if told is None else told,
        quiet_since=ended if quiet is None else quiet,
        ended_at=ended,
    )


def said(of: Raised, says: Literal["acknowledged", "useful", "noise"], after: int = 600) -> Response:
    """What someone said `after` seconds since they were told."""
    return Response(id=of.id, says=says, at=of.told_at + after)


def watched(
    owner: str = "Public works",
    zone: str = "UTC",
    *,
    first: int | None = None,
    shares: dict[int, float] | None = None,
    target: float = 0.9,
) -> Watched:
    """A service; with `shares` (moment -> share of 28 days) it has a promise."""
    course = None if shares is None else PromiseCourse(shares.items(), target)
    return Watched(owner=owner, zone=ZoneInfo(zone), first_watched=first, course=course)
