"""Why a point has no value, or what is to be known beside it: the reasons of `Point.reason` in words for people."""

from __future__ import annotations

from typing import Final

REASONS: Final[dict[str, str]] = {
    "immature": "window too short",
    "no_volume": "nothing to count in this window",
    "too_many_open": "too many cases are still open to say",
    "nothing_open": "no case is open",
    "no_promise": "no promise is recorded for any case",
    "no_completions": "nothing was completed",
    "no_cost_booked": "no cost was ever booked",
    "no_rate": "the catalogue states no rate for it",
    "no_steps": "no work steps are recorded",
    "no_step_times": "steps are recorded without start and end",
    "no_feedback": "nobody was asked, or nobody answered",
    "no_feedback_offered": "how many were asked is not recorded",
    "no_contacts": "contacts are not recorded",
    "no_case_ids": "contacts come without a case to join them to",
    "no_channels": "channels are not recorded",
    "no_transactions": "transactions are not recorded",
    "few_people": "too few people to show",
    "no_time": "the window has no length yet",
}
"""Reason -> words. A reason that is not here is shown as it is."""
