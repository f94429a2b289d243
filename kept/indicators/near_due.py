"""How near to the due cases are closed, moved and paused: what is looked at before anyone asks whether a target was met
in ways that helped nobody. Told of the whole service alone, by place around the due (`margin`), over four and 13 weeks.

The source of the idea: a density that jumps at a threshold tells that people move across it (J. McCrary, Journal of
Econometrics 142, 2008); so did waiting times at the four-hour target of English emergency departments (S. Locker and
S. Mason, BMJ 330, 2005; J. Gruber, T. Hoe and G. Stoye, Review of Economics and Statistics 105, 2023).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from kept import counters as c
from kept import target_margins as m
from kept.counters import WHOLE_ONLY
from kept.indicators.windows import View

MARGIN: Final = "margin"
"""The dimension of the points: `(("margin", "before_0_5"),)`."""
LAST_FIFTH: Final = "last_fifth"
FIFTH_BEFORE: Final = "fifth_before"
AFTER_DUE: Final = "after_due"


class NearDue(Struct, frozen=True, kw_only=True):
    """Counts of one service in one window. `closings` by the number of the band."""

    closings: tuple[int, ...]
    reopened_just_before: int = 0
    reopened_beside: int = 0
    moved_last_fifth: int = 0
    moved_fifth_before: int = 0
    moved_after_due: int = 0
    paused_last_fifth: int = 0
    paused_fifth_before: int = 0
    overdue: int = 0
    """Cases that became overdue."""

    @property
    def just_before(self) -> int:
        """Closings in the last band before the due."""
        return self.closings[m.JUST_BEFORE]

    @property
    def beside(self) -> int:
        """Closings in the four bands before that."""
        return sum(self.closings[number] for number in m.BESIDE)

    @property
    def closed(self) -> int:
        """All closings with a promise."""
        return sum(self.closings)


class Placed(Struct, frozen=True):
    """A value of an indicator at a place around the due, with its denominator where it is a share of something."""

    indicator: str
    margin: str
    numerator: int
    denominator: int | None


def near_due(view: View) -> NearDue:
    """The counts of a whole service in a window."""
    counted = view.histogram(WHOLE_ONLY)

    def count(number: int) -> int:
        return counted.get(number - WHOLE_ONLY, 0)

    return NearDue(
        closings=tuple(count(m.MARGIN + band.number) for band in m.BANDS),
        reopened_just_before=count(m.REOPENED_JUST_BEFORE),
        reopened_beside=count(m.REOPENED_BESIDE),
        moved_last_fifth=count(m.MOVED + m.LAST_FIFTH),
        moved_fifth_before=count(m.MOVED + m.FIFTH_BEFORE),
        moved_after_due=count(m.MOVED + m.AFTER_DUE),
        paused_last_fifth=count(m.PAUSED + m.LAST_FIFTH),
        paused_fifth_before=count(m.PAUSED + m.FIFTH_BEFORE),
        overdue=view.count(c.OVERDUE_ENTERED),
    )


BESIDE: Final = f"before_{m.BAND_PERCENT}_{m.BANDS_A_SIDE * m.BAND_PERCENT}"


def placed(counts: NearDue) -> Iterator[Placed]:
    """Every value that is published of the counts; nothing where no case with a promise was closed, moved or paused."""
    if counts.closed:
        for band in m.BANDS:
            yield Placed("closings_by_margin", band.name, counts.closings[band.number], counts.closed)
        just_before = m.BANDS[m.JUST_BEFORE].name
        yield Placed("reopened_by_margin", just_before, counts.reopened_just_before, counts.just_before)
        yield Placed("reopened_by_margin", BESIDE, counts.reopened_beside, counts.beside)
    if counts.closed or counts.overdue:
        yield Placed("promises_moved_by_margin", FIFTH_BEFORE, counts.moved_fifth_before, None)
        yield Placed("promises_moved_by_margin", LAST_FIFTH, counts.moved_last_fifth, None)
        yield Placed("promises_moved_by_margin", AFTER_DUE, counts.moved_after_due, counts.overdue)
        yield Placed("clocks_stopped_by_margin", FIFTH_BEFORE, counts.paused_fifth_before, None)
        yield Placed("clocks_stopped_by_margin", LAST_FIFTH, counts.paused_last_fifth, None)


def from_placed(values: dict[tuple[str, str], tuple[int, int | None]]) -> NearDue | None:
    """The counts again from (indicator, margin) -> (numerator, denominator) as published; None without closings."""

    def count(indicator: str, margin: str) -> int:
        return values.get((indicator, margin), (0, None))[0]

    if not any(indicator == "closings_by_margin" for indicator, _ in values):
        return None
    return NearDue(
        closings=tuple(count("closings_by_margin", band.name) for band in m.BANDS),
        reopened_just_before=count("reopened_by_margin", m.BANDS[m.JUST_BEFORE].name),
        reopened_beside=count("reopened_by_margin", BESIDE),
        moved_last_fifth=count("promises_moved_by_margin", LAST_FIFTH),
        moved_fifth_before=count("promises_moved_by_margin", FIFTH_BEFORE),
        moved_after_due=count("promises_moved_by_margin", AFTER_DUE),
        paused_last_fifth=count("clocks_stopped_by_margin", LAST_FIFTH),
        paused_fifth_before=count("clocks_stopped_by_margin", FIFTH_BEFORE),
        overdue=values.get(("promises_moved_by_margin", AFTER_DUE), (0, 0))[1] or 0,
    )
