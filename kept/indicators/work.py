"""How the work itself goes: right the first time, rework, failure demand, flow and waiting."""

from __future__ import annotations

from collections.abc import Iterator

from kept import counters as c
from kept.indicators.delivery import closed_quantile
from kept.indicators.flow import COMPLETIONS
from kept.indicators.measured import Measured, absent, missing, share
from kept.indicators.windows import View

_CONTACTS = tuple(range(c.CONTACTS, c.CONTACTS_WITH_CASE))


def measure(view: View) -> Iterator[Measured]:
    """All indicators of the work, for the whole service and its slices."""
    yield share("first_time_right", view.count(c.FIRST_TIME_RIGHT), view.count(*COMPLETIONS))
    yield rework(view)
    contacts = view.count(*_CONTACTS)
    if not view.provided(*_CONTACTS):
        yield missing("failure_demand", "no_contacts")
    elif not view.provided(c.CONTACTS_WITH_CASE):
        yield missing("failure_demand", "no_case_ids")._replace(
            numerator=view.count(c.FAILURE_DEMAND), denominator=contacts, n=contacts
        )
    else:
        yield share("failure_demand", view.count(c.FAILURE_DEMAND), contacts)
    if not view.provided(c.WORK_ELAPSED_MS):
        yield missing("flow_efficiency", "no_step_times")
    else:
        yield _flow_efficiency(view)


def measure_step(view: View) -> Iterator[Measured]:
    """What is said of a single step of the work."""
    yield rework(view)
    yield closed_quantile("waiting_by_step_p50", view.histogram(c.WAITING), 0.5)


def rework(view: View) -> Measured:
    """rework_share."""
    if not view.provided(c.STEPS):
        return missing("rework_share", "no_steps")
    return share("rework_share", view.count(c.REPEATS), view.count(c.STEPS))


def _flow_efficiency(view: View) -> Measured:
    work, elapsed = view.count(c.WORK_MS), view.count(c.WORK_ELAPSED_MS)
    n = view.count(c.COMPLETED_WITH_WORK)
    if elapsed <= 0:
        return absent("flow_efficiency", "no_volume", numerator=work / 1000, denominator=elapsed / 1000, n=n)
    return Measured("flow_efficiency", work / elapsed, work / 1000, elapsed / 1000, n)
