"""Every error Kept raises on purpose, as three verbs: try later, put the event aside, or let a person act.

KeptError
|-- Retry   the same call may succeed later (a store or broker is away)
|   `-- SpoolFull   the disk spool has no room until the broker takes events
|-- Reject  this one event cannot be counted: it goes to the dead letters with a reason code
`-- Stop    nothing sensible can be done before a person acts
    |-- ConfigurationError   a setting, catalogue or mapping makes no sense
    `-- StateError           durable state contradicts itself or the log
"""

from __future__ import annotations

from typing import Literal, get_args

RejectReason = Literal[
    "undecodable",
    "unknown_type",
    "invalid",
    "unknown_service",
    "unknown_channel",
    "case_mismatch",
    "currency_mismatch",
    "amount_precision",
    "time_out_of_range",
    "too_many_facts",
    "future",
]
"""Why an event was put aside; a closed set, also the label of the dead-letter counter."""

REJECT_REASONS: tuple[RejectReason, ...] = get_args(RejectReason)


class KeptError(Exception):
    """Base of all errors that Kept raises on purpose."""


class Retry(KeptError):
    """The call may succeed later; nothing was lost and nothing must be skipped meanwhile."""


class SpoolFull(Retry):
    """The disk spool has no room until the broker takes events; what was handed over is not accepted."""


class Reject(KeptError):
    """One event that cannot be counted, with its `reason` code and a sentence for people.

    The sentence never carries a case id or another value from the event's personal part.
    """

    def __init__(self, reason: RejectReason, message: str) -> None:
        super().__init__(message)
        self.reason: RejectReason = reason


class Stop(KeptError):
    """A person must act; the message says what was seen, what is valid and what to do."""


class ConfigurationError(Stop):
    """A setting, catalogue entry or mapping that makes no sense; names the file and the key."""


class StateError(Stop):
    """Durable state that contradicts itself or the log; continuing would miscount."""
