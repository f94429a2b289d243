"""By which definitions a figure that others publish may have been made. One table; all from counts alone.

The first definition of an indicator is Kept's own and in force until a figure shows otherwise. The others are those
that publishers have been seen to change to, or are known to use. Each is a pure function of summed counters.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from kept import counters as c
from kept.tallies import Tally

Counted = Callable[[Tally], tuple[float, int]]
"""Counters of a period -> (numerator, denominator)."""


class Known(NamedTuple):
    """A definition that a published figure may follow, in the indicator's unit."""

    name: str
    formula: str
    counted: Counted

    def value(self, tally: Tally) -> float | None:
        """What it gives for the counters of a period; None when there is nothing to divide by."""
        numerator, denominator = self.counted(tally)
        return numerator / denominator if denominator > 0 else None


class Checkable(NamedTuple):
    """An indicator that can be recomputed for any whole days: its definitions, and how near a figure must come.

    `tolerance` is in the indicator's unit, `relative` a share of the recomputed value; the greater counts. `of_cases`:
    it rests on cases opened earlier, so that a young pipeline knows only some of them.
    """

    definitions: tuple[Known, ...]
    tolerance: float
    relative: float = 0.0
    of_cases: bool = True
    least: float = 0.0
    most: float = math.inf

    def is_plausible(self, value: float) -> bool:
        """Whether a figure can have this value at all."""
        return math.isfinite(value) and self.least <= value <= self.most


POINT: Final = 0.01
"""One point of a share: figures are published rounded to whole per cents."""
COUNT_TOLERANCE: Final = 0.01
"""A count may differ by so much of itself: publishers cut days at other hours."""
_RATINGS = range(c.RATINGS + 1, c.RATINGS + 6)
_COMPLETED = range(c.COMPLETED, c.WITHDRAWN)


def _sum(tally: Tally, *numbers: int) -> int:
    return sum(tally.get(number, 0) for number in numbers)


def _results(tally: Tally, *names: str) -> int:
    return _sum(tally, *(c.TRANSACTION_RESULTS + c.RESULT_INDEX[name] for name in names))


def _satisfied(tally: Tally) -> tuple[int, int]:
    return _sum(tally, _RATINGS[3], _RATINGS[4]), _sum(tally, *_RATINGS)


def _score(tally: Tally) -> tuple[int, int]:
    return sum(25 * index * _sum(tally, number) for index, number in enumerate(_RATINGS)), _sum(tally, *_RATINGS)


def _kept_closed(tally: Tally) -> tuple[int, int]:
    return _sum(tally, c.KEPT), _sum(tally, c.KEPT, c.LATE)


def _kept(tally: Tally) -> tuple[int, int]:
    return _sum(tally, c.DUE_KEPT), _sum(tally, c.DUE)


def _digital(*others: int) -> Counted:
    return lambda tally: (_sum(tally, c.COMPLETED_DIGITAL), _sum(tally, c.COMPLETED_DIGITAL, *others))


def _answered(tally: Tally) -> tuple[int, int]:
    return _sum(tally, *_RATINGS), _sum(tally, c.FEEDBACK_OFFERED)


def _failing(*numbers: int) -> Counted:
    contacts = range(c.CONTACTS, c.CONTACTS + len(c.CONTACT_INDEX))
    return lambda tally: (_sum(tally, *numbers), _sum(tally, *contacts))


def _times_100(counted: Counted) -> Counted:
    def hundredfold(tally: Tally) -> tuple[float, int]:
        numerator, denominator = counted(tally)
        return 100 * numerator, denominator

    return hundredfold


def _over_100(counted: Counted) -> Counted:
    def hundredth(tally: Tally) -> tuple[float, int]:
        numerator, denominator = counted(tally)
        return numerator / 100, denominator

    return hundredth


def _amount(*numbers: int) -> Counted:
    return lambda tally: (_sum(tally, *numbers), 1)


def _share(*definitions: Known, of_cases: bool = True) -> Checkable:
    return Checkable(definitions, POINT, of_cases=of_cases, most=1.0)


_OPENED = Known("arrivals", "cases opened", _amount(c.OPENED))
_REOPENED_TOO = Known("arrivals_and_reopenings", "cases opened or reopened", _amount(c.OPENED, c.REOPENED))
_DONE = Known("completions", "cases completed", _amount(*_COMPLETED))
_ENDED = Known("completions_and_withdrawals", "cases completed or withdrawn", _amount(*_COMPLETED, c.WITHDRAWN))
_DUE_COHORT = Known("promise_kept", "(due, completed by its due) / due", _kept)
_CLOSED_ONLY = Known("promise_kept_closed", "(completed by its due) / (completed with a promise)", _kept_closed)

CHECKABLE: Final[Mapping[str, Checkable]] = {
    "satisfaction_score": Checkable(
        (
            Known("satisfaction_score", "(0 n1 + 25 n2 + 50 n3 + 75 n4 + 100 n5) / n", _score),
            Known("satisfied_share", "100 x (n4 + n5) / n", _times_100(_satisfied)),
        ),
        tolerance=100 * POINT,
        of_cases=False,
        most=100.0,
    ),
    "satisfied_share": _share(
        Known("satisfied_share", "(n4 + n5) / n", _satisfied),
        Known("satisfaction_score", "(0 n1 + 25 n2 + 50 n3 + 75 n4 + 100 n5) / 100 n", _over_100(_score)),
        of_cases=False,
    ),
    "response_rate": _share(Known("response_rate", "answers / offers", _answered), of_cases=False),
    "promise_kept": _share(_DUE_COHORT, _CLOSED_ONLY),
    "promise_kept_closed": _share(_CLOSED_ONLY, _DUE_COHORT),
    "digital_take_up": _share(
        Known("digital_take_up", "completed digitally / completed in all but staff channels",
              _digital(c.COMPLETED_ASSISTED)),
        Known("digital_take_up_of_all", "completed digitally / completed in all channels",
              _digital(c.COMPLETED_ASSISTED, c.COMPLETED_STAFF)),
    ),
    "completion_rate": _share(
        Known("completion_rate", "(completed + not eligible) / started",
              lambda tally: (_results(tally, "completed", "not_eligible"), _sum(tally, c.TRANSACTIONS))),
        Known("completed_of_all", "completed / started",
              lambda tally: (_results(tally, "completed"), _sum(tally, c.TRANSACTIONS))),
        Known("completed_of_eligible", "completed / (started - not eligible)",
              lambda tally: (
                  _results(tally, "completed"), _sum(tally, c.TRANSACTIONS) - _results(tally, "not_eligible"))),
        of_cases=False,
    ),
    "failure_demand": _share(
        Known("failure_demand", "contacts that chase, challenge or repeat / contacts", _failing(c.FAILURE_DEMAND)),
        Known("failure_demand_by_reason", "contacts that chase or challenge / contacts",
              _failing(*(c.CONTACTS + reason for reason in sorted(c.FAILURE_REASONS)))),
        of_cases=False,
    ),
    "arrivals": Checkable((_OPENED, _REOPENED_TOO), 1.0, COUNT_TOLERANCE, of_cases=False),
    "completions": Checkable((_DONE, _ENDED), 1.0, COUNT_TOLERANCE),
}  # fmt: skip
"""By indicator. What rests on quantiles, or on what is open at one moment, cannot be recomputed for past days."""
