"""How near to its due a case is closed, moved or paused: shares of the promised time, by the clock the promise runs by.

Counted of the whole service alone, and nothing of it changes whether a promise counts as kept. Every closing counts,
also one that was reopened later; withdrawals do not, since the office did not choose their moment.
"""

from __future__ import annotations

from typing import Final, Literal, Protocol

from msgspec import Struct

from kept.counters import WHOLE_ONLY
from kept.durations import DAY_MS

BANDS_A_SIDE: Final = 5
BANDS_IN_PROMISE: Final = 20
"""A band is 1/20 (5 %) of the promised time."""
BAND_PERCENT: Final = 100 // BANDS_IN_PROMISE
FIFTHS: Final = 5
REOPENED_SOON_DAYS: Final = 14
REOPENED_SOON_MS: Final = REOPENED_SOON_DAYS * DAY_MS

MARGIN: Final = WHOLE_ONLY
"""+ band 0..11, in the bucket of the closing."""
JUST_BEFORE: Final = BANDS_A_SIDE
JUST_AFTER: Final = BANDS_A_SIDE + 1
BESIDE: Final = tuple(range(1, JUST_BEFORE))
"""The bands before the last one before the due, the farthest first: a fifth of the promised time."""
REOPENED_JUST_BEFORE: Final = WHOLE_ONLY + 20
"""Of the closings in the last band before the due, those reopened soon; in the bucket of the closing."""
REOPENED_BESIDE: Final = WHOLE_ONLY + 21
MOVED: Final = WHOLE_ONLY + 30
"""+ place: cases whose promise was moved to later, in the bucket of the first move in that place."""
PAUSED: Final = WHOLE_ONLY + 40
"""+ place: cases whose clock was stopped, in the bucket of the first pause in that place."""
LAST_FIFTH: Final = 0
FIFTH_BEFORE: Final = 1
AFTER_DUE: Final = 2


class Band(Struct, frozen=True):
    """Closings by their distance from the due, in per cent of the promised time: from `near` to `far`."""

    number: int
    side: Literal["before", "after"]
    near: int
    far: int | None
    """None: any farther."""

    @property
    def name(self) -> str:
        """Its name in points of the history: `before_0_5`, `after_over_25`."""
        reach = f"over_{self.near}" if self.far is None else f"{self.near}_{self.far}"
        return f"{self.side}_{reach}"

    @property
    def words(self) -> str:
        """As a table says it."""
        reach = f"more than {self.near} %" if self.far is None else f"{self.near} to {self.far} %"
        return f"{reach} {self.side}"


def _bands() -> tuple[Band, ...]:
    edge = BANDS_A_SIDE * BAND_PERCENT
    distances = [(near, near + BAND_PERCENT) for near in range(0, edge, BAND_PERCENT)]
    numbers = iter(range(2 * BANDS_A_SIDE + 2))
    return (
        Band(next(numbers), "before", edge, None),
        *(Band(next(numbers), "before", near, far) for near, far in reversed(distances)),
        *(Band(next(numbers), "after", near, far) for near, far in distances),
        Band(next(numbers), "after", edge, None),
    )


BANDS: Final = _bands()
"""From long before the due to long after it; a band's place is its number."""

Entry = tuple[int, int, int]
"""See `kept.cases.Entry`."""


class Clock(Protocol):
    """See `kept.cases.Clock`."""

    def between(self, start_ms: int, end_ms: int) -> int:
        """The clock's time between two moments."""


def band(at: int, due: int, promised: int, clock: Clock) -> int:
    """The number of the band of a closing at `at` (ms); `promised` is the clock's time (ms, more than 0) promised.

    A closing at its due is in the last band before it.
    """
    if at <= due:
        return max(0, JUST_BEFORE - clock.between(at, due) * BANDS_IN_PROMISE // promised)
    late = clock.between(due, at) - 1
    return min(len(BANDS) - 1, JUST_AFTER + max(0, late) * BANDS_IN_PROMISE // promised)


def place(at: int, due: int, promised: int, clock: Clock) -> int | None:
    """In which fifth of the promised time (ms, more than 0) `at` lies: `LAST_FIFTH` as with at risk, `FIFTH_BEFORE`,
    `AFTER_DUE`, or None for what is earlier."""
    if at > due:
        return AFTER_DUE
    fifth = clock.between(at, due) * FIFTHS // promised
    return fifth if fifth <= FIFTH_BEFORE else None


def count_reopening(closed: tuple[int, int] | None, at: int, entries: list[Entry]) -> None:
    """Count a reopening at `at` (ms) of what was `closed` at a moment (ms) in a band, if that was near and soon."""
    if closed is None or at - closed[0] > REOPENED_SOON_MS:
        return
    if closed[1] == JUST_BEFORE:
        entries.append((closed[0], REOPENED_JUST_BEFORE, 1))
    elif closed[1] in BESIDE:
        entries.append((closed[0], REOPENED_BESIDE, 1))


def count_near(kind: int, where: int | None, at: int, counted: set[int], entries: list[Entry]) -> None:
    """Count a case's first `MOVED` or `PAUSED` in a place near its due; `counted` are those it has had."""
    if where is not None and kind + where not in counted:
        counted.add(kind + where)
        entries.append((at, kind + where, 1))
