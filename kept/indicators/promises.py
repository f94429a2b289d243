"""Was the promise kept: by due cohort (honest) beside closed-only (customary), and who is next to be let down."""

from __future__ import annotations

from collections.abc import Iterator

from kept import counters as c
from kept.indicators.measured import Measured, absent, amount, share
from kept.indicators.windows import View


def measure(view: View) -> Iterator[Measured]:
    """All promise indicators; not applicable where no case ever had a promise (never "missed")."""
    if not view.provided(c.DUE, c.KEPT, c.LATE, c.RISK_ENTERED, c.OVERDUE_ENTERED):
        for name in ("promise_kept_closed", "promise_kept", "at_risk", "overdue"):
            yield absent(name, "no_promise")
        return
    kept = view.count(c.KEPT)
    yield share("promise_kept_closed", kept, kept + view.count(c.LATE))
    yield share("promise_kept", view.count(c.DUE_KEPT), view.count(c.DUE))
    yield amount("at_risk", view.stock(c.RISK_ENTERED, c.RISK_LEFT))
    yield amount("overdue", view.stock(c.OVERDUE_ENTERED, c.OVERDUE_LEFT))
