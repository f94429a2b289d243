"""The closed set of counters in a tally. A tally maps counter number -> signed integer.

Numbers below 4096 are plain counters; `family + bin` with family a multiple of 4096 is a bin of a histogram. Numbers
are part of the state format: never reuse one.
"""

from __future__ import annotations

from typing import Final, get_args

from kept.events import ContactReason, CostCategory, Outcome, TransactionResult

# in the bucket of the opening
OPENED: Final = 1
# in the bucket of the completion (or of the withdrawal)
COMPLETED: Final = 10  # + index of the outcome; 10..14
WITHDRAWN: Final = 14
KEPT: Final = 15
LATE: Final = 16
FIRST_TIME_RIGHT: Final = 17
WORK_MS: Final = 18
WORK_ELAPSED_MS: Final = 19
ELAPSED_MS: Final = 20
COMPLETED_BEFORE_OPENING: Final = 21
COMPLETED_DIGITAL: Final = 22
COMPLETED_ASSISTED: Final = 23
COMPLETED_STAFF: Final = 24
COMPLETED_WITH_WORK: Final = 25
WRONG_CHANNEL: Final = 26
WRONG_CHANNEL_EXCESS: Final = 27
# in the bucket of the effective due
DUE: Final = 30
DUE_KEPT: Final = 31
# stocks: entered minus left, summed from the beginning, is how many there are
BACKLOG_ENTERED: Final = 40
BACKLOG_LEFT: Final = 41
PAUSED_ENTERED: Final = 42
PAUSED_LEFT: Final = 43
RISK_ENTERED: Final = 44
RISK_LEFT: Final = 45
OVERDUE_ENTERED: Final = 46
OVERDUE_LEFT: Final = 47
# in the bucket of the event's own time
REOPENED: Final = 50
DUE_CHANGED: Final = 51
CONTACTS: Final = 60  # + index of the reason; 60..64
CONTACTS_WITH_CASE: Final = 65
FAILURE_DEMAND: Final = 66
FEEDBACK_OFFERED: Final = 70
RATINGS: Final = 70  # + rating 1..5; 71..75
COST_BOOKINGS: Final = 80
COST: Final = 81  # + index of the category, in minor units; 81..89
# in the bucket of the registration, of the whole service only
CHANGED: Final = 90
CHANGED_DOWN: Final = 1000  # + number of the indicator that is expected to fall
CHANGED_UP: Final = 2000  # + number of the indicator that is expected to rise
# in the bucket of the transaction's start
TRANSACTIONS: Final = 100
TRANSACTION_RESULTS: Final = 101  # + index of the result; 101..104
# in the bucket of the step's start
STEPS: Final = 110
REPEATS: Final = 111

FAMILY_SIZE: Final = 4096
COMPLETION_TIME: Final = 1 * FAMILY_SIZE  # in the bucket of the opening
WITHDRAWAL_TIME: Final = 2 * FAMILY_SIZE  # in the bucket of the opening
CLOSED_TIME: Final = 3 * FAMILY_SIZE  # in the bucket of the completion
WAITING: Final = 4 * FAMILY_SIZE  # in the bucket of the step's start, by step only
WHOLE_ONLY: Final = 5 * FAMILY_SIZE
"""Numbers from here on are counted of the whole service alone, by the hour; `kept.target_margins` has the first."""

SCHEDULED: Final = frozenset({DUE, DUE_KEPT, RISK_ENTERED, RISK_LEFT, OVERDUE_ENTERED, OVERDUE_LEFT})
"""Counters in buckets where nothing need have happened: a promise may fall due before the first event."""


def is_told_by_the_work(number: int) -> bool:
    """Whether a counter shows that the service's own system told something in its bucket: not what was only scheduled
    for it, nor a change that somebody registered."""
    return number not in SCHEDULED and number != CHANGED and not CHANGED_DOWN <= number < CHANGED_UP + 1000


OUTCOME_INDEX: Final = {outcome: index for index, outcome in enumerate(get_args(Outcome))}
CONTACT_INDEX: Final = {reason: index for index, reason in enumerate(get_args(ContactReason))}
COST_INDEX: Final = {category: index for index, category in enumerate(get_args(CostCategory))}
RESULT_INDEX: Final = {result: index for index, result in enumerate(get_args(TransactionResult))}
FAILURE_REASONS: Final = frozenset({CONTACT_INDEX["chase_progress"], CONTACT_INDEX["challenge_decision"]})
WITHDRAWN_INDEX: Final = OUTCOME_INDEX["withdrawn"]
DUPLICATE_INDEX: Final = OUTCOME_INDEX["duplicate"]
REJECTED_INDEX: Final = OUTCOME_INDEX["rejected"]
COMPLETED_BY_KIND: Final = {"digital": COMPLETED_DIGITAL, "assisted": COMPLETED_ASSISTED, "staff": COMPLETED_STAFF}


def completed_by_kind(kind: int | str) -> int:
    """The counter of completions by a kind of channel, given as that or, in what was kept before, as a word."""
    return kind if isinstance(kind, int) else COMPLETED_BY_KIND[kind]


INDICATOR_NUMBERS: Final = {
    "arrivals": 1,
    "completions": 2,
    "withdrawals": 3,
    "net_flow": 4,
    "backlog": 5,
    "paused": 6,
    "backlog_age_0_1d": 7,
    "backlog_age_1_3d": 8,
    "backlog_age_3_7d": 9,
    "backlog_age_7_30d": 10,
    "backlog_age_30_90d": 11,
    "backlog_age_over_90d": 12,
    "oldest_open": 13,
    "backlog_days": 14,
    "delivery_time_closed_p50": 15,
    "delivery_time_closed_p75": 16,
    "delivery_time_closed_p90": 17,
    "delivery_time_closed_p95": 18,
    "delivery_time_p50": 19,
    "delivery_time_p75": 20,
    "delivery_time_p90": 21,
    "delivery_time_p95": 22,
    "promise_kept_closed": 23,
    "promise_kept": 24,
    "at_risk": 25,
    "overdue": 26,
    "cost_per_transaction": 27,
    "cost_per_outcome": 28,
    "cost_of_waste_rework_modelled": 29,
    "cost_of_waste_failure_demand_modelled": 30,
    "cost_of_waste_wrong_channel_modelled": 31,
    "cost_of_waste_rework_booked": 32,
    "cost_of_waste_failure_demand_booked": 33,
    "satisfaction_score": 34,
    "satisfied_share": 35,
    "response_rate": 36,
    "completion_rate": 37,
    "digital_take_up": 38,
    "first_time_right": 39,
    "rework_share": 40,
    "failure_demand": 41,
    "flow_efficiency": 42,
    "waiting_by_step_p50": 43,
    "closings_by_margin": 44,
    "reopened_by_margin": 45,
    "promises_moved_by_margin": 46,
    "clocks_stopped_by_margin": 47,
}
"""The number by which a registered change names what it is expected to move. A new indicator takes the next one."""
