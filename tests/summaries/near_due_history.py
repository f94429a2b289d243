"""A history of services near their due: nothing to check, three things to check, few cases, nothing heard of.

A day before `NOW` nothing was to be checked anywhere.
"""

from __future__ import annotations

from collections.abc import Iterator

from history.store import HistoryStore
from kept.indicators.near_due import MARGIN, NearDue, placed
from kept.indicators.point import Point
from kept.signals import integrity
from kept.signals.raised import Raised
from kept.signals.target_integrity import SIGNAL, sentence
from kept.signals.verdict import Verdict
from tests.summaries.figures import HOSTILE, NOW, point, service

HOUR = NOW // 3600 * 3600
DAY = 86_400
THEN = HOUR - DAY
SERVICES = {
    each.id: each
    for each in (
        service("quiet", "Birth certificates"),
        service("hostile", HOSTILE),
        service("few", "Library cards"),
        service("unheard", "Not yet heard of"),
        service("unpromised", "Archive requests", None),
    )
}
HONEST = NearDue(
    closings=(3918, 140, 151, 160, 171, 180, 96, 80, 70, 60, 50, 690), reopened_just_before=6, reopened_beside=20,
    moved_last_fifth=30, moved_fifth_before=21, moved_after_due=5, paused_last_fifth=9, paused_fifth_before=31,
    overdue=940,
)  # fmt: skip
ODD = NearDue(
    closings=(2800, 90, 96, 101, 110, 560, 31, 30, 20, 20, 10, 400), reopened_just_before=93, reopened_beside=12,
    moved_last_fifth=160, moved_fifth_before=18, moved_after_due=5, paused_last_fifth=2, paused_fifth_before=1,
    overdue=510,
)  # fmt: skip
FEW = NearDue(closings=(30, 1, 0, 2, 1, 3, 0, 0, 0, 0, 0, 2), moved_last_fifth=2, overdue=2)


def points(identity: str, near: NearDue, end: int, days: int) -> Iterator[Point]:
    """The points of a window of so many days that ends at `end`."""
    for value in placed(near):
        is_share = value.denominator is not None and value.indicator in ("closings_by_margin", "reopened_by_margin")
        whole = value.denominator if is_share else value.numerator
        yield point(
            identity, value.indicator, value.numerator / whole if is_share and whole else value.numerator,
            f"{days}d", slice=((MARGIN, value.margin),), window_start=end - days * DAY, window_end=end,
            numerator=value.numerator, denominator=value.denominator, n=whole,
        )  # fmt: skip


def raised(identity: str, near: NearDue, at: int) -> Iterator[Raised]:
    """The signals of what is found in 90 days."""
    for check in integrity.checks(near, 90):
        if check.is_found:
            verdict = Verdict(
                service=identity, signal=SIGNAL, about=check.about, at=at, active=True, since=at - 90 * DAY,
                value=check.share, expected=check.most, cases=check.of, chance=check.chance, words=sentence(check),
                test="exact test",
            )  # fmt: skip
            yield Raised(verdict=verdict, raised_at=at, told_at=at)


def fill(store: HistoryStore) -> None:
    """Publish all of it."""
    told = []
    for end in (THEN, HOUR):
        for identity, near in (("quiet", HONEST), ("hostile", HONEST if end == THEN else ODD), ("few", FEW)):
            for days in (28, 90):
                told += points(identity, near, end, days)
    store.write(told)
    store.record(list(raised("hostile", ODD, HOUR)))
    store.publish(list(SERVICES), HOUR)
