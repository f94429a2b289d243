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

SCHEDULED: Final = frozenset({DUE, DUE_KEPT, RISK_ENTERED, RISK_LEFT, OVERDUE_ENTERED, OVERDUE_LEFT})
"""Counters in buckets where nothing need have happened: a promise may fall due before the first event."""

OUTCOME_INDEX: Final = {outcome: index for index, outcome in enumerate(get_args(Outcome))}
CONTACT_INDEX: Final = {reason: index for index, reason in enumerate(get_args(ContactReason))}
COST_INDEX: Final = {category: index for index, category in enumerate(get_args(CostCategory))}
RESULT_INDEX: Final = {result: index for index, result in enumerate(get_args(TransactionResult))}
FAILURE_REASONS: Final = frozenset({CONTACT_INDEX["chase_progress"], CONTACT_INDEX["challenge_decision"]})
WITHDRAWN_INDEX: Final = OUTCOME_INDEX["withdrawn"]
DUPLICATE_INDEX: Final = OUTCOME_INDEX["duplicate"]
REJECTED_INDEX: Final = OUTCOME_INDEX["rejected"]
COMPLETED_BY_KIND: Final = {"digital": COMPLETED_DIGITAL, "assisted": COMPLETED_ASSISTED, "staff": COMPLETED_STAFF}
