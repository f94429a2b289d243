"""What people say, from counts of answers; and whether they manage to do it online."""

from __future__ import annotations

from collections.abc import Iterator

from kept import counters as c
from kept.indicators.flow import COMPLETIONS
from kept.indicators.intervals import wilson
from kept.indicators.measured import Measured, absent, missing, share
from kept.indicators.windows import View

_RATINGS = tuple(range(c.RATINGS + 1, c.RATINGS + 6))
_RESULTS = {name: c.TRANSACTION_RESULTS + index for name, index in c.RESULT_INDEX.items()}


def measure_satisfaction(view: View) -> Iterator[Measured]:
    """satisfaction_score (0-100), satisfied_share and response_rate."""
    counts = [view.count(number) for number in _RATINGS]
    n = sum(counts)
    if not view.provided(*_RATINGS):
        yield missing("satisfaction_score", "no_feedback")
        yield missing("satisfied_share", "no_feedback")
    else:
        yield _score(counts, n)
        yield share("satisfied_share", counts[3] + counts[4], n)
    if not view.provided(c.FEEDBACK_OFFERED):
        yield missing("response_rate", "no_feedback_offered")
    else:
        yield share("response_rate", n, view.count(c.FEEDBACK_OFFERED))


def _score(counts: list[int], n: int) -> Measured:
    points = sum(25 * index * count for index, count in enumerate(counts))
    if n <= 0:
        return absent("satisfaction_score", "no_volume", numerator=points, denominator=n, n=n)
    low, high = wilson(points / 100, n)
    return Measured("satisfaction_score", points / n, points, n, n, 100 * low, 100 * high)


def measure_digital(view: View, timed_out: int) -> Iterator[Measured]:
    """completion_rate and digital_take_up; `timed_out` transactions of W have no result and are past their time-out."""
    if not view.provided(c.TRANSACTIONS):
        yield missing("completion_rate", "no_transactions")
    else:
        good = view.count(_RESULTS["completed"], _RESULTS["not_eligible"])
        bad = view.count(_RESULTS["failed"], _RESULTS["abandoned"]) + timed_out
        yield share("completion_rate", good, good + bad)
    if not view.provided(*COMPLETIONS):
        yield absent("digital_take_up", "no_volume", n=0)
    elif not view.provided(c.COMPLETED_DIGITAL, c.COMPLETED_ASSISTED, c.COMPLETED_STAFF):
        yield missing("digital_take_up", "no_channels")
    else:
        digital = view.count(c.COMPLETED_DIGITAL)
        yield share("digital_take_up", digital, digital + view.count(c.COMPLETED_ASSISTED))
